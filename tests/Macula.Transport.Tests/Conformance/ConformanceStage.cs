using System.Net;
using Macula.Transport.Execution;

namespace Macula.Transport.Tests.Conformance;

/// <summary>What a conformance test runs on: two machines of one implementation, and a way to run asynchronous code to its end.</summary>
public abstract class ConformanceStage
{
    public const string ServerName = "0123456789abcdef0123456789abcdef.macula";

    /// <summary>Where the test's code runs and awaits.</summary>
    public abstract MeshScheduler Scheduler { get; }

    public abstract ITransport ServerTransport { get; }

    public abstract ITransport ClientTransport { get; }

    public abstract IPAddress ServerAddress { get; }

    public abstract IPAddress ClientAddress { get; }

    /// <summary>Runs the body on a serial queue, and fails when it does not end.</summary>
    public abstract Task RunAsync(Func<ValueTask> body);

    /// <summary>Makes an identity with a certificate of its own.</summary>
    public abstract TlsIdentity MakeIdentity(string label, string serverName = ServerName);

    /// <summary>Waits until what is under way has arrived.</summary>
    public abstract Task SettleAsync();

    /// <summary>Waits until something holds that no event announces, such as a counter; the stage's own deadline ends a wait in vain.</summary>
    public async Task UntilAsync(Func<bool> holds)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(5), Scheduler.Time);
        while (!holds())
        {
            await timer.WaitForNextTickAsync();
        }
    }

    /// <summary>Fails when the calling thread is one that no application code may run on.</summary>
    public abstract void AssertApplicationThread();

    public ValueTask<TransportEndpoint> BindServerAsync(EndpointOptions? options = null) => BindAsync(ServerTransport, ServerAddress, options);

    public ValueTask<TransportEndpoint> BindClientAsync(EndpointOptions? options = null) => BindAsync(ClientTransport, ClientAddress, options);

    /// <summary>Two endpoints, and a connection between them that both sides hold.</summary>
    public async Task<ConnectedPair> ConnectAsync(EndpointOptions? server = null, EndpointOptions? client = null)
    {
        var serverEndpoint = await BindServerAsync(server);
        var clientEndpoint = await BindClientAsync(client);
        var serverIdentity = MakeIdentity("server");
        var clientIdentity = MakeIdentity("client");
        serverEndpoint.Serve(serverIdentity);
        var dialler = await clientEndpoint.DialAsync(serverEndpoint.LocalEndPoint, clientIdentity);
        var acceptor = await serverEndpoint.AcceptConnectionAsync();
        Assert.NotNull(acceptor);
        return new ConnectedPair(this, serverEndpoint, clientEndpoint, serverIdentity, clientIdentity, dialler, acceptor);
    }

    private ValueTask<TransportEndpoint> BindAsync(ITransport transport, IPAddress address, EndpointOptions? options)
    {
        options ??= new EndpointOptions();
        return transport.BindAsync(options with { LocalEndPoint = new IPEndPoint(address, options.LocalEndPoint.Port) }, Scheduler);
    }
}

/// <summary>Two endpoints and a connection between them.</summary>
public sealed record ConnectedPair(
    ConformanceStage Stage,
    TransportEndpoint Server,
    TransportEndpoint Client,
    TlsIdentity ServerIdentity,
    TlsIdentity ClientIdentity,
    TransportConnection Dialler,
    TransportConnection Acceptor) : IAsyncDisposable
{
    /// <summary>Each side of the connection, with the other one.</summary>
    public IReadOnlyList<(TransportConnection Own, TransportConnection Other)> Sides => [(Dialler, Acceptor), (Acceptor, Dialler)];

    /// <summary>Opens a stream and writes to it, and takes it on the other side.</summary>
    public static async Task<(TransportStream Opened, TransportStream Taken)> OpenAsync(
        TransportConnection from, TransportConnection to, StreamDirection direction, byte[] first, WriteEnd end = WriteEnd.KeepOpen)
    {
        var opened = await from.OpenStreamAsync(direction);
        await opened.WriteAsync(first, end);
        var taken = await to.AcceptStreamAsync();
        Assert.NotNull(taken);
        return (opened, taken);
    }

    public async ValueTask DisposeAsync()
    {
        await Client.DisposeAsync();
        await Server.DisposeAsync();
    }
}

/// <summary>Reading as tests want it.</summary>
public static class StreamReading
{
    /// <summary>Reads exactly so many bytes, in as many reads as it takes.</summary>
    public static async Task<byte[]> ReadExactlyAsync(this TransportStream stream, int count)
    {
        var buffer = new byte[count];
        for (var read = 0; read < count;)
        {
            var length = await stream.ReadAsync(buffer.AsMemory(read));
            Assert.True(length > 0, $"The stream ended after {read} of {count} bytes.");
            read += length;
        }

        return buffer;
    }

    /// <summary>Reads until the end.</summary>
    public static async Task<byte[]> ReadToEndAsync(this TransportStream stream)
    {
        using var all = new MemoryStream();
        var buffer = new byte[4096];
        while (await stream.ReadAsync(buffer) is var length and > 0)
        {
            all.Write(buffer, 0, length);
        }

        return all.ToArray();
    }

    /// <summary>Bytes that show where they stand.</summary>
    public static byte[] Pattern(int count) => [.. Enumerable.Range(0, count).Select(index => (byte)(index ^ (index >> 8) ^ (index >> 16)))];
}

/// <summary>What every conformance test class does.</summary>
public abstract class ConformanceTest<TStage>
    where TStage : ConformanceStage, new()
{
    protected static Task Test(Func<ConformanceStage, Task> body)
    {
        var stage = new TStage();
        return stage.RunAsync(async () => await body(stage));
    }

    protected static Task TestConnected(Func<ConnectedPair, Task> body, EndpointOptions? server = null, EndpointOptions? client = null) =>
        Test(async stage =>
        {
            await using var pair = await stage.ConnectAsync(server, client);
            await body(pair);
        });
}
