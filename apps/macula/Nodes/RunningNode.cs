using Macula.Identity.Credentials;
using Microsoft.Extensions.Logging;

namespace Macula.Cli.Nodes;

/// <summary>A node of this process, with what it was started from.</summary>
internal sealed class RunningNode(MaculaPeer peer, NodeCredentials credentials, ILoggerFactory loggers) : IAsyncDisposable
{
    /// <summary>The node.</summary>
    public MaculaPeer Peer { get; } = peer;

    /// <summary>Stops the node in good order, then lets go of key and log.</summary>
    public async ValueTask DisposeAsync()
    {
        await Peer.DisposeAsync();
        credentials.Dispose();
        loggers.Dispose();
    }
}
