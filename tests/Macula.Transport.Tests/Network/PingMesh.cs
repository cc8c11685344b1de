using System.Net;
using System.Text;
using Macula.Testing.Network;
using Macula.Testing.VirtualTime;
using Macula.Transport.Execution;

namespace Macula.Transport.Tests.Network;

/// <summary>Small nodes that ping their neighbours at random: something for a simulated network to do.</summary>
internal sealed class PingMesh
{
    public const int Port = 9443;
    private const int Neighbours = 10;
    private const string ServerName = "mesh.macula";
    private static readonly TimeSpan PingDeadline = TimeSpan.FromSeconds(1);
    private readonly List<SimulatedHost> _hosts = [];

    public PingMesh(ulong seed, int nodes, Link link)
    {
        World = new VirtualWorld(seed);
        Network = new SimulatedNetwork(World, new SimulatedNetworkOptions { DefaultLink = link });
        for (var number = 0; number < nodes; number++)
        {
            _hosts.Add(Network.AddHost(new IPAddress([10, (byte)(number >> 16), (byte)(number >> 8), (byte)number])));
        }
    }

    public VirtualWorld World { get; }

    public SimulatedNetwork Network { get; }

    public IReadOnlyList<SimulatedHost> Hosts => _hosts;

    public long Answered { get; private set; }

    public long Failed { get; private set; }

    /// <summary>What the first byte of every ping is changed by.</summary>
    public byte Flip { get; init; }

    public void Start(SimulatedHost host)
    {
        var queue = host.Scheduler.CreateQueue();
        queue.Post(_ => _ = RunAsync(host, queue.Scheduler), null);
    }

    private static TlsIdentity Identity(SimulatedHost host) => new(ServerName, [Encoding.UTF8.GetBytes(host.Address.ToString())], Array.Empty<byte>());

    private static async Task AnswerAsync(TransportEndpoint endpoint)
    {
        while (await endpoint.AcceptConnectionAsync() is { } connection)
        {
            _ = AnswerAsync(connection);
        }
    }

    private static async Task AnswerAsync(TransportConnection connection)
    {
        try
        {
            while (await connection.AcceptStreamAsync() is { } stream)
            {
                _ = AnswerAsync(stream);
            }
        }
        catch (ConnectionClosedException)
        {
            // The other side crashed or fell silent; it dials again if it wants to.
        }
    }

    private static async Task AnswerAsync(TransportStream stream)
    {
        try
        {
            await using (stream)
            {
                var buffer = new byte[64];
                while (await stream.ReadAsync(buffer) is var length and > 0)
                {
                    await stream.WriteAsync(buffer.AsMemory(0, length));
                }

                await stream.WriteAsync(ReadOnlyMemory<byte>.Empty, WriteEnd.Finish);
            }
        }
        catch (Exception exception) when (exception is ConnectionClosedException or StreamAbortedException)
        {
            // Whoever asked no longer waits.
        }
    }

    private async Task RunAsync(SimulatedHost host, MeshScheduler scheduler)
    {
        var random = host.Random.Fork($"pings at {scheduler.Now}");
        var endpoint = await host.Transport.BindAsync(new EndpointOptions { LocalEndPoint = new IPEndPoint(IPAddress.Any, Port) }, scheduler);
        endpoint.Serve(Identity(host));
        _ = AnswerAsync(endpoint);
        var connections = new Dictionary<IPAddress, TransportConnection>();
        while (true)
        {
            await Task.Delay(TimeSpan.FromSeconds(0.5 + random.NextDouble()), scheduler.Time);
            var target = _hosts[(_hosts.IndexOf(host) + 1 + random.Next(Neighbours)) % _hosts.Count];
            using var deadline = new CancellationTokenSource(PingDeadline, scheduler.Time);
            try
            {
                await PingAsync(host, endpoint, connections, target.Address, random, deadline.Token);
                Answered++;
            }
            catch (Exception exception) when (exception is OperationCanceledException or DialException or ConnectionClosedException or StreamAbortedException)
            {
                Failed++;
                connections.Remove(target.Address);
            }
        }
    }

    private async Task PingAsync(
        SimulatedHost host, TransportEndpoint endpoint, Dictionary<IPAddress, TransportConnection> connections, IPAddress target, SeededRandomSource random, CancellationToken deadline)
    {
        if (!connections.TryGetValue(target, out var connection))
        {
            connection = await endpoint.DialAsync(new IPEndPoint(target, Port), Identity(host), deadline);
            connections[target] = connection;
        }

        await using var stream = await connection.OpenStreamAsync(StreamDirection.Bidirectional, deadline);
        var ping = new byte[16];
        random.Fill(ping);
        ping[0] ^= Flip;
        await stream.WriteAsync(ping, WriteEnd.Finish, deadline);
        var pong = new byte[16];
        for (var read = 0; read < pong.Length;)
        {
            var length = await stream.ReadAsync(pong.AsMemory(read), deadline);
            Assert.True(length > 0);
            read += length;
        }

        Assert.Equal(ping, pong);
        Assert.Equal(0, await stream.ReadAsync(pong, deadline));
        connection.TrySendDatagram(ping);
    }
}
