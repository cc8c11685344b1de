using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using Macula.Wire.Errors;
using Macula.Wire.MessagePack;

namespace Macula.Wire.Frames.Dht;

/// <summary>The certificate that was asked for (docs/protocol/03-frames.md [FRM-56]).</summary>
// array: bin DER | elements of newer nodes
public sealed class CertificateFrame
{
    /// <summary>Most bytes of a certificate [ID-6].</summary>
    public const int MaxCertificateBytes = 4096;

    private const int FieldCount = 1;

    /// <summary>Makes the answer.</summary>
    /// <param name="certificate">The certificate's DER.</param>
    /// <exception cref="ArgumentException">It has more than <see cref="MaxCertificateBytes"/> bytes.</exception>
    public CertificateFrame(ReadOnlyMemory<byte> certificate)
    {
        if (certificate.Length > MaxCertificateBytes)
        {
            throw new ArgumentException($"A certificate has at most {MaxCertificateBytes} bytes, not {certificate.Length}.", nameof(certificate));
        }

        Certificate = certificate;
    }

    /// <summary>The certificate's DER, not looked at; its hash shows whether it is the one that was asked for.</summary>
    public ReadOnlyMemory<byte> Certificate { get; }

    /// <summary>Writes the frame with its header.</summary>
    public void Write(IBufferWriter<byte> output) =>
        FrameFields.Begin(output, FrameType.Certificate, FieldCount, EncodedBytes.OfBinary(Certificate.Length)).WriteBinary(Certificate.Span);

    /// <summary>Reads the body of the answer.</summary>
    /// <param name="body">The frame's body; the certificate is copied, since it is kept for longer.</param>
    /// <param name="frame">The answer; null when the answer is false.</param>
    /// <param name="error">What is wrong; the stream ends with its code.</param>
    public static bool TryRead(ReadOnlyMemory<byte> body, [NotNullWhen(true)] out CertificateFrame? frame, out ProtocolError error) =>
        FrameFields.TryRead(body, FieldCount, ReadFields, out frame, out error);

    private static CertificateFrame? ReadFields(ref MessagePackReader reader, ReadOnlyMemory<byte> body) =>
        reader.TryReadBinary(MaxCertificateBytes, out var certificate) ? new CertificateFrame(certificate.ToArray()) : null;
}
