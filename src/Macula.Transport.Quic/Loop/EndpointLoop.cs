using Macula.Transport.Execution;
using Macula.Transport.Quic.Connections;
using Macula.Transport.Quic.Diagnostics;
using Macula.Transport.Quic.Native;
using Macula.Transport.Quic.Streams;
using Macula.Wire.Errors;

namespace Macula.Transport.Quic.Loop;

/// <summary>The thread that owns the socket and every connection of an endpoint.</summary>
// It disposes of what it owns at the end of its thread: nobody else may, since nobody else knows when that is.
#pragma warning disable CA1001
internal sealed unsafe class EndpointLoop
#pragma warning restore CA1001
{
    // Batches in a row before timers and the application's work get their turn.
    private const int MaxReceiveRounds = 4;

    // Nothing is due that late; bounds what an idle endpoint holds of connections that ended.
    private const ulong LongestSleepNanoseconds = 1_000_000_000;

    private readonly EndpointServices _services;
    private readonly PacketReceiver _receiver;
    private readonly PacketRouter _router;
    private readonly ConnectionWriter _writer;
    private readonly Completion<Wake> _ended;
    private readonly Task _endedTask;
    private bool _stopping;

    public EndpointLoop(EndpointServices services)
    {
        _services = services;
        _receiver = new PacketReceiver(services.Socket);
        _router = new PacketRouter(services);
        _writer = new ConnectionWriter(services.Batch);
        _ended = new Completion<Wake>(services.Scheduler);
        _endedTask = _ended.Task.AsTask();
        new Thread(Run) { IsBackground = true, Name = $"quic {services.Socket.LocalEndPoint.Port}" }.Start();
    }

    /// <summary>Closes every connection, then the socket. Returns when nothing native is left.</summary>
    public Task StopAsync()
    {
        _services.Queue.Post(static loop => ((EndpointLoop)loop)._stopping = true, this);
        return _endedTask;
    }

    // A task root: if the loop fails, its connections end, the application learns it from each of them, and the log says why.
#pragma warning disable CA1031
    private void Run()
    {
        try
        {
            while (!_stopping)
            {
                Turn();
            }
        }
        catch (Exception exception)
        {
            Attempt(() => _services.Logger.LoopFailed(exception, _services.Socket.LocalEndPoint), nameof(Turn));
        }
        finally
        {
            End();
            _ended.TrySetResult(default);
        }
    }

    // Of what is left to do at the end, one step must not keep the others from being done, or whoever disposes waits for ever.
    private void Attempt(Action step, string name)
    {
        try
        {
            step();
        }
        catch (Exception exception)
        {
            _services.Logger.NoteStepFailed(exception, name);
        }
    }
#pragma warning restore CA1031

    private void Turn()
    {
        var more = false;
        for (var round = 0; round < MaxReceiveRounds; round++)
        {
            more = _receiver.Receive(_router, _services.Clock);
            if (!more)
            {
                break;
            }
        }

        var now = _services.Clock.Read();
        _services.Batch.Now = now;
        while (_services.Timers.TryTakeDue(now, out var connection))
        {
            connection.HandleExpiry(now);
        }

        more |= _services.Queue.Run();
        if (_services.Batch.IsBlocked)
        {
            _services.Batch.Resume();
        }

        _services.Dirty.Flush(_writer, _services.Clock.Read());
        _services.Connections.Sweep(now);
        if (!more && !_stopping)
        {
            Sleep();
        }
    }

    private void Sleep()
    {
        var now = _services.Clock.Read();
        var blocked = _services.Batch.IsBlocked;
        var wait = blocked || _services.Dirty.IsEmpty ? LongestSleepNanoseconds : 0;
        var deadline = _services.Timers.NextDeadline;
        wait = Math.Min(wait, deadline > now ? deadline - now : 0);
        if (wait == 0 || !_services.Queue.TrySleep())
        {
            return;
        }

        const ulong NanosecondsPerSecond = 1_000_000_000;
        var entries = stackalloc PollEntry[2];
        entries[0] = new PollEntry { Descriptor = _services.Socket.Descriptor, Events = blocked ? (short)(Libc.PollIn | Libc.PollOut) : Libc.PollIn };
        entries[1] = new PollEntry { Descriptor = _services.Queue.Descriptor, Events = Libc.PollIn };
        var timeout = new TimeSpec { Seconds = (long)(wait / NanosecondsPerSecond), Nanoseconds = (long)(wait % NanosecondsPerSecond) };
        _ = Libc.Poll(entries, 2, &timeout, null);
        _services.Queue.Awake();
        if ((entries[1].ReturnedEvents & Libc.PollIn) != 0)
        {
            _services.Queue.Acknowledge();
        }
    }

    private void End()
    {
        _services.IsClosed = true;
        foreach (var connection in _services.Connections.Live())
        {
            Attempt(() => connection.Close((ulong)ErrorCode.ShuttingDown, "the endpoint is closed"u8), nameof(ConnectionCore));
        }

        Attempt(_services.Accepted.Close, nameof(EndpointServices.Accepted));
        Attempt(_services.Queue.Finish, nameof(LoopQueue));
        Attempt(_receiver.Dispose, nameof(PacketReceiver));
        Attempt(_services.Dispose, nameof(EndpointServices));
        Attempt(() => _services.Logger.EndpointClosed(_services.Socket.LocalEndPoint), nameof(TransportLog.EndpointClosed));
    }
}
