namespace Macula.Cli;

/// <summary>The exit codes in the words of the help text.</summary>
internal static class ExitCodes
{
    /// <summary>Every code with its meaning, in the order of the numbers.</summary>
    public static IReadOnlyList<(ExitCode Code, string Meaning)> All { get; } =
    [
        (ExitCode.Success, "Done, or told to stop where a command runs until then, as 'serve' and 'gateway run' do."),
        (ExitCode.Failure, "Failed in a way that has no code of its own."),
        (ExitCode.Usage, "The command line is wrong."),
        (ExitCode.MissingRequirement, "The QUIC library or the .NET SDK is missing on this machine."),
        (ExitCode.IdentityFile, "A realm, certificate, key or authority file cannot be used, or not be written."),
        (ExitCode.CannotBind, "The address cannot be bound: the port is in use, or it is another machine's address."),
        (ExitCode.Unreachable, "Nobody answers there, the host is unknown, or the connection broke."),
        (ExitCode.Refused, "A node, the realm's authority or its policy said no."),
        (ExitCode.DeadlineExceeded, "The deadline passed."),
        (ExitCode.NotProvided, "Nobody provides the procedure, or the node that was named does not."),
        (ExitCode.HandlerFailed, "The procedure failed, or refused its argument."),
        (ExitCode.RealmNotFound, "No bootstrap of the realm answers, or its realm file names none."),
        (ExitCode.InvariantViolated, "A simulation found an invariant violated; its output says which, and how to replay it."),
        (ExitCode.Bug, "A bug in macula; the text on standard error is for whoever mends it."),
        (ExitCode.Interrupted, "Stopped with Ctrl-C, SIGTERM or SIGHUP."),
    ];
}
