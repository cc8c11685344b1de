using Macula.Wire.Errors;
using Macula.Wire.Frames;

namespace Macula.Rpc;

/// <summary>A call ended without a result.</summary>
public sealed class CallException : MaculaException
{
    /// <summary>Says why, and whether the handler was started.</summary>
    public CallException(ErrorCode code, CallExecution execution, string? message = null, Exception? innerException = null)
        : base(code, message, innerException) => Execution = execution;

    /// <summary>Whether the handler was started.</summary>
    public CallExecution Execution { get; }
}
