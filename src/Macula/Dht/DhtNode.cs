using System.Buffers;
using Macula.Connections;
using Macula.Identity.Records;
using Macula.Nodes;
using Macula.Realms;
using Macula.Transport.Execution;
using Macula.Wire.Errors;
using Macula.Wire.Frames;
using Macula.Wire.Identifiers;
using Macula.Wire.Records;

namespace Macula.Dht;

/// <summary>One node's part in the DHT of one realm: puts the parts together, starts and stops them.</summary>
/// <remarks>Used on the realm's queue only.</remarks>
internal sealed class DhtNode
{
    // As many as a full store may need: see CertificateStore. About 700 bytes each.
    private const int MaxCertificates = 65_536;

    // Tombstones take a lookup and a store, a second or so on a slow network; what is not taken back by then ends by its own time.
    private static readonly TimeSpan LeaveTimeout = TimeSpan.FromSeconds(2);

    private readonly DhtSettings _settings;
    private readonly Joining _joining;
    private readonly Holder _holder;
    private readonly DhtServer _server;
    private readonly Replicator _replicator;

    public DhtNode(RealmServices realm, SerialQueue queue, DhtSettings settings, RealmEndpoint endpoint, ConnectionTable connections, Dialer dialer)
    {
        _settings = settings;
        var connector = new NodeConnector(realm, connections, dialer, settings.Dialable);
        var certificates = new CertificateStore(MaxCertificates);
        certificates.Add(realm.Self.CertificateHash, realm.Credentials.Certificate.Der);
        Client = new DhtClient(realm, settings);
        var intake = new RecordIntake(realm, Client, certificates);
        Overlay = new Overlay(realm, queue, settings, connector, Client, intake);
        _joining = new Joining(realm, queue, settings, dialer, endpoint, Overlay);
        _holder = new Holder(realm, queue, settings.Options, connections, Client);
        Watches = new KeyWatches(realm, queue, settings, _joining, Overlay, _holder, intake);
        Publisher = new RecordPublisher(realm, queue, settings, new RecordSigner(realm.Credentials), _joining, Overlay, _holder, intake);
        Finder = new NodeFinder(realm, Overlay, _holder, connections, connector);
        _replicator = new Replicator(realm, queue, Overlay, _holder);
        _server = new DhtServer(realm, settings, Overlay, _holder, intake, certificates, Watches);
        _holder.Changed = Watches.HandleHeld;
        _joining.Joined = HandleJoined;
        Overlay.Entered = HandleEntered;
        connections.Disconnected = HandleDisconnected;
    }

    /// <summary>Asks the questions.</summary>
    public DhtClient Client { get; }

    /// <summary>Whom this node knows, and its lookups.</summary>
    public Overlay Overlay { get; }

    /// <summary>What this node watches.</summary>
    public KeyWatches Watches { get; }

    /// <summary>What this node publishes.</summary>
    public RecordPublisher Publisher { get; }

    /// <summary>Finds nodes by their ids.</summary>
    public NodeFinder Finder { get; }

    /// <summary>True while this node knows somebody else in the DHT.</summary>
    public bool IsJoined => _joining.IsJoined;

    /// <summary>Begins to join, and publishes where this node can be reached.</summary>
    public void Start()
    {
        if (!_settings.Addresses.IsEmpty)
        {
            Publisher.Publish(new RecordContent.Node(_settings.Addresses, []));
        }

        _joining.Start();
    }

    /// <summary>Completes when this node is in the DHT.</summary>
    /// <exception cref="OperationCanceledException">The token fired; joining goes on.</exception>
    public ValueTask WhenJoinedAsync(CancellationToken cancellationToken) => _joining.WaitAsync(cancellationToken);

    /// <summary>Completes when this node can look something up: it is in the DHT, or is a server that found nobody else.</summary>
    /// <exception cref="MaculaException">A client found nobody whom it could ask; it goes on trying.</exception>
    /// <exception cref="OperationCanceledException">The token fired; joining goes on.</exception>
    public async ValueTask DemandNetworkAsync(CancellationToken cancellationToken)
    {
        await _joining.SettleAsync(cancellationToken);
        if (!_joining.IsJoined && _settings.Mode == DhtMode.Client && _joining.Failure is { } failure)
        {
            throw new MaculaException(ErrorCode.Unreachable, $"This node has not found its realm yet: {failure.TrimEnd('.')}.");
        }
    }

    /// <summary>Answers a request of another node: see <see cref="DhtServer"/>.</summary>
    public ValueTask<ProtocolError?> AnswerAsync(MeshConnection from, Frame request, IBufferWriter<byte> answer) => _server.AnswerAsync(from, request, answer);

    /// <summary>Takes back what this node publishes, as far as others can be told in time.</summary>
    public async ValueTask LeaveAsync()
    {
        // Whom nobody knows has nothing to take back.
        if (_joining.IsJoined)
        {
            await Publisher.WithdrawAllAsync(LeaveTimeout);
        }
    }

    /// <summary>Ends everything that is under way.</summary>
    public void Stop()
    {
        _joining.Stop();
        Publisher.Stop();
        Watches.Stop();
        _replicator.Stop();
        _holder.Stop();
        Overlay.Stop();
    }

    // Who holds and watches what may be others now than before.
    private void HandleJoined()
    {
        Publisher.Republish();
        Watches.HandleJoined();
    }

    private void HandleEntered(NodeId node)
    {
        if (_settings.Mode == DhtMode.Server)
        {
            _replicator.HandleNewcomer(node);
        }

        Publisher.HandleNewcomer(node);
        Watches.HandleNewcomer(node);
    }

    private void HandleDisconnected(NodeId node)
    {
        _holder.HandleDisconnected(node);
        Watches.HandleDisconnected(node);
    }
}
