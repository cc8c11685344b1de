using Macula.Testing.Network;
using Macula.Testing.Simulation.Nodes;
using Macula.Testing.VirtualTime;

namespace Macula.Testing.Simulation.Faults;

/// <summary>Makes things go wrong at random, one after another and several at a time, and sets them right again.</summary>
internal sealed class FaultInjector
{
    private static readonly TimeSpan ShortestFault = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LongestFault = TimeSpan.FromSeconds(12);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(2);

    // One in so many of those that end does not come back.
    private const int GoneForGoodOneIn = 6;

    private readonly VirtualWorld _world;
    private readonly SimulatedNetwork _network;
    private readonly IReadOnlyList<SimulatedNode> _nodes;
    private readonly SimulationHistory _history;
    private readonly SeededRandomSource _random;
    private readonly List<(SimulationFaults Kind, Func<TimeSpan, Task> Make)> _kinds;
    private readonly List<Task> _underWay = [];
    private readonly HashSet<SimulatedNode> _gone = [];

    public FaultInjector(VirtualWorld world, SimulatedNetwork network, IReadOnlyList<SimulatedNode> nodes, SimulationHistory history, SimulationFaults wanted)
    {
        (_world, _network, _nodes, _history) = (world, network, nodes, history);
        _random = world.Random.Fork("faults");
        List<(SimulationFaults Kind, Func<TimeSpan, Task> Make)> kinds =
        [
            (SimulationFaults.Kills, KillAsync),
            (SimulationFaults.Stops, StopAsync),
            (SimulationFaults.Loss, LoseAsync),
            (SimulationFaults.Delay, DelayAsync),
            (SimulationFaults.Cuts, CutAsync),
            (SimulationFaults.Partitions, PartitionAsync),
            (SimulationFaults.Clocks, MisplaceClockAsync),
            (SimulationFaults.Corruption, CorruptAsync),
        ];
        _kinds = [.. kinds.Where(kind => wanted.HasFlag(kind.Kind))];
    }

    /// <summary>How far two clocks may be apart.</summary>
    public static TimeSpan ClockTolerance { get; } = TimeSpan.FromSeconds(20);

    /// <summary>Nodes that stay down.</summary>
    public IReadOnlySet<SimulatedNode> Gone => _gone;

    /// <summary>Makes faults until a moment; completes when all of them are over.</summary>
    public async Task RunAsync(TimeSpan until)
    {
        while (_kinds.Count > 0 && _world.Elapsed + LongestPause < until)
        {
            await Task.Delay(LongestPause * _random.NextDouble(), _world.Time);
            var (kind, make) = _kinds[_random.Next(_kinds.Count)];
            var longest = until - _world.Elapsed;
            var wanted = ShortestFault + ((LongestFault - ShortestFault) * _random.NextDouble());
            _history.Count($"fault {kind}");
            _underWay.RemoveAll(static fault => fault.IsCompletedSuccessfully);
            _underWay.Add(make(wanted < longest ? wanted : longest));
        }

        await Task.WhenAll(_underWay);
    }

    private Task WaitAsync(TimeSpan length) => Task.Delay(length, _world.Time);

    private SimulatedNode AnyNode() => _nodes[_random.Next(_nodes.Count)];

    private (SimulatedNode First, SimulatedNode Second) AnyPair()
    {
        var first = _random.Next(_nodes.Count);
        var second = (first + 1 + _random.Next(_nodes.Count - 1)) % _nodes.Count;
        return (_nodes[first], _nodes[second]);
    }

    private async Task KillAsync(TimeSpan length)
    {
        var node = AnyNode();
        if (node.State == NodeState.Down)
        {
            return;
        }

        node.Kill();
        await BringBackAsync(node, length);
    }

    private async Task StopAsync(TimeSpan length)
    {
        var node = AnyNode();
        if (node.State != NodeState.Up)
        {
            return;
        }

        node.Stop();
        await BringBackAsync(node, length);
    }

    private async Task BringBackAsync(SimulatedNode node, TimeSpan length)
    {
        // The gateway is the one way in: without it those who come back stay outside.
        if (node is SimulatedPeer && _random.Next(GoneForGoodOneIn) == 0)
        {
            _gone.Add(node);
            return;
        }

        await WaitAsync(length);
        if (node.State == NodeState.Down && !_gone.Contains(node))
        {
            node.Begin();
        }
    }

    // Of one pair, which seldom has much to say to each other, of one host, or everywhere; mostly a little, now and then so much that dials fail.
    private async Task LoseAsync(TimeSpan length)
    {
        var loss = _random.Next(4) == 0 ? 0.2 + (0.6 * _random.NextDouble()) : 0.01 + (0.09 * _random.NextDouble());
        var link = new Link { Loss = loss };
        switch (_random.Next(3))
        {
            case 0:
                await ChangeLinkAsync(length, link);
                break;
            case 1:
                var host = AnyNode().Host;
                await ChangeLinksAsync(length, [.. _network.Hosts.Where(other => other != host).Select(other => (host, other))], link);
                break;
            default:
                _network.DefaultLink = link;
                await WaitAsync(length);
                _network.DefaultLink = new Link();
                break;
        }
    }

    private Task CorruptAsync(TimeSpan length) => ChangeLinkAsync(length, new Link { Corruption = 0.1 + (0.4 * _random.NextDouble()) });

    private async Task DelayAsync(TimeSpan length)
    {
        if (_random.Next(2) == 0)
        {
            await ChangeLinkAsync(length, new Link { Latency = TimeSpan.FromMilliseconds(300 * _random.NextDouble()), Jitter = TimeSpan.FromMilliseconds(50), Reordering = 0.05 });
            return;
        }

        var host = AnyNode().Host;
        host.ProcessingDelay = TimeSpan.FromMilliseconds(200 * _random.NextDouble());
        await WaitAsync(length);
        host.ProcessingDelay = TimeSpan.Zero;
    }

    private Task ChangeLinkAsync(TimeSpan length, Link link)
    {
        var (first, second) = AnyPair();
        return ChangeLinksAsync(length, [(first.Host, second.Host)], link);
    }

    private async Task ChangeLinksAsync(TimeSpan length, IReadOnlyList<(SimulatedHost First, SimulatedHost Second)> pairs, Link link)
    {
        foreach (var (first, second) in pairs)
        {
            _network.SetLink(first, second, link);
        }

        await WaitAsync(length);
        foreach (var (first, second) in pairs)
        {
            _network.ResetLink(first, second);
        }
    }

    private async Task CutAsync(TimeSpan length)
    {
        var (first, second) = AnyPair();
        _network.Cut(first.Host, second.Host, _random.Next(2) == 0 ? LinkWays.Both : LinkWays.FirstToSecond);
        await HealAfterAsync(length);
    }

    private async Task PartitionAsync(TimeSpan length)
    {
        var left = _nodes.Where(_ => _random.Next(2) == 0).Select(node => node.Host).ToArray();
        _network.Partition(left, [.. _nodes.Select(node => node.Host).Except(left)]);
        await HealAfterAsync(length);
    }

    // Ends every cut and partition at once, also those that have just begun: as good as any other end.
    private async Task HealAfterAsync(TimeSpan length)
    {
        await WaitAsync(length);
        _network.Heal();
    }

    private async Task MisplaceClockAsync(TimeSpan length)
    {
        var host = AnyNode().Host;
        host.Scheduler.WallClockOffset = ClockTolerance / 2 * ((2 * _random.NextDouble()) - 1);
        await WaitAsync(length);
        host.Scheduler.WallClockOffset = TimeSpan.Zero;
    }
}
