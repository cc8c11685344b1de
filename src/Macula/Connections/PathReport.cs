using Macula.Transport;

namespace Macula.Connections;

/// <summary>How two nodes reach each other at this moment.</summary>
/// <param name="Carrier">What takes this side's packets.</param>
/// <param name="RoundTripTime">Smoothed, as the transport measures it; zero before the first sample.</param>
public sealed record PathReport(Carrier Carrier, TimeSpan RoundTripTime);
