using System.Buffers;
using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Text;
using Macula.Wire.Errors;

namespace Macula.Wire.MessagePack;

/// <summary>
/// A value of no static type: nil, a boolean, an integer of 64 bits with or without sign, a double, text, bytes, an array or a map.
/// Immutable; <c>default</c> is nil.
/// </summary>
/// <remarks>
/// A value nests at most <see cref="MaxDepth"/> containers and holds at most <see cref="MaxElements"/> values, so whatever can be built can be
/// sent, read and compared. The keys of a map are strings or integers, each at most once; entries keep the order in which they were given.
/// Arrays are equal element by element; maps are equal when they hold the same keys with equal values, in any order. An integer never equals a
/// double; NaN equals NaN.
/// </remarks>
public readonly partial struct MeshValue : IEquatable<MeshValue>
{
    /// <summary>Most containers that enclose each other.</summary>
    public const int MaxDepth = MessagePackLimits.DepthCeiling;

    /// <summary>Most values inside all containers together, keys included.</summary>
    public const int MaxElements = MessagePackLimits.ElementCeiling;

    private static readonly MeshArray EmptyArray = new([]);

    // Null is nil; a Tag says how to read _bits; else the content itself: string, byte[], MeshArray or MeshMap.
    private readonly object? _content;
    private readonly long _bits;

    private MeshValue(object? content, long bits = 0)
    {
        _content = content;
        _bits = bits;
    }

    /// <summary>No value.</summary>
    public static MeshValue Nil => default;

    /// <summary>What the value is.</summary>
    public MessagePackKind Kind => _content switch
    {
        null => MessagePackKind.Nil,
        Tag tag => tag.Kind,
        string => MessagePackKind.String,
        byte[] => MessagePackKind.Binary,
        MeshArray => MessagePackKind.Array,
        _ => MessagePackKind.Map,
    };

    /// <summary>True for nil.</summary>
    public bool IsNil => _content is null;

    /// <summary>Number of elements of an array or entries of a map.</summary>
    /// <exception cref="MeshValueException">It is neither.</exception>
    public int Count => _content switch
    {
        MeshArray array => array.Items.Length,
        MeshMap map => map.Entries.Length,
        _ => throw Unexpected("an array or a map"),
    };

    /// <summary>The elements of an array.</summary>
    /// <exception cref="MeshValueException">It is no array.</exception>
    public ImmutableArray<MeshValue> Items => _content is MeshArray array ? array.Items : throw Unexpected("an array");

    /// <summary>The entries of a map, in the order in which they were given.</summary>
    /// <exception cref="MeshValueException">It is no map.</exception>
    public ImmutableArray<KeyValuePair<MeshValue, MeshValue>> Entries => _content is MeshMap map ? map.Entries : throw Unexpected("a map");

    internal int Depth => _content switch
    {
        MeshArray array => array.Depth,
        MeshMap map => map.Depth,
        _ => 0,
    };

    internal int Elements => _content switch
    {
        MeshArray array => array.Elements,
        MeshMap map => map.Elements,
        _ => 0,
    };

    /// <summary>The value under a string key of a map.</summary>
    /// <exception cref="MeshValueException">It is no map, or the map has no such key; the message names the key.</exception>
    public MeshValue this[string key] => _content is not MeshMap map
        ? throw new MeshValueException($"The value is {NameOf(Kind)}, so it has no \"{key}\".")
        : map.TryGet(key, out var value) ? value : throw new MeshValueException($"The map has no \"{key}\".");

    /// <summary>The element of an array at a position, from 0.</summary>
    /// <exception cref="MeshValueException">It is no array, or the array is shorter; the message says how long it is.</exception>
    public MeshValue this[int index] => _content is not MeshArray array
        ? throw Unexpected("an array")
        : (uint)index < (uint)array.Items.Length ? array.Items[index] : throw new MeshValueException($"The array has {array.Items.Length} elements and none at {index}.");

    /// <summary>Makes an array.</summary>
    /// <exception cref="ArgumentException">It would go beyond <see cref="MaxDepth"/> or <see cref="MaxElements"/>.</exception>
    public static MeshValue Array(params ReadOnlySpan<MeshValue> items) => FromItems(items.ToImmutableArray());

    /// <summary>Makes a map: <c>MeshValue.Map(("a", 5), ("b", 3))</c>.</summary>
    /// <exception cref="ArgumentException">A key is no string or integer or stands twice, or the map would go beyond <see cref="MaxDepth"/> or <see cref="MaxElements"/>.</exception>
    public static MeshValue Map(params ReadOnlySpan<(MeshValue Key, MeshValue Value)> entries)
    {
        var list = new KeyValuePair<MeshValue, MeshValue>[entries.Length];
        for (var index = 0; index < list.Length; index++)
        {
            list[index] = new(entries[index].Key, entries[index].Value);
        }

        return TryFromEntries(ImmutableCollectionsMarshal.AsImmutableArray(list), out var map, out var error)
            ? map
            : throw new ArgumentException($"This is no map of the mesh: {error.Detail}.", nameof(entries));
    }

    /// <summary>Makes a binary of a copy of the bytes.</summary>
    public static MeshValue Binary(ReadOnlySpan<byte> bytes) => new(bytes.ToArray());

    /// <summary>Looks a key of a map up.</summary>
    /// <returns>False when this is no map or has no such key.</returns>
    public bool TryGet(MeshValue key, out MeshValue value)
    {
        value = default;
        return _content is MeshMap map && map.TryGet(key, out value);
    }

    /// <summary>The boolean that this is.</summary>
    /// <exception cref="MeshValueException">It is something else.</exception>
    public bool AsBoolean() => ReferenceEquals(_content, Tag.Boolean) ? _bits != 0 : throw Unexpected("a boolean");

    /// <summary>The integer that this is.</summary>
    /// <exception cref="MeshValueException">It is something else, or outside -2^31 to 2^31 - 1.</exception>
    public int AsInt32() => AsInt64() is >= int.MinValue and <= int.MaxValue and var value ? (int)value : throw OutOfRange("32 bits");

    /// <summary>The integer that this is.</summary>
    /// <exception cref="MeshValueException">It is something else, or above 2^63 - 1.</exception>
    public long AsInt64() =>
        ReferenceEquals(_content, Tag.Integer) ? _bits
        : ReferenceEquals(_content, Tag.UnsignedInteger) ? throw OutOfRange("64 bits with a sign")
        : throw Unexpected("an integer");

    /// <summary>The integer that this is.</summary>
    /// <exception cref="MeshValueException">It is something else, or negative.</exception>
    public ulong AsUInt64() =>
        ReferenceEquals(_content, Tag.UnsignedInteger) ? (ulong)_bits
        : !ReferenceEquals(_content, Tag.Integer) ? throw Unexpected("an integer")
        : _bits >= 0 ? (ulong)_bits : throw OutOfRange("64 bits without a sign");

    /// <summary>The double that this is, or the integer that this is when a double says it exactly.</summary>
    /// <exception cref="MeshValueException">It is something else, or an integer that a double cannot say.</exception>
    public double AsDouble()
    {
        if (ReferenceEquals(_content, Tag.Float))
        {
            return BitConverter.Int64BitsToDouble(_bits);
        }

        if (Kind != MessagePackKind.Integer)
        {
            throw Unexpected("a number");
        }

        var exact = AsInt128();
        var value = (double)exact;
        return (Int128)value == exact ? value : throw OutOfRange("the 53 bits of a double");
    }

    /// <summary>The text that this is.</summary>
    /// <exception cref="MeshValueException">It is something else.</exception>
    public string AsString() => _content as string ?? throw Unexpected("a string");

    /// <summary>The bytes that this is.</summary>
    /// <exception cref="MeshValueException">It is something else.</exception>
    public ReadOnlyMemory<byte> AsBinary() => _content is byte[] bytes ? bytes : throw Unexpected("binary");

    /// <summary>Reads exactly one value from bytes that a stranger may have written.</summary>
    /// <param name="bytes">The encoding; nothing may follow it.</param>
    /// <param name="limits">What to accept; null takes <see cref="MessagePackLimits.Default"/>.</param>
    /// <param name="value">The value; nil when the answer is false.</param>
    /// <param name="error">What is wrong, with the requirement of docs/protocol/00-conventions.md.</param>
    /// <remarks>Allocates at most about 60 bytes for each byte read. A float of 32 bits becomes a double of the same value.</remarks>
    public static bool TryDecode(ReadOnlySpan<byte> bytes, MessagePackLimits? limits, out MeshValue value, out ProtocolError error)
    {
        var reader = new MessagePackReader(bytes, limits ?? MessagePackLimits.Default);
        var decoded = MeshValueCodec.TryRead(ref reader, out value) && reader.TryEnd();
        error = reader.Error.GetValueOrDefault();
        value = decoded ? value : default;
        return decoded;
    }

    /// <summary>Reads the next value from a reader, under the reader's limits.</summary>
    /// <returns>False when the reader failed; it says why.</returns>
    public static bool TryRead(ref MessagePackReader reader, out MeshValue value) => MeshValueCodec.TryRead(ref reader, out value);

    /// <summary>Writes the value in its shortest form; doubles take 9 bytes.</summary>
    public void Encode(IBufferWriter<byte> output) => MeshValueCodec.Write(new MessagePackWriter(output), this);

    /// <summary>Writes the value as JSON on one line, so that <see cref="ParseJson"/> gives it back exactly.</summary>
    /// <remarks>
    /// Integers keep all their digits and doubles a point or an exponent. What JSON has no word for is an object with one member:
    /// bytes <c>{"$binary": "base64"}</c>, doubles that are no number <c>{"$float": "NaN"}</c> (or <c>Infinity</c>, <c>-Infinity</c>), and
    /// maps with integer keys, or with one of these three members alone, <c>{"$map": [[key, value], ...]}</c>. Text beyond ASCII stays as it is, so
    /// this JSON does not belong inside HTML.
    /// </remarks>
    public string ToJson() => Encoding.UTF8.GetString(MeshValueJson.Write(this));

    /// <summary>Reads what <see cref="ToJson"/> writes and any other JSON: numbers without point or exponent become integers, the others doubles.</summary>
    /// <exception cref="FormatException">It is no JSON, a number fits neither 64 bits nor a double, a key stands twice, or it goes beyond <see cref="MaxDepth"/> or <see cref="MaxElements"/>.</exception>
    public static MeshValue ParseJson(string json)
    {
        ArgumentNullException.ThrowIfNull(json);
        return TryParseJson(Encoding.UTF8.GetBytes(json), out var value, out var error) ? value : throw new FormatException($"This is no JSON value of the mesh: {error.Detail}.");
    }

    /// <summary>Reads JSON in UTF-8 that a stranger may have written.</summary>
    public static bool TryParseJson(ReadOnlySpan<byte> utf8, out MeshValue value, out ProtocolError error) => MeshValueJson.TryRead(utf8, out value, out error);

    /// <summary>The value as JSON.</summary>
    public override string ToString() => ToJson();

    internal Int128 AsInt128() => ReferenceEquals(_content, Tag.UnsignedInteger) ? (Int128)(ulong)_bits : AsInt64();

    internal static MeshValue FromOwned(byte[] bytes) => new(bytes);

    internal static MeshValue FromItems(ImmutableArray<MeshValue> items)
    {
        // An empty array takes one byte on the wire; it takes no memory of its own here.
        var array = items.IsEmpty ? EmptyArray : new MeshArray(items);
        return FindExcess(array.Depth, array.Elements) is { } error
            ? throw new ArgumentException($"This is no array of the mesh: {error.Detail}.", nameof(items))
            : new MeshValue(array);
    }

    internal static bool TryFromEntries(ImmutableArray<KeyValuePair<MeshValue, MeshValue>> entries, out MeshValue value, out ProtocolError error)
    {
        value = default;
        foreach (var (key, _) in entries)
        {
            if (key.Kind is not (MessagePackKind.String or MessagePackKind.Integer))
            {
                error = MessagePackFault.KeyKind;
                return false;
            }
        }

        if (MeshMap.TryCreate(entries) is not { } map)
        {
            error = MessagePackFault.DuplicateKey;
            return false;
        }

        value = new MeshValue(map);
        error = FindExcess(map.Depth, map.Elements).GetValueOrDefault();
        return error == default;
    }

    private static ProtocolError? FindExcess(int depth, int elements) =>
        depth > MaxDepth ? MessagePackFault.TooDeep : elements > MaxElements ? MessagePackFault.TooManyElements : null;

    private static string NameOf(MessagePackKind kind) => kind switch
    {
        MessagePackKind.Nil => "nil",
        MessagePackKind.Boolean => "a boolean",
        MessagePackKind.Integer => "an integer",
        MessagePackKind.Float => "a double",
        MessagePackKind.String => "a string",
        MessagePackKind.Binary => "binary",
        MessagePackKind.Array => "an array",
        _ => "a map",
    };

    private MeshValueException Unexpected(string wanted) => new($"The value is {NameOf(Kind)}, not {wanted}.");

    private MeshValueException OutOfRange(string range) => new($"The integer {AsInt128()} does not fit {range}.");

    private sealed class Tag(MessagePackKind kind)
    {
        public static readonly Tag Boolean = new(MessagePackKind.Boolean);
        public static readonly Tag Integer = new(MessagePackKind.Integer);

        // Above 2^63 - 1, so that every integer has one representation and equality is equality of the bits.
        public static readonly Tag UnsignedInteger = new(MessagePackKind.Integer);
        public static readonly Tag Float = new(MessagePackKind.Float);

        public MessagePackKind Kind { get; } = kind;
    }
}
