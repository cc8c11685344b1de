using System.CommandLine;
using Macula.Cli.Output;

namespace Macula.Cli.Commands;

/// <summary>Options that every command has.</summary>
internal static class CommonOptions
{
    /// <summary>Whether to print for programs.</summary>
    public static Option<bool> Json { get; } = new("--json") { Description = "Print one JSON object a line instead of text." };

    /// <summary>For whom this invocation prints.</summary>
    public static OutputForm FormOf(ParseResult parse) => parse.GetValue(Json) ? OutputForm.Json : OutputForm.Text;
}
