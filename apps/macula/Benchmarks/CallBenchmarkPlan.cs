namespace Macula.Cli.Benchmarks;

/// <summary>How much the call benchmark measures.</summary>
/// <param name="Calls">Calls one after the other in a round, 1 to 1,000,000.</param>
/// <param name="Rounds">Rounds, 1 to 100.</param>
/// <param name="RateTime">Length of a rate measurement, 100 ms to 1 min.</param>
internal sealed record CallBenchmarkPlan(int Calls, int Rounds, TimeSpan RateTime)
{
    /// <summary>Checks the ranges.</summary>
    /// <exception cref="CommandFailure">A figure is out of range.</exception>
    public void Validate()
    {
        if (Calls is < 1 or > 1_000_000)
        {
            throw new CommandFailure(ExitCode.Usage, "--calls takes 1 to 1000000.");
        }

        if (Rounds is < 1 or > 100)
        {
            throw new CommandFailure(ExitCode.Usage, "--rounds takes 1 to 100.");
        }

        if (RateTime < TimeSpan.FromMilliseconds(100) || RateTime > TimeSpan.FromMinutes(1))
        {
            throw new CommandFailure(ExitCode.Usage, "--seconds takes 0.1 to 60.");
        }
    }
}
