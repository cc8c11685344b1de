using System.Net;
using Macula.Testing.VirtualTime;

namespace Macula.Testing.Network;

/// <summary>Something that a connection must get across: sent again, a probe timeout after each loss, until it is there.</summary>
/// <remarks>
/// The sender of the simulation knows what was lost and does not send in vain; what a loss costs is the time that a real one takes to find out
/// (<see cref="RoundTripEstimator.ProbeTimeout"/>). Nothing is delivered twice.
/// </remarks>
internal abstract class Transmission(SimulatedConnection source) : VirtualEvent
{
    private long _firstSentAtTicks;
    private long _departedAtTicks;
    private int _losses;
    private int _packetsLeft;
    private Stage _stage;
    private SimulatedConnection? _target;
    private IPEndPoint _destination = source.CarrierEndPoint;

    private enum Stage
    {
        Lost,
        Travelling,
        AcknowledgementLost,
        AcknowledgementTravelling,
    }

    protected SimulatedConnection Source { get; } = source;

    protected abstract DeliveryKind Kind { get; }

    protected virtual DeliveryLabel Label => new(Source.Number);

    protected virtual ReadOnlySpan<byte> Payload => [];

    /// <summary>How many packets it fills.</summary>
    protected virtual int Packets => 1;

    /// <summary>True when it need not be sent again.</summary>
    protected virtual bool IsWithdrawn => false;

    /// <summary>True when the sender does something once it knows of the arrival.</summary>
    protected virtual bool WantsAcknowledgement => false;

    /// <summary>True for what a connection takes before its handshake is done.</summary>
    protected virtual bool BelongsToHandshake => false;

    private VirtualWorld World => Source.Endpoint.World;

    private SimulatedNetwork Network => Source.Endpoint.Network;

    public void Send()
    {
        _firstSentAtTicks = World.NowTicks;
        _packetsLeft = Packets;
        World.Trace.RecordSent(World.NowTicks, Kind, Source.Endpoint.PublicEndPoint, Source.CarrierEndPoint, Label, Payload);
        SendRest();
    }

    /// <summary>Delivers it now: it had arrived before the handshake was done.</summary>
    public void Release(SimulatedConnection target)
    {
        World.Trace.Record(World.NowTicks, Kind, Source.Endpoint.PublicEndPoint, target.Endpoint.PublicEndPoint, Label, Payload);
        Deliver(target);
        if (WantsAcknowledgement)
        {
            _target = target;
            SendAcknowledgement(target);
        }
    }

    protected internal sealed override void Fire()
    {
        switch (_stage)
        {
            case Stage.Lost:
                SendRest();
                break;
            case Stage.Travelling:
                Arrive();
                break;
            case Stage.AcknowledgementLost:
                SendAcknowledgement(_target!);
                break;
            default:
                HandleAcknowledgementArrival();
                break;
        }
    }

    protected abstract void Deliver(SimulatedConnection target);

    protected virtual void HandleAcknowledgement()
    {
    }

    /// <summary>Finds whom it has reached; null when it is as good as lost.</summary>
    protected virtual SimulatedConnection? Recognize(SimulatedEndpoint at) => at.Recognize(Source);

    private void Arrive()
    {
        var at = Network.Find(Source.Endpoint.Host, _destination);
        at?.CountReceived();
        if (at is null || Recognize(at) is not { } target)
        {
            _packetsLeft = Packets;
            Retry(Stage.Lost);
            return;
        }

        target.Silence.HandleArrival();
        if (BelongsToHandshake || target.IsEstablished)
        {
            Release(target);
        }
        else
        {
            target.Hold(this);
        }
    }

    // Only what was lost is sent again; what it belongs to is there when the last of it is.
    private void SendRest()
    {
        if (!Source.IsEnded && !IsWithdrawn)
        {
            Depart(Source, Stage.Travelling, Stage.Lost, ref _packetsLeft);
        }
    }

    private void SendAcknowledgement(SimulatedConnection target)
    {
        var packets = 1;
        if (!Source.IsEnded && !target.IsEnded)
        {
            Depart(target, Stage.AcknowledgementTravelling, Stage.AcknowledgementLost, ref packets);
        }
    }

    private void Depart(SimulatedConnection from, Stage travelling, Stage lost, ref int packets)
    {
        _departedAtTicks = World.NowTicks;
        _destination = from.CarrierEndPoint;
        if (Network.TryDepart(from.Endpoint, _destination, ref packets, DepartureOrder.Kept, out var delay))
        {
            _stage = travelling;
            World.Arm(this, delay);
        }
        else
        {
            Retry(lost);
        }
    }

    private void Retry(Stage stage)
    {
        _stage = stage;
        var waited = TimeSpan.FromTicks(World.NowTicks - _departedAtTicks);
        World.Arm(this, Source.RoundTrip.ProbeTimeout(_losses++) - waited);
    }

    private void HandleAcknowledgementArrival()
    {
        if (Source.IsEnded || Network.Find(_target!.Endpoint.Host, _destination) != Source.Endpoint)
        {
            return;
        }

        Source.Silence.HandleArrival();

        // RFC 9002 §5.1 (Karn): what was sent more than once gives no sample.
        if (_losses == 0)
        {
            Source.RoundTrip.Add(TimeSpan.FromTicks(World.NowTicks - _firstSentAtTicks));
        }

        HandleAcknowledgement();
    }
}
