using Macula.Identity.Certificates;
using Macula.Wire.Errors;

namespace Macula.Identity.Trust;

/// <summary>What a judge says about the certificate that a node showed: <see cref="Accepted"/> or <see cref="Refused"/>.</summary>
public abstract record Verdict
{
    private Verdict()
    {
    }

    /// <summary>The node is who the certificate says, as far as TLS has proved that it holds the key.</summary>
    /// <param name="Identity">Who it is.</param>
    public sealed record Accepted(NodeIdentity Identity) : Verdict;

    /// <summary>The connection must end.</summary>
    /// <param name="Code">Why, as the other side is told.</param>
    /// <param name="Detail">What exactly was found, for this node's log only.</param>
    public sealed record Refused(ErrorCode Code, string Detail) : Verdict
    {
        /// <summary>What the other side may read: the meaning of the code and nothing more.</summary>
        public string DetailForPeer => ErrorCodes.Describe(Code).Meaning;
    }
}
