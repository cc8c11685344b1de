using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Macula.Transport.Quic.Connections;
using Macula.Transport.Quic.Native;

namespace Macula.Transport.Quic.Tls;

/// <summary>What GnuTLS calls during a handshake. No exception leaves; none of the application's code runs.</summary>
internal static unsafe class TlsCallbacks
{
    // The longest name that a client may send; longer ones are not ours.
    private const int MaxServerNameBytes = 256;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    public static nint GetConnection(ConnectionReference* reference) => reference->Connection;

    /// <summary>Chooses the certificate by the name that the client asks for (RFC 6066 §3); an unknown one ends the handshake.</summary>
    // A native frame is below: whatever goes wrong here ends this handshake, is logged, and goes no further.
#pragma warning disable CA1031
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    public static int ChooseIdentity(nint session)
    {
        ConnectionCore? connection = null;
        try
        {
            connection = Owner(session);
            var name = stackalloc byte[MaxServerNameBytes];
            nuint length = MaxServerNameBytes;
            uint type;
            var known = GnuTls.GetServerName(session, name, &length, &type, 0) == 0 && type == GnuTls.NameDns;
            var serverName = known ? Encoding.ASCII.GetString(name, (int)length) : "";
            return connection.TryServe(serverName) ? 0 : GnuTls.ErrorUnrecognizedName;
        }
        catch (Exception exception)
        {
            connection?.NoteCallbackFailure(exception);
            return GnuTls.ErrorInternal;
        }
    }

    /// <summary>
    /// Takes the other side's certificates. TLS proves that it holds the first one's key; whether to trust it is judged later, by the
    /// application and off the loop, so that no certificate, however costly to judge, holds up another connection.
    /// </summary>
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    public static int Verify(nint session)
    {
        ConnectionCore? connection = null;
        try
        {
            connection = Owner(session);
            uint count;
            var certificates = GnuTls.GetPeerCertificates(session, &count);
            return connection.Handshake.TryTakeCertificates(new ReadOnlySpan<Datum>(certificates, certificates is null ? 0 : (int)count)) ? 0 : GnuTls.ErrorCertificate;
        }
        // As above: a native frame is below, so this handshake ends, and the log says why.
        catch (Exception exception)
        {
            connection?.NoteCallbackFailure(exception);
            return GnuTls.ErrorCertificate;
        }
    }
#pragma warning restore CA1031

    private static ConnectionCore Owner(nint session) => ConnectionReference.Resolve(((ConnectionReference*)GnuTls.GetSessionPointer(session))->Owner);
}
