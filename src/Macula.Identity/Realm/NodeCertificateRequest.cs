using Macula.Identity.Names;

namespace Macula.Identity.Realm;

/// <summary>What a node's certificate is to say.</summary>
/// <param name="Name">The node's name; one live key bears it.</param>
/// <param name="Roles">What the node may be; at least one named role, and no other.</param>
/// <param name="SubjectPublicKeyInfo">The node's public key, of the realm's scheme.</param>
/// <remarks>Whoever signs has made sure that the one who asks holds the private key and may bear name and roles.</remarks>
public sealed record NodeCertificateRequest(NodeName Name, NodeRoles Roles, ReadOnlyMemory<byte> SubjectPublicKeyInfo)
{
    /// <summary>How long the certificate lives; null takes <see cref="AuthorityOptions.NodeLifetime"/>. It never outlives the authority's own.</summary>
    public TimeSpan? Lifetime { get; init; }
}
