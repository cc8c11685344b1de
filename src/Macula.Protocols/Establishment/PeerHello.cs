namespace Macula.Protocols.Establishment;

/// <summary>What a hello settled.</summary>
/// <param name="Version">The protocol version that both sides speak from now on: the highest that both named.</param>
/// <param name="Instance">The number that the other node drew when it started; another one means that it was restarted.</param>
/// <param name="Features">The optional abilities that the other side named; unknown ones are harmless.</param>
/// <param name="Agent">The other side's program and version, for people.</param>
public sealed record PeerHello(uint Version, ulong Instance, IReadOnlyList<string> Features, string Agent);
