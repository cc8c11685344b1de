using System.Text.Json.Serialization;

namespace Macula.Identity.Realm;

/// <summary>The text of a revocation list.</summary>
internal sealed record RevocationContent(int Version, IReadOnlyList<RevocationLine> Revoked)
{
    public const int CurrentVersion = 1;
}

/// <summary>One line of a revocation list; of node and serial exactly one is there.</summary>
internal sealed record RevocationLine(string? Node, string? Serial, long RevokedAt, long Until, string Reason);

/// <summary>The text of a policy.</summary>
internal sealed record PolicyContent(int Version, IReadOnlyList<PolicyLine> Rules)
{
    public const int CurrentVersion = 1;
}

/// <summary>One rule of a policy.</summary>
internal sealed record PolicyLine(IReadOnlyList<string> Who, IReadOnlyList<string> May, IReadOnlyList<string> On);

/// <summary>JSON of what an authority signs: no white space, and on reading nothing is passed over, since what an older node skips might have forbidden something.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, RespectNullableAnnotations = true, AllowDuplicateProperties = false)]
[JsonSerializable(typeof(RevocationContent))]
[JsonSerializable(typeof(PolicyContent))]
internal sealed partial class SignedJson : JsonSerializerContext;
