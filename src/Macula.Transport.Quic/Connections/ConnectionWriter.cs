using Macula.Transport.Quic.Loop;
using Macula.Transport.Quic.Native;
using Macula.Transport.Quic.Streams;

namespace Macula.Transport.Quic.Connections;

/// <summary>Fills packets with what a connection has to send, and batches them. One per loop.</summary>
internal sealed unsafe class ConnectionWriter(PacketBatch batch)
{
    // One packet holds few ranges: chunks are larger than packets, but for a stream of tiny writes.
    private const int MaxVectors = 8;

    /// <summary>The socket takes no more until it has sent what it holds.</summary>
    public bool IsBlocked => batch.IsBlocked;

    /// <summary>Sends what congestion control, pacing and credit allow now.</summary>
    /// <returns>0, or the library's error that ends the connection.</returns>
    public int Flush(ConnectionCore connection, nint handle, ulong now)
    {
        var quantum = (long)Ngtcp2.GetSendQuantum(handle);
        long sent = 0;
        var datagramsFirst = true;
        while (!batch.IsBlocked)
        {
            var written = Compose(connection, handle, batch.Reserve(), datagramsFirst, now);
            if (written < 0)
            {
                return (int)written;
            }

            if (written == 0)
            {
                break;
            }

            batch.Commit((int)written, connection.Destination);
            sent += written;

            // Datagrams and streams take turns, so that neither starves the other.
            datagramsFirst = !datagramsFirst;
            if (sent >= quantum)
            {
                break;
            }
        }

        if (sent > 0)
        {
            Ngtcp2.UpdatePacketTxTime(handle, now);
        }

        return 0;
    }

    /// <summary>Sends what is batched.</summary>
    public void Finish()
    {
        if (!batch.IsBlocked)
        {
            batch.Flush();
        }
    }

    /// <summary>Fills one packet. Returns its length, 0 when nothing may be sent now, or an error.</summary>
    private static nint Compose(ConnectionCore connection, nint handle, byte* target, bool datagramsFirst, ulong now)
    {
        var vectors = stackalloc NativeVector[MaxVectors];
        while (true)
        {
            nint written;
            if (datagramsFirst && connection.Connection.Outbox.TryPeek(out var datagram))
            {
                written = WriteDatagram(connection, handle, target, datagram, now);
            }
            else if (NextSendable(connection, handle) is { } stream)
            {
                datagramsFirst = false;
                written = WriteStream(connection, handle, target, stream, vectors, now);
            }
            else if (!datagramsFirst && connection.Connection.Outbox.TryPeek(out _))
            {
                datagramsFirst = true;
                continue;
            }
            else
            {
                nint none;
                return Ngtcp2.WriteStream(
                    handle, null, Ngtcp2.PacketMarkVersion, null, target, ConnectionProfile.MaxPacketBytes, &none, 0, -1, null, 0, now);
            }

            if (written != Ngtcp2Error.WriteMore)
            {
                return written;
            }
        }
    }

    private static nint WriteDatagram(ConnectionCore connection, nint handle, byte* target, ReadOnlySpan<byte> datagram, ulong now)
    {
        if (datagram.Length > connection.Connection.MaxDatagramBytes)
        {
            // The packet size has shrunk since it was queued: the library would never take it.
            connection.Connection.DropDatagram();
            return Ngtcp2Error.WriteMore;
        }

        fixed (byte* bytes = datagram)
        {
            var vector = new NativeVector { Start = bytes, Length = (nuint)datagram.Length };
            int accepted;
            var written = Ngtcp2.WriteDatagram(
                handle, null, Ngtcp2.PacketMarkVersion, null, target, ConnectionProfile.MaxPacketBytes,
                &accepted, Ngtcp2.WriteMore, 0, &vector, 1, now);
            if (accepted != 0)
            {
                connection.Connection.Outbox.Remove();
            }
            else if (written is Ngtcp2Error.InvalidState or Ngtcp2Error.InvalidArgument)
            {
                // The other side takes no datagrams, or none so large.
                connection.Connection.DropDatagram();
                return Ngtcp2Error.WriteMore;
            }

            return written;
        }
    }

    /// <summary>The stream whose turn it is; null when none has anything that may be sent.</summary>
    private static QuicStream? NextSendable(ConnectionCore connection, nint handle)
    {
        // Without connection credit (RFC 9000 §4.1) streams keep their places; every packet that arrives has them tried again.
        return connection.Streams.TryPeekSendable(out var stream) && Ngtcp2.GetConnectionCredit(handle) > 0 ? stream : null;
    }

    private static nint WriteStream(ConnectionCore connection, nint handle, byte* target, QuicStream stream, NativeVector* vectors, ulong now)
    {
        var send = stream.Send!;
        var count = send.Gather(vectors, MaxVectors, ConnectionProfile.MaxPacketBytes, out var total, out var finish);
        if (count < 0)
        {
            connection.Streams.DropSendable();
            return Ngtcp2Error.WriteMore;
        }

        nint accepted;
        var flags = Ngtcp2.WriteMore | (finish ? Ngtcp2.WriteFin : 0);
        var written = Ngtcp2.WriteStream(
            handle, null, Ngtcp2.PacketMarkVersion, null, target, ConnectionProfile.MaxPacketBytes, &accepted, flags, stream.Id, vectors, (nuint)count, now);
        if (accepted < 0)
        {
            send.Withdraw();
        }

        if (accepted >= 0 && !send.Advance((int)accepted, finish && accepted == total))
        {
            connection.Streams.DropSendable();
        }
        else if (written >= 0)
        {
            // The packet is full: the next one begins with the next stream.
            connection.Streams.RotateSendable();
        }
        else if (written is Ngtcp2Error.StreamDataBlocked or Ngtcp2Error.StreamNotFound or Ngtcp2Error.StreamShutWrite)
        {
            // Credit for this stream brings it back; a stream that is shut or gone does not come back.
            connection.Streams.DropSendable();
            return Ngtcp2Error.WriteMore;
        }

        return written;
    }
}
