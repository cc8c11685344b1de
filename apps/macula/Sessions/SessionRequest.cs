using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Unicode;
using Macula.Cli.Commands;
using Macula.Cli.Output;
using Macula.Rpc;
using Macula.Wire.Identifiers;
using Macula.Wire.MessagePack;

namespace Macula.Cli.Sessions;

/// <summary>What one line of a session asks for.</summary>
/// <param name="Id">What answers repeat, as it was written; null when there was none.</param>
internal abstract record SessionRequest(RawJson? Id)
{
    /// <summary>Calls a procedure.</summary>
    /// <param name="Id">See <see cref="SessionRequest"/>.</param>
    /// <param name="Procedure">The name.</param>
    /// <param name="Argument">What it is given.</param>
    /// <param name="At">The address of the node to call, as host:port; null finds the provider.</param>
    /// <param name="Options">The rest.</param>
    public sealed record Call(RawJson? Id, ProcedureName Procedure, MeshValue Argument, string? At, CallOptions Options) : SessionRequest(Id);

    /// <summary>Publishes an event.</summary>
    /// <param name="Id">See <see cref="SessionRequest"/>.</param>
    /// <param name="Topic">What it is about.</param>
    /// <param name="Value">What happened.</param>
    public sealed record Publish(RawJson? Id, TopicName Topic, MeshValue Value) : SessionRequest(Id);

    /// <summary>Subscribes to topics.</summary>
    /// <param name="Id">See <see cref="SessionRequest"/>; its events repeat it as well.</param>
    /// <param name="Pattern">Which topics.</param>
    public sealed record Subscribe(RawJson? Id, TopicPattern Pattern) : SessionRequest(Id);

    /// <summary>Ends a subscription.</summary>
    /// <param name="Id">See <see cref="SessionRequest"/>.</param>
    /// <param name="Subscription">The id of the request that subscribed.</param>
    public sealed record Unsubscribe(RawJson? Id, RawJson Subscription) : SessionRequest(Id);

    /// <summary>The line cannot be understood.</summary>
    /// <param name="Id">See <see cref="SessionRequest"/>.</param>
    /// <param name="Fault">Why.</param>
    public sealed record Wrong(RawJson? Id, CommandFailure Fault) : SessionRequest(Id);

    /// <summary>Reads a line.</summary>
    public static SessionRequest Parse(ReadOnlyMemory<byte> utf8)
    {
        RawJson? id = null;
        try
        {
            if (!Utf8.IsValid(utf8.Span))
            {
                throw Misuse("A request is UTF-8; this line is not.");
            }

            using var document = JsonDocument.Parse(utf8, Reading);
            var request = document.RootElement;
            if (request.ValueKind != JsonValueKind.Object)
            {
                throw Misuse("A request is one JSON object on one line.");
            }

            id = request.TryGetProperty("id", out var given) ? ReadId(given) : null;
            return Read(id, request);
        }
        catch (JsonException exception)
        {
            return new Wrong(id, Misuse($"A request is one JSON object on one line: {JsonFault.Describe(exception)}."));
        }
        catch (InvalidOperationException)
        {
            // What the reader of strings throws; the kinds of all fields that are read are looked at first.
            return new Wrong(id, Misuse("A string of the request holds half of a surrogate pair."));
        }
        catch (CommandFailure fault)
        {
            return new Wrong(id, fault);
        }
    }

    private static SessionRequest Read(RawJson? id, JsonElement request)
    {
        foreach (var field in request.EnumerateObject())
        {
            switch (field.Name)
            {
                case "call":
                    Demand(request, field.Name, "argument", "at", "node", "deadline");
                    return ReadCall(id, request);
                case "publish":
                    Demand(request, field.Name, "value");
                    return new Publish(id, Word.Read(TextOf(request, field.Name)!, TopicName.Parse), ValueOf(request, "value"));
                case "subscribe":
                    Demand(request, field.Name);
                    return new Subscribe(id, Word.Read(TextOf(request, field.Name)!, TopicPattern.Parse));
                case "unsubscribe":
                    Demand(request, field.Name);
                    return new Unsubscribe(id, ReadId(field.Value));
            }
        }

        throw Misuse("A request has one of the fields call, publish, subscribe and unsubscribe.");
    }

    private static Call ReadCall(RawJson? id, JsonElement request)
    {
        var options = new CallOptions
        {
            Node = TextOf(request, "node") is { } node ? Word.ReadNodeId(node) : null,
            Deadline = DeadlineOf(request) ?? new CallOptions().Deadline,
        };
        return new Call(id, Word.Read(TextOf(request, "call")!, ProcedureName.Parse), ValueOf(request, "argument"), TextOf(request, "at"), options);
    }

    private static void Demand(JsonElement request, string kind, params ReadOnlySpan<string> fields)
    {
        foreach (var field in request.EnumerateObject())
        {
            if (field.Name != "id" && field.Name != kind && !fields.Contains(field.Name))
            {
                throw Misuse($"A request with '{kind}' has no field '{field.Name}'; it may have {string.Join(", ", ["id", .. fields])}.");
            }
        }
    }

    private static RawJson ReadId(JsonElement id) =>
        id.ValueKind is JsonValueKind.Number or JsonValueKind.String && id.GetRawText() is { Length: <= MaxIdLength } text
            ? new RawJson(text)
            : throw Misuse($"An id is a number or a string of at most {MaxIdLength} characters.");

    private static string? TextOf(JsonElement request, string field) =>
        !request.TryGetProperty(field, out var value) ? null
        : value.ValueKind == JsonValueKind.String ? value.GetString()
        : throw Misuse($"The field {field} holds a string.");

    private static MeshValue ValueOf(JsonElement request, string field) =>
        !request.TryGetProperty(field, out var value) ? MeshValue.Nil
        : MeshValue.TryParseJson(JsonMarshal.GetRawUtf8Value(value), out var read, out var error) ? read
        : throw Misuse($"The field {field} holds no value of the mesh: {error.Detail}.");

    private static TimeSpan? DeadlineOf(JsonElement request) =>
        !request.TryGetProperty("deadline", out var value) ? null
        : value.ValueKind == JsonValueKind.Number ? Word.ReadDeadline(value.GetDouble(), "deadline")
        : throw Misuse("The field deadline holds a number of seconds.");

    // A container of the mesh takes up to three levels of JSON, and stands in the request's object.
    private static readonly JsonDocumentOptions Reading = new() { MaxDepth = (3 * MeshValue.MaxDepth) + 2 };

    private static CommandFailure Misuse(string message) => new(ExitCode.Usage, message);

    // Enough for any numbering, and short enough to be repeated in every answer.
    private const int MaxIdLength = 100;
}
