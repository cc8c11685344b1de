using Macula.Wire.Errors;

namespace Macula.Transport;

/// <summary>An endpoint could not be bound. Another address may do.</summary>
public sealed class BindException : MaculaException
{
    /// <summary>Says what could not be bound and why.</summary>
    public BindException(string message, Exception? innerException = null)
        : base(ErrorCode.Unreachable, message, innerException)
    {
    }
}

/// <summary>This machine lacks what the transport needs: a library, or a platform that has it. No other address helps; installing what the message names may.</summary>
public sealed class TransportUnavailableException : MaculaException
{
    /// <summary>Says what is missing and what to do.</summary>
    public TransportUnavailableException(string message, Exception? innerException = null)
        : base(ErrorCode.Unreachable, message, innerException)
    {
    }
}

/// <summary>A dial did not lead to a connection. Nothing of the application's was sent.</summary>
public sealed class DialException : MaculaException
{
    /// <summary>Says why.</summary>
    /// <param name="code"><see cref="ErrorCode.Unreachable"/> when nobody answered, <see cref="ErrorCode.RealmNotServed"/> when the server name was refused, or the refusal's own code.</param>
    /// <param name="message">For people.</param>
    /// <param name="innerException">What caused it; null when nothing else did.</param>
    public DialException(ErrorCode code, string message, Exception? innerException = null)
        : base(code, message, innerException)
    {
    }
}

/// <summary>The connection ended while something was pending on it, or before it was asked.</summary>
public sealed class ConnectionClosedException : MaculaException
{
    /// <summary>Says how it ended.</summary>
    public ConnectionClosedException(ConnectionEnd end)
        : base(ErrorCode.ConnectionLost, Describe(end)) => End = end;

    /// <summary>How the connection ended.</summary>
    public ConnectionEnd End { get; }

    private static string Describe(ConnectionEnd end)
    {
        ArgumentNullException.ThrowIfNull(end);
        var who = end.Origin switch
        {
            ConnectionEndOrigin.Local => "This side closed the connection",
            ConnectionEndOrigin.Remote => "The other side closed the connection",
            ConnectionEndOrigin.Transport => "The connection broke",
            _ => "The connection fell silent",
        };
        var code = end.Code == 0 ? "" : $" with code {end.Code}";
        return end.Reason.Length == 0 ? $"{who}{code}." : $"{who}{code}: {end.Reason}";
    }
}

/// <summary>The other side ended one direction of a stream; the connection goes on.</summary>
public sealed class StreamAbortedException : MaculaException
{
    /// <summary>Says with which code.</summary>
    public StreamAbortedException(ulong streamCode)
        : base(ErrorCodes.FromWire(streamCode), $"The other side ended the stream with code {streamCode}: {ErrorCodes.Describe(ErrorCodes.FromWire(streamCode)).Meaning}") => StreamCode = streamCode;

    /// <summary>The code as it came.</summary>
    public ulong StreamCode { get; }
}
