using System.Buffers;
using System.Text;
using Macula.Wire.Errors;
using Macula.Wire.MessagePack;

namespace Macula.Wire.Frames;

/// <summary>What an application sends: bytes, and how to read them. Immutable as long as nobody changes the memory that it was given.</summary>
public sealed class Payload : IEquatable<Payload>
{
    /// <summary>Most bytes of a payload: 1 MiB. More than that is sent in parts.</summary>
    public const int MaxBytes = 1024 * 1024;

    // A frame's own fields beside its payload take less than 400 bytes; where there is more, it is what newer nodes append, or a stranger's ballast.
    private const int MaxSharedBesideBytes = 1024;

    /// <summary>Takes bytes that are encoded already; they are neither copied nor looked at.</summary>
    /// <param name="contentType">How they are to be read.</param>
    /// <param name="bytes">0 to <see cref="MaxBytes"/> bytes, which must not change afterwards.</param>
    /// <exception cref="ArgumentOutOfRangeException">The content type is none of those that are named.</exception>
    /// <exception cref="MaculaException">There are more than <see cref="MaxBytes"/> bytes (<see cref="ErrorCode.PayloadTooLarge"/>).</exception>
    public Payload(ContentType contentType, ReadOnlyMemory<byte> bytes)
    {
        if (!IsKnown((ulong)contentType))
        {
            throw new ArgumentOutOfRangeException(nameof(contentType), contentType, "This is no content type of the mesh.");
        }

        if (bytes.Length > MaxBytes)
        {
            throw new MaculaException(ErrorCode.PayloadTooLarge, $"The payload has {bytes.Length} bytes, more than {MaxBytes}.");
        }

        ContentType = contentType;
        Bytes = bytes;
    }

    /// <summary>The MessagePack value nil: one byte.</summary>
    public static Payload Nil { get; } = FromValue(MeshValue.Nil);

    /// <summary>How the bytes are to be read.</summary>
    public ContentType ContentType { get; }

    /// <summary>The bytes as they go on the wire.</summary>
    public ReadOnlyMemory<byte> Bytes { get; }

    /// <summary>Encodes a value as MessagePack.</summary>
    /// <exception cref="MaculaException">It takes more than <see cref="MaxBytes"/> bytes (<see cref="ErrorCode.PayloadTooLarge"/>).</exception>
    public static Payload FromValue(MeshValue value)
    {
        var output = new ArrayBufferWriter<byte>();
        value.Encode(output);
        return new Payload(ContentType.MessagePack, output.WrittenMemory);
    }

    /// <summary>Takes JSON text as it is, after having read it once.</summary>
    /// <exception cref="FormatException">It is no JSON that <see cref="MeshValue.ParseJson"/> reads.</exception>
    /// <exception cref="MaculaException">It takes more than <see cref="MaxBytes"/> bytes (<see cref="ErrorCode.PayloadTooLarge"/>).</exception>
    public static Payload FromJson(string json)
    {
        MeshValue.ParseJson(json);
        return new Payload(ContentType.Json, Encoding.UTF8.GetBytes(json));
    }

    /// <summary>Takes raw bytes, without a copy.</summary>
    /// <exception cref="MaculaException">There are more than <see cref="MaxBytes"/> bytes (<see cref="ErrorCode.PayloadTooLarge"/>).</exception>
    public static Payload FromBytes(ReadOnlyMemory<byte> bytes) => new(ContentType.Raw, bytes);

    /// <summary>Reads the bytes as a value; raw bytes become a binary.</summary>
    /// <exception cref="MeshValueException">They are not what the content type says; the message says what is wrong.</exception>
    public MeshValue ToValue() =>
        TryToValue(out var value, out var error) ? value : throw new MeshValueException($"The payload is no {ContentType} value: {error.Detail} [{error.Requirement}].");

    /// <summary>Reads the bytes as a value; raw bytes become a binary.</summary>
    public bool TryToValue(out MeshValue value, out ProtocolError error)
    {
        switch (ContentType)
        {
            case ContentType.MessagePack:
                return MeshValue.TryDecode(Bytes.Span, null, out value, out error);
            case ContentType.Json:
                return MeshValue.TryParseJson(Bytes.Span, out value, out error);
            default:
                value = MeshValue.Binary(Bytes.Span);
                error = default;
                return true;
        }
    }

    /// <summary>Equality of content type and bytes; two encodings of one value differ.</summary>
    public bool Equals(Payload? other) => other is not null && ContentType == other.ContentType && Bytes.Span.SequenceEqual(other.Bytes.Span);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as Payload);

    /// <summary>A hash of content type, length and the first bytes, the same in every process.</summary>
    public override int GetHashCode()
    {
        var hash = ((int)ContentType * 397) ^ Bytes.Length;
        foreach (var value in Bytes.Span[..Math.Min(Bytes.Length, 16)])
        {
            hash = (hash * 31) + value;
        }

        return hash;
    }

    /// <summary>Content type and length, without the content.</summary>
    public override string ToString() => $"{ContentType}, {Bytes.Length} bytes";

    internal int EncodedBytes => MessagePack.EncodedBytes.OfInteger((ulong)ContentType) + MessagePack.EncodedBytes.OfBinary(Bytes.Length);

    // integer content type | binary content
    internal static bool TryRead(ref MessagePackReader reader, ReadOnlyMemory<byte> body, out Payload? payload)
    {
        payload = null;
        if (!reader.TryReadUInt64(out var contentType))
        {
            return false;
        }

        if (!IsKnown(contentType))
        {
            // [FRM-6]: an answer of its own, since the sender may repeat the call in another form.
            return reader.Fail(new ProtocolError(ErrorCode.UnknownContentType, "FRM-6", $"content type {contentType} is not known here"));
        }

        if (!reader.TryReadBinary(int.MaxValue, out var bytes))
        {
            return false;
        }

        if (bytes.Length > MaxBytes)
        {
            return reader.Fail(new ProtocolError(ErrorCode.PayloadTooLarge, "FRM-6", $"a payload has {bytes.Length} bytes, more than {MaxBytes}"));
        }

        // Who keeps the payload keeps the memory that it shares, and counts the payload's bytes alone.
        var content = body.Length - bytes.Length > MaxSharedBesideBytes ? bytes.ToArray() : body.Slice(reader.Consumed - bytes.Length, bytes.Length);
        payload = new Payload((ContentType)contentType, content);
        return true;
    }

    internal void Write(MessagePackWriter writer)
    {
        writer.WriteInteger((ulong)ContentType);
        writer.WriteBinary(Bytes.Span);
    }

    private static bool IsKnown(ulong contentType) => contentType <= (ulong)ContentType.Raw;
}
