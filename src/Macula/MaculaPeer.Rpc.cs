using Macula.Rpc;
using Macula.Wire.Errors;
using Macula.Wire.Frames;
using Macula.Wire.Identifiers;
using Macula.Wire.MessagePack;

namespace Macula;

/// <content>Calls, and providing what others call.</content>
public sealed partial class MaculaPeer
{
    private static readonly CallOptions DefaultCall = new();

    /// <summary>Provides a procedure until the advertisement is disposed.</summary>
    /// <param name="procedure">1 to 16 segments of letters, digits, '_', '-', separated by dots; at most 255 bytes.</param>
    /// <param name="handler">Answers the calls, many at a time.</param>
    /// <param name="cancellationToken">Gives up; the procedure is not provided.</param>
    /// <exception cref="ArgumentException">The name breaks the rules.</exception>
    /// <exception cref="MaculaException">The realm's policy does not let this node advertise the name, it publishes as many records as it may, or it stops; the procedure is not provided.</exception>
    /// <exception cref="InvalidOperationException">This node provides the procedure already.</exception>
    /// <remarks>It is served when this returns; others find it by its name once <see cref="Advertisement.WaitUntilPublishedAsync"/> has completed. Works before the node has joined.</remarks>
    public ValueTask<Advertisement> AdvertiseAsync(string procedure, CallHandler handler, CancellationToken cancellationToken = default)
    {
        var name = ProcedureName.Parse(procedure);
        ArgumentNullException.ThrowIfNull(handler);
        cancellationToken.ThrowIfCancellationRequested();
        return _realm.AdvertiseAsync(name, handler);
    }

    /// <summary>Calls a procedure with a value.</summary>
    /// <param name="procedure">The name: see <see cref="AdvertiseAsync"/>.</param>
    /// <param name="argument">The argument, at most 1 MiB when encoded.</param>
    /// <param name="options">Deadline and target; null takes the defaults.</param>
    /// <param name="cancellationToken">Gives up; the provider is told to stop. Its handler may have run.</param>
    /// <returns>The result, and who gave it over which path.</returns>
    /// <exception cref="ArgumentException">The name breaks the rules, or the deadline is out of range.</exception>
    /// <exception cref="MaculaException">The argument is larger than 1 MiB; nothing was sent.</exception>
    /// <exception cref="CallException">There is no result; the code says why, <see cref="CallException.Execution"/> whether the handler was started.</exception>
    /// <exception cref="OperationCanceledException">The token fired.</exception>
    /// <remarks>A node that provides the procedure itself serves the call, in memory and without a network, before other providers are asked ([RPC-18]); it has a copy of the argument, and the caller one of the result.</remarks>
    public ValueTask<CallReply> CallAsync(string procedure, MeshValue argument, CallOptions? options = null, CancellationToken cancellationToken = default) =>
        CallAsync(procedure, Payload.FromValue(argument), options, cancellationToken);

    /// <summary>Calls a procedure with a payload of any content type: see <see cref="CallAsync(string, MeshValue, CallOptions?, CancellationToken)"/>.</summary>
    /// <inheritdoc cref="CallAsync(string, MeshValue, CallOptions?, CancellationToken)"/>
    public ValueTask<CallReply> CallAsync(string procedure, Payload argument, CallOptions? options = null, CancellationToken cancellationToken = default) =>
        _realm.CallAsync(ProcedureName.Parse(procedure), argument, options ?? DefaultCall, cancellationToken);
}
