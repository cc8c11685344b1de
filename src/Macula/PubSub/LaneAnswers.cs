using Macula.Connections;
using Macula.Diagnostics;
using Macula.Realms;
using Macula.Transport;
using Macula.Wire.Errors;
using Macula.Wire.Frames;
using Macula.Wire.Identifiers;

namespace Macula.PubSub;

/// <summary>Reads what a subscriber answers on the lanes to it, and logs the reason of a refusal ([PUB-7]).</summary>
internal sealed class LaneAnswers(RealmServices realm, NodeId subscriber)
{
    /// <summary>Waits for the answer: true for DONE, false for anything else and for none.</summary>
    public async Task<bool> ReadAsync(MeshConnection connection, TransportStream stream, CancellationToken cancellationToken)
    {
        try
        {
            var read = await FrameStream.ReadAnswerAsync(stream, FrameType.Event, cancellationToken);
            if (read.Frame is { Type: FrameType.Done })
            {
                return true;
            }

            var fault = read.Error.GetValueOrDefault();
            if (read.Frame is not { } frame || !ErrorFrame.TryRead(frame.Body, out var refusal, out fault))
            {
                realm.Violated(connection.Peer.NodeId, fault);
            }
            else if (realm.EventRefusalGate.TryPass(realm.Scheduler.Now, out var suppressed))
            {
                realm.Logger.EventsRefused(subscriber, refusal.Code, refusal.Message, suppressed);
            }
        }
        catch (Exception exception) when (exception is MaculaException or OperationCanceledException)
        {
            // The stream or its connection has ended, or nobody waits any more: there is no answer.
        }

        return false;
    }
}
