using Macula.Connections;

namespace Macula.PubSub;

/// <summary>How a subscriber is reached. Both may be used from any queue.</summary>
/// <param name="Connect">Gives the connection to it, dialled if there is none.</param>
/// <param name="LetGo">Takes a connection that does not answer for dead: the next one who asks dials, and it drains.</param>
internal sealed record SubscriberLink(Func<CancellationToken, ValueTask<MeshConnection>> Connect, Action<MeshConnection> LetGo);
