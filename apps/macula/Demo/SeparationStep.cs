using System.Globalization;

namespace Macula.Cli.Demo;

/// <summary>Another realm on the same gateway sees neither providers nor events, and is refused where it does not belong.</summary>
public sealed class SeparationStep : IDemoStep
{
    private const string Procedure = "math.add";
    private const string Argument = """{"a":5,"b":3}""";
    private const string NoProvider = "NoProvider";
    private const string Refusal = "CertificateWrongRealm";

    /// <inheritdoc/>
    public string Name => "separation";

    /// <inheritdoc/>
    public string Title => "Another realm on the same gateway: works by itself, and sees nothing of the first";

    /// <inheritdoc/>
    public async Task<IReadOnlyList<StepFigure>> RunAsync(DemoMesh mesh, Action<string, string> show, CancellationToken cancellationToken)
    {
        var echo = await CallEchoAsync(mesh, cancellationToken);
        var absent = await DemandNoProviderAsync(mesh, cancellationToken);
        show("", string.Create(CultureInfo.InvariantCulture, $"{DemoPlan.OtherRealm} waits for events, {mesh.Watching.TotalSeconds} s"));
        var there = await WatchAsync(mesh, cancellationToken);
        var (told, logged) = await DemandRefusalAsync(mesh, cancellationToken);
        return
        [
            new("echoMs", "own echo", echo, $"{Answers.Show(echo)}, found and called in {DemoPlan.OtherRealm}"),
            new("error", Procedure, NoProvider, $"{NoProvider}: {absent}"),
            new("events", PublishStep.Pattern, 0, string.Create(CultureInfo.InvariantCulture, $"0 events in {mesh.Watching.TotalSeconds} s; {there} in {DemoPlan.HomeRealm} meanwhile")),
            new("eventsElsewhere", "", there, ""),
            new("refusal", "dials anyway", Refusal, told),
            new("gatewayLog", "gateway's log", logged, logged),
        ];
    }

    private static async Task<double> CallEchoAsync(DemoMesh mesh, CancellationToken cancellationToken)
    {
        await DemoMesh.WaitForAsync(mesh.GuestEcho.Process, "published", cancellationToken);
        var answer = await mesh.Guest.CallAsync("echo", "\"hello\"", deadline: null, cancellationToken);
        return Answers.ErrorOf(answer) is var (code, message) ? throw new DemoException($"The call of {DemoPlan.OtherRealm}'s own echo failed with {code}: {message}", mesh.Guest.Process)
            : Answers.TextOf(answer, "result") != "hello" ? throw new DemoException($"{DemoPlan.OtherRealm}'s own echo should give back what it is given; it gave {answer}.", mesh.Guest.Process)
            : Answers.MillisecondsOf(answer, "elapsedMs");
    }

    private static async Task<string> DemandNoProviderAsync(DemoMesh mesh, CancellationToken cancellationToken)
    {
        var answer = await mesh.Guest.CallAsync(Procedure, Argument, deadline: null, cancellationToken);
        return Answers.ErrorOf(answer) is (NoProvider, var message)
            ? message
            : throw new DemoException($"A call of {DemoPlan.HomeRealm}'s {Procedure} from {DemoPlan.OtherRealm} should end with {NoProvider}; it ended with {answer}.", mesh.Guest.Process);
    }

    // Both subscribe to the same; what comes to one of them shows that there was something to come.
    private static async Task<int> WatchAsync(DemoMesh mesh, CancellationToken cancellationToken)
    {
        var here = new EventTally();
        var there = new EventTally();
        var guest = await mesh.Guest.SubscribeAsync(PublishStep.Pattern, here.Add, cancellationToken);
        var viewer = await mesh.Viewer.SubscribeAsync(PublishStep.Pattern, there.Add, cancellationToken);
        foreach (var (answer, session) in new[] { (guest, mesh.Guest), (viewer, mesh.Viewer) })
        {
            if (Answers.ErrorOf(answer) is var (code, message))
            {
                throw new DemoException($"Subscribing to {PublishStep.Pattern} failed with {code}: {message}", session.Process);
            }
        }

        await Task.Delay(mesh.Watching, cancellationToken);
        await mesh.Guest.UnsubscribeAsync(guest, cancellationToken);
        await mesh.Viewer.UnsubscribeAsync(viewer, cancellationToken);
        return here.Total > 0 ? throw new DemoException($"{here.Total} events of {DemoPlan.HomeRealm} came to {DemoPlan.OtherRealm}.", mesh.Guest.Process)
            : there.Total == 0 ? throw new DemoException($"No event came to {DemoPlan.HomeRealm} either, so that nothing is shown.", mesh.Load.Process)
            : there.Total;
    }

    private static async Task<(string Told, string Logged)> DemandRefusalAsync(DemoMesh mesh, CancellationToken cancellationToken)
    {
        var answer = await mesh.IntrudeAsync(cancellationToken);
        if (Answers.ErrorOf(answer) is not (Refusal, var message))
        {
            throw new DemoException($"The gateway should refuse a certificate of {DemoPlan.OtherRealm} in {DemoPlan.HomeRealm} with {Refusal}; the caller got {answer}.", mesh.Gateway.Process);
        }

        var line = await DemoMesh.WaitForLogAsync(mesh.Gateway.Process, ["Refused", Refusal], cancellationToken);
        return ($"{Refusal}: {message}", ReasonOf(line));
    }

    // The time and category at the line's beginning, and the count of lines left out at its end, tell nothing here.
    private static string ReasonOf(string line) => line[line.IndexOf("Refused", StringComparison.Ordinal)..].Split(" (0 more", 2)[0];
}
