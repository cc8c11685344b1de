namespace Macula.Wire.Identifiers;

/// <summary>Decides segment by segment what a pattern covers (docs/protocol/00-conventions.md [NAM-5], [NAM-6]).</summary>
internal static class PatternMatch
{
    public const string OneSegment = "*";
    public const string AnySegments = "**";

    /// <summary>Whether a pattern covers a name, all of another pattern, or nothing (an empty text).</summary>
    public static bool Covers(ReadOnlySpan<char> pattern, ReadOnlySpan<char> name)
    {
        // The usual greedy match: on a mismatch, the last '**' takes one segment more and the rest is tried again. An earlier '**' never has to:
        // what it could leave to the segments between the two, the later one can take as well. So at worst the product of both lengths.
        var (index, position) = (0, 0);
        var (indexAfterAny, positionAfterAny) = (-1, 0);
        while (position < End(name))
        {
            var wanted = index < End(pattern) ? SegmentAt(pattern, index) : default;
            var found = SegmentAt(name, position);
            if (wanted.SequenceEqual(AnySegments))
            {
                index += wanted.Length + 1;
                (indexAfterAny, positionAfterAny) = (index, position);
            }
            else if (CoversSegment(wanted, found))
            {
                index += wanted.Length + 1;
                position += found.Length + 1;
            }
            else if (indexAfterAny >= 0)
            {
                positionAfterAny += SegmentAt(name, positionAfterAny).Length + 1;
                (index, position) = (indexAfterAny, positionAfterAny);
            }
            else
            {
                return false;
            }
        }

        while (index < End(pattern) && SegmentAt(pattern, index).SequenceEqual(AnySegments))
        {
            index += AnySegments.Length + 1;
        }

        return index >= End(pattern);
    }

    // One past the dot that would follow, so that a text that ends in a dot has an empty segment behind it.
    private static int End(ReadOnlySpan<char> text) => text.IsEmpty ? 0 : text.Length + 1;

    private static ReadOnlySpan<char> SegmentAt(ReadOnlySpan<char> text, int position)
    {
        var rest = text[position..];
        var dot = rest.IndexOf('.');
        return dot < 0 ? rest : rest[..dot];
    }

    // No segment of a pattern is empty, so an empty one is past its end, and covers nothing.
    private static bool CoversSegment(ReadOnlySpan<char> wanted, ReadOnlySpan<char> found) =>
        !wanted.IsEmpty && !found.IsEmpty && (wanted.SequenceEqual(OneSegment) ? !found.SequenceEqual(AnySegments) : wanted.SequenceEqual(found));
}
