using System.Diagnostics.CodeAnalysis;

namespace Macula.Wire.Identifiers;

/// <summary>The name of a procedure: 1 to 16 segments of ASCII letters, digits, <c>_</c> and <c>-</c>, joined by dots, at most 255 bytes.</summary>
/// <remarks>Case matters: <c>math.add</c> and <c>Math.Add</c> are two procedures (docs/protocol/00-conventions.md [NAM-1] to [NAM-3]).</remarks>
public sealed class ProcedureName : IEquatable<ProcedureName>, IComparable<ProcedureName>
{
    /// <summary>Most bytes, and characters, that a name has.</summary>
    public const int MaxBytes = NameRule.MaxBytes;

    /// <summary>Most segments that a name has.</summary>
    public const int MaxSegments = NameRule.MaxSegments;

    private ProcedureName(string value) => Value = value;

    /// <summary>The name as text.</summary>
    public string Value { get; }

    /// <summary>Takes a text that must be a name.</summary>
    /// <exception cref="ArgumentException">It is none; the message shows it, escaped, and says which rule it breaks.</exception>
    public static ProcedureName Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return NameRule.FindFault(text, NameForm.Name) is { } fault
            ? throw new ArgumentException(NameRule.Describe("procedure name", text, fault), nameof(text))
            : new ProcedureName(text);
    }

    /// <summary>Takes a text that may be a name.</summary>
    /// <returns>False when it is null or breaks a rule.</returns>
    public static bool TryParse([NotNullWhen(true)] string? text, [NotNullWhen(true)] out ProcedureName? name)
    {
        name = text is not null && NameRule.FindFault(text, NameForm.Name) is null ? new ProcedureName(text) : null;
        return name is not null;
    }

    /// <summary>Reads a name as it stands on the wire. Allocates nothing unless it is one.</summary>
    /// <returns>False when the bytes break a rule.</returns>
    public static bool TryRead(ReadOnlySpan<byte> utf8, [NotNullWhen(true)] out ProcedureName? name)
    {
        name = NameRule.TryRead(utf8, NameForm.Name, out var text) ? new ProcedureName(text) : null;
        return name is not null;
    }

    /// <inheritdoc/>
    public bool Equals(ProcedureName? other) => other is not null && string.Equals(Value, other.Value, StringComparison.Ordinal);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as ProcedureName);

    /// <summary>A hash that is the same in every process, so that what iterates by it repeats from a seed.</summary>
    public override int GetHashCode() => NameRule.Hash(Value);

    /// <summary>Ordinal order of the text; null comes first.</summary>
    public int CompareTo(ProcedureName? other) => string.CompareOrdinal(Value, other?.Value);

    /// <summary>The name as text.</summary>
    public override string ToString() => Value;

    /// <summary>Equality by value.</summary>
    public static bool operator ==(ProcedureName? left, ProcedureName? right) => left is null ? right is null : left.Equals(right);

    /// <summary>Inequality by value.</summary>
    public static bool operator !=(ProcedureName? left, ProcedureName? right) => !(left == right);

    /// <summary>Ordinal order.</summary>
    public static bool operator <(ProcedureName? left, ProcedureName? right) => string.CompareOrdinal(left?.Value, right?.Value) < 0;

    /// <summary>Ordinal order.</summary>
    public static bool operator >(ProcedureName? left, ProcedureName? right) => string.CompareOrdinal(left?.Value, right?.Value) > 0;

    /// <summary>Ordinal order.</summary>
    public static bool operator <=(ProcedureName? left, ProcedureName? right) => string.CompareOrdinal(left?.Value, right?.Value) <= 0;

    /// <summary>Ordinal order.</summary>
    public static bool operator >=(ProcedureName? left, ProcedureName? right) => string.CompareOrdinal(left?.Value, right?.Value) >= 0;
}
