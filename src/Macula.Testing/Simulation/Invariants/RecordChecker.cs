using Macula.Wire.Identifiers;

namespace Macula.Testing.Simulation.Invariants;

/// <summary>Invariant 5: a record is served only if valid, in time and newest; the identity on a connection is that of its certificate.</summary>
public sealed class RecordChecker : InvariantChecker
{
    // A withdrawal takes a lookup, a signature and a store at each holder; one whose holders are dialled first takes the longest.
    private static readonly TimeSpan WithdrawalTime = TimeSpan.FromSeconds(5);

    private readonly HashSet<(DhtKey Key, NodeId Publisher)> _advertised = [];
    private readonly Dictionary<(DhtKey Key, NodeId Publisher), Observation.Withdrawn> _withdrawn = [];
    private readonly Dictionary<(string Holder, DhtKey Key, NodeId Publisher), long> _served = [];
    private bool _isSettled;

    /// <inheritdoc/>
    public override int Invariant => 5;

    /// <inheritdoc/>
    public override void Handle(Observation observation)
    {
        switch (observation)
        {
            case Observation.Advertised advertised:
                _advertised.Add((advertised.Key, advertised.Publisher));
                break;
            case Observation.Withdrawn withdrawn:
                _withdrawn[(withdrawn.Key, withdrawn.Publisher)] = withdrawn;
                break;
            case Observation.Settled:
                _isSettled = true;
                break;
            case Observation.Started or Observation.Killed or Observation.Stopped:
                Forget(observation.Node);
                break;
            case Observation.IdentitySeen seen when seen.Said != seen.Proven:
                Report(seen.At, seen.Node, $"The connection proves {seen.Proven.ToShortString()}, but whoever speaks on it is {seen.Said.ToShortString()}.");
                break;
            case Observation.RecordServed served:
                HandleServed(served);
                break;
        }
    }

    // A holder that starts anew holds nothing, so what it is given then may be older than what it once had.
    private void Forget(string holder)
    {
        foreach (var key in _served.Keys.Where(key => key.Holder == holder).ToArray())
        {
            _served.Remove(key);
        }
    }

    private void HandleServed(Observation.RecordServed served)
    {
        var record = served.Record;
        var what = $"sequence {record.Sequence} of {record.Publisher.ToShortString()} under {record.Key}";
        if (record.Fault is { } fault)
        {
            Report(served.At, served.Node, $"A record was served that is not valid ({what}): {fault}");
        }

        if (record.Expires + served.Tolerance < served.Now)
        {
            Report(served.At, served.Node, $"A record was served {(served.Now - record.Expires).TotalSeconds:0.000} s after its end ({what}).");
        }

        if (record.IsProvider && !_advertised.Contains((record.Key, record.Publisher)))
        {
            Report(served.At, served.Node, $"A record was served that its publisher never published ({what}).");
        }

        // While things go wrong a holder may not hear of it before the record's time is over. A record that is older than the withdrawal says so by its sequence.
        if (_isSettled && record.IsProvider && _withdrawn.TryGetValue((record.Key, record.Publisher), out var withdrawn)
            && served.At > withdrawn.At + WithdrawalTime && record.Sequence < withdrawn.Now.UnixMilliseconds)
        {
            Report(served.At, served.Node, $"A record was served that its publisher had taken back {(served.At - withdrawn.At).TotalSeconds:0.000} s before ({what}).");
        }

        var place = (served.Node, record.Key, record.Publisher);
        if (_served.TryGetValue(place, out var before) && before > record.Sequence)
        {
            Report(served.At, served.Node, $"A record was served that is older than one before ({what}, after {before}).");
        }

        _served[place] = Math.Max(before, record.Sequence);
    }
}
