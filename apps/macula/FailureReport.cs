using Macula.Cli.Output;
using Macula.Identity.Files;
using Macula.Identity.Realm;
using Macula.Rpc;
using Macula.Transport;
using Macula.Wire.Errors;
using Macula.Wire.Frames;

namespace Macula.Cli;

/// <summary>Turns what stopped a command into one clear line, or one JSON object, and an exit code.</summary>
internal static class FailureReport
{
    /// <summary>Reports a failure.</summary>
    public static ExitCode Report(Exception exception, OutputForm form)
    {
        var exitCode = ExitCodeOf(exception);
        if (form == OutputForm.Text || !TryWriteObject(exception, exitCode))
        {
            Terminal.WriteError(exception is CallException call ? Describe(call) : MessageOf(exception, exitCode));
        }

        if (exitCode == ExitCode.Bug)
        {
            Terminal.WriteNote($"This is a bug in macula; please report it with these lines:{Environment.NewLine}{exception}");
        }

        return exitCode;
    }

    /// <summary>A failure as fields of a JSON object: its word, what happened, and whether a call's handler ran.</summary>
    public static (string Name, object? Value)[] FieldsOf(Exception exception)
    {
        var exitCode = ExitCodeOf(exception);
        return
        [
            ("error", exception is MaculaException known and not (BindException or TransportUnavailableException) ? known.Code.ToString() : exitCode.ToString()),
            ("message", MessageOf(exception, exitCode)),
            ("handler", (exception as CallException)?.Execution),
        ];
    }

    private static bool TryWriteObject(Exception exception, ExitCode exitCode)
    {
        try
        {
            JsonLine.Write([.. FieldsOf(exception), ("exit", (int)exitCode)]);
            return true;
        }
        catch (OutputException)
        {
            return false;
        }
    }

    private static string MessageOf(Exception exception, ExitCode exitCode) => exitCode == ExitCode.Interrupted ? "Stopped before it was done." : exception.Message;

    // Whether repeating it is safe is the first thing that a person needs to know about a call without an answer.
    private static string Describe(CallException call) =>
        call.Execution == CallExecution.Unknown ? $"{call.Code}: {call.Message} The handler may have run." : $"{call.Code}: {call.Message}";

    private static ExitCode ExitCodeOf(Exception exception) => exception switch
    {
        OperationCanceledException => ExitCode.Interrupted,
        CommandFailure failure => failure.ExitCode,
        IdentityFileException => ExitCode.IdentityFile,
        AuthorityException { Code: ErrorCode.CertificateExpired } => ExitCode.IdentityFile,
        AuthorityException => ExitCode.Refused,
        OutputException => ExitCode.Failure,
        TransportUnavailableException => ExitCode.MissingRequirement,
        BindException => ExitCode.CannotBind,
        MaculaException macula => ExitCodeOf(macula.Code),
        _ => ExitCode.Bug,
    };

    private static ExitCode ExitCodeOf(ErrorCode code) => code switch
    {
        ErrorCode.Unreachable or ErrorCode.ConnectionLost => ExitCode.Unreachable,
        ErrorCode.DeadlineExceeded => ExitCode.DeadlineExceeded,
        >= ErrorCode.CertificateMissing and <= ErrorCode.RealmNotServed => ExitCode.Refused,
        ErrorCode.NoSuchProcedure or ErrorCode.NoProvider => ExitCode.NotProvided,
        ErrorCode.HandlerFailed or ErrorCode.InvalidArgument => ExitCode.HandlerFailed,
        _ => ExitCode.Failure,
    };
}
