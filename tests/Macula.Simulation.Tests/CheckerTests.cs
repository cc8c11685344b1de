using Macula.Rpc;
using Macula.Testing.Simulation;
using Macula.Testing.Simulation.Invariants;
using Macula.Wire.Frames;
using Macula.Wire.Identifiers;
using Macula.Wire.Time;

namespace Macula.Simulation.Tests;

/// <summary>Each checker finds the bug that it is for, and nothing where there is none.</summary>
public sealed class CheckerTests
{
    private static readonly NodeId Alice = Id(1);
    private static readonly NodeId Bob = Id(2);
    private static readonly TopicName Load = TopicName.Parse("sensor.load");
    private static readonly DhtKey Key = DhtKey.PlaceOf(Id(3));
    private static readonly WallTime Noon = new(1_800_000_000_000);

    [Fact]
    public void ACallThatEndsOnceIsFine() => ExpectNothing(new CallChecker(), Called(1), Entered(1), Ended(1, CallOutcome.Returned, 1));

    [Fact]
    public void AHandlerThatRunsTwiceIsFound() => Expect(new CallChecker(), "ran 2 times", Called(1), Entered(1), Entered(1), Ended(1, CallOutcome.Returned, 1));

    [Fact]
    public void AnIdempotentHandlerMayRunTwice() =>
        ExpectNothing(new CallChecker(), Called(1, CallRepetition.Idempotent), Entered(1), Entered(1), Ended(1, CallOutcome.Returned, 1));

    [Fact]
    public void ACallThatEndsTwiceIsFound() =>
        Expect(new CallChecker(), "ended twice", Called(1), Entered(1), Ended(1, CallOutcome.Returned, 1), Ended(1, CallOutcome.Failed, null));

    [Fact]
    public void ACallThatNeverEndsIsFound() => Expect(new CallChecker(), "never ended", Called(1), Entered(1));

    [Fact]
    public void ACallThatNeverEndedBeforeItsNodeWasKilledIsFound() => Expect(new CallChecker(), "never ended", Called(1), Entered(1), new Observation.Killed(At(20), "a01"));

    [Fact]
    public void ACallThatEndsLongAfterItWasGivenUpIsFound()
    {
        ExpectNothing(new CallChecker(), Called(1), new Observation.CallGivenUp(At(3), "a01", 1), Ended(1, CallOutcome.Cancelled, null, 3));
        Expect(new CallChecker(), "had been given up", Called(1), new Observation.CallGivenUp(At(3), "a01", 1), Ended(1, CallOutcome.Cancelled, null, 4));
    }

    [Fact]
    public void AHandlerThatRunsOnBeyondTheDeadlineIsFound()
    {
        ExpectNothing(new CallChecker(), Called(1), Entered(1), Ended(1, CallOutcome.Failed, null, 11), new Observation.HandlerLeft(At(11), "a02", 1));
        Expect(new CallChecker(), "ran for 11", Called(1), Entered(1), Ended(1, CallOutcome.Failed, null, 11), new Observation.HandlerLeft(At(12), "a02", 1));
    }

    [Fact]
    public void AFailureOfAnotherCallIsFound() => Expect(new CallChecker(), "got the answer to 2", Called(1), Entered(1), Ended(1, CallOutcome.Failed, 2));

    [Fact]
    public void ACallOfANodeThatWasKilledNeedNotEnd() => ExpectNothing(new CallChecker(), Called(1), new Observation.Killed(At(2), "a01"));

    [Fact]
    public void ACallThatItsCallerOutlivesInVainIsFound() => Expect(new CallChecker(), "had not ended when its caller had stopped", Called(1), new Observation.Stopped(At(2), "a01"));

    [Fact]
    public void ACallThatEndsAfterItsDeadlineIsFound() => Expect(new CallChecker(), "its deadline was", Called(1), Ended(1, CallOutcome.Failed, null, 20));

    [Fact]
    public void AnAnswerToAnotherCallIsFound() => Expect(new CallChecker(), "got the answer to 2", Called(1), Entered(1), Ended(1, CallOutcome.Returned, 2));

    [Fact]
    public void AFailureThatDeniesItsHandlerIsFound()
    {
        Expect(new CallChecker(), "did not run, but it ran", Called(1), Entered(1), Ended(1, CallOutcome.FailedUnstarted, null));
        Expect(new CallChecker(), "had been told that it would not", Called(1), Ended(1, CallOutcome.FailedUnstarted, null), Entered(1));
    }

    [Fact]
    public void SomethingOfAnotherRealmIsFound()
    {
        ExpectNothing(new IsolationChecker(), new Observation.Sighted(At(1), "a01", "a", "a", "event 1"));
        Expect(new IsolationChecker(), "saw event 1 of realm b", new Observation.Sighted(At(1), "a01", "a", "b", "event 1"));
    }

    [Fact]
    public void ADeliveryToASubscriptionIsFine() => ExpectNothing(new DeliveryChecker(), Subscribed("sensor.*"), Published(), Delivered());

