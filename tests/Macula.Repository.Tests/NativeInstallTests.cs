using System.Diagnostics;
using System.Runtime.Versioning;

namespace Macula.Repository.Tests;

/// <summary>build/install-native.sh, against a package manager and a configuration made up in a folder of the test's own.</summary>
[UnsupportedOSPlatform("windows")]
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

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("macula-install-");

    private string Sources => Path.Combine(_folder.FullName, "etc", "sources.list.d");

    public NativeInstallTests()
    {
        Directory.CreateDirectory(Sources);
        // Offers the packages once the lists were updated with a source of the backports in place; keeps what it saw.
        Plant("apt-get", $$"""
            #!/usr/bin/env bash
            cd {{_folder.FullName}}
            echo "$*" >>calls
            if [[ $1 == update ]]; then cat etc/sources.list.d/macula-temporary.sources >seen; fi
            if [[ $1 == install ]]; then exit "$(cat install-result)"; fi
            """);
        Plant("apt-cache", $"""
            #!/usr/bin/env bash
            if [[ -s {_folder.FullName}/seen || -e {_folder.FullName}/in-main ]]; then echo '  Candidate: 1.11'; else echo '  Candidate: (none)'; fi
            """);
        Plant("ldconfig", $"""
            #!/usr/bin/env bash
            if [[ $(cat {_folder.FullName}/install-result) == 0 ]]; then
                for library in libngtcp2.so.16 libngtcp2_crypto_gnutls.so.8 libgnutls.so.30; do printf '\t%s (libc6,x86-64,AArch64) => /lib/%s\n' $library $library; done
            fi
            """);
        File.WriteAllText(Path.Combine(_folder.FullName, "install-result"), "0");
    }

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData("debian.sources", Deb822, "Signed-By:\n -----BEGIN KEY-----\n .\n abc\n")]
    [InlineData("debian.list", OneLine, "Signed-By: /keys/debian.gpg\n")]
    public void BackportsComeFromTheMachinesOwnMirrorAndKey(string file, string sources, string key)
    {
        File.WriteAllText(Path.Combine(Sources, file), sources);

        var (exitCode, output) = Run("install_packages bookworm");

        Assert.True(exitCode == 0, output);
        Assert.Equal($"Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm-backports\nComponents: main\n{key}", Read("seen"));
        Assert.Contains("libngtcp2-16 libngtcp2-crypto-gnutls8 (the QUIC library) from bookworm-backports at http://mirror.example/debian", output, StringComparison.Ordinal);
        Assert.Equal([file], Directory.GetFiles(Sources).Select(Path.GetFileName));
        var calls = Read("calls").Trim().Split('\n');
        Assert.Equal(2, calls.Length);
        Assert.StartsWith("install -y --no-install-recommends", calls[1], StringComparison.Ordinal);
        Assert.Contains("-t bookworm-backports", calls[1], StringComparison.Ordinal);
    }

    [Fact]
    public void FailedInstallationLeavesNothingBehindAndFails()
    {
        File.WriteAllText(Path.Combine(Sources, "debian.sources"), Deb822);
        File.WriteAllText(Path.Combine(_folder.FullName, "install-result"), "100");

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
        File.WriteAllText(Path.Combine(_folder.FullName, "in-main"), "");

        var (exitCode, output) = Run("install_packages trixie");

        Assert.True(exitCode == 0, output);
        Assert.Empty(Directory.GetFiles(Sources));
        Assert.DoesNotContain("-t ", Read("calls"), StringComparison.Ordinal);
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

    private (int ExitCode, string Output) Run(string commands)
    {
        var start = new ProcessStartInfo("bash", ["-c", $"source build/install-native.sh; {commands}"])
        {
            WorkingDirectory = SourceTree.Root,
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        start.Environment["PATH"] = _folder.FullName + ":" + Environment.GetEnvironmentVariable("PATH");
        start.Environment["MACULA_APT_FOLDER"] = Path.Combine(_folder.FullName, "etc");
        start.Environment.Remove("LD_LIBRARY_PATH");
        using var bash = Process.Start(start) ?? throw new InvalidOperationException("bash did not start.");
        var errors = bash.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        var output = bash.StandardOutput.ReadToEnd();
        bash.WaitForExit();
        return (bash.ExitCode, output + errors.GetAwaiter().GetResult());
    }

    private string Read(string file) => File.ReadAllText(Path.Combine(_folder.FullName, file));

    private void Plant(string program, string script)
    {
        var path = Path.Combine(_folder.FullName, program);
        File.WriteAllText(path, script);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }
}
