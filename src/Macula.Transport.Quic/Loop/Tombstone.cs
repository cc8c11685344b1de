using System.Numerics;
using Macula.Transport.Quic.Native;

namespace Macula.Transport.Quic.Loop;

/// <summary>What packets are delivered to: a connection, or what is left of one.</summary>
internal interface IPacketOwner
{
    /// <summary>Takes a packet whose connection id is this owner's.</summary>
    unsafe void HandlePacket(byte* packet, int length, ulong now);
}

/// <summary>What is left of a connection that ended: its ids, so that late packets are known, and the packet that says why it ended.</summary>
internal sealed class Tombstone(ulong[] ownIds, ConnectionId? initialId, byte[] closePacket, NativeAddress destination, ulong until, PacketBatch? batch) : IPacketOwner
{
    /// <summary>Owns the ids that live connections retired, and answers nothing.</summary>
    public static readonly Tombstone Silent = new([], null, [], default, ulong.MaxValue, null);

    private ulong _arrived;

    public ulong[] OwnIds => ownIds;

    public ConnectionId? InitialId => initialId;

    /// <summary>When it may go, in nanoseconds.</summary>
    public ulong Until => until;

    /// <inheritdoc/>
    public unsafe void HandlePacket(byte* packet, int length, ulong now)
    {
        if (closePacket.Length == 0)
        {
            return;
        }

        // RFC 9000 §10.2.1: a closing endpoint answers ever more rarely: here to the 1st, 2nd, 4th, 8th ... packet.
        _arrived++;
        if (BitOperations.IsPow2(_arrived))
        {
            batch?.SendAlone(closePacket, destination);
        }
    }
}
