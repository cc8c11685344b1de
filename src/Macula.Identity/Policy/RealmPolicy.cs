using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Macula.Identity.Keys;
using Macula.Identity.Names;
using Macula.Identity.Realm;
using Macula.Wire.Identifiers;

namespace Macula.Identity.Policy;

/// <summary>Who may do what in a realm: rules, numbered and signed by the realm's authority.</summary>
/// <remarks>docs/protocol/05-policy.md.</remarks>
public sealed class RealmPolicy
{
    /// <summary>Most rules in a policy ([POL-6]).</summary>
    public const int MaxRules = 256;

    /// <summary>Longest text of a policy in bytes.</summary>
    public const int MaxContentBytes = 256 * 1024;

    private RealmPolicy(SignedDocument document, IReadOnlyList<PolicyRule> rules)
    {
        Document = document;
        Rules = rules;
    }

    /// <summary>
    /// The rules that a new realm begins with: peers publish, subscribe, call and advertise on every name, and store;
    /// gateways and bootstraps relay and store, and nothing else ([POL-7]).
    /// </summary>
    public static IReadOnlyList<PolicyRule> FirstRules { get; } =
    [
        new PolicyRule(
            [PolicySubject.InRole(NodeRoles.Peer)],
            [MeshAction.Publish, MeshAction.Subscribe, MeshAction.Call, MeshAction.Advertise, MeshAction.Store],
            [NamePattern.Everything]),
        new PolicyRule(
            [PolicySubject.InRole(NodeRoles.Gateway), PolicySubject.InRole(NodeRoles.Bootstrap)],
            [MeshAction.Relay, MeshAction.Store],
            [NamePattern.Everything]),
    ];

    /// <summary>The number of the policy; a higher one replaces a lower one.</summary>
    public long Sequence => Document.Sequence;

    /// <summary>The bytes that were signed, and the signature.</summary>
    public SignedDocument Document { get; }

    /// <summary>The rules. Their order means nothing.</summary>
    public IReadOnlyList<PolicyRule> Rules { get; }

    /// <summary>Reads a policy whose signature has been checked.</summary>
    internal static bool TryRead(SignedDocument document, [NotNullWhen(true)] out RealmPolicy? policy, [NotNullWhen(false)] out string? fault)
    {
        // [POL-8] What this version does not know might restrict a rule, so nothing is passed over.
        policy = null;
        var rules = new List<PolicyRule>();
        try
        {
            var content = JsonSerializer.Deserialize(document.Content, SignedJson.Default.PolicyContent);
            fault = content switch
            {
                null => "it is null",
                { Version: not PolicyContent.CurrentVersion } => $"version {content.Version} is not known here",
                _ when document.Content.Length > MaxContentBytes => $"it has more than {MaxContentBytes} bytes",
                { Rules.Count: > MaxRules } => $"it has more than {MaxRules} rules",
                _ => null,
            };
            foreach (var line in fault is null ? content!.Rules : [])
            {
                if (!TryRead(line, out var rule, out fault))
                {
                    break;
                }

                rules.Add(rule);
            }
        }
        catch (JsonException exception)
        {
            fault = exception.Message;
        }

        if (fault is null)
        {
            policy = new RealmPolicy(document, rules);
        }

        return fault is null;
    }

    /// <summary>Writes and signs a policy.</summary>
    /// <exception cref="ArgumentException">There are too many rules, or their text is too long.</exception>
    internal static RealmPolicy Create(RealmId realm, long sequence, IReadOnlyList<PolicyRule> rules, SigningKey authorityKey)
    {
        var content = new PolicyContent(
            PolicyContent.CurrentVersion,
            [.. rules.Select(rule => new PolicyLine(
                [.. rule.Who.Select(subject => subject.ToString())], [.. rule.May.Select(EnumWords<MeshAction>.WordOf)], [.. rule.On.Select(pattern => pattern.ToString())]))]);
        var text = JsonSerializer.Serialize(content, SignedJson.Default.PolicyContent);
        if (rules.Count > MaxRules || text.Length > MaxContentBytes)
        {
            throw new ArgumentException($"A policy has at most {MaxRules} rules and {MaxContentBytes} bytes.", nameof(rules));
        }

        return new RealmPolicy(SignedDocument.Sign(DocumentKind.Policy, realm, sequence, text, authorityKey), [.. rules]);
    }

    private static bool TryRead(PolicyLine? line, [NotNullWhen(true)] out PolicyRule? rule, [NotNullWhen(false)] out string? fault)
    {
        rule = null;
        var who = new List<PolicySubject>();
        var may = new List<MeshAction>();
        var on = new List<NamePattern>();
        fault = line is null ? "a rule is null"
            : line.Who.Count is < 1 or > PolicyRule.MaxSubjects || line.On.Count is < 1 or > PolicyRule.MaxNames || line.May.Count < 1
                ? "a rule names too few or too many subjects, actions or names"
            : !TryReadAll(line.Who, who, (string? text, [NotNullWhen(true)] out PolicySubject? subject) => PolicySubject.TryParse(text, out subject))
                ? "a rule names a subject that is not known here"
            : !TryReadAll(line.May, may, (string? text, out MeshAction action) => EnumWords<MeshAction>.TryParse(text, out action))
                ? "a rule names an action that is not known here"
            : !TryReadAll(line.On, on, (string? text, [NotNullWhen(true)] out NamePattern? pattern) => NamePattern.TryParse(text, out pattern))
                ? "a rule holds a name pattern that is none"
            : null;
        if (fault is null)
        {
            rule = new PolicyRule(who, may, on);
        }

        return rule is not null;
    }

    private delegate bool TryParse<T>(string? text, [NotNullWhen(true)] out T? value);

    private static bool TryReadAll<T>(IReadOnlyList<string?> texts, List<T> values, TryParse<T> tryParse)
    {
        foreach (var text in texts)
        {
            if (!tryParse(text, out var value))
            {
                return false;
            }

            values.Add(value);
        }

        return true;
    }
}
