using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using Macula.Transport.Quic.Connections;
using Macula.Transport.Quic.Native;

namespace Macula.Transport.Quic.Loop;

/// <summary>Finds the connection that a packet belongs to. On the loop's thread.</summary>
/// <remarks>
/// Owned by connections: each takes its entries along when it ends, and what is left of it is a <see cref="Tombstone"/>.
/// So the table is bounded by <see cref="EndpointOptions.MaxConnections"/> and <see cref="MaxTombstones"/>.
/// </remarks>
internal sealed unsafe class ConnectionTable(PacketBatch batch)
{
    /// <summary>Length of the connection ids that this endpoint chooses: 64 random bits, unique here.</summary>
    public const int OwnIdBytes = 8;

    /// <summary>Most tombstones; beyond it the oldest goes early. A few hundred bytes each.</summary>
    public const int MaxTombstones = 16_384;

    // RFC 9000 §10.2 asks for three probe timeouts: 3 s before the first round trip is measured. Ids that were retired while packets
    // under way still carry them need the same grace, or a late packet would be answered with a reset that kills the connection.
    private const ulong GraceNanoseconds = 5_000_000_000;

    // Retired ids of live connections: a peer may make us retire one per packet.
    private const int MaxRetiredIds = 65_536;

    private readonly Dictionary<ulong, IPacketOwner> _byOwnId = [];
    private readonly Dictionary<ConnectionId, IPacketOwner> _byInitialId = [];
    private readonly Dictionary<ResetToken, ConnectionCore> _byResetToken = [];
    private readonly Queue<(ulong Id, ulong Until)> _retired = new();
    private readonly Queue<Tombstone> _tombstones = new();

    /// <summary>Chooses a new id for a connection and enters it.</summary>
    public void ChooseId(ConnectionCore connection, NativeCid* cid)
    {
        ulong id;
        do
        {
            RandomNumberGenerator.Fill(new Span<byte>(&id, OwnIdBytes));
        }
        while (_byOwnId.ContainsKey(id));

        cid->Length = OwnIdBytes;
        Unsafe.WriteUnaligned(cid->Bytes, id);
        _byOwnId[id] = connection;
        connection.OwnIds.Add(id);
    }

    /// <summary>Notes that a live connection no longer uses one of its ids: late packets that carry it are dropped for a while.</summary>
    public void RetireId(ConnectionCore connection, NativeCid* cid, ulong now)
    {
        var id = Unsafe.ReadUnaligned<ulong>(cid->Bytes);
        if (!connection.OwnIds.Remove(id))
        {
            return;
        }

        _byOwnId[id] = Tombstone.Silent;
        _retired.Enqueue((id, now + GraceNanoseconds));
        if (_retired.Count > MaxRetiredIds)
        {
            _byOwnId.Remove(_retired.Dequeue().Id);
        }
    }

    /// <summary>Enters the id that a client chose for its first packets.</summary>
    public void EnterInitialId(ConnectionCore connection, in ConnectionId id) => _byInitialId[id] = connection;

    /// <summary>Enters or removes a token with which the other side may say that it forgot the connection.</summary>
    public void EnterResetToken(ConnectionCore connection, in ResetToken token, ResetTokenState state)
    {
        if (state == ResetTokenState.Active)
        {
            _byResetToken[token] = connection;
            connection.ResetTokens.Add(token);
        }
        else if (connection.ResetTokens.Remove(token))
        {
            _byResetToken.Remove(token);
        }
    }

    /// <summary>Who owns packets with an id of ours; null when nobody does.</summary>
    public IPacketOwner? FindOwn(byte* id) => _byOwnId.GetValueOrDefault(Unsafe.ReadUnaligned<ulong>(id));

    /// <summary>Who owns packets with an id that a client chose; null when nobody does.</summary>
    public IPacketOwner? FindInitial(byte* id, nuint length) =>
        length <= ConnectionId.MaxBytes ? _byInitialId.GetValueOrDefault(new ConnectionId(new ReadOnlySpan<byte>(id, (int)length))) : null;

    /// <summary>The connection whose other side reset it with this packet; null when the packet is no reset.</summary>
    public ConnectionCore? FindReset(byte* packet, int length) =>
        _byResetToken.Count == 0 ? null : _byResetToken.GetValueOrDefault(ResetToken.Read(packet + length - ResetToken.ByteCount));

    /// <summary>A copy of all live connections.</summary>
    public ConnectionCore[] Live() => [.. _byOwnId.Values.OfType<ConnectionCore>().Distinct()];

    /// <summary>Replaces a connection by what answers for it a while longer.</summary>
    /// <param name="connection">The connection that ended.</param>
    /// <param name="closePacket">The packet that told the other side; empty when there is nothing to repeat.</param>
    /// <param name="now">Nanoseconds.</param>
    public void Bury(ConnectionCore connection, ReadOnlySpan<byte> closePacket, ulong now)
    {
        foreach (var token in connection.ResetTokens)
        {
            _byResetToken.Remove(token);
        }

        if (connection.OwnIds.Count == 0 && connection.InitialId is null)
        {
            return;
        }

        var tombstone = new Tombstone([.. connection.OwnIds], connection.InitialId, closePacket.ToArray(), connection.Destination, now + GraceNanoseconds, batch);
        foreach (var id in tombstone.OwnIds)
        {
            _byOwnId[id] = tombstone;
        }

        if (tombstone.InitialId is { } initialId)
        {
            _byInitialId[initialId] = tombstone;
        }

        _tombstones.Enqueue(tombstone);
        if (_tombstones.Count > MaxTombstones)
        {
            Remove(_tombstones.Dequeue());
        }
    }

    /// <summary>Gives up a connection's ids at once: packets that carry them belong to nobody again.</summary>
    public void Forget(ConnectionCore connection)
    {
        foreach (var id in connection.OwnIds)
        {
            _byOwnId.Remove(id);
        }

        connection.OwnIds.Clear();
        if (connection.InitialId is { } initialId)
        {
            _byInitialId.Remove(initialId);
            connection.InitialId = null;
        }
    }

    /// <summary>Removes what has outlived its grace. Cheap when there is nothing.</summary>
    public void Sweep(ulong now)
    {
        while (_tombstones.TryPeek(out var oldest) && oldest.Until <= now)
        {
            Remove(_tombstones.Dequeue());
        }

        while (_retired.TryPeek(out var entry) && entry.Until <= now)
        {
            _byOwnId.Remove(_retired.Dequeue().Id);
        }
    }

    private void Remove(Tombstone tombstone)
    {
        foreach (var id in tombstone.OwnIds)
        {
            _byOwnId.Remove(id);
        }

        if (tombstone.InitialId is { } initialId && _byInitialId.GetValueOrDefault(initialId) == tombstone)
        {
            _byInitialId.Remove(initialId);
        }
    }
}

/// <summary>Whether a stateless reset token counts.</summary>
internal enum ResetTokenState
{
    /// <summary>The other side may use it.</summary>
    Active,

    /// <summary>Its connection id is retired.</summary>
    Retired,
}
