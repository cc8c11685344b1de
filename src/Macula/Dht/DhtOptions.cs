using System.Collections.Immutable;
using Macula.Identity.Realm;
using Macula.Protocols.Kademlia;
using Macula.Wire.Identifiers;
using Macula.Wire.Records;

namespace Macula.Dht;

/// <summary>How a node takes part in its realm's DHT.</summary>
public enum DhtMode
{
    /// <summary>It asks others, and holds nothing for them: for nodes that not everybody can dial.</summary>
    Client,

    /// <summary>It is in others' routing tables, answers their requests and holds records: for nodes that every member can dial.</summary>
    Server,
}

/// <summary>How a node takes part in its realm's DHT, and its limits there.</summary>
public sealed record DhtOptions
{
    // [PUB-2]: those of all its prefixes, and the realm's root key.
    private const int MostKeysOfATopic = TopicName.MaxSegments + 1;

    /// <summary>Server or client. Default <see cref="DhtMode.Client"/> ([KAD-1]).</summary>
    public DhtMode Mode { get; init; } = DhtMode.Client;

    /// <summary>Where others can dial this node, the preferred address first; at most 4. Default empty: the address that is bound; for the unspecified one those of the machine, without link-local ones.</summary>
    public ImmutableArray<NodeAddress> Addresses { get; init; } = [];

    /// <summary>Whom to ask first. Default null: the bootstraps of the realm file.</summary>
    /// <remarks>Nodes in server mode: one in client mode refuses whoever joins ([KAD-20]), and the log line and failed calls of a node that knows no other say so.</remarks>
    public ImmutableArray<BootstrapAddress>? Bootstraps { get; init; }

    /// <summary>Which addresses that others name may be dialled ([KAD-4]). Default null: global and private ones, and those of the scopes in which this node itself has an address.</summary>
    public AddressPolicy? Dialable { get; init; }

    /// <summary>How long this node's records hold; each is renewed before half of it is over. Default 30 min; range 60 s to 24 h, in whole seconds ([REC-5]).</summary>
    public TimeSpan RecordTimeToLive { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>Limits of what this node holds for others in server mode.</summary>
    public RecordStoreOptions Store { get; init; } = new();

    /// <summary>Limits of what others watch at this node in server mode.</summary>
    public WatchTableOptions Watches { get; init; } = new();

    /// <summary>Intervals of joining.</summary>
    public JoinOptions Join { get; init; } = new();

    /// <summary>Most keys of the DHT that this node watches at a time, for the names that it calls and publishes. Default 4,096; range 17, as many as one topic may need ([PUB-2]), to 65,536.</summary>
    /// <remarks>
    /// Beyond it the procedure that was called longest ago gives way, then the topic that was published longest ago: it is looked up anew when it is wanted again. Where published topics
    /// take every watch, a call looks its providers up each time.
    /// </remarks>
    public int MaxWatchedKeys { get; init; } = 4096;

    /// <summary>Checks every option.</summary>
    /// <exception cref="ArgumentException">One is out of its range; the message names it.</exception>
    public void ThrowIfOutOfRange()
    {
        if (Addresses.IsDefault || Addresses.Length > Contact.MaxAddresses)
        {
            throw new ArgumentException($"{nameof(Addresses)} holds 0 to {Contact.MaxAddresses} addresses.");
        }

        if (RecordTimeToLive < RecordBody.MinTimeToLive || RecordTimeToLive > RecordBody.MaxTimeToLive || RecordTimeToLive.Ticks % TimeSpan.TicksPerSecond != 0)
        {
            throw new ArgumentException($"{nameof(RecordTimeToLive)} is {RecordTimeToLive}; it ranges from {RecordBody.MinTimeToLive} to {RecordBody.MaxTimeToLive} in whole seconds.");
        }

        if (MaxWatchedKeys is < MostKeysOfATopic or > 65_536)
        {
            throw new ArgumentException($"{nameof(MaxWatchedKeys)} is {MaxWatchedKeys}; it ranges from {MostKeysOfATopic} to 65,536.");
        }

        Store.ThrowIfOutOfRange();
        Watches.ThrowIfOutOfRange();
        Join.ThrowIfOutOfRange();
    }
}
