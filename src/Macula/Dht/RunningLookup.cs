using Macula.Connections;
using Macula.Protocols.Kademlia;
using Macula.Realms;
using Macula.Transport.Execution;
using Macula.Wire.Errors;

namespace Macula.Dht;

/// <summary>One lookup under way: connects, asks and reports what its core wants.</summary>
/// <remarks>Used on the realm's queue only. It ends by its core's own limits, whoever waits for it.</remarks>
internal sealed class RunningLookup
{
    private readonly RealmServices _realm;
    private readonly Overlay _overlay;
    private readonly RecordIntake _intake;
    private readonly Lookup _core;
    private readonly QueueTimer _timer;
    private readonly Completion<LookupResult> _result;

    public RunningLookup(RealmServices realm, SerialQueue queue, Overlay overlay, RecordIntake intake, Lookup core)
    {
        _realm = realm;
        _overlay = overlay;
        _intake = intake;
        _core = core;
        _result = new Completion<LookupResult>(realm.Scheduler);
        _timer = new QueueTimer(realm, queue, HandleTimeout);
    }

    /// <summary>Runs to the end. Called once.</summary>
    /// <exception cref="MaculaException">The node stops.</exception>
    public async Task<LookupResult> RunAsync()
    {
        Pump();
        try
        {
            return await _result.Task;
        }
        finally
        {
            _timer.Stop();
        }
    }

    /// <summary>Ends it now, since the node stops.</summary>
    public void Abort() => _result.TrySetException(new MaculaException(ErrorCode.ShuttingDown));

    private void HandleTimeout()
    {
        _core.HandleTimeout(_realm.Scheduler.Now);
        Pump();
    }

    private void Pump()
    {
        // Late answers are of use to the routing table alone.
        if (_result.IsCompleted)
        {
            return;
        }

        while (_core.TryPoll(_realm.Scheduler.Now, out var output))
        {
            switch (output)
            {
                case LookupOutput.Query query:
                    _realm.Tasks.Run(() => AskAsync(query));
                    break;
                case LookupOutput.Finished finished:
                    _result.TrySetResult(finished.Result);
                    break;
            }
        }

        _timer.Set(_core.PollTimeout());
    }

    private async Task AskAsync(LookupOutput.Query query)
    {
        try
        {
            var connection = await _overlay.ConnectAsync(query.To);
            if (query.Goal == LookupGoal.Nodes)
            {
                var contacts = await _overlay.Client.FindNodeAsync(connection, query.Target);
                _core.HandleNodes(query.To.Node, contacts, _realm.Scheduler.Now);
            }
            else
            {
                await ReadPageAsync(connection, query);
            }

            _overlay.HandleAnswered(query.To);
        }
        catch (MaculaException exception)
        {
            _overlay.HandleFailed(query.To, exception);
            _core.HandleFailed(query.To.Node);
        }

        Pump();
    }

    private async ValueTask ReadPageAsync(MeshConnection connection, LookupOutput.Query query)
    {
        var page = await _overlay.Client.FindValueAsync(connection, query.Target, query.After);
        _core.HandleReceived(query.To.Node, _realm.Scheduler.Now);
        Pump();
        var records = await _intake.TakeAllAsync(connection, page.Records);
        _core.HandleRecords(query.To.Node, records, page.Next, page.Contacts, _realm.Scheduler.Now, _realm.Scheduler.WallNow);
    }
}
