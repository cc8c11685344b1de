using System.Text.Json;

namespace Macula.Cli.Output;

/// <summary>What is wrong with JSON, in words for whoever wrote it.</summary>
internal static class JsonFault
{
    /// <summary>The fault, without the place in bytes that the platform appends and without a full stop.</summary>
    public static string Describe(JsonException exception) => WithoutPlace(exception.Message);

    /// <summary>The same of a message that was passed on.</summary>
    public static string WithoutPlace(string message) => message.Split([" Path:", " LineNumber:"], 2, StringSplitOptions.None)[0].TrimEnd('.');
}
