using System.Diagnostics.Metrics;
using System.Reflection;

namespace Macula.Tests.Meshes;

/// <summary>Counts what one node measures from now on; bound to the node's own meter, since all nodes of a process have one of the same name.</summary>
public sealed class NodeMeter : IDisposable
{
    private static readonly string[] Refusing =
        ["macula.connections.refused", "macula.protocol.errors", "macula.requests.refused", "macula.records.refused", "macula.events.refused", "macula.call.server.duration"];

    private readonly Lock _gate = new();
    private readonly SortedDictionary<string, long> _counts = new(StringComparer.Ordinal);
    private readonly MeterListener _listener = new();

    public NodeMeter(MaculaPeer node)
    {
        var meter = MeterOf(node);
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter == meter)
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<long>((instrument, measurement, tags, _) => Add(instrument, tags, measurement));
        _listener.SetMeasurementEventCallback<double>((instrument, _, tags, _) => Add(instrument, tags, 1));
        _listener.Start();
    }

    /// <summary>What the node has refused: instrument, code and how often, in the order of names. A call that was served well is none.</summary>
    public IReadOnlyList<string> Refusals
    {
        get
        {
            lock (_gate)
            {
                return [.. _counts.Where(entry => IsRefusal(entry.Key)).Select(entry => $"{entry.Key} {entry.Value}")];
            }
        }
    }

    /// <summary>The sum of a counter, or the number of a histogram's values, under one tag.</summary>
    public long Count(string instrument, string tag)
    {
        lock (_gate)
        {
            return _counts.GetValueOrDefault($"{instrument} {tag}");
        }
    }

    public void Dispose() => _listener.Dispose();

    private static bool IsRefusal(string name) => Refusing.Contains(name.Split(' ')[0]) && !name.EndsWith(" NoError", StringComparison.Ordinal);

    private void Add(Instrument instrument, ReadOnlySpan<KeyValuePair<string, object?>> tags, long count)
    {
        var name = tags.Length == 0 ? instrument.Name : $"{instrument.Name} {tags[0].Value}";
        lock (_gate)
        {
            _counts[name] = _counts.GetValueOrDefault(name) + count;
        }
    }

    private static Meter MeterOf(MaculaPeer node)
    {
        const BindingFlags Any = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;
        var context = typeof(MaculaPeer).GetField("_realm", Any)!.GetValue(node)!;
        var services = context.GetType().GetProperty("Services", Any)!.GetValue(context)!;
        var metrics = services.GetType().GetProperty("Metrics", Any)!.GetValue(services)!;
        return (Meter)metrics.GetType().GetField("_meter", Any)!.GetValue(metrics)!;
    }
}
