using Macula.Identity.Certificates;

namespace Macula.Identity.Policy;

/// <summary>One permission: these nodes may do these things on these names. Rules only ever allow; what no rule allows is refused.</summary>
/// <remarks>docs/protocol/05-policy.md [POL-2].</remarks>
public sealed class PolicyRule
{
    /// <summary>Most subjects in a rule.</summary>
    public const int MaxSubjects = 32;

    /// <summary>Most name patterns in a rule.</summary>
    public const int MaxNames = 32;

    private readonly int _actions;

    /// <summary>Makes a rule.</summary>
    /// <param name="who">Whom it is about, 1 to 32.</param>
    /// <param name="may">What they may do, at least one.</param>
    /// <param name="on">On which names, 1 to 32. Relaying and storing have no name, which "**" covers.</param>
    /// <exception cref="ArgumentException">A list is empty or too long.</exception>
    public PolicyRule(IReadOnlyList<PolicySubject> who, IReadOnlyList<MeshAction> may, IReadOnlyList<NamePattern> on)
    {
        if (who.Count is < 1 or > MaxSubjects || on.Count is < 1 or > MaxNames || may.Count < 1 || !may.All(Enum.IsDefined))
        {
            throw new ArgumentException($"A rule has 1 to {MaxSubjects} subjects, at least one action, and 1 to {MaxNames} name patterns.");
        }

        Who = [.. who];
        May = [.. may.Distinct().Order()];
        On = [.. on];
        _actions = may.Aggregate(0, (actions, action) => actions | (1 << (int)action));
    }

    /// <summary>Whom it is about.</summary>
    public IReadOnlyList<PolicySubject> Who { get; }

    /// <summary>What they may do.</summary>
    public IReadOnlyList<MeshAction> May { get; }

    /// <summary>On which names.</summary>
    public IReadOnlyList<NamePattern> On { get; }

    /// <summary>Whether this rule lets a node do something on a name. Allocates nothing.</summary>
    internal bool Allows(NodeIdentity who, MeshAction action, ReadOnlySpan<char> name)
    {
        if ((_actions & (1 << (int)action)) == 0)
        {
            return false;
        }

        // Indexed, since enumerating through the interface would allocate.
        for (var subject = 0; subject < Who.Count; subject++)
        {
            if (Who[subject].Includes(who))
            {
                return Covers(name);
            }
        }

        return false;
    }

    private bool Covers(ReadOnlySpan<char> name)
    {
        for (var pattern = 0; pattern < On.Count; pattern++)
        {
            if (On[pattern].Covers(name))
            {
                return true;
            }
        }

        return false;
    }
}
