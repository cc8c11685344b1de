using System.Runtime.Versioning;

namespace Macula.Repository.Tests;

/// <summary>build/install-native.sh, against a package manager and a configuration made up in a folder of the test's own.</summary>
[UnsupportedOSPlatform("windows")]
[Collection(ScriptFolder.OneAtATime)]
public sealed class NativeInstallTests : IDisposable
{
    private const string Deb822 = """
        Types: deb-src
        URIs: http://mirror.example/sources
        Suites: bookworm

        # The machine's mirror.
        Types: deb
        URIs: http://mirror.example/debian
        Suites: bookworm bookworm-updates
        Components: main contrib
        Signed-By:
         -----BEGIN KEY-----
         .
         abc
        """;

    private const string OneLine = """
        deb-src http://mirror.example/sources bookworm main
        deb [arch=amd64 signed-by=/keys/debian.gpg] http://mirror.example/debian bookworm main contrib # the mirror
        """;

    private readonly ScriptFolder _folder = new();

    public NativeInstallTests()
    {
        // Offers the packages once the lists were updated with a source of the backports in place; keeps what it saw.
        _folder.Plant("bin/apt-get", """
            cd "$FOLDER"
            echo "$*" >>calls
            if [[ $1 == update ]]; then cat etc/sources.list.d/macula-temporary.sources >seen; fi
            if [[ $1 == install ]]; then exit "$(cat install-result)"; fi
            """);
        _folder.Plant("bin/apt-cache", """
            if [[ -s $FOLDER/seen || -e $FOLDER/in-main ]]; then echo '  Candidate: 1.11'; else echo '  Candidate: (none)'; fi
            """);
        _folder.Plant("bin/ldconfig", """
            if [[ $(cat "$FOLDER/install-result") == 0 ]]; then
                for library in libngtcp2.so.16 libngtcp2_crypto_gnutls.so.8 libgnutls.so.30; do printf '\t%s (libc6,x86-64,AArch64) => /lib/%s\n' $library $library; done
            fi
            """);
        _folder.Write("install-result", "0");
        Directory.CreateDirectory(Sources);
    }

    private string Sources => Path.Combine(_folder.Path, "etc", "sources.list.d");

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("debian.sources", Deb822, "Signed-By:\n -----BEGIN KEY-----\n .\n abc\n")]
    [InlineData("debian.list", OneLine, "Signed-By: /keys/debian.gpg\n")]
    public void BackportsComeFromTheMachinesOwnMirrorAndKey(string file, string sources, string key)
    {
        _folder.Write($"etc/sources.list.d/{file}", sources);

        var (exitCode, output) = Run("install_packages bookworm");

        Assert.True(exitCode == 0, output);
        Assert.Equal($"Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm-backports\nComponents: main\n{key}", _folder.Read("seen"));
        Assert.Contains("libngtcp2-16 libngtcp2-crypto-gnutls8 (the QUIC library) from bookworm-backports at http://mirror.example/debian", output, StringComparison.Ordinal);
        Assert.Equal([file], Directory.GetFiles(Sources).Select(Path.GetFileName));
        var calls = _folder.Read("calls").Trim().Split('\n');
        Assert.Equal(2, calls.Length);
        Assert.StartsWith("install -y --no-install-recommends", calls[1], StringComparison.Ordinal);
        Assert.Contains("-t bookworm-backports", calls[1], StringComparison.Ordinal);
    }

    [Fact]
    public void FailedInstallationLeavesNothingBehindAndFails()
    {
        _folder.Write("etc/sources.list.d/debian.sources", Deb822);
        _folder.Write("install-result", "100");

        var (exitCode, output) = Run("install_packages bookworm");

        Assert.True(exitCode == 1, output);
        Assert.Equal(["debian.sources"], Directory.GetFiles(Sources).Select(Path.GetFileName));
    }

    [Fact]
    public void MachineWithoutASourceOfItsReleaseIsSaidSo()
    {
        var (exitCode, output) = Run("install_packages bookworm");

        Assert.Equal(1, exitCode);
        Assert.Contains("no source for bookworm", output, StringComparison.Ordinal);
    }

    [Fact]
    public void ReleaseThatOffersTheLibrariesNeedsNoOtherSource()
    {
        _folder.Write("in-main", "");

        var (exitCode, output) = Run("install_packages trixie");

        Assert.True(exitCode == 0, output);
        Assert.Empty(Directory.GetFiles(Sources));
        Assert.DoesNotContain("-t ", _folder.Read("calls"), StringComparison.Ordinal);
    }

    [Fact]
    public void WhoMayNotInstallIsToldWhatToRun()
    {
        var (exitCode, output) = Run("codename() { echo trixie; }; explain 'neither root nor sudo'");

        Assert.Equal(3, exitCode);
        Assert.Contains("apt-get update && apt-get install -y --no-install-recommends libngtcp2-16 libngtcp2-crypto-gnutls8", output, StringComparison.Ordinal);
    }

    [Fact]
    public void NothingIsSaidWhenTheLibrariesAreThere()
    {
        var (exitCode, output) = Run("main");

        Assert.Equal((0, ""), (exitCode, output));
    }

    private (int ExitCode, string Output) Run(string commands) => _folder.Run($"source build/install-native.sh; {commands}");
}
