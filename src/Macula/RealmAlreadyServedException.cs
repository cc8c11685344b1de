using Macula.Wire.Identifiers;

namespace Macula;

/// <summary>A second node of the same realm was to be started on one endpoint. Connections are told apart by their realm, so it needs an endpoint of its own.</summary>
public sealed class RealmAlreadyServedException : InvalidOperationException
{
    /// <summary>Says which realm.</summary>
    public RealmAlreadyServedException(RealmId realm)
        : base($"A node of realm {realm} runs on this endpoint already. An endpoint has one node of each realm: start the other one on an endpoint of its own.") => Realm = realm;

    /// <summary>The realm that is served there.</summary>
    public RealmId Realm { get; }
}
