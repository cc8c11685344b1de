using System.Globalization;
using System.Text.Json;

namespace Macula.Cli.Demo;

/// <summary>Reads what sessions answer.</summary>
internal static class Answers
{
    /// <summary>A field as text; empty when there is none.</summary>
    public static string TextOf(JsonElement answer, string field) =>
        !answer.TryGetProperty(field, out var value) ? "" : value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText();

    /// <summary>A field as milliseconds.</summary>
    public static double MillisecondsOf(JsonElement answer, string field) => answer.TryGetProperty(field, out var value) ? value.GetDouble() : 0;

    /// <summary>Code and message of an answer that is an error; null when it is none.</summary>
    public static (string Code, string Message)? ErrorOf(JsonElement answer) =>
        answer.TryGetProperty("error", out var code) ? (code.GetString()!, TextOf(answer, "message")) : null;

    /// <summary>A topic as the name of a field: sensor.load becomes sensorLoad.</summary>
    public static string FieldOf(string topic) => string.Concat(topic.Split('.').Select((segment, index) => index == 0 ? segment : char.ToUpperInvariant(segment[0]) + segment[1..]));

    /// <summary>Milliseconds for people.</summary>
    public static string Show(double milliseconds) => string.Create(CultureInfo.InvariantCulture, $"{milliseconds:0.00} ms");
}
