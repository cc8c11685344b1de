using Macula.Rpc;
using Macula.Testing.VirtualTime;
using Macula.Wire.Frames;
using Macula.Wire.Identifiers;
using Macula.Wire.MessagePack;

namespace Macula.Testing.Simulation.Nodes;

/// <summary>The procedures that one node provides in one life: withdrawn and provided again now and then, while there are faults.</summary>
internal sealed class ProvidedProcedures(SimulatedPeer node, MaculaPeer peer, SeededRandomSource random)
{
    private const int AtMost = 2;

    // Most handlers answer at once; one in so many takes its time, and one in so many fails.
    private const int SlowOneIn = 8;
    private const int FailingOneIn = 25;

    private readonly SortedDictionary<int, Advertisement> _advertised = [];

    /// <summary>The indexes of the procedures that are provided now.</summary>
    public IReadOnlyCollection<int> Indexes => _advertised.Keys;

    public async Task RunAsync(SimulationPlan plan, CancellationToken stop)
    {
        while (_advertised.Count < AtMost)
        {
            await ToggleAsync(random.Next(node.Realm.ProcedureNames.Length), stop);
        }

        try
        {
            while (true)
            {
                await Task.Delay(TimeSpan.FromSeconds(2 + (random.NextDouble() * 20)), node.Time, stop);
                if (plan.Phase == SimulationPhase.Faults)
                {
                    await ToggleAsync(random.Next(node.Realm.ProcedureNames.Length), stop);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The node stops, and takes back what it provides.
        }
    }

    private async Task ToggleAsync(int index, CancellationToken stop)
    {
        var procedure = node.Realm.ProcedureNames[index];
        var key = DhtKey.OfProviders(node.Realm.File.Id, procedure);
        if (_advertised.Remove(index, out var advertisement))
        {
            node.History.Add(new Observation.Withdrawn(node.History.Now, node.Name, key, node.Id, node.History.WallNow));
            await advertisement.DisposeAsync();
        }
        else if (!stop.IsCancellationRequested)
        {
            node.History.Add(new Observation.Advertised(node.History.Now, node.Name, key, node.Id));
            _advertised.Add(index, await peer.AdvertiseAsync(procedure.Value, HandleAsync, CancellationToken.None));
        }
    }

    private async ValueTask<Payload> HandleAsync(IncomingCall call, CancellationToken stop)
    {
        if (SimulatedMessage.Read(call.Argument, node) is not { } argument)
        {
            throw new MeshValueException("The argument is of no application.");
        }

        node.History.Add(new Observation.HandlerEntered(node.History.Now, node.Name, argument.Number));
        try
        {
            return await AnswerAsync(call, argument, stop);
        }
        finally
        {
            node.History.Add(new Observation.HandlerLeft(node.History.Now, node.Name, argument.Number));
        }
    }

    private async ValueTask<Payload> AnswerAsync(IncomingCall call, SimulatedMessage argument, CancellationToken stop)
    {
        node.History.Add(new Observation.Sighted(node.History.Now, node.Name, node.Realm.Tag, argument.Realm, $"call {argument.Number}"));
        node.History.Add(new Observation.IdentitySeen(node.History.Now, node.Name, argument.Sender, call.Caller.NodeId));
        if (random.Next(SlowOneIn) == 0)
        {
            await Task.Delay(TimeSpan.FromSeconds(random.NextDouble() * 4), node.Time, stop);
        }

        return random.Next(FailingOneIn) == 0 && !argument.MustSucceed
            ? throw argument.ToFailure()
            : (argument with { Realm = node.Realm.Tag, Sender = node.Id }).ToPayload();
    }
}
