using System.Runtime.Versioning;

namespace Macula.Repository.Tests;

/// <summary>./macula in a clone made up of stand-ins: a compiler whose product prints its arguments.</summary>
[UnsupportedOSPlatform("windows")]
[Collection(ScriptFolder.OneAtATime)]
public sealed class LauncherTests : IDisposable
{
    private readonly ScriptFolder _folder = new();

    public LauncherTests()
    {
        _folder.Copy("macula");
        _folder.Copy("build/dotnet.sh");
        foreach (var source in new[] { "src/A.cs", "apps/B.cs", "Directory.Build.props", "global.json", ".editorconfig" })
        {
            _folder.Write(source, "");
        }

        _folder.Plant("build/install-native.sh", "echo native >>\"$FOLDER/native-calls\"; exit \"$(cat \"$FOLDER/native-result\" 2>/dev/null || echo 0)\"");
        _folder.Plant("bin/dotnet", """
            if [[ -e $FOLDER/no-sdk ]]; then exit 145; fi
            if [[ $1 != build ]]; then exit 0; fi
            echo build >>"$FOLDER/builds"
            if [[ -e $FOLDER/broken ]]; then echo 'error CS1002'; exit 1; fi
            program=$FOLDER/artifacts/bin/Macula.Cli/release/Macula.Cli
            mkdir -p "$(dirname "$program")"
            printf '#!/usr/bin/env bash\nprintf "<%%s>" "$@"; exit 7\n' >"$program"
            chmod +x "$program"
            """);
        // The stamp is compared by time: what was written just now has to be older than it.
        _folder.Run("find $FOLDER -exec touch -d '1 minute ago' {} +");
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void ArgumentsAndExitCodePassThrough()
    {
        var (exitCode, output) = _folder.Run("ln -s $FOLDER/macula $FOLDER/bin/m; cd /; m version 'a b' '' '*'");

        Assert.EndsWith("<version><a b><><*>", output, StringComparison.Ordinal);
        Assert.Equal(7, exitCode);
    }

    [Fact]
    public void NothingIsBuiltWhenNothingChanged()
    {
        var (_, first) = _folder.Run("$FOLDER/macula version");
        var (_, second) = _folder.Run("$FOLDER/macula version");

        Assert.Equal("Building macula (first run takes about a minute)…\n<version>", first);
        Assert.Equal("<version>", second);
        Assert.Equal("build\n", _folder.Read("builds"));
    }

    [Theory]
    [InlineData("touch $FOLDER/src/A.cs")]
    [InlineData("rm $FOLDER/apps/B.cs")]
    [InlineData("touch $FOLDER/apps/New.cs")]
    [InlineData("touch $FOLDER/Directory.Build.props")]
    [InlineData("rm -r $FOLDER/artifacts/bin")]
    public void ChangeIsBuilt(string change)
    {
        _folder.Run("$FOLDER/macula version");

        _folder.Run(change + "; $FOLDER/macula version");

        Assert.Equal("build\nbuild\n", _folder.Read("builds"));
    }

    [Fact]
    public void CloneThatMayNotBeWrittenIsSaidToBe()
    {
        // A file where the folder should be: what no permission keeps from root either.
        var (exitCode, output) = _folder.Run("touch $FOLDER/artifacts; $FOLDER/macula version");

        Assert.Equal(1, exitCode);
        Assert.Single(output.TrimEnd().Split('\n'));
        Assert.Contains("must be built, and this account may not write there", output, StringComparison.Ordinal);
    }

    [Fact]
    public void WhatTheSdkSaysIsPassedOn()
    {
        _folder.Plant("bin/dotnet", "echo >&2; echo 'no home directory' >&2; exit 1");

        var (exitCode, output) = _folder.Run("$FOLDER/macula version");

        Assert.Equal(3, exitCode);
        Assert.Contains("says: no home directory", output, StringComparison.Ordinal);
    }

    [Fact]
    public void TwoAtOnceBuildOnce()
    {
        _folder.Run("$FOLDER/macula version & $FOLDER/macula version & wait");

        Assert.Equal("build\n", _folder.Read("builds"));
    }

    [Fact]
    public void BrokenBuildIsShownAndTriedAgain()
    {
        _folder.Write("broken", "");

        var (exitCode, output) = _folder.Run("$FOLDER/macula version");
        _folder.Run("rm $FOLDER/broken");

        Assert.Equal(1, exitCode);
        Assert.Contains("error CS1002", output, StringComparison.Ordinal);
        Assert.Equal(7, _folder.Run("$FOLDER/macula version").ExitCode);
    }

    [Fact]
    public void MissingSdkIsSaid()
    {
        _folder.Write("no-sdk", "");

        var (exitCode, output) = _folder.Run("$FOLDER/macula version");

        Assert.Equal(3, exitCode);
        Assert.Contains("SDK", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("call math.add", true)]
    [InlineData("serve", true)]
    [InlineData("version", false)]
    [InlineData("", false)]
    [InlineData("--help", false)]
    [InlineData("call --help", false)]
    [InlineData("realm create x", false)]
    [InlineData("cert issue x", false)]
    public void LibraryIsAskedForWhereTheNetworkIsUsed(string arguments, bool isAsked)
    {
        _folder.Run("$FOLDER/macula " + arguments);

        Assert.Equal(isAsked ? "native\n" : "", _folder.Read("native-calls"));
    }

    [Fact]
    public void MissingLibraryEndsTheStartWithItsExitCode()
    {
        _folder.Write("native-result", "3");

        var (exitCode, output) = _folder.Run("$FOLDER/macula call x");

        Assert.Equal(3, exitCode);
        Assert.DoesNotContain("<call>", output, StringComparison.Ordinal);
    }
}
