using System.Text;

namespace Macula.Wire.MessagePack;

/// <summary>UTF-8 that throws on half of a surrogate pair instead of writing a replacement that nobody said.</summary>
internal static class StrictUtf8
{
    public static UTF8Encoding Encoding { get; } = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
}
