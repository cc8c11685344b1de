using System.Diagnostics.CodeAnalysis;
using Macula.Identity.Certificates;
using Macula.Identity.Names;

namespace Macula.Identity.Policy;

/// <summary>Whom a rule is about: every member ("any"), the nodes of a role ("role:gateway"), or nodes by name ("node:sensor-*").</summary>
/// <remarks>In a node name, '*' stands for any number of characters, also none (docs/protocol/05-policy.md [POL-3]).</remarks>
public sealed class PolicySubject
{
    private const string AnyText = "any";
    private const string RolePrefix = "role:";
    private const string NodePrefix = "node:";

    private readonly string _text;
    private readonly NodeRoles _role;
    private readonly string? _glob;

    private PolicySubject(string text, NodeRoles role, string? glob)
    {
        _text = text;
        _role = role;
        _glob = glob;
    }

    /// <summary>Every member of the realm.</summary>
    public static PolicySubject AnyMember { get; } = new(AnyText, NodeRoles.None, null);

    /// <summary>The nodes that have a role.</summary>
    /// <param name="role">Exactly one of the named roles.</param>
    /// <exception cref="ArgumentOutOfRangeException">Not exactly one named role.</exception>
    public static PolicySubject InRole(NodeRoles role) => role switch
    {
        NodeRoles.Peer => new(RolePrefix + "peer", role, null),
        NodeRoles.Gateway => new(RolePrefix + "gateway", role, null),
        NodeRoles.Bootstrap => new(RolePrefix + "bootstrap", role, null),
        _ => throw new ArgumentOutOfRangeException(nameof(role), role, "A rule is about one role; name several subjects for several roles."),
    };

    /// <summary>Takes a subject in its text form; false for anything else.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, [NotNullWhen(true)] out PolicySubject? subject)
    {
        subject = text switch
        {
            AnyText => AnyMember,
            RolePrefix + "peer" => InRole(NodeRoles.Peer),
            RolePrefix + "gateway" => InRole(NodeRoles.Gateway),
            RolePrefix + "bootstrap" => InRole(NodeRoles.Bootstrap),
            not null when text.StartsWith(NodePrefix, StringComparison.Ordinal) && IsGlob(text.AsSpan(NodePrefix.Length)) => new(text, NodeRoles.None, text[NodePrefix.Length..]),
            _ => null,
        };
        return subject is not null;
    }

    /// <summary>Whether a node is meant. Allocates nothing.</summary>
    public bool Includes(NodeIdentity identity) =>
        _glob is not null ? Matches(_glob, identity.Name.Value) : _role == NodeRoles.None || (identity.Roles & _role) != 0;

    /// <summary>The text form.</summary>
    public override string ToString() => _text;

    private static bool IsGlob(ReadOnlySpan<char> glob) =>
        glob.Length is >= 1 and <= NodeName.MaxBytes && !glob.ContainsAnyExcept(NameAlphabet.NodeGlob);

    // Greedy: on a mismatch the last '*' takes one character more. At worst 63 x 63 steps.
    private static bool Matches(string glob, string name)
    {
        var (index, position, indexAfterStar, positionAfterStar) = (0, 0, -1, 0);
        while (position < name.Length)
        {
            if (index < glob.Length && glob[index] == '*')
            {
                indexAfterStar = ++index;
                positionAfterStar = position;
            }
            else if (index < glob.Length && glob[index] == name[position])
            {
                index++;
                position++;
            }
            else if (indexAfterStar >= 0)
            {
                index = indexAfterStar;
                position = ++positionAfterStar;
            }
            else
            {
                return false;
            }
        }

        return glob.AsSpan(index).IndexOfAnyExcept('*') < 0;
    }
}
