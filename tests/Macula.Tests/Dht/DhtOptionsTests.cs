using Macula.Dht;
using Macula.Protocols.Kademlia;

namespace Macula.Tests.Dht;

/// <summary>The ranges of the DHT's options.</summary>
public sealed class DhtOptionsTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    public static TheoryData<string, DhtOptions> OutOfRange => new()
    {
        { nameof(DhtOptions.RecordTimeToLive), new() { RecordTimeToLive = TimeSpan.FromSeconds(59) } },
        { nameof(DhtOptions.RecordTimeToLive), new() { RecordTimeToLive = TimeSpan.FromSeconds(60.5) } },
        { nameof(DhtOptions.MaxWatchedKeys), new() { MaxWatchedKeys = 16 } },
        { nameof(DhtOptions.MaxWatchedKeys), new() { MaxWatchedKeys = 65_537 } },
        { nameof(DhtOptions.Addresses), new() { Addresses = default } },
        { nameof(RecordStoreOptions.MaxPerKey), new() { Store = new() { MaxPerKey = 0 } } },
        { nameof(RecordStoreOptions.MaxPerPublisher), new() { Store = new() { MaxPerPublisher = 0 } } },
        { nameof(RecordStoreOptions.MaxRecords), new() { Store = new() { MaxRecords = 0 } } },
        { nameof(WatchTableOptions.MaxLease), new() { Watches = new() { MaxLease = TimeSpan.FromMilliseconds(9_999) } } },
        { nameof(WatchTableOptions.MaxLease), new() { Watches = new() { MaxLease = TimeSpan.FromMinutes(10) + Second } } },
        { nameof(WatchTableOptions.MaxPerWatcher), new() { Watches = new() { MaxPerWatcher = 0 } } },
        { nameof(WatchTableOptions.MaxPerKey), new() { Watches = new() { MaxPerKey = 0 } } },
        { nameof(WatchTableOptions.MaxWatches), new() { Watches = new() { MaxWatches = 0 } } },
        { nameof(WatchTableOptions.Patience), new() { Watches = new() { Patience = TimeSpan.FromMilliseconds(9) } } },
        { nameof(WatchTableOptions.Patience), new() { Watches = new() { Patience = TimeSpan.FromMilliseconds(5_001) } } },
        { nameof(JoinOptions.FirstWait), new() { Join = new() { FirstWait = TimeSpan.Zero } } },
        { nameof(JoinOptions.LongestWait), new() { Join = new() { FirstWait = Second, LongestWait = TimeSpan.FromMilliseconds(999) } } },
        { nameof(JoinOptions.AttemptTimeout), new() { Join = new() { AttemptTimeout = TimeSpan.FromMilliseconds(99) } } },
        { nameof(JoinOptions.ReviewInterval), new() { Join = new() { ReviewInterval = TimeSpan.FromMilliseconds(999) } } },
    };

    [Theory]
    [MemberData(nameof(OutOfRange))]
    public void AnOptionOutOfItsRangeIsNamed(string name, DhtOptions options) =>
        Assert.Contains(name, Assert.ThrowsAny<ArgumentException>(options.ThrowIfOutOfRange).Message, StringComparison.Ordinal);

    [Fact]
    public void DefaultsAreInRange() => new DhtOptions().ThrowIfOutOfRange();
}
