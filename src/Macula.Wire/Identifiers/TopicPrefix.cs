namespace Macula.Wire.Identifiers;

/// <summary>The first segments of a topic, all of them, or none: the place in the DHT where subscriptions stand.</summary>
public readonly struct TopicPrefix : IEquatable<TopicPrefix>
{
    private readonly string? _value;

    internal TopicPrefix(string value) => _value = value;

    /// <summary>The prefix without segments, which every topic has.</summary>
    public static TopicPrefix Root => default;

    /// <summary>The segments, joined by dots; empty for the root.</summary>
    public string Value => _value ?? "";

    /// <summary>Whether it has no segments.</summary>
    public bool IsRoot => Value.Length == 0;

    /// <inheritdoc/>
    public bool Equals(TopicPrefix other) => string.Equals(Value, other.Value, StringComparison.Ordinal);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is TopicPrefix other && Equals(other);

    /// <summary>A hash that is the same in every process, so that what iterates by it repeats from a seed.</summary>
    public override int GetHashCode() => NameRule.Hash(Value);

    /// <summary>The segments, joined by dots; empty for the root.</summary>
    public override string ToString() => Value;

    /// <summary>Equality by value.</summary>
    public static bool operator ==(TopicPrefix left, TopicPrefix right) => left.Equals(right);

    /// <summary>Inequality by value.</summary>
    public static bool operator !=(TopicPrefix left, TopicPrefix right) => !left.Equals(right);
}
