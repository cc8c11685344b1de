using System.Buffers;
using System.Net;
using Macula.Identity.Credentials;
using Macula.Testing.Realms;
using Macula.Tests.Meshes;
using Macula.Transport;
using Macula.Wire.Frames;

namespace Macula.Tests.Hostile;

/// <summary>A member of a realm that speaks to others with its own bytes: below the peer, above the transport.</summary>
internal sealed class RawMember : IAsyncDisposable
{
    private readonly TransportEndpoint _endpoint;
    private readonly TlsIdentity _identity;
    private readonly NodeCredentials _credentials;

    private RawMember(TransportEndpoint endpoint, TlsIdentity identity, NodeCredentials credentials)
    {
        _endpoint = endpoint;
        _identity = identity;
        _credentials = credentials;
    }

    /// <summary>Where it is bound.</summary>
    public IPEndPoint LocalEndPoint => _endpoint.LocalEndPoint;

    /// <summary>Who it is.</summary>
    public Macula.Identity.Certificates.NodeIdentity Identity => _credentials.Identity;

    /// <summary>Its key and certificate.</summary>
    public NodeCredentials Credentials => _credentials;

    /// <summary>Gets a certificate and binds an endpoint.</summary>
    public static async Task<RawMember> StartAsync(Mesh mesh, TestRealm realm, string name = "mallory", Macula.Identity.Names.NodeRoles roles = Macula.Identity.Names.NodeRoles.Peer)
    {
        var credentials = realm.Issue(name, mesh.WallNow, roles);
        var transport = mesh.NextTransport(out var address);
        var endpoint = await transport.BindAsync(new EndpointOptions { LocalEndPoint = address }, mesh.Scheduler);
        var identity = new TlsIdentity(realm.File.Id.ToServerName(), [credentials.Certificate.Der], credentials.Key.ExportPkcs8());
        return new RawMember(endpoint, identity, credentials);
    }

    /// <summary>Accepts connections as a good node would and answers each request with bytes of the test's choice, until it is disposed.</summary>
    /// <param name="answer">The answering frame's bytes; null leaves the request unanswered.</param>
    public async Task ServeAsync(Func<Frame, ReadOnlyMemory<byte>?> answer)
    {
        _endpoint.Serve(_identity);
        var serving = new List<Task>();
        while (await _endpoint.AcceptConnectionAsync() is { } connection)
        {
            serving.Add(ServeAsync(connection, answer));
        }

        await Task.WhenAll(serving);
    }

    /// <summary>Answers the requests that come over a connection that it dialled.</summary>
    public static async Task ServeStreamsAsync(TransportConnection connection, Func<Frame, ReadOnlyMemory<byte>?> answer)
    {
        try
        {
            while (await connection.AcceptStreamAsync() is { } stream)
            {
                if (stream.CanWrite && answer(await ReadAnswerAsync(stream)) is { } bytes)
                {
                    await stream.WriteAsync(bytes, WriteEnd.Finish);
                    await stream.DisposeAsync();
                }
            }
        }
        catch (ConnectionClosedException)
        {
            // The other side has ended it.
        }
    }

    private static async Task ServeAsync(TransportConnection connection, Func<Frame, ReadOnlyMemory<byte>?> answer)
    {
        try
        {
            await using var control = await connection.OpenStreamAsync(StreamDirection.Unidirectional);
            await control.WriteAsync(Hello());
            await ServeStreamsAsync(connection, answer);
        }
        catch (ConnectionClosedException)
        {
            // The other side has ended it.
        }
    }

    /// <summary>Dials a node and says nothing.</summary>
    public ValueTask<TransportConnection> DialAsync(IPEndPoint node) => _endpoint.DialAsync(node, _identity);

    /// <summary>Dials a node and says hello as a good node would.</summary>
    /// <returns>The connection, and the control stream, which a good node keeps open.</returns>
    public async Task<(TransportConnection Connection, TransportStream Control)> EstablishAsync(IPEndPoint node, ulong instance = 1)
    {
        var connection = await DialAsync(node);
        var control = await connection.OpenStreamAsync(StreamDirection.Unidirectional);
        await control.WriteAsync(Hello(instance));
        Assert.False((await connection.AcceptStreamAsync())!.CanWrite);
        return (connection, control);
    }

    /// <summary>A hello's bytes.</summary>
    public static ReadOnlyMemory<byte> Hello(ulong instance = 1) => Bytes(new HelloFrame([1], instance, [], "mallory").Write);

    /// <summary>The bytes of a drain.</summary>
    public static ReadOnlyMemory<byte> Drain(DrainState state) => Bytes(new DrainFrame(Wire.Errors.ErrorCode.DuplicateConnection, state).Write);

    /// <summary>The bytes of a call.</summary>
    public static ReadOnlyMemory<byte> Call(string procedure = "echo") =>
        Bytes(new CallFrame(Wire.Identifiers.ProcedureName.Parse(procedure), TimeSpan.FromSeconds(5), Payload.Nil).Write);

    /// <summary>What a frame writes.</summary>
    public static ReadOnlyMemory<byte> Bytes(Action<IBufferWriter<byte>> write)
    {
        var output = new ArrayBufferWriter<byte>();
        write(output);
        return output.WrittenMemory;
    }

    /// <summary>Sends bytes on a stream of their own and ends it.</summary>
    public static async Task<TransportStream> SendAsync(TransportConnection connection, ReadOnlyMemory<byte> bytes, WriteEnd end = WriteEnd.Finish)
    {
        var stream = await connection.OpenStreamAsync(StreamDirection.Bidirectional);
        await stream.WriteAsync(bytes, end);
        return stream;
    }

    /// <summary>Reads the one frame that a node answers with.</summary>
    public static async Task<Frame> ReadAnswerAsync(TransportStream stream)
    {
        var reader = new FrameReader(FrameLimits.MaxBodyBytes);
        var chunk = new byte[4096];
        while (true)
        {
            var count = await stream.ReadAsync(chunk);
            Assert.NotEqual(0, count);
            if (reader.TryRead(chunk.AsSpan(0, count), out _, out var frame))
            {
                return frame;
            }

            Assert.Null(reader.Error);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _endpoint.DisposeAsync();
        _credentials.Dispose();
    }
}
