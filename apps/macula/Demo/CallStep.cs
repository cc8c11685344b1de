using System.Text.Json;

namespace Macula.Cli.Demo;

/// <summary>A call by name: found in the DHT, sent directly.</summary>
public sealed class CallStep : IDemoStep
{
    /// <summary>Calls whose median is shown.</summary>
    public const int MeasuredCalls = 1000;

    private const string Procedure = "math.add";
    private const string Argument = """{"a":5,"b":3}""";
    private const string Sum = "8";

    /// <inheritdoc/>
    public string Name => "call";

    /// <inheritdoc/>
    public string Title => "A call by name: the provider is found in the DHT and called directly";

    /// <inheritdoc/>
    public async Task<IReadOnlyList<StepFigure>> RunAsync(DemoMesh mesh, Action<string, string> show, CancellationToken cancellationToken)
    {
        await DemoMesh.WaitForAsync(mesh.Provider.Process, "published", cancellationToken);
        var first = await CallAsync(mesh, cancellationToken);
        var elapsed = new double[MeasuredCalls];
        for (var call = 0; call < MeasuredCalls; call++)
        {
            elapsed[call] = Answers.MillisecondsOf(await CallAsync(mesh, cancellationToken), "elapsedMs");
        }

        Array.Sort(elapsed);
        var median = elapsed[MeasuredCalls / 2];
        var firstMilliseconds = Answers.MillisecondsOf(first, "elapsedMs");
        return
        [
            new("result", $"{Procedure} {Argument}", 8, Sum),
            new("provider", "provider", mesh.Provider.NodeId, $"{mesh.Provider.Process.Name}, {mesh.Provider.NodeId}"),
            new("path", "path", Answers.TextOf(first, "path"), Answers.TextOf(first, "path")),
            new("firstCallMs", "first call", firstMilliseconds, $"{Answers.Show(firstMilliseconds)}, with finding and connecting"),
            new("roundTripP50Ms", "round trip", median, $"{Answers.Show(median)}, the median of {MeasuredCalls} further calls"),
        ];
    }

    private static async Task<JsonElement> CallAsync(DemoMesh mesh, CancellationToken cancellationToken)
    {
        var answer = await mesh.Viewer.CallAsync(Procedure, Argument, deadline: null, cancellationToken);
        if (Answers.ErrorOf(answer) is var (code, message))
        {
            throw new DemoException($"The call of {Procedure} failed with {code}: {message}", mesh.Viewer.Process);
        }

        if (Answers.TextOf(answer, "result") != Sum || Answers.TextOf(answer, "provider") != mesh.Provider.NodeId || Answers.TextOf(answer, "path") != $"direct {mesh.Provider.Address}")
        {
            throw new DemoException($"The call of {Procedure} should bring {Sum}, from {mesh.Provider.NodeId}, directly from {mesh.Provider.Address}; it brought {answer}.", mesh.Viewer.Process);
        }

        return answer;
    }
}
