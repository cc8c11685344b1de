namespace Macula.Testing.VirtualTime;

/// <summary>Why a run in virtual time could not end well.</summary>
public enum SimulationFailure
{
    /// <summary>The main function waits, nothing is ready to run, and no timer will ever fire.</summary>
    Deadlock,

    /// <summary>The main function had not ended when virtual time reached the limit.</summary>
    TimeLimit,

    /// <summary>Code ran on and on without virtual time going on.</summary>
    Livelock,

    /// <summary>Another thread reached into the world: some code left it, and the run is no longer deterministic.</summary>
    ForeignThread,

    /// <summary>An exception that nobody caught or awaited.</summary>
    UnobservedException,
}

/// <summary>A run in virtual time ended with an error of the run itself, not of the main function.</summary>
public sealed class SimulationException : Exception
{
    internal SimulationException(SimulationFailure failure, ulong seed, TimeSpan at, string message, Exception? innerException = null)
        : base($"{message} (seed {seed}, virtual time {at:c})", innerException)
    {
        Failure = failure;
        Seed = seed;
        VirtualTime = at;
    }

    /// <summary>Why.</summary>
    public SimulationFailure Failure { get; }

    /// <summary>The seed that replays it.</summary>
    public ulong Seed { get; }

    /// <summary>Virtual time since the start of the world.</summary>
    public TimeSpan VirtualTime { get; }
}
