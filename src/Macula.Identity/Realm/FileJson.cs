using System.Diagnostics.CodeAnalysis;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Macula.Identity.Files;

namespace Macula.Identity.Realm;

/// <summary>A signed document inside a file.</summary>
internal sealed record DocumentText(long Sequence, string Content, byte[] Signature)
{
    [return: NotNullIfNotNull(nameof(document))]
    public static DocumentText? From(SignedDocument? document) =>
        document is null ? null : new DocumentText(document.Sequence, document.Content, document.Signature.ToArray());

    public SignedDocument ToDocument() => new(Sequence, Content, Signature);
}

/// <summary>The fields of a realm file.</summary>
internal sealed record RealmFileText(
    int Format, string Name, string Id, IReadOnlyList<byte[]?> Authorities, IReadOnlyList<string?> Bootstraps, DocumentText? Policy, DocumentText? Revocations);

/// <summary>The fields of an authority's ledger.</summary>
internal sealed record LedgerText(int Format, IReadOnlyList<LedgerLine?> Issued);

/// <summary>One issued certificate.</summary>
internal sealed record LedgerLine(string Name, string Node, string Serial, long NotAfter);

/// <summary>JSON of the files that people look at: indented; fields that a newer version added are passed over, since the format number rises when that would be wrong.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true,
    AllowDuplicateProperties = false)]
[JsonSerializable(typeof(RealmFileText))]
[JsonSerializable(typeof(LedgerText))]
internal sealed partial class FileJson : JsonSerializerContext;

/// <summary>Reads and writes those files.</summary>
internal static class FileText
{
    // The signed texts are JSON inside JSON: \" reads better there than \u0022, and no file of ours ends up in HTML.
    private static readonly FileJson Json = new(new JsonSerializerOptions(FileJson.Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    public static byte[] Write(RealmFileText file) => [.. JsonSerializer.SerializeToUtf8Bytes(file, Json.RealmFileText), (byte)'\n'];

    public static byte[] Write(LedgerText ledger) => [.. JsonSerializer.SerializeToUtf8Bytes(ledger, Json.LedgerText), (byte)'\n'];

    public static RealmFileText ReadRealmFile(ReadOnlySpan<byte> bytes, string path, string cure) => Read(bytes, Json.RealmFileText, path, cure);

    public static LedgerText ReadLedger(ReadOnlySpan<byte> bytes, string path, string cure) => Read(bytes, Json.LedgerText, path, cure);

    private static T Read<T>(ReadOnlySpan<byte> bytes, JsonTypeInfo<T> type, string path, string cure)
        where T : class
    {
        try
        {
            return JsonSerializer.Deserialize(bytes, type) ?? throw new IdentityFileException(FileFault.Malformed, path, "holds nothing.", cure);
        }
        catch (JsonException exception)
        {
            // The platform ends its message with the place, in terms of a parser; an editor shows lines.
            var reason = exception.Message.Split(" Path: ", 2)[0].TrimEnd('.');
            throw new IdentityFileException(FileFault.Malformed, path, $"is not what it should be, in line {(exception.LineNumber ?? 0) + 1}: {reason}.", cure, exception);
        }
    }
}
