using Macula.Rpc;
using Macula.Testing.Simulation.Nodes;
using Macula.Testing.VirtualTime;
using Macula.Wire.Errors;
using Macula.Wire.Identifiers;

namespace Macula.Testing.Simulation;

/// <summary>Looks whether, with no fault left, everybody reaches everybody: invariant 8.</summary>
internal sealed class ProgressCheck(VirtualWorld world, IReadOnlyList<SimulatedRealm> realms, SimulationHistory history)
{
    // Finding out who subscribes takes a lookup, for those topics under which a node has not published before.
    private static readonly TimeSpan DeliveryTime = TimeSpan.FromSeconds(4);

    // Round robin reaches each provider in one round; lookups that are replaced by a watch on the way may shift it.
    private const int Rounds = 3;

    private static readonly TimeSpan CallDeadline = TimeSpan.FromSeconds(5);

    /// <summary>Longest time that it takes when all is well, with what applications had begun before.</summary>
    public static TimeSpan Longest { get; } = TimeSpan.FromSeconds(5);

    public async Task RunAsync()
    {
        foreach (var node in realms.SelectMany(realm => realm.Members).Where(node => node.State is NodeState.Starting or NodeState.Stopping))
        {
            Miss(node, $"The node is {node.State} still.");
        }

        await Task.WhenAll([
            .. realms.SelectMany(realm => realm.Members).Where(node => node.State == NodeState.Up).Select(CheckCallsAsync),
            .. realms.Select(CheckEventsAsync)]);
    }

    private async Task CheckEventsAsync(SimulatedRealm realm)
    {
        var members = realm.Members.Where(node => node.State == NodeState.Up).ToArray();
        var subscriptions = members.SelectMany(node => node.Subscriber!.Subscriptions.Select(subscription => (Node: node, Subscription: subscription))).ToArray();
        foreach (var (node, subscription) in subscriptions.Where(entry => !entry.Subscription.IsInForce))
        {
            Miss(node, $"The subscription to {subscription.Pattern} is not in force.");
        }

        var published = new List<(SimulatedPeer Publisher, TopicName Topic, long Event)>();
        foreach (var publisher in members)
        {
            foreach (var topic in publisher.Publisher!.Topics.Distinct())
            {
                _ = publisher.Publisher.PublishAsync(topic, out var number);
                published.Add((publisher, topic, number));
            }
        }

        await Task.Delay(DeliveryTime, world.Time);
        foreach (var (node, subscription) in subscriptions.Where(entry => entry.Subscription.IsInForce))
        {
            foreach (var (publisher, topic, number) in published.Where(entry => subscription.Pattern.Matches(entry.Topic) && !subscription.Received.Contains(entry.Event)))
            {
                Miss(node, $"Event {number} of {publisher.Name} on {topic} did not reach the subscription {subscription.Number} to {subscription.Pattern}.");
            }
        }
    }

    private async Task CheckCallsAsync(SimulatedPeer caller)
    {
        for (var index = 0; index < caller.Realm.ProcedureNames.Length; index++)
        {
            var procedure = caller.Realm.ProcedureNames[index];
            var providers = caller.Realm.Members
                .Where(node => node.State == NodeState.Up && node.Provided!.Indexes.Contains(index))
                .Select(node => node.Id)
                .ToHashSet();

            // [RPC-18]: who provides it is its own provider.
            if (providers.Contains(caller.Id))
            {
                providers = [caller.Id];
            }

            await (providers.Count == 0 ? ExpectNobodyAsync(caller, procedure) : ExpectAllAsync(caller, procedure, providers));
        }
    }

    private async Task ExpectNobodyAsync(SimulatedPeer caller, ProcedureName procedure)
    {
        var (reply, failure) = await caller.Caller!.CallAsync(procedure, new CallOptions { Deadline = CallDeadline }, mustSucceed: true, CancellationToken.None);
        if (failure?.Code != ErrorCode.NoProvider)
        {
            Miss(caller, $"Nobody provides {procedure} any more, and a call to it ended with {failure?.Code.ToString() ?? $"an answer of {reply?.Provider.Name}"}.");
        }
    }

    private async Task ExpectAllAsync(SimulatedPeer caller, ProcedureName procedure, HashSet<NodeId> providers)
    {
        var unseen = new HashSet<NodeId>(providers);
        for (var call = 0; call < Rounds * providers.Count && unseen.Count > 0; call++)
        {
            var (reply, failure) = await caller.Caller!.CallAsync(procedure, new CallOptions { Deadline = CallDeadline }, mustSucceed: true, CancellationToken.None);
            if (reply is null)
            {
                Miss(caller, $"A call to {procedure}, which {providers.Count} nodes provide, failed with {failure?.Code}: {failure?.Message}");
                return;
            }

            if (!providers.Contains(reply.Provider.NodeId))
            {
                Miss(caller, $"{reply.Provider.Name} answered a call to {procedure} and should not provide it.");
            }

            unseen.Remove(reply.Provider.NodeId);
        }

        if (unseen.Count > 0)
        {
            Miss(caller, $"{unseen.Count} of {providers.Count} providers of {procedure} are not found {world.Elapsed.TotalSeconds:0} s into the run.");
        }
    }

    private void Miss(SimulatedPeer node, string what) => history.Add(new Observation.Missed(history.Now, node.Name, what));
}
