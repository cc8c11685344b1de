namespace Macula.Transport.Quic.Streams;

/// <summary>Why one half of a stream can no longer be used.</summary>
internal abstract record StreamFailure
{
    /// <summary>This side ended it.</summary>
    public static readonly StreamFailure EndedHere = new LocalEnd();

    /// <summary>The other side ended it with a code.</summary>
    public static StreamFailure AbortedBy(ulong code) => new RemoteAbort(code);

    /// <summary>It went down with its connection.</summary>
    public static StreamFailure ConnectionEnded(ConnectionEnd end) => new ConnectionLoss(end);

    /// <summary>A new exception for whoever uses it now.</summary>
    public abstract Exception ToException();

    /// <summary>The code with which the other side ended it; null when this side did.</summary>
    /// <exception cref="ConnectionClosedException">The connection ended it.</exception>
    public abstract ulong? ToStopCode();

    private sealed record LocalEnd : StreamFailure
    {
        public override Exception ToException() => new InvalidOperationException("This side reset, stopped or disposed of the stream.");

        public override ulong? ToStopCode() => null;
    }

    private sealed record RemoteAbort(ulong Code) : StreamFailure
    {
        public override Exception ToException() => new StreamAbortedException(Code);

        public override ulong? ToStopCode() => Code;
    }

    private sealed record ConnectionLoss(ConnectionEnd End) : StreamFailure
    {
        public override Exception ToException() => new ConnectionClosedException(End);

        public override ulong? ToStopCode() => throw ToException();
    }
}
