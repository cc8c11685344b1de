using System.Net;
using Macula.Transport;
using Macula.Transport.Execution;

namespace Macula.Tests.Realms;

/// <summary>A transport whose endpoints break the seam's promise when they are told to: accepting throws what nobody foresees.</summary>
internal sealed class DeafTransport(ITransport inner, MeshScheduler scheduler) : ITransport
{
    private readonly Completion<bool> _failure = new(scheduler);

    public void Fail() => _failure.TrySetException(new InvalidOperationException("deaf"));

    public async ValueTask<TransportEndpoint> BindAsync(EndpointOptions options, MeshScheduler scheduler, CancellationToken cancellationToken = default) =>
        new Endpoint(await inner.BindAsync(options, scheduler, cancellationToken), _failure);

    private sealed class Endpoint(TransportEndpoint inner, Completion<bool> failure) : TransportEndpoint
    {
        public override IPEndPoint LocalEndPoint => inner.LocalEndPoint;

        public override EndpointCounters Counters => inner.Counters;

        public override void Serve(TlsIdentity identity) => inner.Serve(identity);

        public override void Withdraw(string serverName) => inner.Withdraw(serverName);

        public override async ValueTask<TransportConnection?> AcceptConnectionAsync(CancellationToken cancellationToken = default)
        {
            await failure.Task;
            return null;
        }

        public override ValueTask<TransportConnection> DialAsync(IPEndPoint remote, TlsIdentity identity, CancellationToken cancellationToken = default) =>
            inner.DialAsync(remote, identity, cancellationToken);

        protected override IReadOnlyList<IPAddress> FindHostAddresses() => [.. inner.FindCandidates().Select(static candidate => candidate.Address)];

        protected override ValueTask<IReadOnlyList<IPAddress>> ResolveNameAsync(string host, CancellationToken cancellationToken) =>
            inner.ResolveAsync(host, cancellationToken);

        public override bool TrySendRaw(ReadOnlySpan<byte> packet, IPEndPoint destination) => inner.TrySendRaw(packet, destination);

        public override ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
