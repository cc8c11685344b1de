namespace Macula.Testing.Network;

/// <summary>What has become of everything that was sent in a network since it was made: tells whether a run had the faults that it was to have.</summary>
public sealed class NetworkCounters
{
    /// <summary>Packets that hosts have sent, those that went nowhere included; what a real sender would send again counts each time.</summary>
    public long PacketsSent { get; internal set; }

    /// <summary>Those of them that a link has lost.</summary>
    public long PacketsLost { get; internal set; }

    /// <summary>Those of them that a cut or a partition has kept back, or that had an address which no host has.</summary>
    public long PacketsCutOff { get; internal set; }

    /// <summary>Dials that were refused, given up, or not answered in time.</summary>
    public long DialsFailed { get; internal set; }
}
