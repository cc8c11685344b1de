using System.Net;
using Macula.Connections;
using Macula.Diagnostics;
using Macula.Identity.Realm;
using Macula.Nodes;
using Macula.Protocols.Kademlia;
using Macula.Realms;
using Macula.Transport.Execution;
using Macula.Wire.Errors;
using Macula.Wire.Identifiers;

namespace Macula.Dht;

/// <summary>Brings this node into its realm's DHT, and back when it has lost everybody.</summary>
/// <remarks>The shell of <see cref="Join"/>. Used on the realm's queue only.</remarks>
internal sealed class Joining
{
    // A name of a headless service may stand for hundreds of nodes; a few of them are enough to begin with.
    private const int MaxAddressesPerName = 8;

    // RFC 8305 §5: one address that leads nowhere must not cost the whole time of a handshake.
    private static readonly TimeSpan HeadStart = TimeSpan.FromMilliseconds(500);

    private readonly RealmServices _realm;
    private readonly DhtSettings _settings;
    private readonly Dialer _dialer;
    private readonly RealmEndpoint _endpoint;
    private readonly Overlay _overlay;
    private readonly Join _core;
    private readonly QueueTimer _timer;
    private readonly QueueTimer _review;
    private readonly StaggeredAttempts _attempts;
    private readonly WaitingList _untilJoined;
    private readonly WaitingList _untilSettled;
    private bool _isStopped;

    public Joining(RealmServices realm, SerialQueue queue, DhtSettings settings, Dialer dialer, RealmEndpoint endpoint, Overlay overlay)
    {
        _realm = realm;
        _settings = settings;
        _dialer = dialer;
        _endpoint = endpoint;
        _overlay = overlay;
        _core = new Join(settings.Options.Join, realm.Scheduler.Now);
        _untilJoined = new WaitingList(realm.Scheduler);
        _untilSettled = new WaitingList(realm.Scheduler);
        _timer = new QueueTimer(realm, queue, HandleTimeout);
        _review = new QueueTimer(realm, queue, () => realm.Tasks.Run(ReviewAsync));
        _attempts = new StaggeredAttempts(realm, HeadStart);
        overlay.PopulationChanged = HandlePopulation;
    }

    /// <summary>True once somebody answered the lookup of this node, and until everybody is gone.</summary>
    public bool IsJoined => _core.IsJoined;

    /// <summary>Why the last attempt failed; null before the first one did, and once the node is in.</summary>
    public string? Failure { get; private set; }

    /// <summary>Called each time the node has come in.</summary>
    public Action? Joined { get; set; }

    /// <summary>Begins.</summary>
    public void Start()
    {
        ScheduleReview();
        Pump();
    }

    /// <summary>Completes when the node is in.</summary>
    /// <exception cref="OperationCanceledException">The token fired; joining goes on.</exception>
    /// <exception cref="MaculaException">The node stops.</exception>
    public ValueTask WaitAsync(CancellationToken cancellationToken) => IsJoined ? ValueTask.CompletedTask : _untilJoined.WaitAsync(cancellationToken);

    /// <summary>Completes when the node is in, or an attempt has shown that nobody is there.</summary>
    /// <inheritdoc cref="WaitAsync(CancellationToken)"/>
    public ValueTask SettleAsync(CancellationToken cancellationToken) =>
        IsJoined || Failure is not null ? ValueTask.CompletedTask : _untilSettled.WaitAsync(cancellationToken);

    /// <summary>Joins no more.</summary>
    public void Stop()
    {
        _isStopped = true;
        _timer.Stop();
        _review.Stop();
        _untilJoined.Close();
        _untilSettled.Close();
    }

    private void HandleTimeout()
    {
        _core.HandleTimeout(_realm.Scheduler.Now, _realm.Random);
        Pump();
    }

    // A node that was found, or that found this one, is as good as a bootstrap that answered.
    private void HandlePopulation()
    {
        if (_overlay.Count > 0)
        {
            _core.HandleAnswered();
        }
        else
        {
            _core.HandleIsolated(_realm.Scheduler.Now, _realm.Random);
        }

        Pump();
    }

    private void Pump()
    {
        if (_isStopped)
        {
            return;
        }

        while (_core.TryPoll(_realm.Scheduler.Now, out var output))
        {
            switch (output)
            {
                case JoinOutput.AskBootstraps:
                    _realm.Tasks.Run(AskBootstrapsAsync);
                    break;
                case JoinOutput.LookUpSelf:
                    _realm.Tasks.Run(LookUpSelfAsync);
                    break;
                case JoinOutput.Joined:
                    HandleJoined();
                    break;
            }
        }

        _timer.Set(_core.PollTimeout());
    }

    private void HandleJoined()
    {
        Failure = null;
        _realm.Logger.Joined(_overlay.Count);
        _overlay.RefreshAll();
        _untilJoined.Release();
        _untilSettled.Release();

        Joined?.Invoke();
    }

