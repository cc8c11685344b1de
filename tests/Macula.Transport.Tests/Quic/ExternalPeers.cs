using System.Diagnostics;
using System.Net;
using System.Security.Cryptography;

namespace Macula.Transport.Tests.Quic;

/// <summary>QUIC implementations that are not ours, where they are installed.</summary>
internal static class ExternalPeers
{
    /// <summary>What gtlsclient puts in SNI, whatever it is told, when it dials an address.</summary>
    public const string ServerName = "localhost";

    /// <summary>The path of gtlsclient, ngtcp2's own client; null when it is not installed. MACULA_GTLSCLIENT names another place.</summary>
    public static string? Client { get; } = new[] { Environment.GetEnvironmentVariable("MACULA_GTLSCLIENT"), "/usr/bin/gtlsclient" }.FirstOrDefault(File.Exists);

    public static (string Key, string Certificate) WriteIdentity(TlsIdentity identity)
    {
        var folder = Directory.CreateTempSubdirectory("macula-test-").FullName;
        var key = Path.Combine(folder, "key.pem");
        var certificate = Path.Combine(folder, "certificate.pem");
        File.WriteAllText(key, PemEncoding.WriteString("PRIVATE KEY", identity.PrivateKeyPkcs8.Span));
        File.WriteAllText(certificate, PemEncoding.WriteString("CERTIFICATE", identity.CertificateChain[0].Span));
        return (key, certificate);
    }

    /// <summary>Runs the client until it ends; returns what it printed.</summary>
    public static async Task<string> RunClientAsync(IPEndPoint server, string[] arguments, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(Client!) { RedirectStandardError = true, RedirectStandardOutput = true };
        string[] all = ["--no-quic-dump", "--timeout=5s", .. arguments, server.Address.ToString(), server.Port.ToString(System.Globalization.CultureInfo.InvariantCulture), $"https://{ServerName}/"];
        foreach (var argument in all)
        {
            start.ArgumentList.Add(argument);
        }

        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync(cancellationToken);
        var errors = process.StandardError.ReadToEndAsync(cancellationToken);
        await process.WaitForExitAsync(cancellationToken);
        return await output + await errors;
    }
}
