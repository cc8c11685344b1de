using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace Macula.Wire.Identifiers;

/// <summary>Whether a text may hold the segments that stand for others.</summary>
internal enum NameForm
{
    /// <summary>A name, without wildcards.</summary>
    Name,

    /// <summary>A pattern: a segment may be <c>*</c> or <c>**</c>.</summary>
    Pattern,
}

/// <summary>The rule that every name and pattern of the mesh obeys (docs/protocol/00-conventions.md [NAM-1] to [NAM-4]).</summary>
internal static class NameRule
{
    public const int MaxSegments = 16;

    // One length byte in a DHT key's preimage and in str8 is enough for every name.
    public const int MaxBytes = 255;

    private const string MixedSegment = "one of its segments has stars and is neither * nor **";

    // Enough to recognise a name by, short enough for one line of a log.
    private const int MaxQuotedCharacters = 64;

    /// <summary>Says which rule a text breaks; null when it breaks none.</summary>
    public static string? FindFault(ReadOnlySpan<char> text, NameForm form)
    {
        if (text.IsEmpty)
        {
            return "it is empty";
        }

        // [NAM-2]: looked at first, so that no more than this is ever scanned. Only ASCII passes, so characters are bytes.
        if (text.Length > MaxBytes)
        {
            return $"it has {text.Length} characters, more than {MaxBytes}";
        }

        var segments = 1;
        var segmentLength = 0;
        var stars = 0;
        foreach (var character in text)
        {
            if (character == '.')
            {
                // [NAM-1]: no segment is empty, so neither a leading, a trailing nor a doubled dot.
                if (segmentLength == 0)
                {
                    return "one of its segments is empty";
                }

                if (!IsSegment(segmentLength, stars))
                {
                    return MixedSegment;
                }

                segments++;
                segmentLength = 0;
                stars = 0;
            }
            else if (character == '*' && form == NameForm.Pattern)
            {
                segmentLength++;
                stars++;
            }
            else if (char.IsAsciiLetterOrDigit(character) || character is '_' or '-')
            {
                segmentLength++;
            }
            else
            {
                return $"'{Escape(character)}' is none of A-Z a-z 0-9 _ - and the dot between segments";
            }
        }

        return segmentLength == 0 ? "one of its segments is empty"
            : !IsSegment(segmentLength, stars) ? MixedSegment
            : segments > MaxSegments ? $"it has {segments} segments, more than {MaxSegments}"
            : null;
    }

    /// <summary>Reads a name from bytes that a peer sent; false when they are none.</summary>
    public static bool TryRead(ReadOnlySpan<byte> utf8, NameForm form, [NotNullWhen(true)] out string? name)
    {
        name = null;
        if (utf8.Length > MaxBytes)
        {
            return false;
        }

        // Every byte beyond ASCII becomes a character that the rule refuses, so widening needs no decoder.
        Span<char> text = stackalloc char[MaxBytes];
        text = text[..utf8.Length];
        for (var index = 0; index < utf8.Length; index++)
        {
            text[index] = (char)utf8[index];
        }

        name = FindFault(text, form) is null ? new string(text) : null;
        return name is not null;
    }

    /// <summary>A message for who gave a text that is no name; control characters are escaped and long texts cut.</summary>
    public static string Describe(string kind, ReadOnlySpan<char> text, string fault)
    {
        var quoted = new StringBuilder();
        foreach (var character in text[..Math.Min(text.Length, MaxQuotedCharacters)])
        {
            quoted.Append(Escape(character));
        }

        if (text.Length > MaxQuotedCharacters)
        {
            quoted.Append("...");
        }

        return $"\"{quoted}\" is not a {kind}: {fault}.";
    }

    /// <summary>A hash that is the same in every process, so that what iterates by it repeats from a seed.</summary>
    public static int Hash(ReadOnlySpan<char> text)
    {
        // FNV-1a, 32 bits.
        var hash = 2166136261u;
        foreach (var character in text)
        {
            hash = (hash ^ character) * 16777619u;
        }

        return (int)hash;
    }

    // [NAM-4]: a wildcard is a whole segment.
    private static bool IsSegment(int length, int stars) => stars == 0 || (stars == length && stars <= 2);

    private static string Escape(char character) =>
        character is >= ' ' and <= '~' ? character.ToString() : "\\u" + ((int)character).ToString("x4", CultureInfo.InvariantCulture);
}
