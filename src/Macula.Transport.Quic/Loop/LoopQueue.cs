using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Macula.Transport.Quic.Diagnostics;
using Macula.Transport.Quic.Native;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace Macula.Transport.Quic.Loop;

/// <summary>Hands work from any thread to the loop's thread, in order, and wakes it when it sleeps.</summary>
/// <remarks>Unbounded by itself: whoever posts has one piece of work under way per stream, connection or dial, each bounded by its table.</remarks>
internal sealed unsafe class LoopQueue(ILogger logger) : IDisposable
{
    private readonly ConcurrentQueue<(Action<object> Work, object Target)> _work = new();
    private readonly Lock _drain = new();
    private readonly SafeFileHandle _event = CreateEvent();
    private int _sleeping;
    private volatile bool _finished;

    /// <summary>Becomes readable when the sleeping loop is to wake.</summary>
    public int Descriptor => (int)_event.DangerousGetHandle();

    /// <summary>Has the work run on the loop's thread; at once, on the caller's, when the loop has ended and nothing native is left.</summary>
    public void Post(Action<object> work, object target)
    {
        _work.Enqueue((work, target));
        Interlocked.MemoryBarrier();
        if (_finished)
        {
            Drain();
            return;
        }

        if (Volatile.Read(ref _sleeping) == 1 && Interlocked.CompareExchange(ref _sleeping, 0, 1) == 1)
        {
            Signal();
        }
    }

    /// <summary>Runs what was posted, up to a bound, so that packets get their turn.</summary>
    /// <returns>True when it left some.</returns>
    public bool Run()
    {
        // About a millisecond of small pieces of work.
        const int MaxPerTurn = 4096;
        for (var i = 0; i < MaxPerTurn; i++)
        {
            if (!_work.TryDequeue(out var next))
            {
                return false;
            }

            Perform(next.Work, next.Target);
        }

        return true;
    }

    /// <summary>Announces that the loop is about to sleep. False when there is work, and it must not.</summary>
    public bool TrySleep()
    {
        Volatile.Write(ref _sleeping, 1);
        Interlocked.MemoryBarrier();
        if (_work.IsEmpty)
        {
            return true;
        }

        Awake();
        return false;
    }

    /// <summary>Takes the announcement back.</summary>
    public void Awake() => Interlocked.Exchange(ref _sleeping, 0);

    /// <summary>Empties the wake-up event.</summary>
    public void Acknowledge()
    {
        ulong value;
        _ = Libc.Read(Descriptor, &value, sizeof(ulong));
    }

    /// <summary>Ends the loop's turn for good: what is posted from now on runs where it is posted.</summary>
    public void Finish()
    {
        _finished = true;
        Interlocked.MemoryBarrier();
        Drain();
    }

    /// <inheritdoc/>
    public void Dispose() => _event.Dispose();

    private static SafeFileHandle CreateEvent()
    {
        var handle = new SafeFileHandle((nint)Libc.EventDescriptor(0, Libc.EventNonBlocking | Libc.EventCloseOnExec), ownsHandle: true);
        return handle.IsInvalid
            ? throw new BindException($"The system gave no event descriptor (errno {Marshal.GetLastPInvokeError()}); too many files may be open.")
            : handle;
    }

    // A task root: what one piece of work throws ends what it was for, and not the loop that all connections share; the log says why.
#pragma warning disable CA1031
    private void Perform(Action<object> work, object target)
    {
        try
        {
            work(target);
        }
        catch (Exception exception)
        {
            logger.NoteStepFailed(exception, target.GetType().Name);
            End(target as ILoopTarget);
        }
    }

    private void End(ILoopTarget? target)
    {
        try
        {
            target?.EndAfterFailure();
        }

        // What ends here is the attempt to end one connection in good order; the log says so, and the loop goes on for the others.
        catch (Exception exception)
        {
            logger.NoteStepFailed(exception, nameof(ILoopTarget.EndAfterFailure));
        }
    }
#pragma warning restore CA1031

    private void Signal()
    {
        // The reference keeps the number from being another file's, should the loop end in this moment.
        var held = false;
        try
        {
            _event.DangerousAddRef(ref held);
            ulong one = 1;
            _ = Libc.Write(Descriptor, &one, sizeof(ulong));
        }
        catch (ObjectDisposedException)
        {
            // The loop has ended, and has run all that was posted.
            return;
        }
        finally
        {
            if (held)
            {
                _event.DangerousRelease();
            }
        }
    }

    private void Drain()
    {
        lock (_drain)
        {
            while (_work.TryDequeue(out var next))
            {
                Perform(next.Work, next.Target);
            }
        }
    }
}

/// <summary>What posted work is done for, and what ends when it fails.</summary>
internal interface ILoopTarget
{
    /// <summary>Ends it, since its state is in doubt. On the loop's thread.</summary>
    void EndAfterFailure();
}
