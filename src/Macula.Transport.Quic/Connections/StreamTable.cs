using System.Diagnostics.CodeAnalysis;
using Macula.Transport.Quic.Streams;

namespace Macula.Transport.Quic.Connections;

/// <summary>A connection's live streams, and which of them have something to send. On the loop's thread.</summary>
/// <remarks>Bounded by the stream limits that both sides declare.</remarks>
internal sealed class StreamTable
{
    private readonly Dictionary<long, QuicStream> _streams = [];
    private readonly Queue<QuicStream> _sendable = new();

    public void Add(QuicStream stream) => _streams.Add(stream.Id, stream);

    public bool TryFind(long id, [NotNullWhen(true)] out QuicStream? stream) => _streams.TryGetValue(id, out stream);

    public bool TryRemove(long id, [NotNullWhen(true)] out QuicStream? stream) => _streams.Remove(id, out stream);

    /// <summary>Has the stream take its turn in sending.</summary>
    public void QueueToSend(QuicStream stream)
    {
        if (!stream.IsQueuedToSend)
        {
            stream.IsQueuedToSend = true;
            _sendable.Enqueue(stream);
        }
    }

    /// <summary>The stream whose turn it is.</summary>
    public bool TryPeekSendable([NotNullWhen(true)] out QuicStream? stream) => _sendable.TryPeek(out stream);

    /// <summary>Takes the stream whose turn it is out of the queue.</summary>
    public void DropSendable() => _sendable.Dequeue().IsQueuedToSend = false;

    /// <summary>Ends the turn of the stream whose turn it is; it stays in the queue.</summary>
    public void RotateSendable()
    {
        if (_sendable.Count > 1)
        {
            _sendable.Enqueue(_sendable.Dequeue());
        }
    }

    /// <summary>Ends every stream with the connection. The native connection is gone: what it referred to is freed.</summary>
    public void FailAll(ConnectionEnd end)
    {
        foreach (var stream in _streams.Values)
        {
            stream.Fail(end);
            stream.Send?.Free();
        }

        _streams.Clear();
        _sendable.Clear();
    }
}
