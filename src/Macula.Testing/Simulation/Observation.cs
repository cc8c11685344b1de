using Macula.Rpc;
using Macula.Wire.Frames;
using Macula.Wire.Identifiers;
using Macula.Wire.Time;

namespace Macula.Testing.Simulation;

/// <summary>Something that was seen at a node of a simulation. The invariants are checked over the sequence of them.</summary>
/// <param name="At">Virtual time since the start.</param>
/// <param name="Node">The node at which it was seen, such as <c>a03</c>.</param>
public abstract record Observation(TimeSpan At, string Node)
{
    /// <summary>Nothing that went wrong before has any effect left: from now on, what is due happens at once.</summary>
    public sealed record Settled(TimeSpan At) : Observation(At, "");

    /// <summary>A node has started, under the identity that it will have in each of its lives.</summary>
    public sealed record Started(TimeSpan At, string Node) : Observation(At, Node);

    /// <summary>A node ended without a word, as by SIGKILL: whatever it had begun ends nowhere.</summary>
    public sealed record Killed(TimeSpan At, string Node) : Observation(At, Node);

    /// <summary>A node was told to stop, and has stopped.</summary>
    public sealed record Stopped(TimeSpan At, string Node) : Observation(At, Node);

    /// <summary>A call was made.</summary>
    /// <param name="At">When.</param>
    /// <param name="Node">The caller.</param>
    /// <param name="Call">A number that no other call of the run has.</param>
    /// <param name="Deadline">The time that it was given.</param>
    /// <param name="Repetition">Whether its handler may run more than once.</param>
    public sealed record CallStarted(TimeSpan At, string Node, long Call, TimeSpan Deadline, CallRepetition Repetition) : Observation(At, Node);

    /// <summary>A handler began to work on a call.</summary>
    /// <param name="At">When.</param>
    /// <param name="Node">The provider.</param>
    /// <param name="Call">The call's number.</param>
    public sealed record HandlerEntered(TimeSpan At, string Node, long Call) : Observation(At, Node);

    /// <summary>The handler of a call came to its end, with an answer or without.</summary>
    /// <param name="At">When.</param>
    /// <param name="Node">The provider.</param>
    /// <param name="Call">The call's number.</param>
    public sealed record HandlerLeft(TimeSpan At, string Node, long Call) : Observation(At, Node);

    /// <summary>A caller gave up a call: it has to come back now.</summary>
    /// <param name="At">When.</param>
    /// <param name="Node">The caller.</param>
    /// <param name="Call">The call's number.</param>
    public sealed record CallGivenUp(TimeSpan At, string Node, long Call) : Observation(At, Node);

    /// <summary>A call came back to its caller.</summary>
    /// <param name="At">When.</param>
    /// <param name="Node">The caller.</param>
    /// <param name="Call">The call's number.</param>
    /// <param name="Outcome">How it ended.</param>
    /// <param name="Answer">The number in the answer, or in what the failing handler said, which is the call's if all is well; null without either.</param>
    /// <param name="Detail">The error in words; empty without one.</param>
    public sealed record CallEnded(TimeSpan At, string Node, long Call, CallOutcome Outcome, long? Answer, string Detail) : Observation(At, Node);

    /// <summary>A node got to see something that belongs to a realm: a call, an answer, an event, a record, a contact.</summary>
    /// <param name="At">When.</param>
    /// <param name="Node">Who saw it.</param>
    /// <param name="Realm">The realm of the node.</param>
    /// <param name="Origin">The realm in which the thing was made.</param>
    /// <param name="What">What it was, for people.</param>
    public sealed record Sighted(TimeSpan At, string Node, string Realm, string Origin, string What) : Observation(At, Node);

    /// <summary>A node asked for a subscription: from now on events may come.</summary>
    /// <param name="At">When.</param>
    /// <param name="Node">The subscriber.</param>
    /// <param name="Subscription">A number that no other subscription of the run has.</param>
    /// <param name="Pattern">For which topics.</param>
    public sealed record Subscribed(TimeSpan At, string Node, long Subscription, TopicPattern Pattern) : Observation(At, Node);

    /// <summary>A subscription is in force: what those publish who know whom to send it to arrives.</summary>
    /// <param name="At">When.</param>
    /// <param name="Node">The subscriber.</param>
    /// <param name="Realm">The realm of the node.</param>
    /// <param name="Subscription">The subscription's number.</param>
    public sealed record InForce(TimeSpan At, string Node, string Realm, long Subscription) : Observation(At, Node);

    /// <summary>A node begins to end a subscription: events may still come.</summary>
    /// <param name="At">When.</param>
    /// <param name="Node">The subscriber.</param>
    /// <param name="Subscription">The subscription's number.</param>
    public sealed record Unsubscribing(TimeSpan At, string Node, long Subscription) : Observation(At, Node);

    /// <summary>A subscription's end was acknowledged.</summary>
    /// <param name="At">When.</param>
    /// <param name="Node">The subscriber.</param>
    /// <param name="Subscription">The subscription's number.</param>
    public sealed record Unsubscribed(TimeSpan At, string Node, long Subscription) : Observation(At, Node);

    /// <summary>The realm's policy does not let a node have the events of some topics.</summary>
    /// <param name="At">When.</param>
    /// <param name="Node">Who must not have them.</param>
    /// <param name="Pattern">Which topics.</param>
    public sealed record Forbidden(TimeSpan At, string Node, TopicPattern Pattern) : Observation(At, Node);

