using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using Macula.Wire.Errors;
using Macula.Wire.Identifiers;
using Macula.Wire.MessagePack;

namespace Macula.Wire.Frames.Dht;

/// <summary>Asks for the certificate that a record names (docs/protocol/03-frames.md [FRM-55]).</summary>
/// <param name="Hash">SHA-256 over the certificate's DER.</param>
// array: bin hash | elements of newer nodes
public sealed record GetCertificateFrame(CertificateHash Hash)
{
    private const int FieldCount = 1;

    /// <summary>Writes the frame with its header.</summary>
    public void Write(IBufferWriter<byte> output)
    {
        Span<byte> bytes = stackalloc byte[CertificateHash.ByteCount];
        Hash.CopyTo(bytes);
        FrameFields.Begin(output, FrameType.GetCertificate, FieldCount, EncodedBytes.OfBinary(bytes.Length)).WriteBinary(bytes);
    }

    /// <summary>Reads the body of the question.</summary>
    /// <param name="body">The frame's body.</param>
    /// <param name="frame">The question; null when the answer is false.</param>
    /// <param name="error">What is wrong; the stream ends with its code.</param>
    public static bool TryRead(ReadOnlyMemory<byte> body, [NotNullWhen(true)] out GetCertificateFrame? frame, out ProtocolError error) =>
        FrameFields.TryRead(body, FieldCount, ReadFields, out frame, out error);

    private static GetCertificateFrame? ReadFields(ref MessagePackReader reader, ReadOnlyMemory<byte> body) =>
        TryReadHash(ref reader, out var hash) ? new GetCertificateFrame(hash) : null;

    private static bool TryReadHash(ref MessagePackReader reader, out CertificateHash hash)
    {
        hash = default;
        return reader.TryReadBinary(CertificateHash.ByteCount, out var bytes)
            && (CertificateHash.TryRead(bytes, out hash) || reader.Fail(FrameFault.Malformed("FRM-55", "a hash has not 32 bytes")));
    }
}
