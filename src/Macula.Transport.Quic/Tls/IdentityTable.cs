using System.Collections.Immutable;
using Macula.Wire.Errors;

namespace Macula.Transport.Quic.Tls;

/// <summary>The identities that an endpoint serves, by server name. Written from any thread, read by the loop.</summary>
internal sealed class IdentityTable : IDisposable
{
    /// <summary>Most identities of one endpoint: a gateway's realms.</summary>
    public const int MaxIdentities = 4_096;

    private ImmutableDictionary<string, TlsCredentials> _byName = ImmutableDictionary.Create<string, TlsCredentials>(StringComparer.OrdinalIgnoreCase);

    public bool IsEmpty => Volatile.Read(ref _byName).IsEmpty;

    /// <summary>Adds an identity, or replaces the one of the same name.</summary>
    public void Serve(TlsIdentity identity)
    {
        var credentials = new TlsCredentials(identity);
        if (_byName.Count >= MaxIdentities && !_byName.ContainsKey(identity.ServerName))
        {
            credentials.Dispose();
            throw new MaculaException(ErrorCode.LimitExceeded, $"An endpoint serves at most {MaxIdentities} identities.");
        }

        // The one that is replaced is freed when its last session ends and nothing refers to it.
        ImmutableInterlocked.AddOrUpdate(ref _byName, identity.ServerName, credentials, (_, _) => credentials);
    }

    /// <summary>Removes the identity of a name, if there is one.</summary>
    /// <remarks>Not freed here, since a handshake may be about to use it: like one that is replaced, it goes with the last that refers to it.</remarks>
    public void Withdraw(string serverName) => ImmutableInterlocked.TryRemove(ref _byName, serverName, out _);

    /// <summary>The identity of a name; null when it is not served.</summary>
    public TlsCredentials? Find(string serverName) => Volatile.Read(ref _byName).GetValueOrDefault(serverName);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var credentials in _byName.Values)
        {
            credentials.Dispose();
        }
    }
}
