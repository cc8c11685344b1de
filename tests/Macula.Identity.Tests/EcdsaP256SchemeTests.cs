using System.Security.Cryptography;
using System.Text;
using Macula.Identity.Keys;
using Macula.Identity.Tests.Support;

namespace Macula.Identity.Tests;

/// <summary>docs/protocol/01-identity.md §1: P-256 as others do it.</summary>
public sealed class EcdsaP256SchemeTests
{
    private static readonly EcdsaP256Scheme Scheme = EcdsaP256Scheme.Instance;
    private static readonly byte[] Message = Encoding.UTF8.GetBytes("a message of some length");

    private readonly SigningKey _key = Scheme.CreateKey(new SeededRandom(1));

    [Fact]
    public void SignatureIsGoodForItsKeyAndMessageOnly()
    {
        var signature = _key.Sign(Message);
        using var other = Scheme.CreateKey(new SeededRandom(1));
        Assert.Equal(SignatureScheme.SignatureBytes, signature.Length);
        Assert.True(Scheme.Verify(_key.SubjectPublicKeyInfo.Span, Message, signature));
        Assert.False(Scheme.Verify(other.SubjectPublicKeyInfo.Span, Message, signature));
        Assert.False(Scheme.Verify(_key.SubjectPublicKeyInfo.Span, [.. Message, 0], signature));
        for (var bit = 0; bit < 8 * signature.Length; bit++)
        {
            signature[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.False(Scheme.Verify(_key.SubjectPublicKeyInfo.Span, Message, signature));
            signature[bit / 8] ^= (byte)(1 << (bit % 8));
        }
    }

    [Fact]
    public void WhatIsNoSignatureOrKeyIsRefusedWithoutThrowing()
    {
        var signature = _key.Sign(Message);
        foreach (var bad in new byte[][] { [], new byte[63], new byte[64], new byte[65], [.. Enumerable.Repeat((byte)0xff, 64)] })
        {
            Assert.False(Scheme.Verify(_key.SubjectPublicKeyInfo.Span, Message, bad));
        }

        using var k1 = ECDsa.Create(ECCurve.CreateFromFriendlyName("secp256k1"));
        var offTheCurve = _key.SubjectPublicKeyInfo.ToArray();
        offTheCurve[^1] ^= 1;
        foreach (var bad in new byte[][] { [], new byte[91], [.. _key.SubjectPublicKeyInfo.Span, 0], offTheCurve, k1.ExportSubjectPublicKeyInfo() })
        {
            Assert.False(Scheme.AcceptsPublicKey(bad));
            Assert.False(Scheme.Verify(bad, Message, signature));
        }
    }

    [Fact]
    public void PrivateKeyComesBackFromPkcs8()
    {
        using var copy = Scheme.ImportPrivateKey(_key.ExportPkcs8());
        Assert.Equal(_key.SubjectPublicKeyInfo.ToArray(), copy.SubjectPublicKeyInfo.ToArray());
        Assert.True(Scheme.Verify(_key.SubjectPublicKeyInfo.Span, Message, copy.Sign(Message)));
    }

    [Fact]
    public void PrivateKeysOfOtherKindsAreRefused()
    {
        using var rsa = RSA.Create(1024);
        using var p384 = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        using var k1 = ECDsa.Create(ECCurve.CreateFromFriendlyName("secp256k1"));
        var good = _key.ExportPkcs8();
        foreach (var bad in new[] { [], rsa.ExportPkcs8PrivateKey(), p384.ExportPkcs8PrivateKey(), k1.ExportPkcs8PrivateKey(), good[..^1], [.. good, 0] })
        {
            Assert.ThrowsAny<CryptographicException>(() => Scheme.ImportPrivateKey(bad));
        }
    }

    [Theory]
    [InlineData("0000000000000000000000000000000000000000000000000000000000000001", "00000000000000000000000000000000000000000000000000000000000000ff", "3007020101020200ff")]
    [InlineData("8000000000000000000000000000000000000000000000000000000000000000", "7f00000000000000000000000000000000000000000000000000000000000000",
        "30450221008000000000000000000000000000000000000000000000000000000000000000" + "02207f00000000000000000000000000000000000000000000000000000000000000")]
    public void SignatureStandsInX509AsTwoShortestIntegers(string r, string s, string der)
    {
        var signature = Convert.FromHexString(r + s);
        Assert.Equal(der, Convert.ToHexStringLower(Scheme.EncodeForCertificate(signature)));
        var decoded = new byte[SignatureScheme.SignatureBytes];
        Assert.True(Scheme.TryDecodeFromCertificate(Convert.FromHexString(der), decoded));
        Assert.Equal(signature, decoded);
    }

    [Theory]
    [InlineData("")]
    [InlineData("3000")]
    [InlineData("3003020101")]
    [InlineData("3006020101020101" + "00")] // a byte behind
    [InlineData("3009020101020101020101")] // three numbers
    [InlineData("300602018102 0101")] // negative
    [InlineData("30070202000102 0101")] // not the shortest
    [InlineData("308006020101020101")] // indefinite length
    public void OtherFormsOfASignatureAreRefused(string der) =>
        Assert.False(Scheme.TryDecodeFromCertificate(Convert.FromHexString(der.Replace(" ", "", StringComparison.Ordinal)), new byte[SignatureScheme.SignatureBytes]));

    [Fact]
    public void NumberBeyondTheCurveIsRefusedInX509() =>
        Assert.False(Scheme.TryDecodeFromCertificate(Convert.FromHexString("3026022101" + new string('0', 64) + "020101"), new byte[SignatureScheme.SignatureBytes]));

    [Fact]
    public void OpenSslTakesOurSignatureAndWeTakeIts()
    {
        using var directory = new TemporaryDirectory();
        File.WriteAllText(directory["key.pem"], PemEncoding.WriteString("PRIVATE KEY", _key.ExportPkcs8()));
        File.WriteAllText(directory["public.pem"], PemEncoding.WriteString("PUBLIC KEY", _key.SubjectPublicKeyInfo.Span));
        File.WriteAllBytes(directory["message"], Message);

        File.WriteAllBytes(directory["ours"], Scheme.EncodeForCertificate(_key.Sign(Message)));
        var (exitCode, output) = OpenSsl.Run("dgst", "-sha256", "-verify", directory["public.pem"], "-signature", directory["ours"], directory["message"]);
        Assert.True(exitCode == 0, output);

        (exitCode, output) = OpenSsl.Run("dgst", "-sha256", "-sign", directory["key.pem"], "-out", directory["theirs"], directory["message"]);
        Assert.True(exitCode == 0, output);
        var signature = new byte[SignatureScheme.SignatureBytes];
        Assert.True(Scheme.TryDecodeFromCertificate(File.ReadAllBytes(directory["theirs"]), signature));
        Assert.True(Scheme.Verify(_key.SubjectPublicKeyInfo.Span, Message, signature));
    }

    [Fact]
    public void ManyThreadsMaySignWithOneKey() => Parallel.For(
        0, 200, index =>
        {
            var message = BitConverter.GetBytes(index);
            Assert.True(Scheme.Verify(_key.SubjectPublicKeyInfo.Span, message, _key.Sign(message)));
        });
}
