using System.Diagnostics.Metrics;
using Macula.Wire.Errors;

namespace Macula.Diagnostics;

/// <summary>The instruments of the library, on the meter "Macula". Tags have bounded values: names of error codes and directions.</summary>
internal sealed class MeshMetrics : IDisposable
{
    private const string MeterName = "Macula";

    private readonly Meter _meter = new(MeterName);
    private readonly UpDownCounter<long> _connections;
    private readonly Counter<long> _refusals;
    private readonly Counter<long> _protocolErrors;
    private readonly Histogram<double> _outgoingCalls;
    private readonly Histogram<double> _incomingCalls;

    public MeshMetrics()
    {
        _connections = _meter.CreateUpDownCounter<long>("macula.connections.active", "{connection}", "Connections that are up.");
        _refusals = _meter.CreateCounter<long>("macula.connections.refused", "{connection}", "Connections that this node refused, by code.");
        _protocolErrors = _meter.CreateCounter<long>("macula.protocol.errors", "{error}", "Violations of the protocol by other nodes, by code.");
        _outgoingCalls = _meter.CreateHistogram<double>("macula.call.client.duration", "s", "Time of calls that this node made, by outcome.");
        _incomingCalls = _meter.CreateHistogram<double>("macula.call.server.duration", "s", "Time of calls that this node served, by outcome.");
    }

    public void ConnectionOpened() => _connections.Add(1);

    public void ConnectionClosed() => _connections.Add(-1);

    public void ConnectionRefused(ErrorCode code) => _refusals.Add(1, Tag(code));

    public void ProtocolViolated(ErrorCode code) => _protocolErrors.Add(1, Tag(code));

    public void CallMade(TimeSpan elapsed, ErrorCode outcome) => _outgoingCalls.Record(elapsed.TotalSeconds, Tag(outcome));

    public void CallServed(TimeSpan elapsed, ErrorCode outcome) => _incomingCalls.Record(elapsed.TotalSeconds, Tag(outcome));

    public void Dispose() => _meter.Dispose();

    // A code that has no name came from a newer node; all of those share one tag value, so that values stay bounded.
    private static KeyValuePair<string, object?> Tag(ErrorCode code) => new("code", Enum.GetName(code) ?? "unknown");
}
