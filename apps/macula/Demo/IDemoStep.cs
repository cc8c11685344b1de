namespace Macula.Cli.Demo;

/// <summary>One step of the demonstration: does something in a mesh, and checks that what should happen does.</summary>
public interface IDemoStep
{
    /// <summary>The step in one word, for programs.</summary>
    string Name { get; }

    /// <summary>The step in one line, for people.</summary>
    string Title { get; }

    /// <summary>Takes the step.</summary>
    /// <param name="mesh">Where.</param>
    /// <param name="show">Gets a label, or none, and a text for people whenever there is something to be seen at once.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>What was seen.</returns>
    /// <exception cref="DemoException">Something else happened than should have.</exception>
    Task<IReadOnlyList<StepFigure>> RunAsync(DemoMesh mesh, Action<string, string> show, CancellationToken cancellationToken);
}

/// <summary>Something that a step has seen.</summary>
/// <param name="Name">What programs call it.</param>
/// <param name="Label">What people call it.</param>
/// <param name="Value">For programs: a number, a text, or several of one kind.</param>
/// <param name="Text">For people.</param>
public sealed record StepFigure(string Name, string Label, object Value, string Text);
