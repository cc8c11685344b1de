using System.Net;
using Macula.Connections;
using Macula.Diagnostics;
using Macula.Identity.Policy;
using Macula.Identity.Certificates;
using Macula.Identity.Credentials;
using Macula.Identity.Trust;
using Macula.Transport;
using Macula.Transport.Execution;
using Macula.Wire;
using Macula.Wire.Errors;
using Macula.Wire.Identifiers;
using Microsoft.Extensions.Logging;

namespace Macula.Realms;

/// <summary>What every part of one realm on one node shares. Nothing of another realm can be reached from it.</summary>
internal sealed record RealmServices
{
    public required MeshScheduler Scheduler { get; init; }

    public required NodeIdentity Self { get; init; }

    public required RealmId Realm { get; init; }

    /// <summary>Drawn when the node started: see [CON-6].</summary>
    public required ulong Instance { get; init; }

    public required TlsIdentity TlsIdentity { get; init; }

    /// <summary>This node's key and certificate, for its records; whoever gave them disposes them.</summary>
    public required NodeCredentials Credentials { get; init; }

    /// <summary>Used on the realm's queue only.</summary>
    public required RandomSource Random { get; init; }

    public required CertificateJudge Judge { get; init; }

    public required Authorizer Authorizer { get; init; }

    /// <summary>Whether this node asks first if others would accept and permit it.</summary>
    public required OwnCertificateCheck OwnCertificate { get; init; }

    public required ConnectionOptions Limits { get; init; }

    public required MeshMetrics Metrics { get; init; }

    public required ILogger Logger { get; init; }

    /// <summary>Owns the background work.</summary>
    public required TaskRoot Tasks { get; init; }

    /// <summary>Lets log lines about refused connections through.</summary>
    public LogGate RefusalGate { get; } = new();

    /// <summary>Lets log lines about protocol violations through.</summary>
    public LogGate ViolationGate { get; } = new();

    /// <summary>Lets log lines about requests beyond a limit through.</summary>
    public LogGate RequestGate { get; } = new();

    /// <summary>Lets log lines about records that are not used through.</summary>
    public LogGate RecordGate { get; } = new();

    /// <summary>Lets log lines about calls that the policy forbids through.</summary>
    public LogGate PermissionGate { get; } = new();

    /// <summary>Lets log lines about attempts to join that failed through.</summary>
    public LogGate JoinGate { get; } = new();

    /// <summary>Lets log lines about records that were refused for the clocks through.</summary>
    public LogGate ClockGate { get; } = new();

    /// <summary>Lets log lines about subscriptions whose reader is too slow through.</summary>
    public LogGate SlowReaderGate { get; } = new();

    /// <summary>Lets log lines about readers that have caught up through.</summary>
    public LogGate CaughtUpReaderGate { get; } = new();

    /// <summary>Lets log lines about nodes that take events too slowly through.</summary>
    public LogGate SlowSubscriberGate { get; } = new();

    /// <summary>Lets log lines about nodes that take events fast enough again through.</summary>
    public LogGate CaughtUpSubscriberGate { get; } = new();

    /// <summary>Lets log lines about nodes that did not take their last events in time through.</summary>
    public LogGate GivenUpSubscriberGate { get; } = new();

    /// <summary>Lets log lines about nodes that refuse this one's events through.</summary>
    public LogGate EventRefusalGate { get; } = new();

    /// <summary>Lets log lines about events that the policy forbids through.</summary>
    public LogGate EventPermissionGate { get; } = new();

    /// <summary>Lets log lines about topics with more subscribers than are served through.</summary>
    public LogGate UnservedGate { get; } = new();

    /// <summary>Lets log lines about failing handlers through.</summary>
    public LogGate HandlerGate { get; } = new();

    /// <summary>Asks this node's own copy of the policy what this node may do, before others are bothered.</summary>
    /// <exception cref="MaculaException">It may not.</exception>
    public void DemandOwn(MeshAction action, string name)
    {
        if (OwnCertificate == OwnCertificateCheck.Required && Authorizer.Authorize(Self, action, name) is { IsAllowed: false } refusal)
        {
            throw new MaculaException(refusal.Code, refusal.Sentence);
        }
    }

    /// <summary>Counts and logs a connection that this node refuses.</summary>
    public void RefusedConnection(IPEndPoint from, ErrorCode code, string detail)
    {
        Metrics.ConnectionRefused(code);
        if (RefusalGate.TryPass(Scheduler.Now, out var suppressed))
        {
            Logger.ConnectionRefused(from, code, detail, suppressed);
        }
    }

    /// <summary>Counts and logs a request of another node for which a limit leaves no room.</summary>
    public void RefusedRequest(NodeId from, ErrorCode code, string detail)
    {
        Metrics.RequestRefused(code);
        if (RequestGate.TryPass(Scheduler.Now, out var suppressed))
        {
            Logger.RequestRefused(from, code, detail, suppressed);
        }
    }

    /// <summary>Counts and logs a record that is not used, whoever published it.</summary>
    public void RefusedRecord(NodeId from, ErrorCode code, string detail)
    {
        Metrics.RecordRefused(code);
        if (RecordGate.TryPass(Scheduler.Now, out var suppressed))
        {
            Logger.RecordRefused(from, code, detail, suppressed);
        }
    }

    /// <summary>Counts and logs what another node did wrong.</summary>
    public void Violated(NodeId node, ProtocolError error)
    {
        Metrics.ProtocolViolated(error.Code);
        if (ViolationGate.TryPass(Scheduler.Now, out var suppressed))
        {
            Logger.ProtocolViolated(node, error.Code, error.Requirement, error.Detail, suppressed);
        }
    }
}
