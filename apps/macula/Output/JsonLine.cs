using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Macula.Cli.Output;

/// <summary>Writes one JSON object as one line of standard output.</summary>
internal static class JsonLine
{
    // The output is read by programs or a terminal, never pasted into a web page; names stay readable.
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes the fields in order; those whose value is null are left out.</summary>
    /// <exception cref="OutputException">Nobody can have it.</exception>
    public static void Write(params ReadOnlySpan<(string Name, object? Value)> fields) => Terminal.WriteLine(Compose(fields));

    /// <summary>The object as text.</summary>
    public static string Compose(params ReadOnlySpan<(string Name, object? Value)> fields)
    {
        var output = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(output, Options))
        {
            WriteObject(writer, fields);
        }

        return System.Text.Encoding.UTF8.GetString(output.WrittenSpan);
    }

    private static void WriteObject(Utf8JsonWriter writer, ReadOnlySpan<(string Name, object? Value)> fields)
    {
        writer.WriteStartObject();
        foreach (var (name, value) in fields)
        {
            if (value is not null)
            {
                writer.WritePropertyName(name);
                WriteValue(writer, value);
            }
        }

        writer.WriteEndObject();
    }

    private static void WriteValue(Utf8JsonWriter writer, object value)
    {
        switch (value)
        {
            case RawJson raw:
                writer.WriteRawValue(raw.Text);
                break;
            case bool flag:
                writer.WriteBooleanValue(flag);
                break;
            case int or long:
                writer.WriteNumberValue(Convert.ToInt64(value, System.Globalization.CultureInfo.InvariantCulture));
                break;
            case double number:
                writer.WriteNumberValue(Math.Round(number, 3));
                break;
            case IEnumerable<double> samples:
                writer.WriteStartArray();
                foreach (var sample in samples)
                {
                    writer.WriteNumberValue(Math.Round(sample, 3));
                }

                writer.WriteEndArray();
                break;
            case IEnumerable<JsonFields> objects:
                writer.WriteStartArray();
                foreach (var inner in objects)
                {
                    WriteObject(writer, inner.Fields);
                }

                writer.WriteEndArray();
                break;
            case IEnumerable<string> words:
                writer.WriteStartArray();
                foreach (var word in words)
                {
                    writer.WriteStringValue(word);
                }

                writer.WriteEndArray();
                break;
            default:
                writer.WriteStringValue(value.ToString());
                break;
        }
    }
}

/// <summary>JSON text that is written as it is.</summary>
internal sealed record RawJson(string Text);

/// <summary>An object within the one that is written: its fields in order.</summary>
internal sealed record JsonFields(params (string Name, object? Value)[] Fields);
