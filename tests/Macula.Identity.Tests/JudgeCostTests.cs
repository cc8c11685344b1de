using System.Diagnostics;
using Macula.Identity.Policy;
using Macula.Identity.Tests.Support;
using Macula.Identity.Trust;

namespace Macula.Identity.Tests;

/// <summary>What the decisions cost on this machine; run by hand, since a busy machine proves nothing.</summary>
public sealed class JudgeCostTests(ITestOutputHelper output)
{
    [Fact(Explicit = true)]
    public void PrintMicrosecondsPerDecision()
    {
        using var realm = new TestRealm();
        var der = realm.Issue("node-1").Der;
        var other = realm.Issue("node-2").Der;
        // With room for one, two certificates in turn are never remembered.
        var forgetful = new CertificateJudge(realm.Trust, capacity: 1);
        var judge = realm.NewJudge();
        var garbage = new byte[700];
        var identity = Assert.IsType<Verdict.Accepted>(judge.Judge([der], TestRealm.Start)).Identity;
        var authorizer = new Authorizer(realm.Authority.Realm.Id, realm.Authority.Realm.Policy);
        using var key = realm.NewKey();

        Print("judge, new certificate", 2000, round => forgetful.Judge([round % 2 == 0 ? der : other], TestRealm.Start));
        Print("judge, known certificate", 200_000, _ => judge.Judge([der], TestRealm.Start));
        Print("judge, garbage", 20_000, _ => judge.Judge([garbage], TestRealm.Start));
        Print("authorize, first policy", 1_000_000, _ => authorizer.Authorize(identity, MeshAction.Call, "math.add"));
        Print("issue (after pruning and ledger)", 15, _ => realm.Issue("node-1", key: null, now: TestRealm.Start + TimeSpan.FromDays(200 * (_ + 1))));
        var (scheme, spki, signature) = (Keys.EcdsaP256Scheme.Instance, key.SubjectPublicKeyInfo, key.Sign(der.Span));
        Print("accept public key", 2000, _ => scheme.AcceptsPublicKey(spki.Span));
        Print("verify", 2000, _ => scheme.Verify(spki.Span, der.Span, signature));
        Print("read certificate", 2000, _ => Certificates.NodeCertificate.TryRead(der, scheme, out var _, out var _));
        Print("sign", 2000, _ => key.Sign(der.Span));
    }

    private void Print(string what, int rounds, Action<int> action)
    {
        for (var round = 0; round < Math.Min(rounds, 1000) && rounds > 100; round++)
        {
            action(round);
        }

        var watch = Stopwatch.StartNew();
        for (var round = 0; round < rounds; round++)
        {
            action(round);
        }

        output.WriteLine($"{what}: {watch.Elapsed.TotalMicroseconds / rounds:F2} us");
    }
}
