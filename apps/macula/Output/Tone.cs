namespace Macula.Cli.Output;

/// <summary>What a piece of text is to its reader.</summary>
internal enum Tone
{
    /// <summary>Nothing special.</summary>
    Plain,

    /// <summary>It says what follows.</summary>
    Heading,

    /// <summary>It can be passed over.</summary>
    Aside,

    /// <summary>As it should be.</summary>
    Good,

    /// <summary>Not as it should be.</summary>
    Bad,
}
