using System.Net;
using Macula.Testing.VirtualTime;
using Macula.Transport;
using Macula.Wire.Errors;

namespace Macula.Testing.Network;

/// <summary>Something that is sent once, arrives or is lost, and that nobody acknowledges.</summary>
internal abstract class Packet(SimulatedEndpoint from, IPEndPoint address) : VirtualEvent
{
    protected SimulatedEndpoint From { get; } = from;

    protected virtual DepartureOrder Order => DepartureOrder.Kept;

    protected abstract DeliveryKind Kind { get; }

    protected virtual DeliveryLabel Label => default;

    protected virtual ReadOnlySpan<byte> Payload => [];

    public void Send()
    {
        var packets = 1;
        From.World.Trace.RecordSent(From.World.NowTicks, Kind, From.PublicEndPoint, address, Label, Payload);
        if (From.Network.TryDepart(From, address, ref packets, Order, out var delay))
        {
            From.World.Arm(this, delay);
        }
    }

    protected internal override void Fire()
    {
        if (From.Network.Find(From.Host, address) is { } at)
        {
            at.CountReceived();
            Deliver(at);
        }
    }

    protected abstract void Deliver(SimulatedEndpoint at);

    protected void Record(SimulatedEndpoint at) => From.World.Trace.Record(From.World.NowTicks, Kind, From.PublicEndPoint, at.PublicEndPoint, Label, Payload);
}

/// <summary>A packet that belongs to a connection.</summary>
internal abstract class ConnectionPacket(SimulatedConnection source) : Packet(source.Endpoint, source.CarrierEndPoint)
{
    protected SimulatedConnection Source { get; } = source;

    protected virtual long Detail => 0;

    protected sealed override DeliveryLabel Label => new(Source.Number, Detail: Detail);

    protected sealed override void Deliver(SimulatedEndpoint at)
    {
        if (at.Recognize(Source) is { } target)
        {
            Record(at);
            target.Silence.HandleArrival();
            Deliver(target);
        }
    }

    protected abstract void Deliver(SimulatedConnection target);
}

/// <summary>RFC 9221: a datagram.</summary>
internal sealed class DatagramPacket(SimulatedConnection source, byte[] datagram) : ConnectionPacket(source)
{
    protected override DeliveryKind Kind => DeliveryKind.Datagram;

    protected override DepartureOrder Order => DepartureOrder.Free;

    protected override ReadOnlySpan<byte> Payload => datagram;

    protected override void Deliver(SimulatedConnection target) => target.HandleDatagram(datagram);
}

/// <summary>RFC 9000 §10.2: CONNECTION_CLOSE. It is sent once, and again in answer to whatever the other side still sends.</summary>
internal sealed class ClosePacket(SimulatedConnection source, ConnectionEnd end) : ConnectionPacket(source)
{
    private readonly byte[] _reason = System.Text.Encoding.UTF8.GetBytes(end.Reason);

    protected override DeliveryKind Kind => DeliveryKind.Close;

    protected override long Detail => (long)end.Code;

    protected override ReadOnlySpan<byte> Payload => _reason;

    protected override void Deliver(SimulatedConnection target) => target.End(end with { Origin = end.Origin == ConnectionEndOrigin.Local ? ConnectionEndOrigin.Remote : end.Origin });
}

/// <summary>A PING that only shows whether the other side is there; sent while nothing is heard of it.</summary>
internal sealed class KeepAlivePacket(SimulatedConnection source) : ConnectionPacket(source)
{
    protected override DeliveryKind Kind => DeliveryKind.KeepAlive;

    protected override void Deliver(SimulatedConnection target)
    {
        // That it arrived is all it says.
    }
}

/// <summary>RFC 9000 §10.3: the answer of an endpoint that has no such connection.</summary>
internal sealed class StatelessResetPacket(SimulatedEndpoint from, SimulatedConnection target) : Packet(from, target.Endpoint.PublicEndPoint)
{
    protected override DeliveryKind Kind => DeliveryKind.StatelessReset;

    protected override DeliveryLabel Label => new(target.Number);

    protected override void Deliver(SimulatedEndpoint at)
    {
        if (at == target.Endpoint)
        {
            Record(at);
            target.HandleStatelessReset();
        }
    }
}

/// <summary>The answer to a dial whose server name or application protocol nobody serves: what a TLS alert is.</summary>
internal sealed class RefusalPacket(SimulatedEndpoint from, SimulatedConnection dial, ErrorCode code) : Packet(from, dial.Endpoint.PublicEndPoint)
{
    protected override DeliveryKind Kind => DeliveryKind.Refusal;

    protected override DeliveryLabel Label => new(dial.Number, Detail: (long)code);

    protected override void Deliver(SimulatedEndpoint at)
    {
        if (at == dial.Endpoint)
        {
            Record(at);
            dial.Handshake?.HandleRefusal(code);
        }
    }
}

/// <summary>A packet that is not QUIC.</summary>
internal sealed class RawPacket(SimulatedEndpoint from, IPEndPoint address, byte[] packet) : Packet(from, address)
{
    protected override DeliveryKind Kind => DeliveryKind.Raw;

    protected override DepartureOrder Order => DepartureOrder.Free;

    protected override ReadOnlySpan<byte> Payload => packet;

    protected override void Deliver(SimulatedEndpoint at)
    {
        Record(at);
        at.HandleRaw(packet, From.PublicEndPoint);
    }
}
