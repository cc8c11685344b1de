using Macula.Testing.VirtualTime;
using Macula.Wire.Errors;
using Macula.Wire.Identifiers;

namespace Macula.Testing.Simulation.Nodes;

/// <summary>The events that one node publishes in one life, often several before the first has left.</summary>
internal sealed class SimulatedPublisher(SimulatedPeer node, MaculaPeer peer, SeededRandomSource random)
{
    private const int MostAtOnce = 3;
    private const int TopicsOfItsOwn = 2;

    // What a node measures stays the same; each topic has it watch the keys of all its prefixes.
    private readonly TopicName[] _topics = [.. Enumerable.Range(0, TopicsOfItsOwn).Select(_ => node.Realm.Topics[random.Next(node.Realm.Topics.Length)])];

    private readonly HashSet<TopicName> _warm = [];

    /// <summary>Under what it publishes.</summary>
    public IReadOnlyList<TopicName> Topics => _topics;

    public async Task RunAsync(SimulationPlan plan, CancellationToken stop)
    {
        var events = new List<Task>();
        try
        {
            while (true)
            {
                await Task.Delay(TimeSpan.FromSeconds(0.2 + (random.NextDouble() * 3)), node.Time, stop);
                events.RemoveAll(static published => published.IsCompletedSuccessfully);
                var topic = _topics[random.Next(_topics.Length)];
                for (var left = plan.Phase == SimulationPhase.Check ? 0 : 1 + random.Next(MostAtOnce); left > 0; left--)
                {
                    events.Add(PublishAsync(topic, out _));
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The node stops.
        }

        await Task.WhenAll(events);
    }

    /// <summary>Publishes an event.</summary>
    /// <param name="topic">Under which topic.</param>
    /// <param name="number">Its number, by which it is known wherever it arrives.</param>
    public Task PublishAsync(TopicName topic, out long number)
    {
        number = node.History.NextNumber();
        node.History.Add(new Observation.Published(node.History.Now, node.Name, number, topic));
        return PublishAsync(topic, new SimulatedMessage(number, node.Realm.Tag, node.Id, MustSucceed: false));
    }

    private async Task PublishAsync(TopicName topic, SimulatedMessage message)
    {
        try
        {
            await peer.PublishAsync(topic.Value, message.ToPayload());
            if (_warm.Add(topic))
            {
                node.History.Add(new Observation.Warmed(node.History.Now, node.Name, node.Realm.Tag, topic));
            }
        }
        catch (MaculaException failure)
        {
            node.History.Count($"publish error {failure.Code}");
        }
    }
}
