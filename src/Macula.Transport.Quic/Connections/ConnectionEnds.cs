using Macula.Transport.Quic.Tls;
using Macula.Wire.Errors;

namespace Macula.Transport.Quic.Connections;

/// <summary>How connections end, in the words of the seam.</summary>
internal static class ConnectionEnds
{
    /// <summary>The two sides share no version of QUIC.</summary>
    public static readonly ConnectionEnd NoSharedVersion = new(ConnectionEndOrigin.Transport, 0, "the two sides share no version of QUIC");

    /// <summary>It is over, and nothing more is known.</summary>
    public static readonly ConnectionEnd NotOpen = new(ConnectionEndOrigin.Local, 0, "");

    /// <summary>Nothing came for as long as the smaller of both sides' <see cref="EndpointOptions.IdleTimeout"/>.</summary>
    public static readonly ConnectionEnd Idle = new(ConnectionEndOrigin.Silence, 0, "nothing arrived for as long as the idle timeout");

    /// <summary>TLS was not done within <see cref="EndpointOptions.HandshakeTimeout"/>.</summary>
    public static readonly ConnectionEnd HandshakeTimeout = new(ConnectionEndOrigin.Silence, 0, "the handshake did not end in time");

    /// <summary>The library wants no more of a first packet.</summary>
    public static readonly ConnectionEnd NoHandshake = new(ConnectionEndOrigin.Silence, 0, "the other side's first packet was no handshake");

    /// <summary>A stateless reset.</summary>
    public static readonly ConnectionEnd Forgotten = new(ConnectionEndOrigin.Silence, 0, "the other side has forgotten the connection (stateless reset)");

    /// <summary>The application disposed of the endpoint before the dial began.</summary>
    public static readonly ConnectionEnd EndpointClosed = new(ConnectionEndOrigin.Local, (ulong)ErrorCode.ShuttingDown, "the endpoint is closed");

    /// <summary>An end with a transport error code (RFC 9000 §20.1).</summary>
    public static ConnectionEnd Transport(ulong code, string reason) =>
        new(ConnectionEndOrigin.Transport, code, reason.Length == 0 && TlsAlert.TryRead(code, out var alert) ? TlsAlert.Describe(alert) : reason);

    /// <summary>What a dial reports that met this end.</summary>
    public static DialException ToDialException(ConnectionEnd end, DialAttempt attempt)
    {
        var remote = attempt.Remote.ToEndPoint();
        if (end == NoSharedVersion)
        {
            return new DialException(ErrorCode.VersionMismatch, $"{remote} speaks another version of QUIC.");
        }

        if (end.Origin == ConnectionEndOrigin.Transport && TlsAlert.TryRead(end.Code, out var alert))
        {
            return new DialException(TlsAlert.ToErrorCode(alert), $"{remote} refused the dial for {attempt.Credentials.ServerName}. {end.Reason}");
        }

        return end.Origin switch
        {
            ConnectionEndOrigin.Silence => new DialException(ErrorCode.Unreachable, $"Nobody answered at {remote} in time."),
            ConnectionEndOrigin.Remote => new DialException(ErrorCodes.FromWire(end.Code), $"{remote} refused the dial: {end.Reason}"),
            ConnectionEndOrigin.Local => new DialException((ErrorCode)end.Code, $"The dial to {remote} was given up: {end.Reason}"),
            _ => new DialException(ErrorCode.Unreachable, $"The handshake with {remote} failed with transport error 0x{end.Code:x}: {end.Reason}"),
        };
    }
}
