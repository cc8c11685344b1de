namespace Macula.Cli.Output;

/// <summary>For whom a command prints.</summary>
internal enum OutputForm
{
    /// <summary>For people.</summary>
    Text,

    /// <summary>For programs: one JSON object a line.</summary>
    Json,
}