    private void HandleFailure(string reason, Loudness loudness = Loudness.Warning)
    {
        if (_isStopped)
        {
            return;
        }

        if (loudness == Loudness.Quiet && Failure != reason)
        {
            _realm.Logger.WaitsForOthers(reason);
        }

        Failure = reason;
        _core.HandleUnanswered(_realm.Scheduler.Now, _realm.Random);
        if (loudness == Loudness.Warning && _realm.JoinGate.TryPass(_realm.Scheduler.Now, out var suppressed))
        {
            _realm.Logger.JoinFailed(_realm.Realm, reason, suppressed);
        }

        _untilSettled.Release();

        Pump();
    }

    private async Task LookUpSelfAsync()
    {
        var answered = 0;
        try
        {
            answered = (await _overlay.LookUpAsync(LookupGoal.Nodes, DhtKey.PlaceOf(_realm.Self.NodeId))).Closest.Length;
        }
        catch (MaculaException)
        {
            // The node stops, or is too busy: it tries again.
        }

        _core.HandleSelfLookup(answered, _realm.Scheduler.Now, _realm.Random);
        if (answered == 0)
        {
            HandleFailure("nobody answered when this node looked for its neighbours");
        }

        Pump();
    }

    private async Task AskBootstrapsAsync()
    {
        var answers = await Task.WhenAll(_settings.Bootstraps.Select(bootstrap => AskAsync(bootstrap, MeetAsync)));
        if (_overlay.Count > 0 || answers.Any(answer => answer is BootstrapAnswer.Alive))
        {
            // Whoever is in the table is as good as a bootstrap that answered; one that answered and is not there may not hold records.
            _core.HandleAnswered();
            Pump();
        }
        else if (_settings.Mode == DhtMode.Server && answers.All(answer => answer is BootstrapAnswer.Self))
        {
            // The first node of a realm has nobody to ask, which is as it should be: others will ask it.
            HandleFailure("this node has no bootstrap but itself", Loudness.Quiet);
        }
        else
        {
            HandleFailure(answers.Length == 0 ? "the realm file names no bootstrap" : string.Join("; ", answers.OfType<BootstrapAnswer.Failed>().Select(failed => failed.Reason)));
        }
    }

    // [KAD-23]: parts of a realm that have forgotten each other have a bootstrap in common.
    private async Task ReviewAsync()
    {
        if (IsJoined && _settings.Bootstraps is { IsEmpty: false } bootstraps)
        {
            await AskAsync(bootstraps[(int)(_realm.Random.NextUInt64() % (ulong)bootstraps.Length)], HearNeighboursAsync);
        }

        ScheduleReview();
    }

    private void ScheduleReview() => _review.Set(_realm.Scheduler.Now + (_settings.Options.Join.ReviewInterval * (0.5 + (0.5 * _realm.Random.NextDouble()))));

    private async Task<BootstrapAnswer> AskAsync(BootstrapAddress bootstrap, Func<NodeAddress, ValueTask<bool>> question)
    {
        try
        {
            var resolved = await _endpoint.ResolveAsync(bootstrap.Host);
            var others = resolved.Select(address => NodeAddress.From(new IPEndPoint(address, bootstrap.Port))).Where(address => !_settings.Addresses.Contains(address)).ToArray();
            if (others.Length == 0)
            {
                return resolved.Count == 0 ? new BootstrapAnswer.Failed($"{bootstrap}: the name has no address") : new BootstrapAnswer.Self();
            }

            // Another part of a long list each time, so that one whose first nodes are gone still leads somewhere.
            var first = others.Length <= MaxAddressesPerName ? 0 : (int)(_realm.Random.NextUInt64() % (ulong)others.Length);
            var chosen = others.Skip(first).Concat(others.Take(first)).Take(MaxAddressesPerName);
            await _attempts.RunAsync([.. chosen.Select<NodeAddress, Func<ValueTask<bool>>>(address => () => question(address))], CancellationToken.None);
            return new BootstrapAnswer.Alive();
        }
        catch (MaculaException exception)
        {
            // [CON-4]: a dial to an address alone finds another node than it wants only where it finds itself.
            return exception.Code == ErrorCode.UnexpectedNode ? new BootstrapAnswer.Self() : new BootstrapAnswer.Failed($"{bootstrap}: {exception.Message}");
        }
    }

    private async ValueTask<bool> MeetAsync(NodeAddress address)
    {
        await _overlay.MeetAsync(await DialAsync(address), address);
        return true;
    }

    private async ValueTask<bool> HearNeighboursAsync(NodeAddress address)
    {
        await _overlay.HearNeighboursAsync(await DialAsync(address));
        return true;
    }

    private ValueTask<MeshConnection> DialAsync(NodeAddress address) => _dialer.ConnectAsync(address.ToEndPoint(), wanted: null, CancellationToken.None);

    private enum Loudness
    {
        Quiet,
        Warning,
    }

    /// <summary>What came of asking a bootstrap.</summary>
    private abstract record BootstrapAnswer
    {
        public sealed record Alive : BootstrapAnswer;

        public sealed record Self : BootstrapAnswer;

        public sealed record Failed(string Reason) : BootstrapAnswer;
    }
}
