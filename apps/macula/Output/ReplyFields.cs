using Macula.Rpc;

namespace Macula.Cli.Output;

/// <summary>What a call brought back, as the fields of a JSON object.</summary>
internal static class ReplyFields
{
    /// <summary>The result, who gave it, over which path, and how fast.</summary>
    /// <exception cref="CommandFailure">The result cannot be shown as JSON.</exception>
    public static (string Name, object? Value)[] Of(CallReply reply) =>
    [
        ("result", new RawJson(ResultText.Of(reply.Value, "The call succeeded, but its result"))),
        ("provider", reply.Provider.NodeId),
        ("providerName", reply.Provider.Name),
        ("path", reply.Path.Carrier),
        ("roundTripMs", reply.Path.RoundTripTime.TotalMilliseconds),
        ("elapsedMs", reply.Elapsed.TotalMilliseconds),
    ];
}
