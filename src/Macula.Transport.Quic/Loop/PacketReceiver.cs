using System.Runtime.InteropServices;
using Macula.Transport.Quic.Native;

namespace Macula.Transport.Quic.Loop;

/// <summary>Takes packets from the socket in batches (recvmmsg, UDP_GRO).</summary>
internal sealed unsafe class PacketReceiver : IDisposable
{
    // One message may hold 64 KiB of packets that the kernel joined. 16 messages are taken at once: 1 MiB of address
    // space, of which only what traffic needs is ever touched.
    private const int MessageBytes = 65_536;
    private const int MessageCount = 16;
    private const int ControlBytes = 64;

    private readonly UdpSocket _socket;
    private readonly byte* _buffer = (byte*)NativeMemory.Alloc(MessageBytes * MessageCount);
    private readonly byte* _control = (byte*)NativeMemory.AllocZeroed(ControlBytes * MessageCount);
    private readonly BatchedMessage* _messages = (BatchedMessage*)NativeMemory.AllocZeroed((nuint)(sizeof(BatchedMessage) * MessageCount));
    private readonly IoVector* _vectors = (IoVector*)NativeMemory.AllocZeroed((nuint)(sizeof(IoVector) * MessageCount));
    private readonly NativeAddress* _sources = (NativeAddress*)NativeMemory.AllocZeroed((nuint)(sizeof(NativeAddress) * MessageCount));

    public PacketReceiver(UdpSocket socket) => _socket = socket;

    /// <summary>Takes what has arrived, up to one batch, and hands it packet by packet to the router.</summary>
    /// <returns>True when the batch was full and more may wait.</returns>
    public bool Receive(PacketRouter router, LoopClock clock)
    {
        for (var i = 0; i < MessageCount; i++)
        {
            _vectors[i] = new IoVector { Start = _buffer + (i * MessageBytes), Length = MessageBytes };
            _messages[i].Header = new MessageHeader
            {
                Name = _sources + i,
                NameLength = NativeAddress.MaxBytes,
                Vectors = _vectors + i,
                VectorCount = 1,
                Control = _socket.HasReceiveOffload ? _control + (i * ControlBytes) : null,
                ControlLength = _socket.HasReceiveOffload ? ControlBytes : (nuint)0,
            };
        }

        var count = Libc.ReceiveMessages(_socket.Descriptor, _messages, MessageCount, Libc.MessageDontWait, null);

        // One time for the whole batch: ngtcp2 aborts the process when a connection's time runs backwards.
        var now = clock.Read();
        for (var i = 0; i < count; i++)
        {
            _sources[i].Normalise();
            Deliver(i, router, now);
        }

        return count == MessageCount;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        NativeMemory.Free(_buffer);
        NativeMemory.Free(_control);
        NativeMemory.Free(_messages);
        NativeMemory.Free(_vectors);
        NativeMemory.Free(_sources);
    }

    private void Deliver(int index, PacketRouter router, ulong now)
    {
        var length = (int)_messages[index].Length;
        var segment = SegmentBytes(_messages + index, length);
        var bytes = _buffer + (index * MessageBytes);
        for (var offset = 0; offset < length; offset += segment)
        {
            router.Route(bytes + offset, Math.Min(segment, length - offset), _sources + index, now);
        }
    }

    // struct cmsghdr: u64 length | i32 level | i32 type | i32 segment size
    private static int SegmentBytes(BatchedMessage* message, int length)
    {
        const nuint LeastControl = 20;
        var control = (int*)message->Header.Control;
        var joined = message->Header.ControlLength >= LeastControl && control[2] == Libc.SolUdp && control[3] == Libc.UdpGro && control[4] > 0;
        return joined ? control[4] : Math.Max(length, 1);
    }
}
