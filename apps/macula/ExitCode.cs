namespace Macula.Cli;

/// <summary>How the program ends; `macula --help` lists these for people and scripts.</summary>
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

    /// <summary>A realm, certificate or key file cannot be used.</summary>
    IdentityFile = 4,

    /// <summary>The address cannot be bound: a port in use, or an address of another machine.</summary>
    CannotBind = 5,

    /// <summary>Nobody answers there: an unknown host, a closed port, no network.</summary>
    Unreachable = 6,

    /// <summary>A node refused: certificate, realm or policy.</summary>
    Refused = 7,

    /// <summary>The deadline passed.</summary>
    DeadlineExceeded = 8,

    /// <summary>Somebody stopped it with Ctrl-C (128 + SIGINT).</summary>
    Interrupted = 130,
}
