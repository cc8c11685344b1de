using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using Macula.Wire.Errors;
using Macula.Wire.MessagePack;

namespace Macula.Wire.Records;

/// <summary>A signed record as a peer sent it: well-formed, and nobody has looked at the signature. What the DHT takes is a <see cref="VerifiedRecord"/>.</summary>
// body: MessagePack array, see RecordBody | 64 bytes signature
public sealed class SignedRecord
{
    /// <summary>Most bytes of a record, signature included: 1 KiB.</summary>
    // A node record with all its addresses and gateways takes less than 500, a provider's with the longest name less than 550.
    public const int MaxBytes = 1024;

    /// <summary>Bytes of the signature at the end: r and s of P-256.</summary>
    public const int SignatureBytes = 64;

    private static readonly MessagePackLimits Limits = new() { MaxBytes = MaxBytes };

    // [REC-7]: a signature made for something else, such as a policy, is never one of a record.
    private static readonly byte[] Context = [.. "macula record v1"u8, 0];

    private SignedRecord(RecordBody body, ReadOnlyMemory<byte> bytes)
    {
        Body = body;
        Bytes = bytes;
    }

    /// <summary>What the record says.</summary>
    public RecordBody Body { get; }

    /// <summary>The record as it goes on the wire: the very bytes that were signed, and the signature.</summary>
    public ReadOnlyMemory<byte> Bytes { get; }

    /// <summary>The signature, 64 bytes.</summary>
    public ReadOnlySpan<byte> Signature => Bytes.Span[^SignatureBytes..];

    /// <summary>What the signature is over: a context of its own and the body's bytes.</summary>
    public byte[] SignedMessage => SignedMessageOf(Bytes.Span[..^SignatureBytes]);

    /// <summary>What a publisher signs for a body.</summary>
    /// <exception cref="ArgumentException">A field of the body is outside its range.</exception>
    public static byte[] SignedMessageOf(RecordBody body)
    {
        ArgumentNullException.ThrowIfNull(body);
        return SignedMessageOf(body.Encode());
    }

    /// <summary>Joins a body with the signature over <see cref="SignedMessageOf(RecordBody)"/>; nobody checks here that it is one.</summary>
    /// <param name="body">What was signed.</param>
    /// <param name="signature">64 bytes.</param>
    /// <exception cref="ArgumentException">A field of the body is outside its range, or the signature has another length.</exception>
    public static SignedRecord Join(RecordBody body, ReadOnlySpan<byte> signature)
    {
        ArgumentNullException.ThrowIfNull(body);
        if (signature.Length != SignatureBytes)
        {
            throw new ArgumentException($"A signature has {SignatureBytes} bytes, not {signature.Length}.", nameof(signature));
        }

        return new SignedRecord(body, (byte[])[.. body.Encode(), .. signature]);
    }

    /// <summary>Reads a record.</summary>
    /// <param name="bytes">Any bytes, also a stranger's; the record has a copy, so that who keeps it does not keep the frame that it came in.</param>
    /// <param name="record">The record; null when the answer is false.</param>
    /// <param name="error">What is wrong, with the code <see cref="ErrorCode.RecordInvalid"/>.</param>
    public static bool TryRead(ReadOnlyMemory<byte> bytes, [NotNullWhen(true)] out SignedRecord? record, out ProtocolError error)
    {
        record = null;
        error = default;
        if (bytes.Length > MaxBytes)
        {
            error = RecordFault.TooLong;
            return false;
        }

        var body = bytes.Span[..Math.Max(0, bytes.Length - SignatureBytes)];
        var reader = new MessagePackReader(body, Limits);
        if (RecordBody.Read(ref reader) is not { } fields)
        {
            error = RecordFault.Inside(reader.Error.GetValueOrDefault());
            return false;
        }

        // [REC-3]: what was read is written again and compared, so one meaning has one encoding.
        var canonical = new ArrayBufferWriter<byte>(MaxBytes);
        fields.Write(canonical);
        if (!canonical.WrittenSpan.SequenceEqual(body))
        {
            error = RecordFault.NotCanonical;
            return false;
        }

        record = new SignedRecord(fields, bytes.ToArray());
        return true;
    }

    /// <summary>Publisher, key and sequence, for logs.</summary>
    public override string ToString() => $"{Body.Content.Kind} record {Body.Sequence} of {Body.Publisher.ToShortString()} under {Body.Key}";

    internal byte[] HashOfBody() => SHA256.HashData(Bytes.Span[..^SignatureBytes]);

    private static byte[] SignedMessageOf(ReadOnlySpan<byte> body) => [.. Context, .. body];
}
