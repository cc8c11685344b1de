using System.Diagnostics.CodeAnalysis;
using Macula.Wire.Identifiers;

namespace Macula.Identity.Policy;

/// <summary>What a rule is about: topics, procedures, or, for what has no name, nothing; in the form of a <see cref="TopicPattern"/>.</summary>
/// <remarks>docs/protocol/05-policy.md [POL-4].</remarks>
public sealed class NamePattern
{
    /// <summary>Longest pattern or name in bytes.</summary>
    public const int MaxBytes = TopicPattern.MaxBytes;

    private readonly TopicPattern _pattern;

    private NamePattern(TopicPattern pattern) => _pattern = pattern;

    /// <summary>The pattern that covers every name, and what has none.</summary>
    public static NamePattern Everything { get; } = new(TopicPattern.Everything);

    /// <summary>Takes a pattern that the caller believes to be good.</summary>
    /// <exception cref="ArgumentException">The text breaks a rule; the message says which.</exception>
    public static NamePattern Parse(string text) => new(TopicPattern.Parse(text));

    /// <summary>Takes a pattern from outside; false for anything that breaks the rule.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, [NotNullWhen(true)] out NamePattern? pattern)
    {
        pattern = TopicPattern.TryParse(text, out var parsed) ? new NamePattern(parsed) : null;
        return pattern is not null;
    }

    // docs/protocol/05-policy.md [POL-5]
    /// <summary>Whether the pattern covers a name, or all that another pattern could ever match.</summary>
    /// <param name="name">A name, a pattern (of a subscription), or nothing (for what has no name); '*' and '**' in it are covered only by wildcards as wide.</param>
    /// <remarks>Allocates nothing; at worst the product of both lengths in segments.</remarks>
    public bool Covers(ReadOnlySpan<char> name) => _pattern.Covers(name);

    /// <summary>The pattern as text.</summary>
    public override string ToString() => _pattern.Value;
}
