using System.Diagnostics;

namespace Macula.Cli.Demo;

/// <summary>Takes the steps one after the other, up to the first that fails.</summary>
public static class Demonstration
{
    // Twice what the slowest step needs on a machine with one busy processor.
    private static readonly TimeSpan StepTimeout = TimeSpan.FromSeconds(60);

    /// <summary>What is shown, in this order: each builds on what the ones before have left running.</summary>
    public static IReadOnlyList<IDemoStep> Steps { get; } = [new CallStep(), new PublishStep(), new SeparationStep(), new FailoverStep()];

    /// <summary>Runs the demonstration, and ends everything that it started.</summary>
    /// <returns>How the steps went; fewer than all when one failed.</returns>
    /// <exception cref="DemoException">The processes did not come up.</exception>
    /// <exception cref="OperationCanceledException">The token fired.</exception>
    public static async Task<IReadOnlyList<StepResult>> RunAsync(DemoPlan plan, IDemoView view, CancellationToken cancellationToken)
    {
        var results = new List<StepResult>();
        view.ShowStart();
        await using var mesh = await DemoMesh.StartAsync(plan, cancellationToken);
        view.ShowMesh(mesh);
        for (var index = 0; index < Steps.Count && results.All(result => result.IsOk); index++)
        {
            view.ShowBegin(index + 1, Steps[index]);
            results.Add(await RunStepAsync(index + 1, Steps[index], mesh, view, cancellationToken));
            view.ShowEnd(results[^1]);
        }

        return results;
    }

    /// <summary>Takes one step; the unexpected end of a process, and a step that does not end, are failures of it.</summary>
    /// <exception cref="OperationCanceledException">The token fired.</exception>
    public static async Task<StepResult> RunStepAsync(int number, IDemoStep step, DemoMesh mesh, IDemoView view, CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        end.CancelAfter(StepTimeout + (mesh.Watching * 2));
        var work = step.RunAsync(mesh, view.ShowLine, end.Token);
        try
        {
            if (await Task.WhenAny(work, mesh.UnexpectedEnd) == work)
            {
                return new StepResult(number, step, clock.Elapsed, await work, null);
            }

            await end.CancelAsync();
            await work.ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            cancellationToken.ThrowIfCancellationRequested();
            var ended = await mesh.UnexpectedEnd;
            return Fail(new DemoException($"The process '{ended.Name}' ended by itself, with exit code {await ended.Ended}.", ended));
        }
        catch (DemoException failure)
        {
            return Fail(failure);
        }
        catch (IOException exception)
        {
            return Fail(new DemoException($"A process could not be reached any more: {exception.Message}"));
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return Fail(new DemoException($"The step did not end within {clock.Elapsed.TotalSeconds:0} s."));
        }

        StepResult Fail(DemoException failure) => new(number, step, clock.Elapsed, [], failure);
    }
}
