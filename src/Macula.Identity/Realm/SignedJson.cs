using System.Text.Json.Serialization;

namespace Macula.Identity.Realm;

// The serializer refuses null for a field, but lets it stand in an array; so whoever reads an array looks for it.

/// <summary>The text of a revocation list.</summary>
internal sealed record RevocationContent(int Version, IReadOnlyList<RevocationLine?> Revoked)
{
    public const int CurrentVersion = 1;
}

/// <summary>One line of a revocation list; of node and serial exactly one is there.</summary>
internal sealed record RevocationLine(long RevokedAt, long Until, string Reason)
{
    [JsonPropertyOrder(-1)]
    public string? Node { get; init; }

    [JsonPropertyOrder(-1)]
    public string? Serial { get; init; }
}

/// <summary>The text of a policy.</summary>
internal sealed record PolicyContent(int Version, IReadOnlyList<PolicyLine?> Rules)
{
    public const int CurrentVersion = 1;
}

/// <summary>One rule of a policy.</summary>
internal sealed record PolicyLine(IReadOnlyList<string?> Who, IReadOnlyList<string?> May, IReadOnlyList<string?> On);

/// <summary>JSON of what an authority signs: no white space, and on reading nothing is passed over, since what an older node skips might have forbidden something.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true, AllowDuplicateProperties = false)]
[JsonSerializable(typeof(RevocationContent))]
[JsonSerializable(typeof(PolicyContent))]
internal sealed partial class SignedJson : JsonSerializerContext;
