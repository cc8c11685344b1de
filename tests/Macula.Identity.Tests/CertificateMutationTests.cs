using Macula.Identity.Certificates;
using Macula.Identity.Tests.Support;
using Macula.Identity.Trust;
using Macula.Wire.Errors;
using KeyedHashScheme = Macula.Testing.Realms.KeyedHashScheme;

namespace Macula.Identity.Tests;

/// <summary>[ID-7]: a damaged certificate is refused or means the same as before; it never makes the judge throw.</summary>
public sealed class CertificateMutationTests(ITestOutputHelper output) : IDisposable
{
    private const int Mutations = 100_000;

    private readonly TestRealm _realm = new(7);

    public void Dispose() => _realm.Dispose();

    [Fact]
    public void TruncatedAtEveryByteIsMalformed()
    {
        var der = _realm.Issue("node-1").Der;
        var judge = _realm.NewJudge();
        for (var length = 0; length < der.Length; length++)
        {
            Assert.Equal(ErrorCode.CertificateMalformed, Assert.IsType<Verdict.Refused>(judge.Judge([der[..length]], TestRealm.Start)).Code);
        }
    }

    [Fact]
    public void TrailingByteIsMalformed()
    {
        byte[] der = [.. _realm.Issue("node-1").Der.Span, 0];
        Assert.Equal(ErrorCode.CertificateMalformed, Assert.IsType<Verdict.Refused>(_realm.Judge(der)).Code);
    }

    [Fact]
    public void EveryFlippedBitIsRefused()
    {
        var der = _realm.Issue("node-1").Der.ToArray();
        var judge = _realm.NewJudge();
        for (var bit = 0; bit < 8 * der.Length; bit++)
        {
            der[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.IsType<Verdict.Refused>(judge.Judge([der.ToArray()], TestRealm.Start));
            der[bit / 8] ^= (byte)(1 << (bit % 8));
        }
    }

    [Fact]
    public void SeededMutationsAreRefusedOrMeanTheSame()
    {
        const ulong Seed = 20261121;
        output.WriteLine($"seed {Seed}");
        var random = new SeededRandom(Seed);
        // The keyed hash lets a mutation get as far as its form allows without a slow signature check.
        using var realm = new TestRealm(8, KeyedHashScheme.Instance);
        var certificate = realm.Issue("node-1");
        var authority = realm.Authority.Realm.Authorities[0].Der;
        var judge = realm.NewJudge();
        var counts = new SortedDictionary<ErrorCode, int>();
        for (var round = 0; round < Mutations; round++)
        {
            var mutated = Mutate(certificate.Der.Span, authority.Span, random);
            var verdict = judge.Judge([mutated], TestRealm.Start);
            var code = verdict is Verdict.Refused refused ? refused.Code : ErrorCode.NoError;
            counts[code] = counts.GetValueOrDefault(code) + 1;
            if (verdict is Verdict.Accepted accepted)
            {
                Assert.Equal(certificate.Der.ToArray(), mutated);
                Assert.Equal(certificate.Identity.NodeId, accepted.Identity.NodeId);
            }
        }

        foreach (var (code, count) in counts)
        {
            output.WriteLine($"{code}: {count}");
        }

        Assert.True(counts.Count > 3, "The mutations reach more than one check.");
    }

    private static byte[] Mutate(ReadOnlySpan<byte> der, ReadOnlySpan<byte> other, SeededRandom random)
    {
        var bytes = der.ToArray().ToList();
        for (var change = random.Next(3); change >= 0; change--)
        {
            var position = random.Next(bytes.Count);
            switch (random.Next(6))
            {
                case 0:
                    bytes[position] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    bytes[position] = (byte)random.Next(256);
                    break;
                case 2:
                    bytes.Insert(position, (byte)random.Next(256));
                    break;
                case 3:
                    bytes.RemoveRange(position, Math.Min(1 + random.Next(8), bytes.Count - position - 1));
                    break;
                case 4:
                    // A piece of the same certificate elsewhere.
                    bytes.InsertRange(position, bytes.GetRange(random.Next(bytes.Count / 2), 1 + random.Next(40)));
                    break;
                default:
                    // The same length from another certificate, as when two are mixed.
                    var length = Math.Min(1 + random.Next(60), Math.Min(bytes.Count, other.Length) - Math.Min(position, other.Length));
                    for (var index = 0; index < length; index++)
                    {
                        bytes[position + index] = other[position + index];
                    }

                    break;
            }
        }

        return [.. bytes];
    }

    [Fact]
    public void AuthorityCertificateIsTakenOnlyInItsOneForm()
    {
        var der = _realm.Authority.Realm.Authorities[0].Der.ToArray();
        Assert.True(AuthorityCertificate.TryRead(der, _realm.Scheme, out _, out _));
        Assert.False(AuthorityCertificate.TryRead(_realm.Issue("node-1").Der, _realm.Scheme, out _, out var error));
        Assert.Equal(ErrorCode.CertificateMalformed, error.Code);
        for (var length = 0; length < der.Length; length++)
        {
            Assert.False(AuthorityCertificate.TryRead(der.AsMemory(0, length), _realm.Scheme, out _, out _));
        }
    }
}
