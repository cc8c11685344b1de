using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using Macula.Wire;

namespace Macula.Identity.Certificates;

/// <summary>The number of a certificate, unique under the authority that issued it: 126 random bits.</summary>
/// <remarks>16 bytes whose first two bits are 01, so that it is a positive DER INTEGER of always the same length (docs/protocol/01-identity.md [ID-8]).</remarks>
public readonly record struct SerialNumber
{
    /// <summary>Length of a serial number in bytes.</summary>
    public const int ByteCount = 16;

    private readonly UInt128 _value;

    private SerialNumber(UInt128 value) => _value = value;

    /// <summary>Draws a new serial number.</summary>
    public static SerialNumber Create(RandomSource random)
    {
        Span<byte> bytes = stackalloc byte[ByteCount];
        random.Fill(bytes);
        bytes[0] = (byte)((bytes[0] & 0x3f) | 0x40);
        return new SerialNumber(BinaryPrimitives.ReadUInt128BigEndian(bytes));
    }

    /// <summary>Reads a serial number from exactly 16 bytes that begin with the bits 01; false for others.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out SerialNumber serial)
    {
        var fits = bytes.Length == ByteCount && (bytes[0] & 0xc0) == 0x40;
        serial = fits ? new SerialNumber(BinaryPrimitives.ReadUInt128BigEndian(bytes)) : default;
        return fits;
    }

    /// <summary>Reads 32 hexadecimal digits of either case; false for anything that is no serial number.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out SerialNumber serial)
    {
        serial = default;
        Span<byte> bytes = stackalloc byte[ByteCount];
        return text is { Length: 2 * ByteCount }
            && Convert.FromHexString(text, bytes, out _, out _) == System.Buffers.OperationStatus.Done
            && TryRead(bytes, out serial);
    }

    /// <summary>Writes the 16 bytes, most significant first.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is room for fewer than 16 bytes.</exception>
    public void CopyTo(Span<byte> destination) => BinaryPrimitives.WriteUInt128BigEndian(destination, _value);

    /// <summary>32 lower-case hexadecimal digits.</summary>
    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[ByteCount];
        CopyTo(bytes);
        return Convert.ToHexStringLower(bytes);
    }
}
