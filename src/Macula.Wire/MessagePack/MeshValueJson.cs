using System.Buffers;
using System.Collections.Immutable;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;
using Macula.Wire.Errors;

namespace Macula.Wire.MessagePack;

/// <summary>Turns values into JSON and back, exactly (docs/protocol/00-conventions.md [MSG-12]).</summary>
internal static class MeshValueJson
{
    private const string BinaryMember = "$binary";
    private const string FloatMember = "$float";
    private const string MapMember = "$map";

    // A map in its long form is an object, a list of entries and an entry.
    private const int JsonLevelsPerContainer = 3;

    private static readonly JsonReaderOptions ReaderOptions = new() { MaxDepth = (JsonLevelsPerContainer * MeshValue.MaxDepth) + 1 };

    // People read this in a terminal; control characters are escaped all the same.
    private static readonly JsonWriterOptions WriterOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    public static ReadOnlySpan<byte> Write(MeshValue value)
    {
        var output = new ArrayBufferWriter<byte>();
        using var writer = new Utf8JsonWriter(output, WriterOptions);
        Write(writer, value);
        writer.Flush();
        return output.WrittenSpan;
    }

    public static bool TryRead(ReadOnlySpan<byte> utf8, out MeshValue value, out ProtocolError error)
    {
        value = default;
        if (!Utf8.IsValid(utf8))
        {
            error = Fault("it is not valid UTF-8");
            return false;
        }

        var reader = new Utf8JsonReader(utf8, ReaderOptions);
        var elementsLeft = MeshValue.MaxElements;
        try
        {
            reader.Read();
            value = Read(ref reader, ref elementsLeft);
            // Throws when something follows the value.
            reader.Read();
            error = default;
            return true;
        }
        catch (JsonException exception)
        {
            // The library reports what a stranger wrote by exception only; here it becomes a value.
            error = Fault(exception.Message.TrimEnd('.'));
        }
        catch (InvalidOperationException)
        {
            // Utf8JsonReader.GetString on an escaped half of a surrogate pair.
            error = Fault("a string holds half of a surrogate pair");
        }

        value = default;
        return false;
    }

    private static void Write(Utf8JsonWriter writer, MeshValue value)
    {
        switch (value.Kind)
        {
            case MessagePackKind.Nil:
                writer.WriteNullValue();
                break;
            case MessagePackKind.Boolean:
                writer.WriteBooleanValue(value.AsBoolean());
                break;
            case MessagePackKind.Integer:
                writer.WriteRawValue(value.AsInt128().ToString(CultureInfo.InvariantCulture));
                break;
            case MessagePackKind.Float:
                WriteDouble(writer, value.AsDouble());
                break;
            case MessagePackKind.String:
                writer.WriteStringValue(value.AsString());
                break;
            case MessagePackKind.Binary:
                writer.WriteStartObject();
                writer.WriteBase64String(BinaryMember, value.AsBinary().Span);
                writer.WriteEndObject();
                break;
            case MessagePackKind.Array:
                writer.WriteStartArray();
                foreach (var item in value.Items)
                {
                    Write(writer, item);
                }

                writer.WriteEndArray();
                break;
            default:
                WriteMap(writer, value);
                break;
        }
    }

    private static void WriteDouble(Utf8JsonWriter writer, double number)
    {
        if (!double.IsFinite(number))
        {
            writer.WriteStartObject();
            writer.WriteString(FloatMember, double.IsNaN(number) ? "NaN" : number > 0 ? "Infinity" : "-Infinity");
            writer.WriteEndObject();
            return;
        }

        // The shortest digits that give the number back, with a point if nothing else says that it is no integer.
        var text = number.ToString("R", CultureInfo.InvariantCulture);
        writer.WriteRawValue(text.AsSpan().ContainsAny('.', 'E') ? text : text + ".0");
    }

    private static void WriteMap(Utf8JsonWriter writer, MeshValue map)
    {
        writer.WriteStartObject();
        if (NeedsLongForm(map))
        {
            writer.WriteStartArray(MapMember);
            foreach (var (key, value) in map.Entries)
            {
                writer.WriteStartArray();
                Write(writer, key);
                Write(writer, value);
                writer.WriteEndArray();
            }

            writer.WriteEndArray();
        }
        else
        {
            foreach (var (key, value) in map.Entries)
            {
                writer.WritePropertyName(key.AsString());
                Write(writer, value);
            }
        }

        writer.WriteEndObject();
    }

    private static bool NeedsLongForm(MeshValue map)
    {
        foreach (var (key, _) in map.Entries)
        {
            if (key.Kind != MessagePackKind.String)
            {
                return true;
            }
        }

        return map.Count == 1 && map.Entries[0].Key.AsString() is BinaryMember or FloatMember or MapMember;
    }

