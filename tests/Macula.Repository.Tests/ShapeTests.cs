using Macula.Repository.Tests.Checks;

namespace Macula.Repository.Tests;

public sealed class ShapeTests
{
    [Fact]
    public void TypesAreSmall() => Expect.Obeyed(ShapeChecks.TypeSize);

    [Fact]
    public void MethodsAreSmall() => Expect.Obeyed(ShapeChecks.MethodSize);

    [Fact]
    public void FilesAreSmall() => Expect.Obeyed(ShapeChecks.FileSize);

    [Fact]
    public void PartialTypesAreSplitByTopic() => Expect.Obeyed(ShapeChecks.Partials);

    [Fact]
    public void NamesSaySomething() => Expect.Obeyed(ShapeChecks.Names);

    [Fact]
    public void InterfacesHaveTwoImplementations() => Expect.Obeyed(ShapeChecks.Interfaces);

    [Fact]
    public void PublicMethodsTakeNoBool() => Expect.Obeyed(ShapeChecks.BoolParameters);

    [Fact]
    public void TypeThatHidesItsSizeBehindPartsIsFound()
    {
        var half = Lines(ShapeChecks.MaxTypeLines / 2);
        Expect.Accepted(ShapeChecks.TypeSize, ("src/A/T.cs", $"public class T {{{Lines(ShapeChecks.MaxTypeLines - 1)}}}"));
        Expect.Found(
            ShapeChecks.TypeSize,
            ["src/A/T.One.cs:1"],
            ("src/A/T.One.cs", $"public partial class T {{{half}}}"),
            ("src/A/T.Two.cs", $"public partial class T {{{half}}}"),
            ("src/A/U.cs", $"public partial class U {{{half}}}"));
    }

    [Fact]
    public void SameNameInTwoProjectsIsTwoTypes() =>
        Expect.Accepted(
            ShapeChecks.TypeSize,
            ("src/A/T.cs", $"class T {{{Lines(300)}}}"),
            ("src/B/T.cs", $"class T {{{Lines(300)}}}"));

    [Fact]
    public void LongMethodIsFound()
    {
        Expect.Accepted(ShapeChecks.MethodSize, ("src/A/T.cs", $"class T {{ void M() {{{Lines(ShapeChecks.MaxMethodLines - 1)}}} }}"));
        Expect.Found(ShapeChecks.MethodSize, ["src/A/T.cs:1"], ("src/A/T.cs", $"class T {{ void M() {{{Lines(ShapeChecks.MaxMethodLines)}}} }}"));
        Expect.Found(ShapeChecks.MethodSize, ["tests/A/T.cs:2"], ("tests/A/T.cs", $"class T {{\nint P {{ get {{{Lines(ShapeChecks.MaxMethodLines)}return 1; }} }} }}"));
    }

    [Fact]
    public void LongFileIsFound()
    {
        Expect.Accepted(ShapeChecks.FileSize, ("src/A/T.cs", Lines(ShapeChecks.MaxFileLines)));
        Expect.Found(ShapeChecks.FileSize, ["src/A/T.cs:1"], ("src/A/T.cs", Lines(ShapeChecks.MaxFileLines + 1)));
    }

    [Fact]
    public void PartsWithoutATopicAreFound()
    {
        Expect.Found(ShapeChecks.Partials, ["src/A/Rest.cs:1"], ("src/A/T.cs", "public partial class T { }"), ("src/A/Rest.cs", "public partial class T { }"));
        Expect.Found(ShapeChecks.Partials, ["src/A/T.Calls.cs:1"], ("src/A/T.cs", "partial class T { }"), ("src/A/T.Calls.cs", "partial class T { }"));
        Expect.Found(ShapeChecks.Partials, ["src/A/T.cs:1"], ("src/A/T.cs", "public partial class T { }"));
        Expect.Accepted(ShapeChecks.Partials, ("src/A/T.cs", "public partial class T { }"), ("src/A/T.Calls.cs", "public partial class T { }"));
    }

    [Fact]
    public void PartsThatAGeneratorCompletesAreAccepted() =>
        Expect.Accepted(
            ShapeChecks.Partials,
            ("src/A/T.cs", "static partial class T { [LoggerMessage(1)] static partial void M(); }"),
            ("src/A/U.cs", "[JsonSerializable(typeof(int))] partial class U : C { }"),
            ("src/A/V.cs", "partial class V { static partial class W { [LibraryImport(\"x\")] static partial void M(); } }"));

    [Fact]
    public void NamesThatSayNothingAreFound() =>
        Expect.Found(
            ShapeChecks.Names,
            ["src/A/A.cs:1", "src/A/A.cs:2", "apps/B/B.cs:1", "tests/C/C.cs:1"],
            ("src/A/A.cs", "namespace A.Common;\nclass ConnectionManager { int helper; }\nclass Metadata { }"),
            ("apps/B/B.cs", "enum PathInfo { }"),
            ("tests/C/C.cs", "record DhtHelper(int X);"));

    [Fact]
    public void InterfaceWithOneImplementationIsFound() =>
        Expect.Found(
            ShapeChecks.Interfaces,
            ["src/A/I.cs:1", "src/A/I.cs:2"],
            ("src/A/I.cs", "interface INone { }\ninterface IOne { }\ninterface ITwo { }\ninterface IDerived : ITwo { }\n"),
            ("src/A/C.cs", "abstract class Base : IOne, A.IDerived { }\nclass Left : Base { }\n"),
            ("src/B/C.cs", "class Right : IDerived { }"),
            ("tests/B/C.cs", "class Fake : IOne { }"));

    [Fact]
    public void BoolThatChoosesIsFound() =>
        Expect.Found(
            ShapeChecks.BoolParameters,
            ["src/A/A.cs:2", "src/A/A.cs:3", "src/A/I.cs:1"],
            ("src/A/A.cs", """
                public class A {
                    public A(bool eager) { }
                    public void Dial(int x, bool? force) { }
                    public bool TryGet(out bool found) => found = true;
                    public void Write(bool value) { }
                    protected virtual void Dispose(bool disposing) { }
                    internal void Inner(bool x) { }
                }
                """),
            ("src/A/I.cs", "public interface I { void M(bool x); }"),
            ("src/A/B.cs", "class B { public void M(bool x) { } }"),
            ("apps/A/B.cs", "public class B { public void M(bool x) { } }"));

    private static string Lines(int count) => new('\n', count);
}
