using System.Diagnostics.CodeAnalysis;

namespace Macula.Identity.Names;

/// <summary>What people call a node inside its realm; unique there while its certificate lives.</summary>
/// <remarks>
/// 1 to 63 bytes: lower-case ASCII letters, digits, '-', '_', '.'; the first and the last are a letter or a digit, so that a name is never
/// "..", never hidden as a file and never taken for an option (docs/protocol/01-identity.md [ID-5]).
/// </remarks>
public sealed record NodeName
{
    /// <summary>Longest name in bytes: that of a DNS label.</summary>
    public const int MaxBytes = 63;

    private NodeName(string value) => Value = value;

    /// <summary>The name as text.</summary>
    public string Value { get; }

    /// <summary>Takes a name that the caller believes to be good.</summary>
    /// <exception cref="ArgumentException">The text breaks the rule; the message says which.</exception>
    public static NodeName Parse(string text) =>
        TryParse(text, out var name)
            ? name
            : throw new ArgumentException(
                $"A node name has 1 to {MaxBytes} lower-case letters, digits, '-', '_' or '.', and begins and ends with a letter or a digit.", nameof(text));

    /// <summary>Takes a name from outside.</summary>
    /// <returns>False for anything that breaks the rule.</returns>
    public static bool TryParse([NotNullWhen(true)] string? text, [NotNullWhen(true)] out NodeName? name)
    {
        name = text is { Length: >= 1 and <= MaxBytes } && !text.AsSpan().ContainsAnyExcept(NameAlphabet.NodeName)
            && char.IsAsciiLetterOrDigit(text[0]) && char.IsAsciiLetterOrDigit(text[^1])
            ? new NodeName(text)
            : null;
        return name is not null;
    }

    /// <inheritdoc/>
    public override string ToString() => Value;
}
