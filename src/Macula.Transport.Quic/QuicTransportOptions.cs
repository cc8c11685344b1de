using Microsoft.Extensions.Logging;

namespace Macula.Transport.Quic;

/// <summary>What a <see cref="QuicTransport"/> takes from its surroundings.</summary>
public sealed record QuicTransportOptions
{
    /// <summary>Where the transport logs, under the category "Macula.Transport.Quic", with ids 2000 to 2099. Default null: nowhere.</summary>
    public ILoggerFactory? LoggerFactory { get; init; }

    /// <summary>32 secret bytes from which each endpoint's stateless reset tokens are derived, with its bound address and port (RFC 9000 §10.3.2). Default null: random, anew for each transport.</summary>
    /// <remarks>
    /// A node that derives it from a secret that survives a restart can tell its peers at once, on the same port, that it has forgotten
    /// their connections; without it they notice by their idle timeout. Whoever knows it can end this node's connections.
    /// One node's alone: a node with the same key on the same address and port gives this one's tokens away (RFC 9000 §21.11).
    /// </remarks>
    public ReadOnlyMemory<byte>? StatelessResetKey { get; init; }

    /// <summary>Names no secret.</summary>
    public override string ToString() => nameof(QuicTransportOptions);
}
