using System.Diagnostics.CodeAnalysis;
using Macula.Wire;
using Macula.Wire.Time;

namespace Macula.Protocols.Kademlia;

/// <summary>What the shell must do next to bring a node into the DHT.</summary>
public abstract record JoinOutput
{
    private JoinOutput()
    {
    }

    /// <summary>Ping the bootstraps, and the nodes of the last run; report <see cref="Join.HandleAnswered"/> or <see cref="Join.HandleUnanswered"/>.</summary>
    /// <param name="Attempt">1 for the first attempt.</param>
    public sealed record AskBootstraps(int Attempt) : JoinOutput;

    /// <summary>Look up the nodes near this one; report <see cref="Join.HandleSelfLookup"/>.</summary>
    public sealed record LookUpSelf : JoinOutput;

    /// <summary>The node is in: refresh every bucket (<see cref="RoutingTable.RefreshAll"/>), and tell those who wait.</summary>
    public sealed record Joined : JoinOutput;
}

/// <summary>Intervals of joining.</summary>
public sealed record JoinOptions
{
    /// <summary>The longest wait after the first attempt that failed; it doubles with each, and is drawn from 0 to that. Default 500 ms; range 1 ms to 1 h.</summary>
    public TimeSpan FirstWait { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>The longest wait after any attempt. Default 30 s; range <see cref="FirstWait"/> to 1 h.</summary>
    public TimeSpan LongestWait { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>After what time an attempt that nobody reported on counts as failed. Default 30 s; range 100 ms to 1 h.</summary>
    public TimeSpan AttemptTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Longest time after which a node that is in asks a bootstrap whom it does not know yet; drawn from half of it to all ([KAD-23]). Default 10 min; range 1 s to 24 h.</summary>
    /// <remarks>So long may parts of a realm that were cut from each other stay apart when the cut is over.</remarks>
    public TimeSpan ReviewInterval { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Checks every option.</summary>
    /// <exception cref="ArgumentOutOfRangeException">One is out of its range; the message names it.</exception>
    public void ThrowIfOutOfRange()
    {
        var hour = TimeSpan.FromHours(1);
        ThrowUnless(FirstWait >= TimeSpan.FromMilliseconds(1) && FirstWait <= hour, nameof(FirstWait), "1 ms to 1 h");
        ThrowUnless(LongestWait >= FirstWait && LongestWait <= hour, nameof(LongestWait), $"{nameof(FirstWait)} to 1 h");
        ThrowUnless(AttemptTimeout >= TimeSpan.FromMilliseconds(100) && AttemptTimeout <= hour, nameof(AttemptTimeout), "100 ms to 1 h");
        ThrowUnless(ReviewInterval >= TimeSpan.FromSeconds(1) && ReviewInterval <= TimeSpan.FromHours(24), nameof(ReviewInterval), "1 s to 24 h");

        static void ThrowUnless(bool condition, string option, string range)
        {
            if (!condition)
            {
                throw new ArgumentOutOfRangeException(option, $"{option} must be {range}.");
            }
        }
    }
}

/// <summary>Brings a node into the DHT, and back when it has lost everybody: tries until somebody answers (docs/protocol/08-kademlia.md [KAD-20] to [KAD-22]).</summary>
/// <remarks>A core: performs no I/O and reads no clock.</remarks>
public sealed class Join
{
    private readonly JoinOptions _options;
    private State _state = State.Waiting;
    private Instant _deadline;
    private int _attempt;

    /// <summary>Begins at once.</summary>
    /// <param name="options">Intervals.</param>
    /// <param name="now">The present.</param>
    public Join(JoinOptions options, Instant now)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
        _deadline = now;
    }

    private enum State
    {
        Waiting,
        Asking,
        AboutToLookUp,
        LookingUp,
        AboutToTell,
        Joined,
    }

    /// <summary>True once somebody answered the lookup of this node, and until <see cref="HandleIsolated"/>.</summary>
    public bool IsJoined => _state == State.Joined;

    /// <summary>A bootstrap, or a node of the last run, answered and is in the routing table.</summary>
    public void HandleAnswered()
    {
        if (_state is State.Waiting or State.Asking)
        {
            _state = State.AboutToLookUp;
            _deadline = Instant.Never;
        }
    }

    /// <summary>Nobody of those who were asked answered.</summary>
    public void HandleUnanswered(Instant now, RandomSource random)
    {
        ArgumentNullException.ThrowIfNull(random);
        if (_state == State.Asking)
        {
            WaitAgain(now, random);
        }
    }

    /// <summary>The lookup of this node is over.</summary>
    /// <param name="answered">How many nodes answered it.</param>
    /// <param name="now">The present.</param>
    /// <param name="random">Where the wait before the next attempt comes from.</param>
    public void HandleSelfLookup(int answered, Instant now, RandomSource random)
    {
        ArgumentNullException.ThrowIfNull(random);
        if (_state != State.LookingUp)
        {
            return;
        }

        // [KAD-21]: whose first packets are lost would otherwise stay alone for ever.
        if (answered == 0)
        {
            WaitAgain(now, random);
            return;
        }

        _state = State.AboutToTell;
        _attempt = 0;
        _deadline = Instant.Never;
    }

    /// <summary>The routing table is empty: everybody is gone, or this node was cut off.</summary>
    public void HandleIsolated(Instant now, RandomSource random)
    {
        ArgumentNullException.ThrowIfNull(random);
        if (_state == State.Joined)
        {
            WaitAgain(now, random);
        }
    }

    /// <summary>Time has passed: see <see cref="PollTimeout"/>.</summary>
    public void HandleTimeout(Instant now, RandomSource random)
    {
        ArgumentNullException.ThrowIfNull(random);
        if (_state is State.Asking or State.LookingUp && now >= _deadline)
        {
            WaitAgain(now, random);
        }
    }

    /// <summary>When to call <see cref="HandleTimeout"/> and <see cref="TryPoll"/>; <see cref="Instant.Never"/> while joined.</summary>
    public Instant PollTimeout() => _deadline;

    /// <summary>Takes the next thing to do; false when there is nothing until something happens.</summary>
    public bool TryPoll(Instant now, [NotNullWhen(true)] out JoinOutput? output)
    {
        output = null;
        switch (_state)
        {
            case State.Waiting when now >= _deadline:
                _state = State.Asking;
                _deadline = now + _options.AttemptTimeout;
                output = new JoinOutput.AskBootstraps(++_attempt);
                break;
            case State.AboutToLookUp:
                _state = State.LookingUp;
                _deadline = now + _options.AttemptTimeout;
                output = new JoinOutput.LookUpSelf();
                break;
            case State.AboutToTell:
                _state = State.Joined;
                output = new JoinOutput.Joined();
                break;
            default:
                break;
        }

        return output is not null;
    }

    private void WaitAgain(Instant now, RandomSource random)
    {
        _state = State.Waiting;
        _deadline = now + Backoff.Draw(Math.Max(_attempt, 1), _options.FirstWait, _options.LongestWait, random);
    }
}
