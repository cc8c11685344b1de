using Macula.Repository.Tests.Checks;

namespace Macula.Repository.Tests;

public sealed class WaitTests
{
    [Fact]
    public void TestsDoNotSleep() => Expect.Obeyed(WaitChecks.Sleeps);

    [Fact]
    public void SleepingTestIsFound() =>
        Expect.Found(
            WaitChecks.Sleeps,
            ["tests/A/A.cs:2", "tests/A/A.cs:3", "tests/A/A.cs:4"],
            ("tests/A/A.cs", """
                class A { async Task M() {
                Thread.Sleep(10);
                await Task.Delay(TimeSpan.FromSeconds(1));
                await Task.Delay(10, cancellation);
                await Task.Delay(TimeSpan.FromSeconds(1), clock);
                await Task.Delay(TimeSpan.FromSeconds(1), node.TimeProvider, cancellation); } }
                """),
            ("src/A/A.cs", "class A { void M() => Thread.Sleep(10); }"));
}
