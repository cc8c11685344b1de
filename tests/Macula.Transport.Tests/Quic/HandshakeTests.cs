namespace Macula.Transport.Tests.Quic;

public sealed class HandshakeTests
{
    [Fact]
    public async Task BytesOfAStreamComeBackAsTheyWentOut()
    {
        await using var pair = await QuicPair.CreateAsync();
        var (dialled, accepted) = await pair.ConnectAsync();
        Assert.Equal(TestIdentities.ServerName, accepted.ServerName);
        Assert.Equal(pair.ServerIdentity.CertificateChain[0].ToArray(), dialled.PeerCertificates[0].ToArray());
        Assert.Equal(pair.ClientIdentity.CertificateChain[0].ToArray(), accepted.PeerCertificates[0].ToArray());

        var stream = await dialled.OpenStreamAsync(StreamDirection.Bidirectional, pair.Token);
        await stream.WriteAsync("hello"u8.ToArray(), WriteEnd.Finish, pair.Token);
        var incoming = await accepted.AcceptStreamAsync(pair.Token);
        var buffer = new byte[100];
        Assert.Equal(5, await incoming!.ReadAsync(buffer, pair.Token));
        Assert.Equal(0, await incoming.ReadAsync(buffer, pair.Token));
        await incoming.WriteAsync(buffer.AsMemory(0, 5), WriteEnd.Finish, pair.Token);
        var back = new byte[100];
        Assert.Equal(5, await stream.ReadAsync(back, pair.Token));
        Assert.Equal("hello"u8.ToArray(), back[..5]);
        Assert.Equal(0, await stream.ReadAsync(back, pair.Token));
    }
}
