using Macula.Cli.Processes;

namespace Macula.Cli.Demo;

/// <summary>A node of the demonstration: who it is, and which command its process runs.</summary>
/// <param name="Name">The node's name, and its process's.</param>
/// <param name="Realm">The realm whose certificate it gets.</param>
/// <param name="Command">The words of the command, without those that say who the node is and where it listens.</param>
public sealed record DemoNode(string Name, string Realm, params string[] Command);

/// <summary>Which processes the demonstration starts, and how long it watches.</summary>
public sealed record DemoPlan
{
    /// <summary>The realm in which nearly everything happens.</summary>
    public const string HomeRealm = "tenant-a";

    /// <summary>The realm that must see nothing of it.</summary>
    public const string OtherRealm = "tenant-b";

    /// <summary>How the program is started once more. Default: as this process was.</summary>
    public ProgramPath Program { get; init; } = ProgramPath.Own;

    /// <summary>How long events are watched, in each of two steps. Default 4 s; at least 2 s, which is one event of each publisher and one to spare.</summary>
    public TimeSpan Watching { get; init; } = TimeSpan.FromSeconds(4);

    /// <summary>Provides <c>math.add</c>, until it is killed.</summary>
    public DemoNode Provider { get; init; } = new("math", HomeRealm, "serve", "math.add");

    /// <summary>Provides the same after that; null leaves it out.</summary>
    public DemoNode? Successor { get; init; } = new("math-2", HomeRealm, "serve", "math.add");

    /// <summary>Publishes the machine's load.</summary>
    public DemoNode Load { get; init; } = new("load", HomeRealm, "pub", "sensor.load", "--measure", "load", "--every", "1");

    /// <summary>Publishes the machine's memory.</summary>
    public DemoNode Memory { get; init; } = new("memory", HomeRealm, "pub", "sensor.memory", "--measure", "memory", "--every", "1");

    /// <summary>Calls and subscribes, in one process from the first step to the last.</summary>
    public DemoNode Viewer { get; init; } = new("viewer", HomeRealm, "session");

    /// <summary>Tries the same names in the other realm.</summary>
    public DemoNode Guest { get; init; } = new("guest", OtherRealm, "session");

    /// <summary>Provides <c>echo</c> in the other realm, so that there is somebody for the guest to find.</summary>
    public DemoNode GuestEcho { get; init; } = new("echo", OtherRealm, "serve", "echo");
}
