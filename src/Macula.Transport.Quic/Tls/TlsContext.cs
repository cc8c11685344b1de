using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Macula.Transport.Quic.Native;
using Macula.Wire;

namespace Macula.Transport.Quic.Tls;

/// <summary>What all TLS sessions of an endpoint share: cipher suites and the application protocol.</summary>
internal sealed unsafe class TlsContext : IDisposable
{
    // TLS 1.3 alone (RFC 9001 §4.2), the suites of RFC 8446 §9.1 that QUIC knows, curves every peer has; no middlebox disguise (RFC 9001 §8.4).
    private static ReadOnlySpan<byte> PriorityText =>
        "NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:%DISABLE_TLS13_COMPAT_MODE\0"u8;

    private readonly nint _priority;
    private readonly byte* _protocol;
    private readonly uint _protocolLength;
    private readonly ConditionalWeakTable<TlsIdentity, TlsCredentials> _dialling = [];

    public TlsContext(string applicationProtocol)
    {
        nint priority;
        int result;
        fixed (byte* text = PriorityText)
        {
            result = GnuTls.InitPriority(&priority, text, null, 0);
        }

        if (result < 0)
        {
            throw new TransportUnavailableException($"GnuTLS does not offer the cipher suites of QUIC: {GnuTls.Describe(result)}. A system-wide crypto policy may forbid them.");
        }

        _priority = priority;
        var protocol = Encoding.ASCII.GetBytes(applicationProtocol);
        _protocolLength = (uint)protocol.Length;
        _protocol = (byte*)NativeMemory.Alloc((nuint)protocol.Length);
        protocol.CopyTo(new Span<byte>(_protocol, protocol.Length));
    }

    /// <summary>The credentials of an identity that dials; made once and kept as long as the identity lives.</summary>
    /// <exception cref="ArgumentException">The identity cannot be used.</exception>
    public TlsCredentials CredentialsFor(TlsIdentity identity) => _dialling.GetValue(identity, static identity => new TlsCredentials(identity));

    /// <summary>Makes a session. The caller frees it.</summary>
    /// <param name="role">Who speaks first.</param>
    /// <param name="reference">What callbacks of the session find their connection by.</param>
    public nint CreateSession(ConnectionRole role, ConnectionReference* reference)
    {
        // Tickets are off: a resumed session would skip the verification of the other side's certificate.
        const uint Flags = GnuTls.NoTickets | GnuTls.NoAutoSendTicket | GnuTls.NoEndOfEarlyData;
        nint session;
        Require(GnuTls.Init(&session, Flags | (role == ConnectionRole.Acceptor ? GnuTls.Server : GnuTls.Client)));
        Require(GnuTls.SetPriority(session, _priority));
        Require(role == ConnectionRole.Acceptor ? Ngtcp2Crypto.ConfigureServer(session) : Ngtcp2Crypto.ConfigureClient(session));
        GnuTls.SetSessionPointer(session, reference);
        GnuTls.SetMaxHandshakeMessage(session, TlsCredentials.MaxChainBytes + HandshakeOverheadBytes);
        var protocol = new Datum { Start = _protocol, Length = _protocolLength };
        Require(GnuTls.SetAlpn(session, &protocol, 1, GnuTls.AlpnMandatory));
        if (role == ConnectionRole.Acceptor)
        {
            GnuTls.SetCertificateRequest(session, GnuTls.CertificateRequire);
            GnuTls.SetClientHelloFunction(session, &TlsCallbacks.ChooseIdentity);
        }

        return session;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        GnuTls.FreePriority(_priority);
        NativeMemory.Free(_protocol);
    }

    // What a certificate message holds beside the certificates; extensions of ours and strangers' fit.
    private const int HandshakeOverheadBytes = 4 << 10;

    private static void Require(int result) => Invariant.Hold(result >= 0, $"GnuTLS sets up a session ({result}).");
}
