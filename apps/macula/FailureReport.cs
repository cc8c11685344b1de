using Macula.Cli.Output;
using Macula.Identity.Files;
using Macula.Identity.Realm;
using Macula.Rpc;
using Macula.Transport;
using Macula.Wire.Errors;

namespace Macula.Cli;

/// <summary>Turns what stopped a command into one clear line and an exit code.</summary>
internal static class FailureReport
{
    /// <summary>Reports a failure.</summary>
    /// <returns>The exit code; null for what is a bug of ours, which should end the program with its stack trace.</returns>
    public static ExitCode? TryReport(Exception exception, OutputForm form)
    {
        if (exception is OperationCanceledException)
        {
            return ExitCode.Interrupted;
        }

        if (ExitCodeOf(exception) is not { } exitCode)
        {
            return null;
        }

        var code = exception is MaculaException known ? known.Code : ErrorCode.InternalError;
        if (form == OutputForm.Json)
        {
            JsonLine.Write(
                ("error", exception is MaculaException ? code.ToString() : exitCode.ToString()),
                ("message", exception.Message),
                ("handler", exception is CallException call ? call.Execution.ToString() : null),
                ("exit", (int)exitCode));
        }
        else
        {
            Terminal.WriteError(exception is CallException ? $"{code}: {exception.Message}" : exception.Message);
        }

        return exitCode;
    }

    private static ExitCode? ExitCodeOf(Exception exception) => exception switch
    {
        CommandFailure failure => failure.ExitCode,
        IdentityFileException or AuthorityException => ExitCode.IdentityFile,
        BindException => ExitCode.CannotBind,
        MaculaException macula => ExitCodeOf(macula.Code),
        ArgumentException => ExitCode.Usage,
        _ => null,
    };

    private static ExitCode ExitCodeOf(ErrorCode code) => code switch
    {
        ErrorCode.Unreachable or ErrorCode.ConnectionLost => ExitCode.Unreachable,
        ErrorCode.DeadlineExceeded => ExitCode.DeadlineExceeded,
        >= ErrorCode.CertificateMissing and <= ErrorCode.RealmNotServed => ExitCode.Refused,
        ErrorCode.InvalidName => ExitCode.Usage,
        _ => ExitCode.Failure,
    };
}
