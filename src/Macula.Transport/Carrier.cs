using System.Net;

namespace Macula.Transport;

/// <summary>What takes a connection's packets from one endpoint to the other, below QUIC (docs/decisions/0005-birth-path.md).</summary>
/// <remarks>
/// QUIC sees one constant path, on which the connection was born; the carrier is where packets really go. Each side chooses its own,
/// and nothing that arrives changes it.
/// </remarks>
public abstract record Carrier
{
    private protected Carrier()
    {
    }

    /// <summary>Straight over UDP between the endpoint's socket and an address.</summary>
    /// <param name="Remote">Where packets go.</param>
    public sealed record Direct(IPEndPoint Remote) : Carrier
    {
        /// <inheritdoc/>
        public override string ToString() => $"direct {Remote}";
    }

    /// <summary>No packets: both ends are the same node, and what one writes stays in memory until the other has read it. No connection of an endpoint has it.</summary>
    public sealed record Local : Carrier
    {
        /// <inheritdoc/>
        public override string ToString() => "local";
    }
}