    private static MeshValue Read(ref Utf8JsonReader reader, ref int elementsLeft)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.Null:
                return default;
            case JsonTokenType.True:
                return true;
            case JsonTokenType.False:
                return false;
            case JsonTokenType.String:
                return reader.GetString();
            case JsonTokenType.Number:
                return ReadNumber(ref reader);
            case JsonTokenType.StartArray:
                return ReadArray(ref reader, ref elementsLeft);
            default:
                return ReadObject(ref reader, ref elementsLeft);
        }
    }

    private static MeshValue ReadNumber(ref Utf8JsonReader reader)
    {
        if (reader.ValueSpan.ContainsAny((byte)'.', (byte)'e', (byte)'E'))
        {
            return reader.TryGetDouble(out var number) && double.IsFinite(number) ? number : throw new JsonException("a number does not fit a double");
        }

        return reader.TryGetInt64(out var integer) ? integer
            : reader.TryGetUInt64(out var unsigned) ? unsigned
            : throw new JsonException("an integer does not fit 64 bits; with a decimal point it is a double");
    }

    private static MeshValue ReadArray(ref Utf8JsonReader reader, ref int elementsLeft)
    {
        var items = ImmutableArray.CreateBuilder<MeshValue>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            Spend(1, ref elementsLeft);
            items.Add(Read(ref reader, ref elementsLeft));
        }

        return Checked(items);
    }

    private static MeshValue ReadObject(ref Utf8JsonReader reader, ref int elementsLeft)
    {
        var entries = ImmutableArray.CreateBuilder<KeyValuePair<MeshValue, MeshValue>>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
        {
            Spend(2, ref elementsLeft);
            var isLongForm = entries.Count == 0 && reader.ValueTextEquals(MapMember);
            MeshValue key = reader.GetString();
            reader.Read();
            if (isLongForm && IsOnlyMember(reader))
            {
                return ReadLongForm(ref reader, ref elementsLeft);
            }

            entries.Add(new(key, Read(ref reader, ref elementsLeft)));
        }

        return entries is [var only] && ReadSpecial(only.Key.AsString(), only.Value) is { } special ? special : Checked(entries);
    }

    /// <summary>Looks ahead whether the object ends after the value at which the reader stands.</summary>
    private static bool IsOnlyMember(Utf8JsonReader reader)
    {
        reader.Skip();
        return reader.Read() && reader.TokenType == JsonTokenType.EndObject;
    }

    // Read entry by entry, not as an array of arrays: those two levels are not the map's own and must not count towards its depth.
    private static MeshValue ReadLongForm(ref Utf8JsonReader reader, ref int elementsLeft)
    {
        Expect(reader.TokenType == JsonTokenType.StartArray);
        var entries = ImmutableArray.CreateBuilder<KeyValuePair<MeshValue, MeshValue>>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            Spend(2, ref elementsLeft);
            Expect(reader.TokenType == JsonTokenType.StartArray && reader.Read() && reader.TokenType != JsonTokenType.EndArray);
            var key = Read(ref reader, ref elementsLeft);
            Expect(reader.Read() && reader.TokenType != JsonTokenType.EndArray);
            entries.Add(new(key, Read(ref reader, ref elementsLeft)));
            Expect(reader.Read() && reader.TokenType == JsonTokenType.EndArray);
        }

        reader.Read();
        return Checked(entries);

        static void Expect(bool holds)
        {
            if (!holds)
            {
                throw new JsonException($"{MapMember} is not followed by an array of pairs");
            }
        }
    }

    /// <summary>What an object with one member stands for; null when it is an ordinary map.</summary>
    private static MeshValue? ReadSpecial(string member, MeshValue value)
    {
        switch (member)
        {
            case BinaryMember:
                return value.Kind == MessagePackKind.String && TryDecodeBase64(value.AsString(), out var bytes)
                    ? MeshValue.FromOwned(bytes)
                    : throw new JsonException($"{BinaryMember} is not followed by base64");
            case FloatMember:
                return value.Kind != MessagePackKind.String ? throw new JsonException($"{FloatMember} is not followed by a string") : value.AsString() switch
                {
                    "NaN" => double.NaN,
                    "Infinity" => double.PositiveInfinity,
                    "-Infinity" => double.NegativeInfinity,
                    _ => throw new JsonException($"{FloatMember} is not followed by NaN, Infinity or -Infinity"),
                };
            default:
                return null;
        }
    }

    private static bool TryDecodeBase64(string text, out byte[] bytes)
    {
        bytes = new byte[(text.Length / 4 * 3) + 3];
        var decoded = Convert.TryFromBase64String(text, bytes, out var length);
        bytes = bytes[..length];
        return decoded;
    }

    private static MeshValue Checked(ImmutableArray<MeshValue>.Builder items)
    {
        var depth = 0;
        foreach (var item in items)
        {
            depth = Math.Max(depth, item.Depth);
        }

        return depth >= MeshValue.MaxDepth ? throw new JsonException(MessagePackFault.TooDeep.Detail) : MeshValue.FromItems(items.DrainToImmutable());
    }

    private static MeshValue Checked(ImmutableArray<KeyValuePair<MeshValue, MeshValue>>.Builder entries) =>
        MeshValue.TryFromEntries(entries.DrainToImmutable(), out var map, out var error) ? map : throw new JsonException(error.Detail);

    private static void Spend(int elements, ref int elementsLeft)
    {
        elementsLeft -= elements;
        if (elementsLeft < 0)
        {
            throw new JsonException(MessagePackFault.TooManyElements.Detail);
        }
    }

    private static ProtocolError Fault(string detail) => new(ErrorCode.MalformedFrame, "MSG-12", detail);
}
