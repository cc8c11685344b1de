namespace Macula.Wire.MessagePack;

/// <summary>How many bytes <see cref="MessagePackWriter"/> will take, so that a frame's length can stand before its body.</summary>
internal static class EncodedBytes
{
    public static int OfInteger(ulong value) =>
        value < Format.FixMap ? 1 : value <= byte.MaxValue ? 2 : value <= ushort.MaxValue ? 3 : value <= uint.MaxValue ? 5 : 9;

    public static int OfString(string text)
    {
        var bytes = StrictUtf8.Encoding.GetByteCount(text);
        return bytes + (bytes < 32 ? 1 : bytes <= byte.MaxValue ? 2 : bytes <= ushort.MaxValue ? 3 : 5);
    }

    public static int OfBinary(int bytes) => bytes + (bytes <= byte.MaxValue ? 2 : bytes <= ushort.MaxValue ? 3 : 5);

    public static int OfContainerHeader(int count) => count < 16 ? 1 : count <= ushort.MaxValue ? 3 : 5;
}
