using System.Diagnostics.CodeAnalysis;

namespace Macula.Wire.Identifiers;

/// <summary>What a subscription asks for: a topic in which <c>*</c> may stand for one segment and <c>**</c> for any number, also none.</summary>
/// <remarks>1 to 16 segments joined by dots, at most 255 bytes (docs/protocol/00-conventions.md [NAM-4], [NAM-5]).</remarks>
public sealed class TopicPattern : IEquatable<TopicPattern>, IComparable<TopicPattern>
{
    /// <summary>Most bytes, and characters, that a pattern has.</summary>
    public const int MaxBytes = NameRule.MaxBytes;

    /// <summary>Most segments that a pattern has, wildcards included.</summary>
    public const int MaxSegments = NameRule.MaxSegments;

    private TopicPattern(string value) => Value = value;

    /// <summary>The pattern that every topic matches.</summary>
    public static TopicPattern Everything { get; } = new(PatternMatch.AnySegments);

    /// <summary>The pattern as text.</summary>
    public string Value { get; }

    /// <summary>The segments before the first wildcard: all of them for an exact topic, none for a pattern that begins with a wildcard.</summary>
    public TopicPrefix LiteralPrefix
    {
        get
        {
            var wildcard = Value.IndexOf('*', StringComparison.Ordinal);
            // The dot before the wildcard belongs to neither.
            return wildcard < 0 ? new TopicPrefix(Value) : wildcard == 0 ? TopicPrefix.Root : new TopicPrefix(Value[..(wildcard - 1)]);
        }
    }

    /// <summary>Takes a text that must be a pattern.</summary>
    /// <exception cref="ArgumentException">It is none; the message shows it, escaped, and says which rule it breaks.</exception>
    public static TopicPattern Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return NameRule.FindFault(text, NameForm.Pattern) is { } fault
            ? throw new ArgumentException(NameRule.Describe("topic pattern", text, fault), nameof(text))
            : new TopicPattern(text);
    }

    /// <summary>Takes a text that may be a pattern.</summary>
    /// <returns>False when it is null or breaks a rule.</returns>
    public static bool TryParse([NotNullWhen(true)] string? text, [NotNullWhen(true)] out TopicPattern? pattern)
    {
        pattern = text is not null && NameRule.FindFault(text, NameForm.Pattern) is null ? new TopicPattern(text) : null;
        return pattern is not null;
    }

    /// <summary>Reads a pattern as it stands on the wire. Allocates nothing unless it is one.</summary>
    /// <returns>False when the bytes break a rule.</returns>
    public static bool TryRead(ReadOnlySpan<byte> utf8, [NotNullWhen(true)] out TopicPattern? pattern)
    {
        pattern = NameRule.TryRead(utf8, NameForm.Pattern, out var text) ? new TopicPattern(text) : null;
        return pattern is not null;
    }

    /// <summary>The pattern that one topic alone matches.</summary>
    public static TopicPattern Of(TopicName topic)
    {
        ArgumentNullException.ThrowIfNull(topic);
        return new TopicPattern(topic.Value);
    }

    /// <summary>Whether a topic matches. Allocates nothing; at worst 256 comparisons of segments, however many wildcards there are.</summary>
    public bool Matches(TopicName topic)
    {
        ArgumentNullException.ThrowIfNull(topic);
        return PatternMatch.Covers(Value, topic.Value);
    }

    /// <summary>Whether every topic that another pattern matches is matched by this one, decided segment by segment [NAM-6].</summary>
    /// <returns>
    /// Never true wrongly. False also where only both wildcards together would tell: when <c>*</c> stands beside <c>**</c> in this pattern,
    /// as in <c>*.**</c> for <c>**.*</c>.
    /// </returns>
    public bool Covers(TopicPattern other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return PatternMatch.Covers(Value, other.Value);
    }

    /// <summary>Whether a name, a pattern or nothing is covered, given as text, which is not looked at for being one. Allocates nothing.</summary>
    /// <param name="text">Nothing, the empty text, is covered by patterns of <c>**</c> alone.</param>
    public bool Covers(ReadOnlySpan<char> text) => PatternMatch.Covers(Value, text);

    /// <inheritdoc/>
    public bool Equals(TopicPattern? other) => other is not null && string.Equals(Value, other.Value, StringComparison.Ordinal);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as TopicPattern);

    /// <summary>A hash that is the same in every process, so that what iterates by it repeats from a seed.</summary>
    public override int GetHashCode() => NameRule.Hash(Value);

    /// <summary>Order of the bytes; null comes first.</summary>
    public int CompareTo(TopicPattern? other) => string.CompareOrdinal(Value, other?.Value);

    /// <summary>The pattern as text.</summary>
    public override string ToString() => Value;

    /// <summary>Equality by value.</summary>
    public static bool operator ==(TopicPattern? left, TopicPattern? right) => left is null ? right is null : left.Equals(right);

    /// <summary>Inequality by value.</summary>
    public static bool operator !=(TopicPattern? left, TopicPattern? right) => !(left == right);

    /// <summary>Ordinal order.</summary>
    public static bool operator <(TopicPattern? left, TopicPattern? right) => string.CompareOrdinal(left?.Value, right?.Value) < 0;

    /// <summary>Ordinal order.</summary>
    public static bool operator >(TopicPattern? left, TopicPattern? right) => string.CompareOrdinal(left?.Value, right?.Value) > 0;

    /// <summary>Ordinal order.</summary>
    public static bool operator <=(TopicPattern? left, TopicPattern? right) => string.CompareOrdinal(left?.Value, right?.Value) <= 0;

    /// <summary>Ordinal order.</summary>
    public static bool operator >=(TopicPattern? left, TopicPattern? right) => string.CompareOrdinal(left?.Value, right?.Value) >= 0;
}
