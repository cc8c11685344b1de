using Macula.Wire.Errors;
using Macula.Wire.Frames;

namespace Macula.Rpc;

/// <summary>What a handler came to: a result, or an error that its caller may see.</summary>
internal abstract record HandlerOutcome
{
    private HandlerOutcome()
    {
    }

    /// <summary>The handler returned.</summary>
    public sealed record Returned(Payload Value) : HandlerOutcome;

    /// <summary>The handler threw.</summary>
    public sealed record Threw(ErrorCode Code, string Message) : HandlerOutcome;
}
