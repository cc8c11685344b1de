using System.Diagnostics;

namespace Macula.Cli.Demo;

/// <summary>The provider is killed; a call fails in time, and succeeds as soon as there is another one.</summary>
public sealed class FailoverStep : IDemoStep
{
    private const string Procedure = "math.add";
    private const string Argument = """{"a":5,"b":3}""";

    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(3);

    // The deadline is the library's; this is for the way of the line through two pipes on a busy machine.
    private static readonly TimeSpan Tolerance = TimeSpan.FromSeconds(1);

    // What a caller may see of a provider that is gone: which of them, depends on how far the news has come.
    private static readonly string[] Losses = ["DeadlineExceeded", "ConnectionLost", "Unreachable", "NoProvider"];

    /// <inheritdoc/>
    public string Name => "failover";

    /// <inheritdoc/>
    public string Title => "The provider is killed; the same caller gets an error in time, then another provider";

    /// <inheritdoc/>
    public async Task<IReadOnlyList<StepFigure>> RunAsync(DemoMesh mesh, Action<string, string> show, CancellationToken cancellationToken)
    {
        await mesh.Provider.Process.KillAsync();
        show("", $"{mesh.Provider.Process.Name} (process {mesh.Provider.Process.Id}) is killed with SIGKILL");
        var clock = Stopwatch.StartNew();
        var refused = await mesh.Viewer.CallAsync(Procedure, Argument, Deadline, cancellationToken);
        var failedAfter = clock.Elapsed;
        if (Answers.ErrorOf(refused) is not var (code, message))
        {
            throw new DemoException($"A call of {Procedure} succeeded although its provider was killed: {refused}", mesh.Viewer.Process);
        }

        if (!Losses.Contains(code))
        {
            throw new DemoException($"A call of {Procedure} whose provider was killed should say that it is gone; it ended with {code}: {message}", mesh.Viewer.Process);
        }

        if (failedAfter > Deadline + Tolerance)
        {
            throw new DemoException($"The call failed after {failedAfter.TotalSeconds:0.0} s; its deadline was {Deadline.TotalSeconds:0} s.", mesh.Viewer.Process);
        }

        var successor = await mesh.StartSuccessorAsync(cancellationToken);
        show("", successor is null ? "no other provider is started" : $"{successor.Process.Name} (process {successor.Process.Id}) is started");
        var next = await mesh.Viewer.CallAsync(Procedure, Argument, Deadline, cancellationToken);
        if (Answers.ErrorOf(next) is var (nextCode, nextMessage))
        {
            throw new DemoException($"The call after that failed with {nextCode}: {nextMessage}", successor?.Process ?? mesh.Viewer.Process);
        }

        if (Answers.TextOf(next, "result") != "8" || Answers.TextOf(next, "provider") != successor?.NodeId)
        {
            throw new DemoException($"The call after that should bring 8 from {successor?.NodeId}; it brought {next}.", mesh.Viewer.Process);
        }

        var elapsed = Answers.MillisecondsOf(next, "elapsedMs");
        return
        [
            new("error", "killed provider", code, $"{code} within the deadline of {Deadline.TotalSeconds:0} s: {message}"),
            new("failedAfterMs", "failed after", failedAfter.TotalMilliseconds, Answers.Show(failedAfter.TotalMilliseconds)),
            new("provider", "next call", successor!.NodeId, $"8 from {successor.Process.Name}, {successor.NodeId}"),
            new("nextCallMs", "it took", elapsed, $"{Answers.Show(elapsed)}, with connecting"),
        ];
    }
}
