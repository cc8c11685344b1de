using System.Diagnostics.Metrics;
using Macula.Protocols.Kademlia;
using Macula.Protocols.PubSub;
using Macula.Wire.Errors;
using Macula.Wire.Frames;

namespace Macula.Diagnostics;

/// <summary>The instruments of the library, on the meter "Macula". Tags have bounded values: names of error codes and directions.</summary>
internal sealed class MeshMetrics : IDisposable
{
    private const string MeterName = "Macula";

    // Made once, since every event has one.
    private static readonly KeyValuePair<string, object?>[] OutcomeTags = [.. Enum.GetValues<EnqueueOutcome>().Select(outcome => new KeyValuePair<string, object?>("outcome", outcome.ToString()))];

    private readonly Meter _meter = new(MeterName);
    private readonly UpDownCounter<long> _connections;
    private readonly Counter<long> _refusals;
    private readonly Counter<long> _protocolErrors;
    private readonly Histogram<double> _outgoingCalls;
    private readonly Histogram<double> _incomingCalls;
    private readonly Histogram<double> _lookups;
    private readonly Counter<long> _dhtRequests;
    private readonly Counter<long> _dhtRefusals;
    private readonly Counter<long> _requestsRefused;
    private readonly Counter<long> _recordsRefused;
    private readonly Counter<long> _watchersLost;
    private readonly Counter<long> _eventsPublished;
    private readonly Counter<long> _eventsSent;
    private readonly Counter<long> _eventsReceived;
    private readonly Counter<long> _eventsDelivered;
    private readonly Counter<long> _eventsRefused;

    public MeshMetrics()
    {
        _connections = _meter.CreateUpDownCounter<long>("macula.connections.active", "{connection}", "Connections that are up.");
        _refusals = _meter.CreateCounter<long>("macula.connections.refused", "{connection}", "Connections that this node refused, by code.");
        _protocolErrors = _meter.CreateCounter<long>("macula.protocol.errors", "{error}", "Violations of the protocol by other nodes, by code.");
        _outgoingCalls = _meter.CreateHistogram<double>("macula.call.client.duration", "s", "Time of calls that this node made, by outcome.");
        _incomingCalls = _meter.CreateHistogram<double>("macula.call.server.duration", "s", "Time of calls that this node served, by outcome.");
        _lookups = _meter.CreateHistogram<double>("macula.lookup.duration", "s", "Time of lookups in the DHT, by how they ended.");
        _dhtRequests = _meter.CreateCounter<long>("macula.dht.requests", "{request}", "Requests of the DHT that this node answered, by kind.");
        _dhtRefusals = _meter.CreateCounter<long>("macula.dht.refused", "{request}", "Requests of the DHT that this node answered with an error, by code.");
        _requestsRefused = _meter.CreateCounter<long>("macula.requests.refused", "{request}", "Requests of other nodes that this node refused since a limit was reached, by code.");
        _recordsRefused = _meter.CreateCounter<long>("macula.records.refused", "{record}", "Records of others that this node did not use, by code.");
        _watchersLost = _meter.CreateCounter<long>("macula.watchers.lost", "{watcher}", "Nodes that lost their watches here since they did not answer a push.");
        _eventsPublished = _meter.CreateCounter<long>("macula.events.published", "{event}", "Events that this node published.");
        _eventsSent = _meter.CreateCounter<long>("macula.events.sent", "{event}", "Events queued for a subscribing node, by what became of them.");
        _eventsReceived = _meter.CreateCounter<long>("macula.events.received", "{event}", "Events that arrived from other nodes and were accepted.");
        _eventsDelivered = _meter.CreateCounter<long>("macula.events.delivered", "{event}", "Events queued for a subscription of this node, by what became of them.");
        _eventsRefused = _meter.CreateCounter<long>("macula.events.refused", "{event}", "Events of other nodes that the policy forbids, by code; their lanes ended with them.");
    }

    public void ConnectionOpened() => _connections.Add(1);

    public void ConnectionClosed() => _connections.Add(-1);

    public void ConnectionRefused(ErrorCode code) => _refusals.Add(1, Tag(code));

    public void ProtocolViolated(ErrorCode code) => _protocolErrors.Add(1, Tag(code));

    public void CallMade(TimeSpan elapsed, ErrorCode outcome) => _outgoingCalls.Record(elapsed.TotalSeconds, Tag(outcome));

    public void CallServed(TimeSpan elapsed, ErrorCode outcome) => _incomingCalls.Record(elapsed.TotalSeconds, Tag(outcome));

    public void LookupFinished(TimeSpan elapsed, LookupEnd end) => _lookups.Record(elapsed.TotalSeconds, new KeyValuePair<string, object?>("end", end.ToString()));

    public void DhtRequestServed(FrameType request) => _dhtRequests.Add(1, new KeyValuePair<string, object?>("request", request.ToString()));

    public void DhtRequestRefused(ErrorCode code) => _dhtRefusals.Add(1, Tag(code));

    public void RequestRefused(ErrorCode code) => _requestsRefused.Add(1, Tag(code));

    public void RecordRefused(ErrorCode code) => _recordsRefused.Add(1, Tag(code));

    public void WatcherLost() => _watchersLost.Add(1);

    public void EventPublished() => _eventsPublished.Add(1);

    public void EventSent(EnqueueOutcome outcome) => _eventsSent.Add(1, OutcomeTags[(int)outcome]);

    public void EventReceived() => _eventsReceived.Add(1);

    public void EventDelivered(EnqueueOutcome outcome) => _eventsDelivered.Add(1, OutcomeTags[(int)outcome]);

    public void EventRefused(ErrorCode code) => _eventsRefused.Add(1, Tag(code));

    public void Dispose() => _meter.Dispose();

    // A code that has no name came from a newer node; all of those share one tag value, so that values stay bounded.
    private static KeyValuePair<string, object?> Tag(ErrorCode code) => new("code", Enum.GetName(code) ?? "unknown");
}
