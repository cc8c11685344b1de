using System.Runtime.InteropServices;

namespace Macula.Wire.MessagePack;

/// <summary>Turns values into MessagePack and back. Its recursion ends at the depth limit of the reader or of the value.</summary>
internal static class MeshValueCodec
{
    public static bool TryRead(ref MessagePackReader reader, out MeshValue value)
    {
        value = default;
        if (!reader.TryPeek(out var kind))
        {
            return false;
        }

        switch (kind)
        {
            case MessagePackKind.Nil:
                return reader.TryReadNil();
            case MessagePackKind.Boolean:
                var hasBoolean = reader.TryReadBoolean(out var boolean);
                value = boolean;
                return hasBoolean;
            case MessagePackKind.Integer:
                var hasInteger = reader.TryReadInteger(out var integer, out var isAboveInt64);
                value = isAboveInt64 ? (MeshValue)(ulong)integer : integer;
                return hasInteger;
            case MessagePackKind.Float:
                var hasNumber = reader.TryReadDouble(out var number);
                value = number;
                return hasNumber;
            case MessagePackKind.String:
                var hasText = reader.TryReadString(int.MaxValue, out var text);
                value = text;
                return hasText;
            case MessagePackKind.Binary:
                var hasBytes = reader.TryReadBinary(int.MaxValue, out var bytes);
                value = MeshValue.Binary(bytes);
                return hasBytes;
            case MessagePackKind.Array:
                return TryReadArray(ref reader, out value);
            case MessagePackKind.Map:
                return TryReadMap(ref reader, out value);
            default:
                // [MSG-11]: no extension type has a meaning here.
                return reader.Fail(MessagePackFault.Extension);
        }
    }

    public static void Write(MessagePackWriter writer, MeshValue value)
    {
        switch (value.Kind)
        {
            case MessagePackKind.Nil:
                writer.WriteNil();
                break;
            case MessagePackKind.Boolean:
                writer.WriteBoolean(value.AsBoolean());
                break;
            case MessagePackKind.Integer when value.AsInt128() > long.MaxValue:
                writer.WriteInteger(value.AsUInt64());
                break;
            case MessagePackKind.Integer:
                writer.WriteInteger(value.AsInt64());
                break;
            case MessagePackKind.Float:
                writer.WriteFloat(value.AsDouble());
                break;
            case MessagePackKind.String:
                writer.WriteString(value.AsString());
                break;
            case MessagePackKind.Binary:
                writer.WriteBinary(value.AsBinary().Span);
                break;
            case MessagePackKind.Array:
                writer.WriteArrayHeader(value.Count);
                foreach (var item in value.Items)
                {
                    Write(writer, item);
                }

                break;
            default:
                writer.WriteMapHeader(value.Count);
                foreach (var (key, entry) in value.Entries)
                {
                    Write(writer, key);
                    Write(writer, entry);
                }

                break;
        }
    }

    private static bool TryReadArray(ref MessagePackReader reader, out MeshValue value)
    {
        value = default;
        if (!reader.TryEnterArray(out var count))
        {
            return false;
        }

        var items = new MeshValue[count];
        for (var index = 0; index < count; index++)
        {
            if (!TryRead(ref reader, out items[index]))
            {
                return false;
            }
        }

        reader.Leave();
        value = MeshValue.FromItems(ImmutableCollectionsMarshal.AsImmutableArray(items));
        return true;
    }

    private static bool TryReadMap(ref MessagePackReader reader, out MeshValue value)
    {
        value = default;
        if (!reader.TryEnterMap(out var count))
        {
            return false;
        }

        var entries = new KeyValuePair<MeshValue, MeshValue>[count];
        for (var index = 0; index < count; index++)
        {
            // [MSG-10]: the kind of a key is looked at before its value is read.
            if (!reader.TryPeek(out var keyKind))
            {
                return false;
            }

            if (keyKind is not (MessagePackKind.String or MessagePackKind.Integer))
            {
                return reader.Fail(MessagePackFault.KeyKind);
            }

            if (!TryRead(ref reader, out var key) || !TryRead(ref reader, out var entry))
            {
                return false;
            }

            entries[index] = new(key, entry);
        }

        reader.Leave();
        return MeshValue.TryFromEntries(ImmutableCollectionsMarshal.AsImmutableArray(entries), out value, out var error) || reader.Fail(error);
    }
}