    [Fact]
    public void ADeliveryWithoutASubscriptionIsFound() => Expect(new DeliveryChecker(), "without a subscription", Published(), Delivered());

    [Fact]
    public void ADeliveryOfWhatNobodyPublishedIsFound() => Expect(new DeliveryChecker(), "nobody published", Subscribed("sensor.*"), Delivered());

    [Fact]
    public void ADeliveryAfterTheAcknowledgedEndIsFound() =>
        Expect(new DeliveryChecker(), "end had been acknowledged", Subscribed("sensor.*"), Published(), new Observation.Unsubscribed(At(2), "a01", 1), Delivered());

    [Fact]
    public void ADeliveryOfWhatThePatternDoesNotMatchIsFound() => Expect(new DeliveryChecker(), "a subscription to alarm", Subscribed("alarm"), Published(), Delivered());

    [Fact]
    public void ADeliveryUnderAnotherTopicIsFound() =>
        Expect(new DeliveryChecker(), "as one on", Subscribed("**"), new Observation.Published(At(1), "a02", 1, TopicName.Parse("alarm")), Delivered());

    [Fact]
    public void AnEventForWhomThePolicyForbidsItIsFound()
    {
        var overheard = new Observation.Overheard(At(2), "spy a", Load);
        ExpectNothing(new DeliveryChecker(), overheard);
        ExpectNothing(new DeliveryChecker(), Forbidden("alarm"), overheard);
        ExpectNothing(new DeliveryChecker(), new Observation.Forbidden(At(1), "a01", TopicPattern.Everything), overheard);
        Expect(new DeliveryChecker(), "must not have it", Forbidden("sensor.*"), overheard);
    }

    [Fact]
    public void AHolderThatTakesAForbiddenSubscriptionIsFound()
    {
        var held = new Observation.SubscriptionHeld(At(2), "a05", "spy a", TopicPattern.Parse("sensor.*"));
        ExpectNothing(new DeliveryChecker(), Forbidden("sensor.load"), held);
        Expect(new DeliveryChecker(), "which is forbidden", Forbidden("**"), held);
    }

    [Fact]
    public void EventsInOrderAreFine() => ExpectNothing(new OrderChecker(), Delivered(1, 1), Delivered(2, 5));

    [Fact]
    public void ADuplicateIsFound() => Expect(new OrderChecker(), "delivered twice", Delivered(1, 1), Delivered(1, 1));

    [Fact]
    public void ALaterEventBeforeAnEarlierOneIsFound() => Expect(new OrderChecker(), "after event 2", Delivered(2, 2), Delivered(1, 1));

    [Fact]
    public void TwoEventsOfOneNameAreFound() => Expect(new OrderChecker(), "the same publisher, epoch and sequence", Delivered(1, 1), Delivered(2, 1));

    [Fact]
    public void APublisherThatStartsAnewBeginsAnotherOrder() => ExpectNothing(new OrderChecker(), Delivered(2, 2, epoch: 1), Delivered(1, 1, epoch: 2));

    [Fact]
    public void AnotherIdentityThanTheCertificatesIsFound()
    {
        ExpectNothing(new RecordChecker(), new Observation.IdentitySeen(At(1), "a01", Alice, Alice));
        Expect(new RecordChecker(), "whoever speaks on it", new Observation.IdentitySeen(At(1), "a01", Alice, Bob));
    }

    [Fact]
    public void ARecordThatWasPublishedAndHoldsIsFine() => ExpectNothing(new RecordChecker(), Advertised(), Served(1), Served(1), Served(2));

    [Fact]
    public void ARecordThatNobodyPublishedIsFound() => Expect(new RecordChecker(), "never published", Served(1));

    [Fact]
    public void ARecordThatIsNotValidIsFound() => Expect(new RecordChecker(), "not valid", Advertised(), Served(1, fault: "The signature is wrong."));

    [Fact]
    public void ARecordThatHasEndedIsFound() => Expect(new RecordChecker(), "after its end", Advertised(), Served(1, expiresIn: -60));

    [Fact]
    public void AnOlderRecordThanOneBeforeIsFound() => Expect(new RecordChecker(), "older than one before", Advertised(), Served(2), Served(1));

    [Fact]
    public void ARecordThatWasTakenBackIsFoundOnceNothingGoesWrong()
    {
        var withdrawn = new Observation.Withdrawn(At(2), "a02", Key, Bob, Noon);
        var before = Noon.UnixMilliseconds - 1;
        ExpectNothing(new RecordChecker(), Advertised(), withdrawn, Served(before, at: 20));
        ExpectNothing(new RecordChecker(), Advertised(), withdrawn, new Observation.Settled(At(3)), Served(before, at: 4), Served(Noon.UnixMilliseconds, at: 20));
        Expect(new RecordChecker(), "had taken back", Advertised(), withdrawn, new Observation.Settled(At(3)), Served(before, at: 20));
    }

