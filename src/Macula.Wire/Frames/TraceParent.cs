namespace Macula.Wire.Frames;

/// <summary>The form of a trace parent (W3C Trace Context §3.2): version, trace id, parent id and flags, in lower-case hexadecimal.</summary>
internal static class TraceParent
{
    public const int Length = 55;

    public static bool IsValid(ReadOnlySpan<char> text)
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
