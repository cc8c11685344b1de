using System.Buffers.Binary;
using System.Net;
using System.Security.Cryptography;

namespace Macula.Testing.VirtualTime;

/// <summary>Hashes everything that is sent and delivered in a world, in order: two runs with the same hash did the same.</summary>
internal sealed class EventTrace
{
    // Large enough that the hash is called once for dozens of small records.
    private const int BufferBytes = 8192;

    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly byte[] _buffer = new byte[BufferBytes];
    private int _buffered;

    /// <summary>The first half of SHA-256 over all records so far, as 32 hexadecimal digits.</summary>
    public string Hash
    {
        get
        {
            Flush();
            return Convert.ToHexStringLower(_hash.GetCurrentHash().AsSpan(0, 16));
        }
    }

    // Before a record of something that departs, which may never arrive.
    private const long Departure = -1;

    /// <summary>What is sent for the first time; lost or not, its bytes count.</summary>
    public void RecordSent(long nowTicks, DeliveryKind kind, IPEndPoint source, IPEndPoint destination, in DeliveryLabel label, ReadOnlySpan<byte> payload)
    {
        Number(Departure);
        Record(nowTicks, kind, source, destination, label, payload);
    }

    // i64 time (ticks) | u8 kind | source | destination | i64 connection | i64 stream | i64 detail | i32 length | payload
    public void Record(long nowTicks, DeliveryKind kind, IPEndPoint source, IPEndPoint destination, in DeliveryLabel label, ReadOnlySpan<byte> payload)
    {
        Number(nowTicks);
        Number((long)kind);
        Address(source);
        Address(destination);
        Number(label.Connection);
        Number(label.Stream);
        Number(label.Detail);
        Bytes(payload);
    }

    // i64 time (ticks) | u8 kind | i32 length | payload
    public void Record(long nowTicks, ReadOnlySpan<byte> payload)
    {
        Number(nowTicks);
        Number((long)DeliveryKind.Application);
        Bytes(payload);
    }

    private void Address(IPEndPoint address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.Address.TryWriteBytes(bytes, out var length);
        Number(((long)length << 32) | (uint)address.Port);
        Append(bytes[..length]);
    }

    private void Bytes(ReadOnlySpan<byte> payload)
    {
        Number(payload.Length);
        Append(payload);
    }

    private void Number(long value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(bytes, value);
        Append(bytes);
    }

    private void Append(ReadOnlySpan<byte> bytes)
    {
        if (_buffered + bytes.Length > BufferBytes)
        {
            Flush();
        }

        if (bytes.Length > BufferBytes)
        {
            _hash.AppendData(bytes);
            return;
        }

        bytes.CopyTo(_buffer.AsSpan(_buffered));
        _buffered += bytes.Length;
    }

    private void Flush()
    {
        _hash.AppendData(_buffer.AsSpan(0, _buffered));
        _buffered = 0;
    }
}

/// <summary>What kind of thing was delivered; part of the trace.</summary>
internal enum DeliveryKind
{
    Application,
    ClientHello,
    ServerHello,
    Finished,
    Refusal,
    StreamBytes,
    StreamReset,
    StopSending,
    StreamCredit,
    ConnectionCredit,
    StreamCountCredit,
    Datagram,
    Raw,
    Close,
    StatelessReset,
    KeepAlive,
}

/// <summary>To what the delivered thing belongs.</summary>
/// <param name="Connection">The connection's number in its network; 0 for none.</param>
/// <param name="Stream">The stream's number; -1 for none.</param>
/// <param name="Detail">An offset, a code or a limit.</param>
internal readonly record struct DeliveryLabel(long Connection, long Stream = -1, long Detail = 0);
