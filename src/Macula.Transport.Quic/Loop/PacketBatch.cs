using System.Runtime.InteropServices;
using Macula.Transport.Quic.Diagnostics;
using Macula.Transport.Quic.Native;
using Microsoft.Extensions.Logging;

namespace Macula.Transport.Quic.Loop;

/// <summary>Collects packets and sends them in as few system calls as the kernel allows (UDP_SEGMENT), never two destinations in one.</summary>
/// <remarks>
/// When the kernel takes no more, what is collected stays here and <see cref="IsBlocked"/> is true until <see cref="Resume"/> succeeds;
/// nobody may add packets meanwhile, so that nothing is dropped which the sender could hold back.
/// </remarks>
internal sealed unsafe class PacketBatch : IDisposable
{
    /// <summary>Largest packet that fits.</summary>
    public const int MaxPacketBytes = 1_500;

    // The kernel's bounds for one segmented send: 64 segments (UDP_MAX_SEGMENTS of older kernels), and a length of 16 bits with headers.
    private const int MaxSegments = 60;
    private const int MaxBatchBytes = 65_000;

    private const ulong LogIntervalNanoseconds = 10_000_000_000;

    private readonly UdpSocket _socket;
    private readonly EndpointStatistics _statistics;
    private readonly ILogger _logger;
    private readonly byte* _buffer = (byte*)NativeMemory.Alloc(MaxBatchBytes + MaxPacketBytes);
    private int _start;
    private int _end;
    private int _segment;
    private NativeAddress _destination;
    private bool _segmentation = true;
    private long _failures;
    private ulong _logSilentUntil;

    public PacketBatch(UdpSocket socket, EndpointStatistics statistics, ILogger logger)
    {
        _socket = socket;
        _statistics = statistics;
        _logger = logger;
    }

    /// <summary>The kernel takes no more until it has sent what it holds.</summary>
    public bool IsBlocked { get; private set; }

    /// <summary>The loop's time, for the log.</summary>
    public ulong Now { get; set; }

    /// <summary>Where the next packet is to be written, at most <see cref="MaxPacketBytes"/>. Not while blocked.</summary>
    public byte* Reserve() => _buffer + _end;

    /// <summary>Adds the packet that was written to <see cref="Reserve"/>; it is sent with the next flush at the latest.</summary>
    public void Commit(int length, in NativeAddress destination)
    {
        // A segmented send cuts its bytes into equal parts; only the last may be shorter, and all go to one place.
        if (_end > _start && (length > _segment || !destination.Equals(_destination)))
        {
            var packet = _end;
            Send(_start, _end - _start);
            if (IsBlocked)
            {
                // The earlier packets wait for the socket; this one is lost, which the other side's acknowledgements will tell.
                return;
            }

            _start = packet;
            _end = packet;
        }

        if (_end == _start)
        {
            _segment = length;
            _destination = destination;
        }

        _end += length;
        _statistics.PacketsSent++;
        var count = (_end - _start + _segment - 1) / _segment;
        if (length < _segment || count >= MaxSegments || _end > MaxBatchBytes - MaxPacketBytes)
        {
            Flush();
        }
    }

    /// <summary>Sends what is collected.</summary>
    public void Flush()
    {
        if (_end > _start)
        {
            Send(_start, _end - _start);
        }

        if (!IsBlocked)
        {
            _start = 0;
            _end = 0;
        }
    }

    /// <summary>Tries again after the socket has become writable.</summary>
    public void Resume()
    {
        IsBlocked = false;
        Flush();
    }

    /// <summary>Sends one packet by itself, now or not at all.</summary>
    /// <returns>False when the kernel did not take it.</returns>
    public bool SendAlone(ReadOnlySpan<byte> packet, in NativeAddress destination)
    {
        if (IsBlocked)
        {
            return false;
        }

        fixed (byte* bytes = packet)
        {
            var sent = SendMessage(bytes, packet.Length, 0, in destination) == 0;
            _statistics.PacketsSent += sent ? 1 : 0;
            return sent;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => NativeMemory.Free(_buffer);

    private void Send(int start, int length)
    {
        if (length > _segment && _segmentation)
        {
            var error = SendMessage(_buffer + start, length, _segment, in _destination);
            if (error is not (Libc.ErrorIo or Libc.ErrorInvalid))
            {
                Settle(error, start);
                return;
            }

            _segmentation = false;
            _logger.FeatureMissing("UDP_SEGMENT", error);
        }

        for (var offset = 0; offset < length && !IsBlocked; offset += _segment)
        {
            var error = SendMessage(_buffer + start + offset, Math.Min(_segment, length - offset), 0, in _destination);
            Settle(error, start + offset);
        }
    }

    private void Settle(int error, int start)
    {
        if (error is Libc.ErrorAgain or Libc.ErrorNoBuffers)
        {
            IsBlocked = true;
            _start = start;
        }
        else if (error != 0)
        {
            NoteFailure(error);
        }
    }

    // A packet that the system refuses is a packet lost: recovery is the connection's business, the operator learns of it once in a while.
    private void NoteFailure(int error)
    {
        // A probe for a larger packet size that the interface cannot carry is no failure.
        if (error == Libc.ErrorMessageSize)
        {
            return;
        }

        _failures++;
        if (Now >= _logSilentUntil)
        {
            _logSilentUntil = Now + LogIntervalNanoseconds;
            _logger.SendFailed(_destination.ToEndPoint(), error, _failures);
            _failures = 0;
        }
    }

    /// <summary>Returns 0 or the error number.</summary>
    private int SendMessage(byte* bytes, int length, int segment, in NativeAddress destination)
    {
        // struct cmsghdr: u64 length | i32 level | i32 type | u16 segment size
        const int ControlHeaderBytes = 16;
        const int ControlSpaceBytes = 24;
        var target = destination;
        var vector = new IoVector { Start = bytes, Length = (nuint)length };
        var message = new MessageHeader { Name = &target, NameLength = target.Length, Vectors = &vector, VectorCount = 1 };
        var control = stackalloc ulong[ControlSpaceBytes / sizeof(ulong)];
        if (segment > 0)
        {
            control[0] = ControlHeaderBytes + sizeof(ushort);
            ((int*)control)[2] = Libc.SolUdp;
            ((int*)control)[3] = Libc.UdpSegment;
            control[2] = (ushort)segment;
            message.Control = control;
            message.ControlLength = ControlSpaceBytes;
        }

        return Libc.SendMessage(_socket.Descriptor, &message, Libc.MessageDontWait) >= 0 ? 0 : Marshal.GetLastPInvokeError();
    }
}
