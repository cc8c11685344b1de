namespace Macula.Wire.Errors;

/// <summary>Something in the world stood in the way: a peer, a network, a policy. One subclass for each decision that a caller can take.</summary>
public class MaculaException : Exception
{
    /// <summary>Describes a failure by its code.</summary>
    /// <param name="code">Why.</param>
    /// <param name="message">What happened and what to do, for people; null takes the registry's sentence.</param>
    /// <param name="innerException">What caused it; null when nothing else did.</param>
    public MaculaException(ErrorCode code, string? message = null, Exception? innerException = null)
        : base(message ?? ErrorCodes.Describe(code).Meaning, innerException) => Code = code;

    /// <summary>Why.</summary>
    public ErrorCode Code { get; }

    /// <summary>What the caller may do about it.</summary>
    public RetryAdvice Advice => ErrorCodes.Describe(Code).Advice;

    /// <summary>True when the same request may succeed later or elsewhere without anybody changing anything.</summary>
    public bool IsTransient => Advice != RetryAdvice.DoNotRetry;
}

/// <summary>What a peer did wrong, as a core reports it: a value, not an exception.</summary>
/// <param name="Code">The code that ends the stream or connection.</param>
/// <param name="Requirement">The requirement of docs/protocol that was broken, such as "FRM-3".</param>
/// <param name="Detail">What was found, for the log; it holds no bytes of the peer's payload.</param>
public readonly record struct ProtocolError(ErrorCode Code, string Requirement, string Detail);
