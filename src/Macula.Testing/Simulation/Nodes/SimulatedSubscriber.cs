using Macula.PubSub;
using Macula.Testing.VirtualTime;
using Macula.Wire.Errors;
using Macula.Wire.Identifiers;

namespace Macula.Testing.Simulation.Nodes;

/// <summary>The subscriptions of one node in one life: ended and made again now and then, while there are faults.</summary>
internal sealed class SimulatedSubscriber(SimulatedPeer node, MaculaPeer peer, SeededRandomSource random)
{
    private const int AtATime = 2;

    private static readonly TimeSpan ShortestHold = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestHold = TimeSpan.FromSeconds(30);

    private readonly List<Held> _held = [];

    /// <summary>The subscriptions that were asked for and have not ended.</summary>
    public IReadOnlyList<Held> Subscriptions => _held;

    public Task RunAsync(SimulationPlan plan, CancellationToken stop) => Task.WhenAll(Enumerable.Range(0, AtATime).Select(_ => KeepSubscribedAsync(plan, stop)));

    private async Task KeepSubscribedAsync(SimulationPlan plan, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            var pattern = node.Realm.TopicPatterns[random.Next(node.Realm.TopicPatterns.Length)];
            var held = new Held(node.History.NextNumber(), pattern);
            _held.Add(held);
            node.History.Add(new Observation.Subscribed(node.History.Now, node.Name, held.Number, pattern));
            try
            {
                var subscription = await peer.SubscribeAsync(pattern.Value, cancellationToken: stop);
                held.IsInForce = true;
                node.History.Add(new Observation.InForce(node.History.Now, node.Name, node.Realm.Tag, held.Number));
                var reading = ReadAsync(subscription, held);
                await WaitAsync(plan, stop);
                node.History.Add(new Observation.Unsubscribing(node.History.Now, node.Name, held.Number));
                await subscription.DisposeAsync();
                node.History.Add(new Observation.Unsubscribed(node.History.Now, node.Name, held.Number));
                await reading;
            }
            catch (Exception exception) when (exception is MaculaException or OperationCanceledException)
            {
                // The node stops: there is no subscription.
                node.History.Add(new Observation.Unsubscribed(node.History.Now, node.Name, held.Number));
            }

            _held.Remove(held);
        }
    }

    private async Task WaitAsync(SimulationPlan plan, CancellationToken stop)
    {
        try
        {
            do
            {
                await Task.Delay(ShortestHold + ((LongestHold - ShortestHold) * random.NextDouble()), node.Time, stop);
            }
            while (plan.Phase != SimulationPhase.Faults);
        }
        catch (OperationCanceledException)
        {
            // The node stops, and unsubscribes.
        }
    }

    private async Task ReadAsync(Subscription subscription, Held held)
    {
        var history = node.History;
        try
        {
            await foreach (var arrived in subscription)
            {
                if (SimulatedMessage.Read(arrived.Payload, node) is not { } message)
                {
                    continue;
                }

                held.Received.Add(message.Number);
                history.Add(new Observation.Delivered(history.Now, node.Name, held.Number, message.Number, arrived.Id, arrived.Topic));
                history.Add(new Observation.Sighted(history.Now, node.Name, node.Realm.Tag, message.Realm, $"event {message.Number}"));
                history.Add(new Observation.IdentitySeen(history.Now, node.Name, message.Sender, arrived.Publisher.NodeId));
            }
        }
        catch (MaculaException)
        {
            // The node has stopped.
        }
    }

    /// <summary>A subscription that was asked for.</summary>
    internal sealed class Held(long number, TopicPattern pattern)
    {
        public long Number { get; } = number;

        public TopicPattern Pattern { get; } = pattern;

        public bool IsInForce { get; set; }

        /// <summary>The numbers of the events that have come.</summary>
        public HashSet<long> Received { get; } = [];
    }
}
