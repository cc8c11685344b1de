using System.ComponentModel;
using System.Diagnostics;

namespace Macula.Identity.Tests.Support;

/// <summary>The openssl program, where the machine has it: an implementation of X.509 and ECDSA that is not ours.</summary>
public static class OpenSsl
{
    /// <summary>Runs openssl and gives exit code and everything it printed; skips the test where there is none.</summary>
    public static (int ExitCode, string Output) Run(params string[] arguments)
    {
        var start = new ProcessStartInfo("openssl", arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        try
        {
            using var process = Process.Start(start)!;
            var errors = process.StandardError.ReadToEndAsync();
            var output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return (process.ExitCode, output + errors.GetAwaiter().GetResult());
        }
        catch (Win32Exception)
        {
            Assert.Skip("There is no openssl on this machine.");
            throw;
        }
    }
}
