namespace Macula.Cli;

/// <summary>How the program ends. <see cref="ExitCodes"/> says it to people; a number is never given a second meaning.</summary>
internal enum ExitCode
{
    /// <summary>It did what was asked.</summary>
    Success = 0,

    /// <summary>It failed in a way that has no code of its own.</summary>
    Failure = 1,

    /// <summary>The command line is wrong.</summary>
    Usage = 2,

    /// <summary>Something that the program needs is missing on this machine.</summary>
    MissingRequirement = 3,

    /// <summary>A realm, certificate, key or authority file cannot be used, or not be written.</summary>
    IdentityFile = 4,

    /// <summary>The address cannot be bound: a port in use, or an address of another machine.</summary>
    CannotBind = 5,

    /// <summary>Nobody answers there: an unknown host, a closed port, no network, a connection that broke.</summary>
    Unreachable = 6,

    /// <summary>A node, the realm's authority or its policy said no.</summary>
    Refused = 7,

    /// <summary>The deadline passed.</summary>
    DeadlineExceeded = 8,

    /// <summary>Nobody provides the procedure, or the node that was named does not.</summary>
    NotProvided = 9,

    /// <summary>The procedure's handler failed, or refused its argument.</summary>
    HandlerFailed = 10,

    /// <summary>No bootstrap of the realm answers, or its file names none: nobody could be asked where anything is.</summary>
    RealmNotFound = 11,

    /// <summary>A simulation found that something happened which must not, or that something did not which must.</summary>
    InvariantViolated = 12,

    /// <summary>A bug in this program (EX_SOFTWARE of sysexits.h).</summary>
    Bug = 70,

    /// <summary>Somebody stopped it with Ctrl-C or SIGTERM, or closed its terminal (128 + SIGINT).</summary>
    Interrupted = 130,
}
