using System.Buffers;
using System.Collections.Immutable;
using Macula.Connections;
using Macula.Protocols.Kademlia;
using Macula.Realms;
using Macula.Wire.Errors;
using Macula.Wire.Frames;
using Macula.Wire.Frames.Dht;
using Macula.Wire.Records;

namespace Macula.Dht;

/// <summary>Answers the questions that other nodes ask of the DHT.</summary>
/// <remarks>Used on the realm's queue only.</remarks>
internal sealed class DhtServer(RealmServices realm, DhtSettings settings, Overlay overlay, Holder holder, RecordIntake intake, CertificateStore certificates, KeyWatches watches)
{
    /// <summary>Answers a request.</summary>
    /// <param name="from">The connection over which it came.</param>
    /// <param name="request">A frame of the DHT.</param>
    /// <param name="answer">Takes the answering frame.</param>
    /// <returns>What is wrong with the request; null when it was answered.</returns>
    public async ValueTask<ProtocolError?> AnswerAsync(MeshConnection from, Frame request, IBufferWriter<byte> answer)
    {
        realm.Metrics.DhtRequestServed(request.Type);
        switch (request.Type)
        {
            case FrameType.Ping:
                return AnswerPing(from, request, answer);
            case FrameType.FindNode:
                return AnswerFindNode(from, request, answer);
            case FrameType.FindValue:
                return AnswerFindValue(request, answer);
            case FrameType.Store:
                return await AnswerStoreAsync(from, request, answer);
            case FrameType.Watch:
                return AnswerWatch(from, request, answer);
            case FrameType.Push:
                return await AnswerPushAsync(from, request, answer);
            case FrameType.GetCertificate:
                return AnswerGetCertificate(request, answer);
            default:
                throw new InvalidOperationException($"A frame of type 0x{(ulong)request.Type:x} is no request of the DHT.");
        }
    }

    // [KAD-1]: a client serves what it publishes itself, and nothing else; true when the refusal is written.
    private bool RefusesAsClient(IBufferWriter<byte> answer)
    {
        if (settings.Mode == DhtMode.Server)
        {
            return false;
        }

        Refuse(answer, ErrorCode.InClientMode, ErrorCodes.Describe(ErrorCode.InClientMode).Meaning);
        return true;
    }

    private void Refuse(IBufferWriter<byte> answer, ErrorCode code, string detail)
    {
        realm.Metrics.DhtRequestRefused(code);
        new ErrorFrame(code, detail, CallExecution.NotStarted).Write(answer);
    }

    private ProtocolError? AnswerPing(MeshConnection from, Frame request, IBufferWriter<byte> answer)
    {
        if (!PingFrame.TryRead(request.Body, out var ping, out var malformed))
        {
            return malformed;
        }

        overlay.HandleRequest(from, ping.SenderAddresses);
        if (!RefusesAsClient(answer))
        {
            new DoneFrame().Write(answer);
        }

        return null;
    }

    private ProtocolError? AnswerFindNode(MeshConnection from, Frame request, IBufferWriter<byte> answer)
    {
        if (!FindNodeFrame.TryRead(request.Body, out var find, out var malformed))
        {
            return malformed;
        }

        overlay.HandleRequest(from, find.SenderAddresses);
        if (!RefusesAsClient(answer))
        {
            new NodesFrame([.. overlay.Closest(find.Target)]).Write(answer);
        }

        return null;
    }

    private ProtocolError? AnswerFindValue(Frame request, IBufferWriter<byte> answer)
    {
        if (!FindValueFrame.TryRead(request.Body, out var find, out var malformed))
        {
            return malformed;
        }

        var page = holder.Page(find.Key, find.After);
        if (!page.Records.IsEmpty || !RefusesAsClient(answer))
        {
            ImmutableArray<Contact> contacts = find.After is null && settings.Mode == DhtMode.Server ? [.. overlay.Closest(find.Key)] : [];
            new RecordsFrame([.. page.Records.Select(record => record.Record.Bytes)], page.Next, contacts).Write(answer);
        }

        return null;
    }

    private async ValueTask<ProtocolError?> AnswerStoreAsync(MeshConnection from, Frame request, IBufferWriter<byte> answer)
    {
        if (!StoreFrame.TryRead(request.Body, out var store, out var malformed))
        {
            return malformed;
        }

        if (RefusesAsClient(answer))
        {
            return null;
        }

        var intaken = await intake.TakeAsync(from, store.Record);
        if (intaken.Accepted is not { } accepted)
        {
            Refuse(answer, intaken.Code, intaken.Detail);
            return null;
        }

        switch (await holder.StoreAsync(accepted.Record))
        {
            case RecordOutcome.Refused refused:
                realm.RefusedRecord(from.Peer.NodeId, refused.Code, refused.Detail);
                Refuse(answer, refused.Code, refused.Detail);
                break;
            case RecordOutcome.Superseded superseded:
                new StoredFrame(superseded.Held.Record.Bytes).Write(answer);
                break;
            default:
                new StoredFrame(null).Write(answer);
                break;
        }

        return null;
    }

    private ProtocolError? AnswerWatch(MeshConnection from, Frame request, IBufferWriter<byte> answer)
    {
        if (!WatchFrame.TryRead(request.Body, out var watch, out var malformed))
        {
            return malformed;
        }

        if (RefusesAsClient(answer))
        {
            return null;
        }

        switch (holder.Watch(from.Peer.NodeId, watch.Key, watch.Lease))
        {
            case WatchGrant.Given given:
                new WatchingFrame(given.Lease, given.Continuity).Write(answer);
                break;
            case WatchGrant.Refused refused:
                realm.RefusedRequest(from.Peer.NodeId, ErrorCode.LimitExceeded, refused.Detail);
                Refuse(answer, ErrorCode.LimitExceeded, refused.Detail);
                break;
        }

        return null;
    }

    private async ValueTask<ProtocolError?> AnswerPushAsync(MeshConnection from, Frame request, IBufferWriter<byte> answer)
    {
        if (!PushFrame.TryRead(request.Body, out var push, out var malformed))
        {
            return malformed;
        }

        // What is not watched any more costs nothing but the answer: the lease there ends by itself.
        if (watches.Find(push.Key) is { } watch)
        {
            watch.HandlePushed(await intake.TakeAllAsync(from, push.Records));
        }

        new DoneFrame().Write(answer);
        return null;
    }

    private ProtocolError? AnswerGetCertificate(Frame request, IBufferWriter<byte> answer)
    {
        if (!GetCertificateFrame.TryRead(request.Body, out var get, out var malformed))
        {
            return malformed;
        }

        if (certificates.TryGet(get.Hash, out var certificate))
        {
            new CertificateFrame(certificate).Write(answer);
        }
        else
        {
            Refuse(answer, ErrorCode.CertificateUnknown, ErrorCodes.Describe(ErrorCode.CertificateUnknown).Meaning);
        }

        return null;
    }
}
