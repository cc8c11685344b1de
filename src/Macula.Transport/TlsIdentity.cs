namespace Macula.Transport;

/// <summary>What an endpoint shows of itself in TLS under one server name.</summary>
/// <param name="ServerName">The name (RFC 6066 §3) under which incoming connections get this identity, and which dials with it send.</param>
/// <param name="CertificateChain">DER certificates, the endpoint's own first. At most 4.</param>
/// <param name="PrivateKeyPkcs8">The key of the first certificate, as PKCS #8. The transport copies it and never logs it.</param>
public sealed record TlsIdentity(string ServerName, IReadOnlyList<ReadOnlyMemory<byte>> CertificateChain, ReadOnlyMemory<byte> PrivateKeyPkcs8)
{
    /// <summary>Names the server name only: the key never reaches a log.</summary>
    public override string ToString() => $"TLS identity for {ServerName}";
}
