using Macula.Transport.Quic.Connections;
using Macula.Transport.Quic.Diagnostics;
using Macula.Transport.Quic.Native;

namespace Macula.Transport.Quic.Loop;

/// <summary>Decides what a packet is and whom it belongs to (docs/protocol/02-transport.md [TRN-6]).</summary>
internal sealed unsafe class PacketRouter(EndpointServices services)
{
    // Short header, our id, packet number and tag: nothing shorter is QUIC.
    private const int LeastPacketBytes = 21;

    // Handshakes under way above which clients must first prove their address: a flood from forged addresses then costs no state.
    private const int RetryThreshold = 256;

    // RFC 9443 §3: the second bit is set in every QUIC packet, as long as nobody greases it; STUN and our probes have both clear.
    private const byte QuicBits = 0xC0;
    private const byte LongHeaderBit = 0x80;

    private ulong _rawFailuresSilentUntil;
    private long _rawFailures;

    /// <summary>Takes a packet from the socket.</summary>
    public void Route(byte* packet, int length, NativeAddress* source, ulong now)
    {
        services.Statistics.PacketsReceived++;
        if (length > 0 && (packet[0] & QuicBits) == 0)
        {
            HandleRaw(new ReadOnlySpan<byte>(packet, length), source, now);
            return;
        }

        InvariantHeader header;
        var result = length < LeastPacketBytes
            ? Ngtcp2Error.InvalidArgument
            : Ngtcp2.DecodeInvariantHeader(&header, packet, (nuint)length, ConnectionTable.OwnIdBytes);
        if (result == Ngtcp2Error.VersionNegotiation)
        {
            services.Statistics.PacketDropped();
            services.Replies.NegotiateVersion(&header, length, *source, now, services.Batch);
        }
        else if (result != 0)
        {
            services.Statistics.PacketDropped();
        }
        else if (Find(&header, packet) is { } owner)
        {
            owner.HandlePacket(packet, length, now);
        }
        else if ((packet[0] & LongHeaderBit) != 0 && header.Version != Ngtcp2.QuicVersion1)
        {
            // The library knows more versions than we speak; a version of 0 is itself a negotiation, and is not answered (RFC 9000 §6.1).
            services.Statistics.PacketDropped();
            if (header.Version != 0)
            {
                services.Replies.NegotiateVersion(&header, length, *source, now, services.Batch);
            }
        }
        else if ((packet[0] & LongHeaderBit) != 0)
        {
            TryAccept(packet, length, source, now);
        }
        else if (services.Connections.FindReset(packet, length) is { } reset)
        {
            reset.HandlePacket(packet, length, now);
        }
        else
        {
            services.Statistics.PacketDropped();
            services.Replies.Reset(packet, length, *source, now, services.Batch);
        }
    }

    private IPacketOwner? Find(InvariantHeader* header, byte* packet)
    {
        var own = header->DestinationLength == ConnectionTable.OwnIdBytes ? services.Connections.FindOwn(header->Destination) : null;
        return own ?? ((packet[0] & LongHeaderBit) != 0 ? services.Connections.FindInitial(header->Destination, header->DestinationLength) : null);
    }

    private void TryAccept(byte* packet, int length, NativeAddress* source, ulong now)
    {
        PacketHeader header;
        if (services.Identities.IsEmpty || services.IsClosed
            || Ngtcp2.Accept(&header, packet, (nuint)length) != 0 || header.Type != Ngtcp2.PacketTypeInitial)
        {
            services.Statistics.PacketDropped();
            return;
        }

        if (services.Statistics.ConnectionsOpen >= services.Options.MaxConnections)
        {
            services.Statistics.PacketDropped();
            services.Statistics.ConnectionsRefused++;
            services.Refusals.Note(Refusal.ConnectionLimit, *source, $"{services.Options.MaxConnections} connections are open", now);
            return;
        }

        NativeCid original;
        NativeCid* proven = null;
        if (header.TokenLength > 0)
        {
            if (!services.Replies.TryVerifyRetry(&header, *source, &original, now))
            {
                services.Statistics.PacketDropped();
                services.Refusals.Note(Refusal.RetryToken, *source, "the retry token does not fit", now);
                return;
            }

            proven = &original;
        }
        else if (services.HalfOpen >= RetryThreshold)
        {
            services.Replies.Retry(&header, *source, now, services.Batch);
            return;
        }

        var accepted = ConnectionCore.Accept(services, &header, proven, *source, now);
        accepted.HandlePacket(packet, length, now);
        if (accepted.WantsRetry)
        {
            services.Replies.Retry(&header, *source, now, services.Batch);
        }
    }

    // A task root of sorts: the handler is the application's, and what it throws must not end the loop that all connections share.
#pragma warning disable CA1031
    private void HandleRaw(ReadOnlySpan<byte> packet, NativeAddress* source, ulong now)
    {
        if (services.Options.RawPackets is not { } handler)
        {
            services.Statistics.PacketDropped();
            return;
        }

        try
        {
            handler(packet, source->ToEndPoint());
        }
        catch (Exception exception)
        {
            _rawFailures++;
            if (now >= _rawFailuresSilentUntil)
            {
                _rawFailuresSilentUntil = now + RefusalLog.IntervalNanoseconds;
                services.Logger.RawHandlerFailed(exception, _rawFailures);
                _rawFailures = 0;
            }
        }
    }
#pragma warning restore CA1031
}
