using Macula.Wire.Identifiers;

namespace Macula.Testing.Simulation.Invariants;

/// <summary>Invariant 5: a record is served only if valid, in time and newest; the identity on a connection is that of its certificate.</summary>
public sealed class RecordChecker : InvariantChecker
{
    private readonly HashSet<(DhtKey Key, NodeId Publisher)> _advertised = [];
    private readonly Dictionary<(string Holder, DhtKey Key, NodeId Publisher), long> _served = [];

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

        var place = (served.Node, record.Key, record.Publisher);
        if (_served.TryGetValue(place, out var before) && before > record.Sequence)
        {
            Report(served.At, served.Node, $"A record was served that is older than one before ({what}, after {before}).");
        }

        _served[place] = Math.Max(before, record.Sequence);
    }
}
