using System.Runtime.Versioning;

namespace Macula.Repository.Tests;

/// <summary>./test.sh in a clone made up of stand-ins: a compiler that compiles nothing, test programs that write the results they are told.</summary>
[UnsupportedOSPlatform("windows")]
[Collection(ScriptFolder.OneAtATime)]
public sealed class TestScriptTests : IDisposable
{
    private readonly ScriptFolder _folder = new();

    public TestScriptTests()
    {
        _folder.Copy("test.sh");
        _folder.Copy("build/dotnet.sh");
        _folder.Plant("build/install-native.sh", "exit 0");
        _folder.Plant("bin/dotnet", """
            echo "$*" >>"$FOLDER/dotnet-calls"
            if [[ $1 == build && -e $FOLDER/broken ]]; then echo 'A.cs(1,1): error CS1002: ; expected'; exit 1; fi
            """);
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void CountsOfAllProjectsStandAloneInTheLastLine()
    {
        Project("A", Results(passed: 3));
        Project("B", Results(passed: 39));

        var (exitCode, output) = _folder.Run("$FOLDER/test.sh");

        Assert.Equal("42 passed, 0 failed", LastLine(output));
        Assert.Equal(0, exitCode);
    }

    [Fact]
    public void SkippedTestsAreCountedAndListedWithTheirReason()
    {
        Project("A", """
            cat >"${@: -1}" <<'END'
            <assemblies><assembly name="A" total="2" passed="1" failed="0" skipped="1" errors="0"><collection>
            <test name="A.Runs" result="Pass" /><test name="A.Waits" result="Skip"><reason><![CDATA[needs two networks]]></reason></test>
            </collection></assembly></assemblies>
            END
            """);

        var (exitCode, output) = _folder.Run("$FOLDER/test.sh");

        Assert.EndsWith("\n1 skipped\n1 passed, 0 failed\n", output, StringComparison.Ordinal);
        Assert.Contains("skipped A.Waits: needs two networks", output, StringComparison.Ordinal);
        Assert.Equal(0, exitCode);
    }

    [Fact]
    public void FailureFailsTheRunAndShowsTheProjectsLog()
    {
        Project("A", Results(passed: 3));
        Project("B", "echo 'Assert.Equal() Failure'\n" + Results(passed: 1, failed: 2) + "\nexit 1");

        var (exitCode, output) = _folder.Run("$FOLDER/test.sh");

        Assert.Equal("4 passed, 2 failed", LastLine(output));
        Assert.Contains("Assert.Equal() Failure", output, StringComparison.Ordinal);
        Assert.Equal(1, exitCode);
    }

    [Theory]
    [InlineData("exit 0", "it ran no test")]
    [InlineData("kill -SEGV $$", "it ended with exit code 139")]
    [InlineData("exit 3", "it ended with exit code 3")]
    public void ProjectThatRunsNothingIsAFailure(string program, string reason)
    {
        Project("A", Results(passed: 5));
        Project("B", program);

        var (exitCode, output) = _folder.Run("$FOLDER/test.sh");

        Assert.Equal("5 passed, 1 failed", LastLine(output));
        Assert.Contains(reason, output, StringComparison.Ordinal);
        Assert.Equal(1, exitCode);
    }

    [Fact]
    public void CrashAfterPassingTestsIsAFailure()
    {
        Project("A", Results(passed: 5) + "\nexit 134");

        Assert.Equal("5 passed, 1 failed", LastLine(_folder.Run("$FOLDER/test.sh").Output));
    }

    [Fact]
    public void ProjectThatHangsIsEndedAndItsLogSaysWhere()
    {
        Project("A", "echo \"[Long Running Test] 'A.Hangs' $*\"\nexec sleep 600");

        var (exitCode, output) = _folder.Run("MACULA_TEST_SECONDS=1 $FOLDER/test.sh");

        Assert.Equal("0 passed, 1 failed", LastLine(output));
        Assert.Contains("longer than 1 s", output, StringComparison.Ordinal);
        Assert.Matches(@"\[Long Running Test\] 'A\.Hangs' .*-longRunning [1-9]", output);
        Assert.Equal(1, exitCode);
    }

    [Theory]
    [InlineData("Macula.Wire.Tests", "", 300)]
    [InlineData("Macula.Tests", "", 1800)]
    [InlineData("Macula.Cli.Tests", "", 1800)]
    [InlineData("Macula.Simulation.Tests", "", 3300)]
    [InlineData("Macula.Simulation.Tests", "MACULA_SIMULATION_SEEDS=500", 7800)]
    [InlineData("Macula.Simulation.Tests", "MACULA_TEST_SECONDS=70", 70)]
    public void ProjectMayRunAsLongAsItsKindOfTestNeeds(string project, string environment, int seconds)
    {
        Project(project, Results(passed: 1));
        _folder.Plant("bin/timeout", """
            echo "$2" >"$FOLDER/limit"
            exec "${@:3}"
            """);

        Assert.Equal(0, _folder.Run($"{environment} $FOLDER/test.sh").ExitCode);
        Assert.Equal($"{seconds}\n", _folder.Read("limit"));
    }

    [Fact]
    public void BrokenBuildIsOneFailureAndIsShown()
    {
        Project("A", Results(passed: 5));
        _folder.Write("broken", "");

        var (exitCode, output) = _folder.Run("$FOLDER/test.sh");

        Assert.Equal("0 passed, 1 failed", LastLine(output));
        Assert.Contains("error CS1002", output, StringComparison.Ordinal);
        Assert.Equal(1, exitCode);
    }

    [Fact]
    public void MissingLibraryIsOneFailure()
    {
        Project("A", Results(passed: 5));
        _folder.Plant("build/install-native.sh", "exit 3");

        var (exitCode, output) = _folder.Run("$FOLDER/test.sh");

        Assert.Equal(("0 passed, 1 failed", 1), (LastLine(output), exitCode));
    }

    [Fact]
    public void OnlyOneProjectIsBuiltAndRunWhenItIsNamed()
    {
        Project("Macula.Wire.Tests", Results(passed: 2));
        Project("Macula.Tests", Results(passed: 40));

        Assert.Equal("2 passed, 0 failed", LastLine(_folder.Run("$FOLDER/test.sh --only wire").Output));
        Assert.Contains("build tests/Macula.Wire.Tests", _folder.Read("dotnet-calls"), StringComparison.Ordinal);
        Assert.Equal("40 passed, 0 failed", LastLine(_folder.Run("$FOLDER/test.sh --only Macula.Tests").Output));
        Assert.Equal("0 passed, 1 failed", LastLine(_folder.Run("$FOLDER/test.sh --only Nothing").Output));
    }

    [Fact]
    public void NightlyRunAsksForMore()
    {
        Project("A", "echo \"$MACULA_NIGHTLY $MACULA_FUZZ_ITERATIONS\" >\"$FOLDER/asked\"\n" + Results(passed: 1));

        Assert.Equal(0, _folder.Run("$FOLDER/test.sh --nightly").ExitCode);
        Assert.Matches("^1 [1-9][0-9]{6,}\n$", _folder.Read("asked"));
    }

    private static string LastLine(string output) => output.TrimEnd('\n').Split('\n')[^1];

    // The runner's last argument is the file for its results.
    private static string Results(int passed, int failed = 0) =>
        $"""echo '<assemblies><assembly name="A" total="{passed + failed}" passed="{passed}" failed="{failed}" skipped="0" errors="0"></assembly></assemblies>' >"{"${@: -1}"}" """;

    private void Project(string name, string program)
    {
        _folder.Write($"tests/{name}/{name}.csproj", "<Project/>");
        _folder.Plant($"artifacts/bin/{name}/release/{name}", program);
    }
}