    /// <summary>A holder took a record by which a node subscribes.</summary>
    /// <param name="At">When.</param>
    /// <param name="Node">The holder.</param>
    /// <param name="Subscriber">Who subscribes.</param>
    /// <param name="Pattern">For which topics.</param>
    public sealed record SubscriptionHeld(TimeSpan At, string Node, string Subscriber, TopicPattern Pattern) : Observation(At, Node);

    /// <summary>An event came to a node over a connection, whatever the node makes of it.</summary>
    /// <param name="At">When.</param>
    /// <param name="Node">Where it came to.</param>
    /// <param name="Topic">Its topic.</param>
    public sealed record Overheard(TimeSpan At, string Node, TopicName Topic) : Observation(At, Node);

    /// <summary>A node has published under a topic, and so knows whom to send later events to.</summary>
    /// <param name="At">When.</param>
    /// <param name="Node">The publisher.</param>
    /// <param name="Realm">The realm of the node.</param>
    /// <param name="Topic">Under which one; of others it knows nothing by that.</param>
    public sealed record Warmed(TimeSpan At, string Node, string Realm, TopicName Topic) : Observation(At, Node);

    /// <summary>An event is about to be published.</summary>
    /// <param name="At">When.</param>
    /// <param name="Node">The publisher.</param>
    /// <param name="Event">A number that no other event of the run has.</param>
    /// <param name="Topic">Its topic.</param>
    public sealed record Published(TimeSpan At, string Node, long Event, TopicName Topic) : Observation(At, Node);

    /// <summary>An event reached the application of a subscriber.</summary>
    /// <param name="At">When.</param>
    /// <param name="Node">The subscriber.</param>
    /// <param name="Subscription">The subscription's number.</param>
    /// <param name="Event">The event's number, from its payload.</param>
    /// <param name="Id">Publisher, epoch and sequence, as the node named them.</param>
    /// <param name="Topic">The topic, as the node named it.</param>
    public sealed record Delivered(TimeSpan At, string Node, long Subscription, long Event, EventId Id, TopicName Topic) : Observation(At, Node);

    /// <summary>A node learnt from a certificate who it deals with, and from what was said who that should be.</summary>
    /// <param name="At">When.</param>
    /// <param name="Node">Who learnt it.</param>
    /// <param name="Said">The id that the other side's application states.</param>
    /// <param name="Proven">The id that the connection proves.</param>
    public sealed record IdentitySeen(TimeSpan At, string Node, NodeId Said, NodeId Proven) : Observation(At, Node);

    /// <summary>A node begins to publish that it provides a procedure.</summary>
    /// <param name="At">When.</param>
    /// <param name="Node">The provider.</param>
    /// <param name="Key">Where the record stands.</param>
    /// <param name="Publisher">The provider's id.</param>
    public sealed record Advertised(TimeSpan At, string Node, DhtKey Key, NodeId Publisher) : Observation(At, Node);

    /// <summary>A node takes back that it provides a procedure.</summary>
    /// <param name="At">When.</param>
    /// <param name="Node">The provider.</param>
    /// <param name="Key">Where the record stands.</param>
    /// <param name="Publisher">The provider's id.</param>
    /// <param name="Now">The time of day by a clock that is right; later records have greater sequences.</param>
    public sealed record Withdrawn(TimeSpan At, string Node, DhtKey Key, NodeId Publisher, WallTime Now) : Observation(At, Node);

    /// <summary>A holder served a record to a member that asked for it.</summary>
    /// <param name="At">When.</param>
    /// <param name="Node">The holder.</param>
    /// <param name="Record">What was served.</param>
    /// <param name="Now">The time of day by a clock that is right.</param>
    /// <param name="Tolerance">How far clocks may be off in this run.</param>
    public sealed record RecordServed(TimeSpan At, string Node, ServedRecord Record, WallTime Now, TimeSpan Tolerance) : Observation(At, Node);

    /// <summary>How full a table is.</summary>
    /// <param name="At">When.</param>
    /// <param name="Node">Whose.</param>
    /// <param name="Table">Its name, for people.</param>
    /// <param name="Count">How much it holds.</param>
    /// <param name="Cap">The most that it may hold.</param>
    public sealed record Measured(TimeSpan At, string Node, string Table, long Count, long Cap) : Observation(At, Node);

    /// <summary>A node said that something in it broke, or that something outlived it.</summary>
    /// <param name="At">When.</param>
    /// <param name="Node">Which.</param>
    /// <param name="What">Its own words.</param>
    public sealed record Broke(TimeSpan At, string Node, string What) : Observation(At, Node);

    /// <summary>Something that is due once faults have stopped has not happened.</summary>
    /// <param name="At">When that became certain.</param>
    /// <param name="Node">Who waited for it.</param>
    /// <param name="What">What, as a sentence.</param>
    public sealed record Missed(TimeSpan At, string Node, string What) : Observation(At, Node);
}

/// <summary>How a call of a simulation ended.</summary>
public enum CallOutcome
{
    /// <summary>With a result.</summary>
    Returned,

    /// <summary>With an error that says that the handler did not run.</summary>
    FailedUnstarted,

    /// <summary>With any other error.</summary>
    Failed,

    /// <summary>The caller gave up.</summary>
    Cancelled,
}

/// <summary>A record as a holder served it.</summary>
/// <param name="Key">Under which key.</param>
/// <param name="Publisher">Who published it.</param>
/// <param name="Sequence">Greater for each later record of the publisher under the key.</param>
/// <param name="Expires">When it ends.</param>
/// <param name="IsProvider">Whether it says that its publisher provides a procedure.</param>
/// <param name="Fault">Why it is not valid; null when it is.</param>
public sealed record ServedRecord(DhtKey Key, NodeId Publisher, long Sequence, WallTime Expires, bool IsProvider, string? Fault);
