using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Macula.Transport.Quic.Native;

namespace Macula.Transport.Quic.Loop;

/// <summary>A connection id that the other side chose: up to 20 bytes (RFC 9000 §17.2).</summary>
internal readonly struct ConnectionId : IEquatable<ConnectionId>
{
    private readonly Bytes20 _bytes;
    private readonly byte _length;

    public ConnectionId(ReadOnlySpan<byte> bytes)
    {
        _length = (byte)bytes.Length;
        bytes.CopyTo(MemoryMarshal.CreateSpan(ref Unsafe.As<Bytes20, byte>(ref _bytes), MaxBytes));
    }

    /// <summary>The longest id of QUIC version 1.</summary>
    public const int MaxBytes = 20;

    public static unsafe ConnectionId From(NativeCid* cid) => new(new ReadOnlySpan<byte>(cid->Bytes, (int)cid->Length));

    public bool Equals(ConnectionId other) => _length == other._length && Span(in this).SequenceEqual(Span(in other));

    public override bool Equals(object? obj) => obj is ConnectionId other && Equals(other);

    /// <summary>Seeded per process: who chooses ids cannot choose where they land in a table.</summary>
    public override int GetHashCode()
    {
        var hash = new HashCode();
        hash.AddBytes(Span(in this));
        return hash.ToHashCode();
    }

    private static ReadOnlySpan<byte> Span(in ConnectionId id) =>
        MemoryMarshal.CreateReadOnlySpan(ref Unsafe.As<Bytes20, byte>(ref Unsafe.AsRef(in id._bytes)), id._length);

    [InlineArray(MaxBytes)]
    private struct Bytes20
    {
        private byte _first;
    }
}

/// <summary>A stateless reset token (RFC 9000 §10.3).</summary>
/// <param name="First">Its first eight bytes.</param>
/// <param name="Last">Its last eight bytes.</param>
internal readonly record struct ResetToken(ulong First, ulong Last)
{
    /// <summary>Length of a token.</summary>
    public const int ByteCount = 16;

    public static unsafe ResetToken Read(byte* bytes) => new(Unsafe.ReadUnaligned<ulong>(bytes), Unsafe.ReadUnaligned<ulong>(bytes + 8));

    /// <summary>Seeded per process: tokens are chosen by others.</summary>
    public override int GetHashCode() => HashCode.Combine(First, Last);
}
