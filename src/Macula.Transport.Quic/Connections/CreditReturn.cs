namespace Macula.Transport.Quic.Connections;

/// <summary>Collects, from any thread, what the other side may send again, until the loop tells it.</summary>
internal sealed class CreditReturn(QuicConnection connection, int windowBytes)
{
    // Told in eighths of the window: the sender never runs dry, and the loop is not woken for every read.
    private readonly long _threshold = windowBytes / 8;
    private long _bytes;
    private int _bidiStreams;
    private int _uniStreams;
    private int _asked;

    /// <summary>Notes bytes that were read, or dropped unread.</summary>
    public void Consume(int bytes)
    {
        if (bytes > 0 && Interlocked.Add(ref _bytes, bytes) >= _threshold)
        {
            Ask();
        }
    }

    /// <summary>Notes a stream of the other side's that is over.</summary>
    public void Release(StreamDirection direction)
    {
        Interlocked.Increment(ref direction == StreamDirection.Bidirectional ? ref _bidiStreams : ref _uniStreams);
        Ask();
    }

    /// <summary>Takes what was collected. On the loop's thread.</summary>
    public CollectedCredit Take()
    {
        Volatile.Write(ref _asked, 0);
        Interlocked.MemoryBarrier();
        return new CollectedCredit(Interlocked.Exchange(ref _bytes, 0), Interlocked.Exchange(ref _bidiStreams, 0), Interlocked.Exchange(ref _uniStreams, 0));
    }

    private void Ask()
    {
        if (Interlocked.Exchange(ref _asked, 1) == 0)
        {
            connection.Post(static connection => ((QuicConnection)connection).Core.HandleCredit(), connection);
        }
    }
}

/// <summary>What the other side may send again.</summary>
/// <param name="Bytes">Bytes over all streams.</param>
/// <param name="BidiStreams">Bidirectional streams.</param>
/// <param name="UniStreams">Unidirectional streams.</param>
internal readonly record struct CollectedCredit(long Bytes, int BidiStreams, int UniStreams);
