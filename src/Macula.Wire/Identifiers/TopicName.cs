using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;

namespace Macula.Wire.Identifiers;

/// <summary>What an event is about: 1 to 16 segments of ASCII letters, digits, <c>_</c> and <c>-</c>, joined by dots, at most 255 bytes.</summary>
/// <remarks>Case matters: <c>sensor.load</c> and <c>Sensor.load</c> are two topics (docs/protocol/00-conventions.md [NAM-1] to [NAM-3]).</remarks>
public sealed class TopicName : IEquatable<TopicName>
{
    /// <summary>Most bytes, and characters, that a topic has.</summary>
    public const int MaxBytes = NameRule.MaxBytes;

    /// <summary>Most segments that a topic has.</summary>
    public const int MaxSegments = NameRule.MaxSegments;

    private TopicName(string value) => Value = value;

    /// <summary>The topic as text.</summary>
    public string Value { get; }

    /// <summary>Takes a text that must be a topic.</summary>
    /// <exception cref="ArgumentException">It is none; the message shows it, escaped, and says which rule it breaks.</exception>
    public static TopicName Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return NameRule.FindFault(text, NameForm.Name) is { } fault
            ? throw new ArgumentException(NameRule.Describe("topic", text, fault), nameof(text))
            : new TopicName(text);
    }

    /// <summary>Takes a text that may be a topic.</summary>
    /// <returns>False when it is null or breaks a rule.</returns>
    public static bool TryParse([NotNullWhen(true)] string? text, [NotNullWhen(true)] out TopicName? topic)
    {
        topic = text is not null && NameRule.FindFault(text, NameForm.Name) is null ? new TopicName(text) : null;
        return topic is not null;
    }

    /// <summary>Reads a topic as it stands on the wire. Allocates nothing unless it is one.</summary>
    /// <returns>False when the bytes break a rule.</returns>
    public static bool TryRead(ReadOnlySpan<byte> utf8, [NotNullWhen(true)] out TopicName? topic)
    {
        topic = NameRule.TryRead(utf8, NameForm.Name, out var text) ? new TopicName(text) : null;
        return topic is not null;
    }

    /// <summary>The prefixes under which subscriptions to this topic can stand: the root, then one segment more each, up to the whole topic; 2 to 17 of them.</summary>
    public ImmutableArray<TopicPrefix> Prefixes()
    {
        var prefixes = ImmutableArray.CreateBuilder<TopicPrefix>(MaxSegments + 1);
        prefixes.Add(TopicPrefix.Root);
        for (var index = 0; index < Value.Length; index++)
        {
            if (Value[index] == '.')
            {
                prefixes.Add(new TopicPrefix(Value[..index]));
            }
        }

        prefixes.Add(new TopicPrefix(Value));
        return prefixes.DrainToImmutable();
    }

    /// <inheritdoc/>
    public bool Equals(TopicName? other) => other is not null && string.Equals(Value, other.Value, StringComparison.Ordinal);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as TopicName);

    /// <summary>A hash that is the same in every process, so that what iterates by it repeats from a seed.</summary>
    public override int GetHashCode() => NameRule.Hash(Value);

    /// <summary>The topic as text.</summary>
    public override string ToString() => Value;

    /// <summary>Equality by value.</summary>
    public static bool operator ==(TopicName? left, TopicName? right) => left is null ? right is null : left.Equals(right);

    /// <summary>Inequality by value.</summary>
    public static bool operator !=(TopicName? left, TopicName? right) => !(left == right);
}
