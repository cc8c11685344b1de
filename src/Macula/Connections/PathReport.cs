using Macula.Transport;

namespace Macula.Connections;

/// <summary>How two nodes reach each other at this moment, or a node itself.</summary>
/// <param name="Carrier">What takes this side's packets; <see cref="Transport.Carrier.Local"/> when a node has called itself.</param>
/// <param name="RoundTripTime">Smoothed, as the transport measures it; zero before the first sample, and for a node that has called itself.</param>
public sealed record PathReport(Carrier Carrier, TimeSpan RoundTripTime);
