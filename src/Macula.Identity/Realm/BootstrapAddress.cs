using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using Macula.Identity.Names;

namespace Macula.Identity.Realm;

/// <summary>Where a new node finds the realm: a host name or IP address, with a UDP port.</summary>
/// <remarks>As text "host:port", an IPv6 address in brackets. Nothing is looked up here.</remarks>
public sealed record BootstrapAddress
{
    private const int MaxHostBytes = 253;

    private BootstrapAddress(string host, int port)
    {
        Host = host;
        Port = port;
    }

    /// <summary>A lower-case DNS name, or an IP address without brackets.</summary>
    public string Host { get; }

    /// <summary>The UDP port, 1 to 65535.</summary>
    public int Port { get; }

    /// <summary>Takes an address that the caller believes to be good.</summary>
    /// <exception cref="ArgumentException">The text is not host:port.</exception>
    public static BootstrapAddress Parse(string text) =>
        TryParse(text, out var address)
            ? address
            : throw new ArgumentException("A bootstrap address is host:port, such as mesh.example.org:9443, 192.0.2.7:9443 or [2001:db8::7]:9443.", nameof(text));

    /// <summary>Takes an address from outside; false for anything that is not host:port.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, [NotNullWhen(true)] out BootstrapAddress? address)
    {
        address = null;
        var colon = text?.LastIndexOf(':') ?? -1;
        if (text is null || colon < 1 || !int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port)
            || port is < 1 or > ushort.MaxValue)
        {
            return false;
        }

        var host = text[..colon].ToLowerInvariant();
        if (host is ['[', .. var inner, ']'])
        {
            host = inner.Contains(':', StringComparison.Ordinal) && !inner.Contains('%', StringComparison.Ordinal) && IPAddress.TryParse(inner, out var ip) ? ip.ToString() : "";
        }
        else if (!IsIPv4(host) && !IsHostName(host))
        {
            host = "";
        }

        address = host.Length > 0 ? new BootstrapAddress(host, port) : null;
        return address is not null;
    }

    /// <summary>host:port, an IPv6 address in brackets.</summary>
    public override string ToString() => Host.Contains(':', StringComparison.Ordinal) ? $"[{Host}]:{Port}" : $"{Host}:{Port}";

    // The platform reads "7" and "1.2" as addresses; only the form with four numbers is one here.
    private static bool IsIPv4(string host) => host.Count(character => character == '.') == 3 && IPAddress.TryParse(host, out var ip) && ip.ToString() == host;

    // RFC 1123 §2.1: a name's last label is not all digits, so that it is never taken for an address.
    private static bool IsHostName(string host)
    {
        var labels = host.Split('.');
        return host.Length <= MaxHostBytes && labels.All(label => RealmName.IsLabel(label)) && labels[^1].AsSpan().ContainsAnyExceptInRange('0', '9');
    }
}
