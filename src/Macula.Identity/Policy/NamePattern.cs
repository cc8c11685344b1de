using System.Diagnostics.CodeAnalysis;
using Macula.Identity.Names;

namespace Macula.Identity.Policy;

/// <summary>Topics and procedures that a rule is about: a name, or a pattern in which '*' stands for one segment and '**' for any number, also none.</summary>
/// <remarks>1 to 16 segments joined by dots, at most 255 bytes; a segment that is no wildcard holds letters, digits, '_' and '-' (docs/protocol/05-policy.md [POL-4]).</remarks>
public sealed class NamePattern
{
    /// <summary>Longest pattern or name in bytes.</summary>
    public const int MaxBytes = 255;

    /// <summary>Most segments in a pattern.</summary>
    public const int MaxSegments = 16;

    private const string OneSegment = "*";
    private const string AnySegments = "**";

    private readonly string _text;
    private readonly string[] _segments;

    private NamePattern(string text, string[] segments)
    {
        _text = text;
        _segments = segments;
    }

    /// <summary>The pattern that covers every name.</summary>
    public static NamePattern Everything { get; } = new(AnySegments, [AnySegments]);

    /// <summary>Takes a pattern that the caller believes to be good.</summary>
    /// <exception cref="ArgumentException">The text breaks the rule; the message says which.</exception>
    public static NamePattern Parse(string text) =>
        TryParse(text, out var pattern)
            ? pattern
            : throw new ArgumentException(
                $"A name pattern has 1 to {MaxSegments} segments joined by dots, {MaxBytes} bytes at most; a segment is '*', '**', or letters, digits, '_' and '-'.",
                nameof(text));

    /// <summary>Takes a pattern from outside; false for anything that breaks the rule.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, [NotNullWhen(true)] out NamePattern? pattern)
    {
        pattern = null;
        if (text is not { Length: >= 1 and <= MaxBytes })
        {
            return false;
        }

        var segments = text.Split('.');
        if (segments.Length > MaxSegments || !segments.All(IsSegment))
        {
            return false;
        }

        pattern = new NamePattern(text, segments);
        return true;
    }

    // docs/protocol/05-policy.md [POL-5]
    /// <summary>Whether the pattern covers a name, or all that another pattern could ever match.</summary>
    /// <param name="name">A name, a pattern (of a subscription), or nothing (for what has no name); '*' and '**' in it are covered only by wildcards as wide.</param>
    /// <remarks>
    /// Segment by segment, so a few pairs that are equal by reasoning alone ("*.**" and "**.*") are told apart, to the safe side.
    /// Allocates nothing; at worst the product of both lengths in segments.
    /// </remarks>
    public bool Covers(ReadOnlySpan<char> name)
    {
        // The usual greedy match: on a mismatch, the last '**' takes one segment more and the rest is tried again.
        var end = name.IsEmpty ? 0 : name.Length + 1;
        var position = 0;
        var index = 0;
        var indexAfterAny = -1;
        var positionAfterAny = 0;
        while (position < end)
        {
            if (index < _segments.Length && _segments[index] == AnySegments)
            {
                indexAfterAny = ++index;
                positionAfterAny = position;
            }
            else if (index < _segments.Length && CoversSegment(_segments[index], SegmentAt(name, position)))
            {
                index++;
                position += SegmentAt(name, position).Length + 1;
            }
            else if (indexAfterAny >= 0)
            {
                index = indexAfterAny;
                positionAfterAny += SegmentAt(name, positionAfterAny).Length + 1;
                position = positionAfterAny;
            }
            else
            {
                return false;
            }
        }

        while (index < _segments.Length && _segments[index] == AnySegments)
        {
            index++;
        }

        return index == _segments.Length;
    }

    /// <summary>The pattern as text.</summary>
    public override string ToString() => _text;

    private static bool IsSegment(string segment) =>
        segment is OneSegment or AnySegments || (segment.Length > 0 && !segment.AsSpan().ContainsAnyExcept(NameAlphabet.Segment));

    private static ReadOnlySpan<char> SegmentAt(ReadOnlySpan<char> name, int position)
    {
        var rest = name[position..];
        var dot = rest.IndexOf('.');
        return dot < 0 ? rest : rest[..dot];
    }

    private static bool CoversSegment(string segment, ReadOnlySpan<char> found) =>
        segment == OneSegment ? !found.IsEmpty && !found.SequenceEqual(AnySegments) : found.SequenceEqual(segment);
}
