using System.Text;
using Macula.Testing.VirtualTime;

namespace Macula.Testing.Network;

/// <summary>The dialler's first flight: server name and where it comes from.</summary>
internal sealed class ClientHello(SimulatedConnection source) : Transmission(source)
{
    private readonly byte[] _serverName = Encoding.UTF8.GetBytes(source.ServerName);

    protected override DeliveryKind Kind => DeliveryKind.ClientHello;

    protected override ReadOnlySpan<byte> Payload => _serverName;

    protected override bool BelongsToHandshake => true;

    protected override SimulatedConnection? Recognize(SimulatedEndpoint at) => at.HandleDial(Source);

    protected override void Deliver(SimulatedConnection target) => new ServerHello(target).Send();
}

/// <summary>The acceptor's answer, with its certificates.</summary>
internal sealed class ServerHello(SimulatedConnection source) : Transmission(source)
{
    private readonly byte[] _certificates = Certificates.Join(source.OwnCertificates);

    protected override DeliveryKind Kind => DeliveryKind.ServerHello;

    protected override ReadOnlySpan<byte> Payload => _certificates;

    // A chain of P-256 certificates and the rest of the flight need about so many packets of 1,200 bytes.
    protected override int Packets => 2;

    protected override bool BelongsToHandshake => true;

    protected override void Deliver(SimulatedConnection target)
    {
        target.Handshake?.Complete();
        new Finished(target).Send();
    }
}

/// <summary>The dialler's certificates: with them the acceptor's handshake is done.</summary>
internal sealed class Finished(SimulatedConnection source) : Transmission(source)
{
    private readonly byte[] _certificates = Certificates.Join(source.OwnCertificates);

    protected override DeliveryKind Kind => DeliveryKind.Finished;

    protected override ReadOnlySpan<byte> Payload => _certificates;

    protected override bool BelongsToHandshake => true;

    protected override void Deliver(SimulatedConnection target) => target.Handshake?.Complete();
}

/// <summary>A chain of certificates as one run of bytes.</summary>
internal static class Certificates
{
    public static byte[] Join(IReadOnlyList<ReadOnlyMemory<byte>> chain) => [.. chain.SelectMany(certificate => certificate.ToArray())];
}
