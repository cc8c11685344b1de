using System.Diagnostics.CodeAnalysis;
using Macula.Transport.Quic.Streams;

namespace Macula.Transport.Quic.Connections;

/// <summary>A connection's live streams, and which of them have something to send. On the loop's thread.</summary>
/// <remarks>
/// Bounded by the stream limits that both sides declare. The Handle methods are called while ngtcp2 reads a packet: they must not
/// call it back.
/// </remarks>
internal sealed class StreamTable(QuicConnection connection)
{
    private readonly Dictionary<long, QuicStream> _streams = [];
    private readonly Queue<QuicStream> _sendable = new();

    /// <summary>Enters a stream that this side opened.</summary>
    public void Add(QuicStream stream) => _streams.Add(stream.Id, stream);

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

    /// <summary>The other side opened a stream.</summary>
    public void HandleOpen(long id)
    {
        var stream = new QuicStream(connection, id);
        _streams.Add(id, stream);
        if (!connection.Incoming.TryAdd(stream))
        {
            // Closed by the application in this moment; the loop is about to learn it.
            stream.Fail(connection.EndOrDefault);
        }
    }

    /// <summary>Bytes arrived, in order and once.</summary>
    public void HandleBytes(long id, ReadOnlySpan<byte> bytes, WriteEnd end)
    {
        if (!_streams.TryGetValue(id, out var stream) || !stream.Receive!.Append(bytes, end))
        {
            connection.Credit.Consume(bytes.Length);
        }
    }

    /// <summary>The other side has everything up to an offset; a new length of 0 tells of the stream's end alone.</summary>
    public void HandleAcknowledged(long id, long endOffset, long newLength)
    {
        if (_streams.TryGetValue(id, out var stream))
        {
            stream.Send!.Acknowledge(endOffset, newLength);
        }
    }

    /// <summary>The other side ended its sending.</summary>
    public void HandleReset(long id, ulong code)
    {
        if (_streams.TryGetValue(id, out var stream))
        {
            stream.HandleReset(code);
        }
    }

    /// <summary>The other side reads no more; ngtcp2 has reset our sending.</summary>
    public void HandleStopSending(long id, ulong code)
    {
        if (_streams.TryGetValue(id, out var stream))
        {
            stream.Send?.Fail(StreamFailure.AbortedBy(code));
        }
    }

    /// <summary>QUIC is through with a stream.</summary>
    public void HandleClose(long id)
    {
        if (_streams.Remove(id, out var stream))
        {
            stream.HandleClosed();
        }
    }

    /// <summary>The other side takes more bytes of a stream.</summary>
    public void HandleCredit(long id)
    {
        if (_streams.TryGetValue(id, out var stream))
        {
            QueueToSend(stream);
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
