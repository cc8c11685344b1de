namespace Macula.Cli.Output;

/// <summary>Standard output takes no more: its disk is full, or it is closed.</summary>
internal sealed class OutputException(Exception cause) : IOException($"Standard output cannot be written: {cause.Message}", cause);
