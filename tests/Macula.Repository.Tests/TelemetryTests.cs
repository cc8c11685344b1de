using Macula.Repository.Tests.Checks;

namespace Macula.Repository.Tests;

public sealed class TelemetryTests
{
    [Fact]
    public void LogEventsHaveIdsOfTheirOwn() => Expect.Obeyed(TelemetryChecks.EventIds);

    [Fact]
    public void InstrumentsAreNamedAfterTheProject() => Expect.Obeyed(TelemetryChecks.InstrumentNames);

    [Fact]
    public void EventIdUsedTwiceIsFound() =>
        Expect.Found(
            TelemetryChecks.EventIds,
            ["src/A/B.cs:1", "src/A/B.cs:2", "src/A/B.cs:3"],
            ("src/A/A.cs", "partial class ALog { [LoggerMessage(1100, LogLevel.Debug, \"x\")] partial void A(); }"),
            ("src/A/B.cs", """
                partial class BLog { [LoggerMessage(EventId = 1100, Level = LogLevel.Debug)] partial void B();
                [LoggerMessage(LogLevel.Debug, "x")] partial void C();
                [LoggerMessage(1101, LogLevel.Debug, "x")] partial void D();
                [LoggerMessage(1200, LogLevel.Debug, "x")] partial void E(); }
                """));

    [Fact]
    public void InstrumentOfAnotherNameIsFound() =>
        Expect.Found(
            TelemetryChecks.InstrumentNames,
            ["src/A/A.cs:2", "src/A/A.cs:3", "src/A/A.cs:4"],
            ("src/A/A.cs", """
                class A { object a = meter.CreateCounter<long>("macula.relay.bytes", "By");
                object b = meter.CreateHistogram<double>("lookup.duration");
                object c = meter.CreateObservableGauge(NameOfIt, Read);
                object d = meter.CreateCounter<long>("macula.RelayBytes"); }
                """));
}
