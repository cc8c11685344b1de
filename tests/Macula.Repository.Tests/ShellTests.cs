using Macula.Repository.Tests.Checks;

namespace Macula.Repository.Tests;

[Collection(ScriptFolder.OneAtATime)]
public sealed class ShellTests
{
    [Fact]
    public void ScriptsStopAtTheFirstError() => Expect.Obeyed(ShellChecks.Strict);

    [Fact]
    public void ScriptsParse() => Expect.Obeyed(ShellChecks.Parse);

    [Fact]
    public void ScriptsAreFoundBySuffixAndByFirstLine() =>
        Assert.Superset(
            new HashSet<string> { "macula", "test.sh", ".ci/run", "build/install-native.sh" },
            ShellChecks.Scripts(SourceTree.Current).Select(script => script.Path).ToHashSet());

    [Fact]
    public void LaxScriptIsFound() =>
        Expect.Found(
            ShellChecks.Strict,
            ["a.sh:3", "b:2"],
            ("a.sh", "#!/usr/bin/env bash\n\nset -e\n"),
            ("b", "#!/bin/bash\necho hello\n"),
            ("c.sh", "#!/bin/bash\n# What it does.\n\nset -euo pipefail\necho hello\n"),
            ("d.txt", "echo hello\n"));

    [Fact]
    public void ScriptThatDoesNotParseIsFound() =>
        Expect.Found(ShellChecks.Parse, ["a.sh:1"], ("a.sh", "set -euo pipefail\nif true; then\n"), ("b.sh", "set -euo pipefail\ntrue\n"));
}
