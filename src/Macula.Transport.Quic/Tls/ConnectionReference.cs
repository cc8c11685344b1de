using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Macula.Transport.Quic.Connections;

namespace Macula.Transport.Quic.Tls;

/// <summary>ngtcp2_crypto_conn_ref, and behind it our own connection: what a TLS session points to.</summary>
internal unsafe struct ConnectionReference
{
    /// <summary>Called by libngtcp2_crypto to find the QUIC connection of a session.</summary>
    public delegate* unmanaged[Cdecl]<ConnectionReference*, nint> GetConnection;

    /// <summary>The ngtcp2_conn.</summary>
    public nint Connection;

    /// <summary>A GCHandle to the <see cref="ConnectionCore"/>.</summary>
    public nint Owner;

    /// <summary>The connection behind a GCHandle.</summary>
    public static ConnectionCore Resolve(nint owner) => Unsafe.As<ConnectionCore>(GCHandle.FromIntPtr(owner).Target!);
}
