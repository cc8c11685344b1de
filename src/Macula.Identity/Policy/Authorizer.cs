using Macula.Identity.Certificates;
using Macula.Identity.Realm;
using Macula.Wire.Errors;
using Macula.Wire.Identifiers;

namespace Macula.Identity.Policy;

/// <summary>The answer to "may this node do this".</summary>
public readonly record struct Authorization
{
    private readonly string? _refusal;

    private Authorization(bool isAllowed, string? refusal)
    {
        IsAllowed = isAllowed;
        _refusal = refusal;
    }

    /// <summary>True when a rule allows it; false also for a default value.</summary>
    public bool IsAllowed { get; }

    /// <summary><see cref="ErrorCode.NoError"/>, or why not.</summary>
    public ErrorCode Code => IsAllowed ? ErrorCode.NoError : ErrorCode.NotPermitted;

    /// <summary>One sentence for people, fit for the node that asked: it says nothing that this node does not know of itself.</summary>
    public string Sentence => IsAllowed ? "The realm's policy allows it." : _refusal ?? ErrorCodes.Describe(ErrorCode.NotPermitted).Meaning;

    internal static Authorization Allowed { get; } = new(true, null);

    internal static Authorization Refused(string sentence) => new(false, sentence);
}

/// <summary>Says what a realm's policy lets a node do. Every entry point of a node asks it.</summary>
/// <remarks>Immutable and free of locks; a new policy makes a new one. docs/protocol/05-policy.md [POL-1].</remarks>
public sealed class Authorizer
{
    private readonly RealmId _realm;
    private readonly RealmPolicy? _policy;

    /// <summary>Takes a realm's policy.</summary>
    /// <param name="realm">The realm; a node of another one is refused everything.</param>
    /// <param name="policy">The policy; null refuses everything to everybody.</param>
    public Authorizer(RealmId realm, RealmPolicy? policy)
    {
        _realm = realm;
        _policy = policy;
    }

    /// <summary>Decides. Allocates nothing when the answer is yes.</summary>
    /// <param name="who">A node whose certificate was accepted.</param>
    /// <param name="action">What it wants to do.</param>
    /// <param name="name">The topic, procedure or pattern; empty for relaying and storing.</param>
    /// <remarks>Costs a pass over the rules, at most 256.</remarks>
    public Authorization Authorize(NodeIdentity who, MeshAction action, ReadOnlySpan<char> name)
    {
        if (_policy is null)
        {
            return Authorization.Refused("This node has no policy of the realm, and without one nothing is permitted.");
        }

        if (who.RealmId != _realm || name.Length > NamePattern.MaxBytes)
        {
            return Authorization.Refused("Another realm's node, or a name that is too long.");
        }

        var rules = _policy.Rules;
        for (var rule = 0; rule < rules.Count; rule++)
        {
            if (rules[rule].Allows(who, action, name))
            {
                return Authorization.Allowed;
            }
        }

        // A name that breaks the rules for names may hold anything, also line ends for somebody's log.
        var subject = name.IsEmpty ? "" : NamePattern.TryParse(name.ToString(), out var pattern) ? $" on '{pattern}'" : " on that name";
        return Authorization.Refused($"Policy {_policy.Sequence} of the realm does not let {who.Name} {EnumWords<MeshAction>.WordOf(action)}{subject}.");
    }
}
