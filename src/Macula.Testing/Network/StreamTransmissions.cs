using Macula.Testing.VirtualTime;
using Macula.Transport;

namespace Macula.Testing.Network;

/// <summary>RFC 9000 §19.8: STREAM, as many frames as the bytes need.</summary>
internal sealed class StreamSegment(SimulatedStream stream, long offset, byte[] bytes, WriteEnd end) : Transmission(stream.Connection)
{
    // RFC 9000 §14: what every path carries; less the packet's and the frame's own bytes.
    private const int BytesPerPacket = 1160;

    protected override DeliveryKind Kind => DeliveryKind.StreamBytes;

    // The end is the detail's lowest bit.
    protected override DeliveryLabel Label => new(Source.Number, stream.Id, (offset << 1) | (end == WriteEnd.Finish ? 1L : 0));

    protected override ReadOnlySpan<byte> Payload => bytes;

    protected override int Packets => Math.Max(1, (bytes.Length + BytesPerPacket - 1) / BytesPerPacket);

    protected override bool IsWithdrawn => stream.Sending!.IsAborted;

    protected override bool WantsAcknowledgement => true;

    protected override void Deliver(SimulatedConnection target) => stream.TwinAt(target).Receiving!.HandleSegment(offset, bytes, end);

    protected override void HandleAcknowledgement() => stream.Sending!.HandleAcknowledged(bytes.Length, end);
}

/// <summary>RFC 9000 §19.4: RESET_STREAM.</summary>
internal sealed class StreamReset(SimulatedStream stream, ulong code, long finalSize) : Transmission(stream.Connection)
{
    protected override DeliveryKind Kind => DeliveryKind.StreamReset;

    protected override DeliveryLabel Label => new(Source.Number, stream.Id, (long)code);

    protected override void Deliver(SimulatedConnection target) => stream.TwinAt(target).Receiving!.HandleReset(code, finalSize);
}

/// <summary>RFC 9000 §19.5: STOP_SENDING.</summary>
internal sealed class StopSending(SimulatedStream stream, ulong code) : Transmission(stream.Connection)
{
    protected override DeliveryKind Kind => DeliveryKind.StopSending;

    protected override DeliveryLabel Label => new(Source.Number, stream.Id, (long)code);

    protected override void Deliver(SimulatedConnection target) => stream.TwinAt(target).Sending!.HandleStop(code);
}

/// <summary>RFC 9000 §19.10: MAX_STREAM_DATA.</summary>
internal sealed class StreamCreditUpdate(SimulatedStream stream, long limit) : Transmission(stream.Connection)
{
    protected override DeliveryKind Kind => DeliveryKind.StreamCredit;

    protected override DeliveryLabel Label => new(Source.Number, stream.Id, limit);

    protected override void Deliver(SimulatedConnection target) => stream.TwinAt(target).Sending!.HandleLimit(limit);
}
