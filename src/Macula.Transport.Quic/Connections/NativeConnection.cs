using System.Runtime.InteropServices;
using Macula.Transport.Quic.Loop;
using Macula.Transport.Quic.Native;
using Macula.Transport.Quic.Tls;
using Macula.Wire;

namespace Macula.Transport.Quic.Connections;

/// <summary>Everything native that belongs to one connection, made and freed together. On the loop's thread.</summary>
internal sealed unsafe class NativeConnection : IDisposable
{
    private readonly ConnectionReference* _reference;
    private readonly GCHandle _owner;
    private readonly nint _session;
    private TlsCredentials? _credentials;

    private NativeConnection(ConnectionCore owner, ConnectionRole role, TlsContext tls)
    {
        _owner = GCHandle.Alloc(owner);
        _reference = (ConnectionReference*)NativeMemory.AllocZeroed((nuint)sizeof(ConnectionReference));
        _reference->GetConnection = &TlsCallbacks.GetConnection;
        _reference->Owner = GCHandle.ToIntPtr(_owner);
        _session = tls.CreateSession(role, _reference);
    }

    /// <summary>The ngtcp2_conn.</summary>
    public nint Handle => _reference->Connection;

    /// <summary>Makes the dialling side of a connection.</summary>
    public static NativeConnection Dial(ConnectionCore owner, EndpointServices services, TlsCredentials credentials, ulong now)
    {
        var native = new NativeConnection(owner, ConnectionRole.Dialler, services.Tls);
        native.Use(credentials);
        native.SetServerName(credentials.ServerName);

        // RFC 9000 §7.2: at least eight unpredictable bytes.
        const int FirstDestinationBytes = 16;
        var destination = new NativeCid { Length = FirstDestinationBytes };
        System.Security.Cryptography.RandomNumberGenerator.Fill(new Span<byte>(destination.Bytes, FirstDestinationBytes));
        NativeCid source;
        services.Connections.ChooseId(owner, &source);
        var settings = ConnectionProfile.Settings(services.Options, now);
        var parameters = ConnectionProfile.Parameters(services.Options);
        var local = owner.BirthLocal;
        var remote = owner.BirthRemote;
        var path = PathBetween(&local, &remote);
        nint handle;
        var result = Ngtcp2.NewClient(
            &handle, &destination, &source, &path, Ngtcp2.QuicVersion1, Ngtcp2.CallbackVersion, ConnectionCallbacks.ClientTable,
            Ngtcp2.SettingsVersion, &settings, Ngtcp2.ParametersVersion, &parameters, null, native._reference->Owner);
        native.Take(handle, result, services.Options);
        return native;
    }

    /// <summary>Makes the accepting side of a connection.</summary>
    /// <param name="owner">The connection.</param>
    /// <param name="services">What the endpoint shares.</param>
    /// <param name="header">The header of the client's first packet.</param>
    /// <param name="originalDestination">The id that the client chose first; null when it was not asked for a retry.</param>
    /// <param name="now">Nanoseconds.</param>
    public static NativeConnection Accept(ConnectionCore owner, EndpointServices services, PacketHeader* header, NativeCid* originalDestination, ulong now)
    {
        var native = new NativeConnection(owner, ConnectionRole.Acceptor, services.Tls);
        NativeCid source;
        services.Connections.ChooseId(owner, &source);
        var settings = ConnectionProfile.Settings(services.Options, now);
        var parameters = ConnectionProfile.Parameters(services.Options);
        parameters.OriginalDestination = header->Destination;
        parameters.OriginalDestinationPresent = 1;
        if (originalDestination is not null)
        {
            settings.Token = header->Token;
            settings.TokenLength = header->TokenLength;
            settings.TokenType = Ngtcp2.TokenTypeRetry;
            parameters.OriginalDestination = *originalDestination;
            parameters.RetrySource = header->Destination;
            parameters.RetrySourcePresent = 1;
        }

        services.Replies.ResetTokenFor(&source, parameters.ResetToken);
        parameters.ResetTokenPresent = 1;
        var local = owner.BirthLocal;
        var remote = owner.BirthRemote;
        var path = PathBetween(&local, &remote);
        nint handle;
        var result = Ngtcp2.NewServer(
            &handle, &header->Source, &source, &path, header->Version, Ngtcp2.CallbackVersion, ConnectionCallbacks.ServerTable,
            Ngtcp2.SettingsVersion, &settings, Ngtcp2.ParametersVersion, &parameters, null, native._reference->Owner);
        native.Take(handle, result, services.Options);
        return native;
    }

    /// <summary>A path for one call into the library; valid while the addresses are.</summary>
    public static NativePath PathBetween(NativeAddress* local, NativeAddress* remote) => new()
    {
        Local = new AddressPointer { Address = local, Length = local->Length },
        Remote = new AddressPointer { Address = remote, Length = remote->Length },
    };

    /// <summary>Shows these certificates to the other side, and keeps them alive as long as the session.</summary>
    /// <remarks>Called twice when the client is asked for another key share (RFC 8446 §4.1.4); the later name counts.</remarks>
    public void Use(TlsCredentials credentials)
    {
        var added = false;
        credentials.DangerousAddRef(ref added);
        _credentials?.DangerousRelease();
        _credentials = credentials;
        var result = GnuTls.SetCredentials(_session, GnuTls.CredentialsCertificate, credentials.Native);
        Invariant.Hold(result >= 0, $"GnuTLS takes credentials ({result}).");
    }

    /// <summary>Tells the application's side the smoothed round-trip time and the largest datagram that fits one packet now.</summary>
    public void PublishMeasures(QuicConnection connection)
    {
        // Frame type and length, then: first byte, packet number, authentication tag (RFC 9000 §17.3, RFC 9221 §4).
        const int DatagramOverhead = 3 + 1 + 4 + 16 + ConnectionId.MaxBytes;
        ConnectionMeasures measures;
        Ngtcp2.GetMeasures(Handle, Ngtcp2.MeasuresVersion, &measures);
        connection.Publish(measures.SmoothedRtt, (int)Ngtcp2.GetPacketSize(Handle) - DatagramOverhead);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Handle != 0)
        {
            Ngtcp2.Delete(Handle);
        }

        GnuTls.Free(_session);
        _credentials?.DangerousRelease();
        NativeMemory.Free(_reference);
        _owner.Free();
    }

    private void SetServerName(string serverName)
    {
        var bytes = System.Text.Encoding.ASCII.GetBytes(serverName);
        fixed (byte* name = bytes)
        {
            var result = GnuTls.SetServerName(_session, GnuTls.NameDns, name, (nuint)bytes.Length);
            Invariant.Hold(result >= 0, $"GnuTLS takes a server name ({result}).");
        }
    }

    private void Take(nint handle, int result, EndpointOptions options)
    {
        Invariant.Hold(result == 0, $"ngtcp2 makes a connection ({Ngtcp2Error.Describe(result)}).");
        _reference->Connection = handle;
        Ngtcp2.SetTlsSession(handle, _session);
        Ngtcp2.SetKeepAlive(handle, ConnectionProfile.Nanoseconds(options.KeepAliveInterval));
    }
}
