using Macula.Identity.Certificates;
using Macula.Wire.Frames;
using Macula.Wire.Identifiers;
using Macula.Wire.Time;

namespace Macula.Rpc;

/// <summary>A call as its handler sees it.</summary>
/// <param name="Procedure">The name that was called.</param>
/// <param name="Caller">The node that calls, as its certificate proves it.</param>
/// <param name="Argument">What it passes.</param>
/// <param name="Deadline">When the caller will have given up; the handler's token fires then.</param>
public sealed record IncomingCall(ProcedureName Procedure, NodeIdentity Caller, Payload Argument, Instant Deadline);

/// <summary>Answers calls to one procedure.</summary>
/// <param name="call">Who calls, with what, until when.</param>
/// <param name="cancellationToken">Fires when the caller gave up, its deadline passed, or the node shuts down; what the handler returns then is dropped. A handler that blocks its thread is told only once it awaits.</param>
/// <returns>The result, at most 1 MiB.</returns>
/// <remarks>
/// Calls run beside each other, each in its own order. A <see cref="Wire.Errors.MaculaException"/> with
/// <see cref="Wire.Errors.ErrorCode.InvalidArgument"/> tells the caller that its argument is wrong; every other exception becomes
/// <see cref="Wire.Errors.ErrorCode.HandlerFailed"/> with its message.
/// </remarks>
public delegate ValueTask<Payload> CallHandler(IncomingCall call, CancellationToken cancellationToken);
