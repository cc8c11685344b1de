using System.Net;
using Macula.Transport.Execution;
using Macula.Transport.Quic;
using Macula.Transport.Tests.Quic;

namespace Macula.Transport.Tests.Conformance;

public sealed class QuicDials : DialConformance<QuicStage>;

public sealed class QuicStreams : StreamConformance<QuicStage>;

public sealed class QuicStreamEnds : StreamEndConformance<QuicStage>;

public sealed class QuicConnections : ConnectionConformance<QuicStage>;

public sealed class QuicDatagrams : DatagramConformance<QuicStage>;

/// <summary>QUIC on loopback, in real time.</summary>
public sealed class QuicStage : ConformanceStage
{
    // Far beyond what any of these tests takes on a busy machine.
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    // Hundreds of round trips of loopback. A real wait: that nothing arrives cannot be awaited; it makes no assertion true that would fail later.
    private static readonly TimeSpan Settling = TimeSpan.FromMilliseconds(150);

    public override MeshScheduler Scheduler { get; } = new ThreadPoolScheduler(TimeProvider.System);

    public override ITransport ServerTransport { get; } = new QuicTransport();

    public override ITransport ClientTransport => ServerTransport;

    public override IPAddress ServerAddress => IPAddress.Loopback;

    public override IPAddress ClientAddress => IPAddress.Loopback;

    public override Task RunAsync(Func<ValueTask> body) => Scheduler.CreateQueue().RunAsync(body).AsTask().WaitAsync(Deadline);

    public override TlsIdentity MakeIdentity(string label, string serverName = ServerName) => TestIdentities.Create(serverName, label);

    public override Task SettleAsync() => Task.Delay(Settling, Scheduler.Time);

    public override void AssertApplicationThread() =>
        Assert.True(Thread.CurrentThread.IsThreadPoolThread, $"The code runs on thread {Thread.CurrentThread.Name}.");
}
