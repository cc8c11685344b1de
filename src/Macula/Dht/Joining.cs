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

    private readonly RealmServices _realm;
    private readonly DhtSettings _settings;
    private readonly Dialer _dialer;
    private readonly RealmEndpoint _endpoint;
    private readonly Overlay _overlay;
    private readonly Join _core;
    private readonly QueueTimer _timer;
    private readonly List<Completion<bool>> _untilJoined = [];
    private readonly List<Completion<bool>> _untilSettled = [];
    private bool _isStopped;

    public Joining(RealmServices realm, SerialQueue queue, DhtSettings settings, Dialer dialer, RealmEndpoint endpoint, Overlay overlay)
    {
        _realm = realm;
        _settings = settings;
        _dialer = dialer;
        _endpoint = endpoint;
        _overlay = overlay;
        _core = new Join(settings.Options.Join, realm.Scheduler.Now);
        _timer = new QueueTimer(realm, queue, HandleTimeout);
        overlay.PopulationChanged = HandlePopulation;
    }

    /// <summary>True once somebody answered the lookup of this node, and until everybody is gone.</summary>
    public bool IsJoined => _core.IsJoined;

    /// <summary>Why the last attempt failed; null before the first one did, and once the node is in.</summary>
    public string? Failure { get; private set; }

    /// <summary>Called each time the node has come in.</summary>
    public Action? Joined { get; set; }

    /// <summary>Begins.</summary>
    public void Start() => Pump();

    /// <summary>Completes when the node is in.</summary>
    /// <exception cref="OperationCanceledException">The token fired; joining goes on.</exception>
    /// <exception cref="MaculaException">The node stops.</exception>
    public ValueTask WaitAsync(CancellationToken cancellationToken) => IsJoined ? ValueTask.CompletedTask : WaitAsync(_untilJoined, cancellationToken);

    /// <summary>Completes when the node is in, or an attempt has shown that nobody is there.</summary>
    /// <inheritdoc cref="WaitAsync(CancellationToken)"/>
    public ValueTask SettleAsync(CancellationToken cancellationToken) =>
        IsJoined || Failure is not null ? ValueTask.CompletedTask : WaitAsync(_untilSettled, cancellationToken);

    /// <summary>Joins no more.</summary>
    public void Stop()
    {
        _isStopped = true;
        _timer.Stop();
        foreach (var waiting in _untilJoined.Concat(_untilSettled))
        {
            waiting.TrySetException(new MaculaException(ErrorCode.ShuttingDown));
        }
    }

    private async ValueTask WaitAsync(List<Completion<bool>> those, CancellationToken cancellationToken)
    {
        if (_isStopped)
        {
            throw new MaculaException(ErrorCode.ShuttingDown);
        }

        var completion = new Completion<bool>(_realm.Scheduler);
        those.Add(completion);
        try
        {
            await completion.CancelledBy(cancellationToken).Task;
        }
        finally
        {
            those.Remove(completion);
        }
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
        foreach (var waiting in _untilJoined.Concat(_untilSettled))
        {
            waiting.TrySetResult(true);
        }

        Joined?.Invoke();
    }

    private void HandleFailure(string reason)
    {
        Failure = reason;
        _core.HandleUnanswered(_realm.Scheduler.Now, _realm.Random);
        if (_realm.JoinGate.TryPass(_realm.Scheduler.Now, out var suppressed))
        {
            _realm.Logger.JoinFailed(_realm.Realm, reason, suppressed);
        }

        foreach (var waiting in _untilSettled)
        {
            waiting.TrySetResult(true);
        }

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
        var failures = await Task.WhenAll(_settings.Bootstraps.Select(AskAsync));
        if (failures.Any(failure => failure is null))
        {
            // Whoever answered is in the table by now, and HandlePopulation has said so; in a realm of which it is the only server, this one is client.
            _core.HandleAnswered();
            Pump();
            return;
        }

        HandleFailure(failures.Length == 0 ? "the realm file names no bootstrap" : string.Join("; ", failures));
    }

    // Null when the bootstrap answered, else why not.
    private async Task<string?> AskAsync(BootstrapAddress bootstrap)
    {
        try
        {
            string? failure = null;
            foreach (var address in (await _endpoint.ResolveAsync(bootstrap.Host)).Take(MaxAddressesPerName))
            {
                failure = await AskAsync(NodeAddress.From(new IPEndPoint(address, bootstrap.Port)));
                if (failure is null)
                {
                    return null;
                }
            }

            return failure ?? $"{bootstrap}: the name has no address";
        }
        catch (MaculaException exception)
        {
            return $"{bootstrap}: {exception.Message}";
        }
    }

    private async Task<string?> AskAsync(NodeAddress address)
    {
        if (_settings.Addresses.Contains(address))
        {
            return $"{address}: is this node itself";
        }

        try
        {
            var connection = await _dialer.ConnectAsync(address.ToEndPoint(), wanted: null, CancellationToken.None);
            await _overlay.MeetAsync(connection, address);
            return null;
        }
        catch (MaculaException exception)
        {
            return $"{address}: {exception.Message}";
        }
    }
}
