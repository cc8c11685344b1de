using System.Buffers;
using System.Collections.Immutable;
using Macula.Connections;
using Macula.Realms;
using Macula.Transport;
using Macula.Wire.Errors;
using Macula.Wire.Frames;
using Macula.Wire.Frames.Dht;
using Macula.Wire.Identifiers;
using Macula.Wire.Records;

namespace Macula.Dht;

/// <summary>Asks other nodes the questions of the DHT, each on a stream of its own.</summary>
/// <remarks>Used on the realm's queue only. Every method throws <see cref="MaculaException"/> when there is no answer, with the code of the other side where it gave one.</remarks>
internal sealed class DhtClient(RealmServices realm, DhtSettings settings)
{
    // A holder may verify, fetch a certificate, and wait 2 s for a watcher that is gone, before it answers a STORE.
    private static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(10);

    // As long as a watcher has for a push ([KAD-32]): far more than any round trip, and what a caller may lose to a node that is gone.
    private static readonly TimeSpan ProbeTimeout = TimeSpan.FromSeconds(2);

    /// <summary>Asks whether a node in server mode is there, and names this node's addresses.</summary>
    public async ValueTask PingAsync(MeshConnection to) =>
        await ExchangeAsync(to, FrameType.Ping, new PingFrame(settings.NamedAddresses).Write);

    /// <summary>Asks whether a node is there that has left something unanswered: true also when it is in client mode.</summary>
    public async ValueTask<bool> ProbeAsync(MeshConnection to)
    {
        try
        {
            await ExchangeAsync(to, FrameType.Ping, new PingFrame(settings.NamedAddresses).Write, ProbeTimeout);
            return true;
        }
        catch (DhtRefusedException)
        {
            return true;
        }
        catch (MaculaException)
        {
            return false;
        }
    }

    /// <summary>Asks for the nodes nearest to a point.</summary>
    public async ValueTask<ImmutableArray<Contact>> FindNodeAsync(MeshConnection to, DhtKey target)
    {
        var answer = await ExchangeAsync(to, FrameType.FindNode, new FindNodeFrame(target, settings.NamedAddresses).Write);
        return NodesFrame.TryRead(answer.Body, out var nodes, out var malformed) ? nodes.Contacts : throw Violated(to, malformed);
    }

    /// <summary>Asks for a page of the records under a key.</summary>
    public async ValueTask<RecordsFrame> FindValueAsync(MeshConnection to, DhtKey key, NodeId? after)
    {
        var answer = await ExchangeAsync(to, FrameType.FindValue, new FindValueFrame(key, after).Write);
        return RecordsFrame.TryRead(answer.Body, out var records, out var malformed) ? records : throw Violated(to, malformed);
    }

    /// <summary>Asks a node to hold a record; returns the newer one that it holds instead, null when it holds this one.</summary>
    public async ValueTask<ReadOnlyMemory<byte>?> StoreAsync(MeshConnection to, VerifiedRecord record)
    {
        var answer = await ExchangeAsync(to, FrameType.Store, new StoreFrame(record.Record.Bytes).Write);
        return StoredFrame.TryRead(answer.Body, out var stored, out var malformed) ? stored.HeldInstead : throw Violated(to, malformed);
    }

    /// <summary>Asks a node to push what changes under a key.</summary>
    public async ValueTask<WatchingFrame> WatchAsync(MeshConnection to, DhtKey key, TimeSpan lease)
    {
        var answer = await ExchangeAsync(to, FrameType.Watch, new WatchFrame(key, lease).Write);
        return WatchingFrame.TryRead(answer.Body, out var watching, out var malformed) ? watching : throw Violated(to, malformed);
    }

    /// <summary>Tells a watcher what changed under a key.</summary>
    public async ValueTask PushAsync(MeshConnection to, DhtKey key, ImmutableArray<VerifiedRecord> records) =>
        await ExchangeAsync(to, FrameType.Push, new PushFrame(key, [.. records.Select(record => record.Record.Bytes)]).Write, settings.Options.Watches.Patience);

    /// <summary>Asks for a certificate; what comes has the hash that was asked for.</summary>
    public async ValueTask<ReadOnlyMemory<byte>> GetCertificateAsync(MeshConnection to, CertificateHash hash)
    {
        var answer = await ExchangeAsync(to, FrameType.GetCertificate, new GetCertificateFrame(hash).Write);
        return !CertificateFrame.TryRead(answer.Body, out var certificate, out var malformed) ? throw Violated(to, malformed)
            : CertificateHash.Compute(certificate.Certificate.Span) == hash ? certificate.Certificate
            : throw Violated(to, new ProtocolError(ErrorCode.RecordInvalid, "FRM-55", "the certificate has another hash than the one that was asked for"));
    }

    private ValueTask<Frame> ExchangeAsync(MeshConnection to, FrameType request, Action<IBufferWriter<byte>> write) => ExchangeAsync(to, request, write, RequestTimeout);

    private async ValueTask<Frame> ExchangeAsync(MeshConnection to, FrameType request, Action<IBufferWriter<byte>> write, TimeSpan timeout)
    {
        var bytes = new ArrayBufferWriter<byte>();
        write(bytes);
        using var patience = new CancellationTokenSource(timeout, realm.Scheduler.Time);
        try
        {
            var stream = await to.TryOpenStreamAsync(ConnectionUse.Dht, patience.Token) ?? throw new MaculaException(ErrorCode.ConnectionLost, "The connection ends, and takes no more requests.");
            try
            {
                return await ExchangeAsync(to, stream, request, bytes.WrittenMemory, patience.Token);
            }
            finally
            {
                await stream.DisposeAsync();
                to.StreamEnded();
            }
        }
        catch (OperationCanceledException exception)
        {
            throw new MaculaException(ErrorCode.DeadlineExceeded, $"{to.Peer.NodeId.ToShortString()} did not answer within {timeout.TotalSeconds:0.###} s.", exception);
        }
    }

    private async ValueTask<Frame> ExchangeAsync(MeshConnection to, TransportStream stream, FrameType request, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        try
        {
            await stream.WriteAsync(bytes, WriteEnd.Finish, cancellationToken);
        }
        catch (StreamAbortedException)
        {
            // The other side wants no more of the request, and its answer says why.
        }

        var read = await FrameStream.ReadAnswerAsync(stream, request, cancellationToken);
        if (read.Frame is not { } answer)
        {
            throw Violated(to, read.Error!.Value);
        }

        if (answer.Type != FrameType.Error)
        {
            return answer;
        }

        throw ErrorFrame.TryRead(answer.Body, out var error, out var malformed)
            ? new DhtRefusedException(error.Code, error.Message)
            : Violated(to, malformed);
    }

    private MaculaException Violated(MeshConnection by, ProtocolError error)
    {
        realm.Violated(by.Peer.NodeId, error);
        return new MaculaException(error.Code, $"The answer broke the protocol: {error.Detail}.");
    }
}

/// <summary>A node answered a question of the DHT with an error: it is there, and says no.</summary>
internal sealed class DhtRefusedException(ErrorCode code, string message) : MaculaException(code, message);