    [Fact]
    public void AHolderThatStartedAnewMayHoldAnOlderRecord() => ExpectNothing(new RecordChecker(), Advertised(), Served(2), new Observation.Started(At(2), "a05"), Served(1));

    [Fact]
    public void ATableBeyondItsCapAndWorkThatIsLeftAreFound()
    {
        ExpectNothing(new ResourceChecker(), new Observation.Measured(At(1), "a01", "connections", 5, 5));
        Expect(new ResourceChecker(), "the most is 5", new Observation.Measured(At(1), "a01", "connections", 6, 5));
        Expect(new ResourceChecker(), "still run", new Observation.Broke(At(1), "a01", "2 tasks still run"));
    }

    [Fact]
    public void WhatIsDueAndDoesNotComeIsFound() => Expect(new ProgressChecker(), "no answer", new Observation.Missed(At(1), "a01", "There was no answer."));

    [Fact]
    public void AnEventThatASubscriptionInForceMissesIsFound()
    {
        Observation[] ready = [Subscribed("sensor.*"), new Observation.InForce(At(1), "a01", "a", 1), new Observation.Warmed(At(1), "a02", "a", Load)];
        var published = new Observation.Published(At(2), "a02", 1, Load);
        Expect(new ArrivalChecker(), "did not reach", [new Observation.Settled(At(0)), .. ready, published]);
        ExpectNothing(new ArrivalChecker(), [new Observation.Settled(At(0)), .. ready, published, Delivered()]);
        Expect(new ArrivalChecker(), "after it was published", [new Observation.Settled(At(0)), .. ready, published, Delivered() with { At = At(9) }]);
        ExpectNothing(new ArrivalChecker(), [.. ready, published]);
        ExpectNothing(new ArrivalChecker(), [new Observation.Settled(At(0)), .. ready, published, new Observation.Unsubscribing(At(3), "a01", 1)]);
        ExpectNothing(new ArrivalChecker(), [new Observation.Settled(At(0)), .. ready, new Observation.Killed(At(1), "a02"), published]);
        ExpectNothing(new ArrivalChecker(), [new Observation.Settled(At(0)), Subscribed("alarm"), .. ready[1..], published]);
        ExpectNothing(new ArrivalChecker(), [new Observation.Settled(At(0)), ready[0], new Observation.InForce(At(2), "a01", "a", 1), ready[2], published]);
    }

    [Fact]
    public void ARunThatBreaksEverywhereKeepsSoManyViolations()
    {
        var checker = new ProgressChecker();
        for (var number = 0; number < 3 * InvariantChecker.MaxViolations; number++)
        {
            checker.Handle(new Observation.Missed(At(1), "a01", "again"));
        }

        Assert.Equal(InvariantChecker.MaxViolations, checker.Violations.Count);
    }

    private static void ExpectNothing(InvariantChecker checker, params Observation[] history) => Assert.Empty(Check(checker, history));

    private static void Expect(InvariantChecker checker, string sentence, params Observation[] history)
    {
        var violation = Assert.Single(Check(checker, history));
        Assert.Equal(checker.Invariant, violation.Invariant);
        Assert.Contains(sentence, violation.Sentence, StringComparison.Ordinal);
    }

    private static IReadOnlyList<InvariantViolation> Check(InvariantChecker checker, Observation[] history)
    {
        foreach (var observation in history)
        {
            checker.Handle(observation);
        }

        checker.Finish(At(1000));
        return checker.Violations;
    }

    private static TimeSpan At(int seconds) => TimeSpan.FromSeconds(seconds);

    private static NodeId Id(byte number) => NodeId.Read([.. Enumerable.Repeat(number, NodeId.ByteCount)]);

    private static Observation.CallStarted Called(long call, CallRepetition repetition = CallRepetition.AtMostOnce) => new(At(1), "a01", call, At(10), repetition);

    private static Observation.HandlerEntered Entered(long call) => new(At(1), "a02", call);

    private static Observation.CallEnded Ended(long call, CallOutcome outcome, long? answer, int at = 2) => new(At(at), "a01", call, outcome, answer, "");

    private static Observation.Subscribed Subscribed(string pattern) => new(At(1), "a01", 1, TopicPattern.Parse(pattern));

    private static Observation.Forbidden Forbidden(string pattern) => new(At(1), "spy a", TopicPattern.Parse(pattern));

    private static Observation.Published Published() => new(At(1), "a02", 1, Load);

    private static Observation.Delivered Delivered(long number = 1, long sequence = 1, ulong epoch = 7) => new(At(2), "a01", 1, number, new EventId(Bob, epoch, sequence), Load);

    private static Observation.Advertised Advertised() => new(At(1), "a02", Key, Bob);

    private static Observation.RecordServed Served(long sequence, int expiresIn = 60, string? fault = null, int at = 1) =>
        new(At(at), "a05", new ServedRecord(Key, Bob, sequence, Noon + TimeSpan.FromSeconds(expiresIn), IsProvider: true, fault), Noon, At(20));
}
