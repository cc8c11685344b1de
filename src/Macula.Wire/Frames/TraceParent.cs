using Macula.Wire.MessagePack;

namespace Macula.Wire.Frames;

/// <summary>The form of a trace parent (W3C Trace Context §3.2): version, trace id, parent id and flags, in lower-case hexadecimal.</summary>
internal static class TraceParent
{
    public const int Length = 55;

    public static int EncodedBytesOf(string? text) => text is null ? 1 : EncodedBytes.OfString(text);

    public static void ThrowIfInvalid(string? text)
    {
        if (text is not null && !IsValid(text))
        {
            throw new ArgumentException("A trace parent has the form 00-<32 digits>-<16 digits>-<2 digits>, hexadecimal in lower case.", nameof(text));
        }
    }

    public static void Write(MessagePackWriter writer, string? text)
    {
        if (text is null)
        {
            writer.WriteNil();
        }
        else
        {
            writer.WriteString(text);
        }
    }

    /// <summary>Reads a trace parent or nil [FRM-23].</summary>
    public static bool TryRead(ref MessagePackReader reader, out string? text)
    {
        text = null;
        if (!reader.TryPeek(out var kind))
        {
            return false;
        }

        if (kind == MessagePackKind.Nil)
        {
            return reader.TryReadNil();
        }

        return reader.TryReadString(Length, out text) && (IsValid(text) || reader.Fail(FrameFault.Malformed("FRM-23", "the trace parent is not of the W3C's form")));
    }

    private static bool IsValid(ReadOnlySpan<char> text)
    {
        if (text.Length != Length)
        {
            return false;
        }

        for (var index = 0; index < text.Length; index++)
        {
            // 2 digits | - | 32 digits | - | 16 digits | - | 2 digits
            var isDash = index is 2 or 35 or 52;
            if (isDash ? text[index] != '-' : !char.IsAsciiHexDigitLower(text[index]))
            {
                return false;
            }
        }

        return true;
    }
}
