using Macula.Transport;

namespace Macula.Testing.Network;

/// <summary>What a simulated network is like unless something else is said of a pair of hosts.</summary>
public sealed record SimulatedNetworkOptions
{
    /// <summary>The link between two hosts. Default: 10 to 12 ms, nothing lost.</summary>
    public Link DefaultLink { get; init; } = new();

    /// <summary>Says whether an identity's private key belongs to its first certificate. Null, the default: it is taken for granted.</summary>
    /// <remarks>
    /// The simulation does no cryptography. Without this check, whoever holds a certificate's bytes can show it; a test that wants to prove that a stolen
    /// certificate is useless must set it. When it says no, serving and dialling with the identity throw <see cref="ArgumentException"/>.
    /// </remarks>
    public Func<TlsIdentity, bool>? KeyMatchesCertificate { get; init; }
}
