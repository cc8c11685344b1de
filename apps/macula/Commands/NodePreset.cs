using Macula.Connections;
using Macula.Dht;
using Macula.Transport;
using Microsoft.Extensions.Logging;

namespace Macula.Cli.Commands;

/// <summary>What a command wants of its node beyond what the command line says.</summary>
internal sealed record NodePreset
{
    /// <summary>A node that stays: what goes wrong is said on standard error, others connect to it, and running calls are finished at the end.</summary>
    public static NodePreset Staying { get; } = new() { Logged = LogLevel.Warning, Direction = DialDirection.Both };

    /// <summary>A node that goes when its work is done: it says nothing of its own, and a provider that is gone does not hold it up at the end.</summary>
    public static NodePreset Passing { get; } = new() { Logged = LogLevel.None, Connections = new ConnectionOptions { ShutdownTimeout = TimeSpan.FromMilliseconds(500) } };

    /// <summary>What goes to standard error where nobody asks for more.</summary>
    public required LogLevel Logged { get; init; }

    /// <summary>Who dials whom, which decides what is bound where the command line names no address. Default <see cref="DialDirection.Outward"/>.</summary>
    public DialDirection Direction { get; init; } = DialDirection.Outward;

    /// <summary>Limits of the endpoint, and the address to bind if the command line names none.</summary>
    public EndpointOptions Endpoint { get; init; } = new();

    /// <summary>Limits of connections.</summary>
    public ConnectionOptions Connections { get; init; } = new();

    /// <summary>How the node takes part in the DHT.</summary>
    public DhtMode Mode { get; init; } = DhtMode.Client;
}

/// <summary>Who dials whom.</summary>
internal enum DialDirection
{
    /// <summary>The node dials others, and nobody has a reason to dial it.</summary>
    Outward,

    /// <summary>Others dial the node as well: it provides something, or gets events. They must find an address of it.</summary>
    Both,
}
