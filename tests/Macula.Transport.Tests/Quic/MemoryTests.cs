using System.Runtime.InteropServices;

namespace Macula.Transport.Tests.Quic;

/// <summary>Tests that look at the whole process and so run when no other does.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Alone
{
    public const string Name = "alone";
}

/// <summary>docs/protocol/02-transport.md [TRN-16]: what ended leaves nothing behind.</summary>
[Collection(Alone.Name)]
public sealed partial class MemoryTests
{
    [Fact]
    public async Task NativeMemoryOfTwoThousandConnectionsComesBack()
    {
        const int Rounds = 20;
        const int PerRound = 100;
        await using var pair = await QuicPair.CreateAsync();
        await OpenAndCloseAsync(pair, PerRound);
        var before = NativeBytesInUse();
        for (var i = 0; i < Rounds; i++)
        {
            await OpenAndCloseAsync(pair, PerRound);
        }

        // A connection that stayed would hold some 40 KiB on each side: 160 MB in all.
        const long Tolerance = 3 << 20;
        await Eventually.HoldsAsync(() => NativeBytesInUse() - before < Tolerance, pair.Token);
        Assert.Equal(0, pair.Server.Counters.ConnectionsOpen);
    }

    private static async Task OpenAndCloseAsync(QuicPair pair, int count)
    {
        var dials = Enumerable.Range(0, count).Select(_ => pair.Client.DialAsync(pair.Server.LocalEndPoint, pair.ClientIdentity, pair.Token).AsTask()).ToArray();
        var connections = new List<TransportConnection>();
        for (var i = 0; i < count; i++)
        {
            connections.Add((await pair.Server.AcceptConnectionAsync(pair.Token))!);
        }

        var dialled = await Task.WhenAll(dials);
        await (await dialled[0].OpenStreamAsync(StreamDirection.Bidirectional, pair.Token)).WriteAsync(new byte[100_000], WriteEnd.KeepOpen, pair.Token);
        foreach (var connection in dialled)
        {
            connection.Close(0, "");
        }

        foreach (var connection in connections)
        {
            await connection.WaitForEndAsync(pair.Token);
        }

        await Eventually.HoldsAsync(() => pair.Client.Counters.ConnectionsOpen + pair.Server.Counters.ConnectionsOpen == 0, pair.Token);
    }

    private static long NativeBytesInUse()
    {
        var info = MallInfo2();
        return (long)(info.UsedBytes + info.MappedBytes);
    }

    [LibraryImport("libc", EntryPoint = "mallinfo2")]
    private static partial HeapUse MallInfo2();

    // struct mallinfo2 of glibc.
    private struct HeapUse
    {
#pragma warning disable CS0649, IDE0051, CS0169
        public nuint Arena;
        public nuint FreeChunks;
        public nuint FastChunks;
        public nuint MappedRegions;
        public nuint MappedBytes;
        public nuint Unused;
        public nuint FastBytes;
        public nuint UsedBytes;
        public nuint FreeBytes;
        public nuint Releasable;
#pragma warning restore CS0649, IDE0051, CS0169
    }
}
