using System.Security.Cryptography;
using System.Text;
using Macula.Identity.Keys;

namespace Macula.Identity.Files;

/// <summary>A private key on disk: unencrypted PKCS#8 in PEM (RFC 7468 §10), open to its owner alone.</summary>
internal static class PrivateKeyFile
{
    private const int MaxFileBytes = 16 * 1024;

    private const string Label = "PRIVATE KEY";

    public static SigningKey Load(string path, SignatureScheme scheme, string cureWhenMissing)
    {
        var content = IdentityFile.Read(path, MaxFileBytes, FileSecrecy.Secret, cureWhenMissing);
        var characters = new char[content.Length];
        var pkcs8 = Array.Empty<byte>();
        try
        {
            // PEM is ASCII; what is not makes no PEM.
            Encoding.Latin1.GetChars(content, characters);
            if (!PemEncoding.TryFind(characters, out var fields) || !characters.AsSpan()[fields.Label].SequenceEqual(Label))
            {
                throw Malformed(path, "holds no private key in PKCS#8 PEM.", null);
            }

            pkcs8 = new byte[fields.DecodedDataLength];
            Convert.TryFromBase64Chars(characters.AsSpan()[fields.Base64Data], pkcs8, out _);
            return scheme.ImportPrivateKey(pkcs8);
        }
        catch (CryptographicException exception)
        {
            throw Malformed(path, $"holds a private key that cannot be used: {exception.Message}", exception);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(content);
            CryptographicOperations.ZeroMemory(pkcs8);
            Array.Clear(characters);
        }
    }

    public static void SaveNew(string path, SigningKey key)
    {
        var pkcs8 = key.ExportPkcs8();
        var characters = PemEncoding.Write(Label, pkcs8);
        var content = Encoding.ASCII.GetBytes([.. characters, '\n']);
        try
        {
            IdentityFile.WriteNew(path, content, FileSecrecy.Secret);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(pkcs8);
            CryptographicOperations.ZeroMemory(content);
            Array.Clear(characters);
        }
    }

    private static IdentityFileException Malformed(string path, string found, Exception? cause) => new(
        FileFault.Malformed, path, found, "Name the file with the key, unencrypted and of P-256 (openssl pkcs8 -topk8 -nocrypt turns other forms into it).", cause);
}
