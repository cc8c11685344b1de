using Macula.Identity.Certificates;
using Macula.Transport;
using Macula.Wire.Errors;

namespace Macula.Connections;

/// <summary>What streams to one node go over: a connection, or the way of this node to itself.</summary>
internal interface INodeLink
{
    /// <summary>The node at the other end.</summary>
    NodeIdentity Peer { get; }

    /// <summary>How it is reached now.</summary>
    PathReport Path { get; }

    /// <summary>Opens a stream; null when the link takes no new ones.</summary>
    /// <param name="use">What the stream is for.</param>
    /// <param name="cancellationToken">Gives up; no stream is open then.</param>
    /// <exception cref="ConnectionClosedException">The connection ended.</exception>
    /// <exception cref="MaculaException">As many streams are in use as may be.</exception>
    ValueTask<TransportStream?> TryOpenStreamAsync(ConnectionUse use, CancellationToken cancellationToken);

    /// <summary>Gives back a stream from <see cref="TryOpenStreamAsync"/>, which the caller has let go of.</summary>
    void StreamEnded();
}
