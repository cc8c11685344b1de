using System.Diagnostics.CodeAnalysis;

namespace Macula.Identity.Names;

/// <summary>What people call a realm. Two realms may bear the same name; only the realm id tells them apart, and only it travels in the clear.</summary>
/// <remarks>A lower-case DNS name of at most 200 bytes: labels of 1 to 63 letters, digits and inner '-', joined by dots (docs/protocol/01-identity.md [ID-2]).</remarks>
public sealed record RealmName
{
    /// <summary>Longest name in bytes.</summary>
    public const int MaxBytes = 200;

    private const int MaxLabelBytes = 63;

    private RealmName(string value) => Value = value;

    /// <summary>The name as text.</summary>
    public string Value { get; }

    /// <summary>Takes a name that the caller believes to be good.</summary>
    /// <exception cref="ArgumentException">The text breaks the rule; the message says which.</exception>
    public static RealmName Parse(string text) =>
        TryParse(text, out var name)
            ? name
            : throw new ArgumentException(
                $"A realm name is a lower-case DNS name of at most {MaxBytes} bytes: labels of letters, digits and inner '-', joined by dots.", nameof(text));

    /// <summary>Takes a name from outside.</summary>
    /// <returns>False for anything that breaks the rule.</returns>
    public static bool TryParse([NotNullWhen(true)] string? text, [NotNullWhen(true)] out RealmName? name)
    {
        name = null;
        if (text is not { Length: >= 1 and <= MaxBytes })
        {
            return false;
        }

        foreach (var range in text.AsSpan().Split('.'))
        {
            if (!IsLabel(text.AsSpan()[range]))
            {
                return false;
            }
        }

        name = new RealmName(text);
        return true;
    }

    /// <inheritdoc/>
    public override string ToString() => Value;

    // RFC 1123 §2.1: letters, digits and hyphens, a hyphen neither first nor last.
    internal static bool IsLabel(ReadOnlySpan<char> label) =>
        label.Length is >= 1 and <= MaxLabelBytes && !label.ContainsAnyExcept(NameAlphabet.DomainLabel) && label[0] != '-' && label[^1] != '-';
}
