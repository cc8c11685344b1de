#!/usr/bin/env bash
# Builds the solution and runs every test project. Its last line reads `N passed, N failed`; the line before it says
# how many tests were skipped, if any. The exit code is 0 when nothing failed.
set -euo pipefail

usage() {
    cat <<'USAGE'
usage: ./test.sh [--only PROJECT] [--nightly] [--help]

  --only PROJECT   build and run one test project, by its name: Wire, or Macula.Wire.Tests
  --nightly        the long run: sets MACULA_NIGHTLY=1, and MACULA_FUZZ_ITERATIONS and MACULA_SIMULATION_SEEDS unless they are set
  --help           this text

environment
  MACULA_TEST_SECONDS      longest time one project may run (default 300; more for Macula, Macula.Cli and, by its seeds, Macula.Simulation; nightly 21600)
  MACULA_FUZZ_ITERATIONS   mutations per fuzzed decoder
  MACULA_SIMULATION_SEEDS  simulated meshes with fresh seeds (default 200, nightly 1000)

Results are kept in artifacts/test-results: PROJECT.xml for programs, PROJECT.log for people.
USAGE
}

root=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
cd "$root"
# shellcheck source=build/dotnet.sh
. build/dotnet.sh
exec </dev/null

readonly results=artifacts/test-results
readonly configuration=Release
# More than two at once gain nothing on the machines that this runs on, and blur the timing tests.
readonly most_at_once=2
# How much of a failed project's log is shown; the whole stays in the results folder.
readonly shown_log_lines=200
# Mutations per decoder in a nightly run.
readonly nightly_fuzz_iterations=100000000
# Simulated meshes with fresh seeds, 20 nodes and two virtual minutes each.
readonly simulation_seeds=200 nightly_simulation_seeds=1000
# Longest time one project may run: several times what it takes on two busy cores. Most take less than a minute; whole nodes
# and processes take some minutes, and each seed some seconds. In a nightly run anything may take hours.
readonly most_seconds=300 most_node_seconds=1800 most_seconds_per_seed=15 nightly_most_seconds=21600
# A test that runs for so long is named in its project's log, again and again: the log of a project that hung says where.
readonly long_running_seconds=30

only='' test_seconds=${MACULA_TEST_SECONDS:-}
passed=0 failed=0 skipped=0

parse_arguments() {
    while (( $# > 0 )); do
        case $1 in
            --only)
                if (( $# < 2 )); then complain "--only needs the name of a test project"; exit 2; fi
                only=$2
                shift
                ;;
            --nightly)
                export MACULA_NIGHTLY=1 MACULA_FUZZ_ITERATIONS=${MACULA_FUZZ_ITERATIONS:-$nightly_fuzz_iterations}
                export MACULA_SIMULATION_SEEDS=${MACULA_SIMULATION_SEEDS:-$nightly_simulation_seeds}
                test_seconds=${MACULA_TEST_SECONDS:-$nightly_most_seconds}
                ;;
            --help | -h) usage; exit 0 ;;
            *) complain "unknown argument: $1"; usage >&2; exit 2 ;;
        esac
        shift
    done
}

# Names of the test projects to run, one per line.
projects() {
    local file name
    for file in tests/*/*.csproj; do
        name=$(basename "$file" .csproj)
        if [[ -z $only || ${name,,} == "${only,,}" || ${name,,} == "macula.${only,,}.tests" ]]; then echo "$name"; fi
    done
}

# Prints the last line and ends: what cannot even start counts as one failure.
give_up() {
    complain "$1"
    echo "0 passed, 1 failed"
    exit 1
}

restore_and_build() {
    local target=Macula.slnx log=$results/build.log stamped=(stamped_build "$root")
    # One project's build may leave the program out, so it says nothing about the program's age.
    if [[ -n $only ]]; then target=tests/$1 stamped=(); fi
    # Restoring is the one step that uses the network, so it gets a second chance.
    dotnet restore "$target" -v quiet >"$log" 2>&1 \
        || { complain "restore failed, trying once more"; dotnet restore "$target" -v quiet >"$log" 2>&1; } \
        || { cat "$log"; return 1; }
    ${stamped[@]+"${stamped[@]}"} dotnet build "$target" --no-restore -c "$configuration" -v quiet >"$log" 2>&1 || { cat "$log"; return 1; }
}

# How many seconds a project may run.
limit_of() {
    if [[ -n $test_seconds ]]; then echo "$test_seconds"; return; fi
    case $1 in
        Macula.Tests | Macula.Cli.Tests) echo "$most_node_seconds" ;;
        Macula.Simulation.Tests) echo $((most_seconds + MACULA_SIMULATION_SEEDS * most_seconds_per_seed)) ;;
        *) echo "$most_seconds" ;;
    esac
}

# Runs one project and leaves its exit code in PROJECT.rc, which is what says that it has ended.
run_project() {
    local name=$1 code=0 began=$SECONDS runner limit
    limit=$(limit_of "$name")
    timeout --kill-after=10 "$limit" "artifacts/bin/$name/${configuration,,}/$name" \
        -noColor -noLogo -noAutoReporters -longRunning "$long_running_seconds" -xml "$results/$name.xml" >"$results/$name.log" 2>&1 7>&- &
    runner=$!
    trap 'kill "$runner"' TERM
    wait "$runner" || code=$?
    echo "$code $((SECONDS - began))" >"$results/$name.rc"
}

# The value of attribute $2 summed over the assembly elements of result file $1.
total() {
    tr '\n' ' ' <"$1" | grep -o '<assembly [^>]*>' | sed -n "s/.* $2=\"\([0-9]*\)\".*/\1/p" | awk '{ sum += $1 } END { print sum + 0 }'
}

# Name and reason of every skipped test of result file $1.
list_skipped() {
    awk -v RS='<test ' '/result="Skip"/ {
        name = $0; sub(/.*name="/, "", name); sub(/".*/, "", name)
        reason = $0; sub(/.*<reason>/, "", reason); sub(/<\/reason>.*/, "", reason); gsub(/<!\[CDATA\[|\]\]>/, "", reason)
        printf "     skipped %s: %s\n", name, reason
    }' "$1"
}

# Adds one project's result to the counts and prints it.
account() {
    local name=$1 code seconds ok=0 bad=0 left=0 note=''
    read -r code seconds <"$results/$name.rc"
    if [[ -s $results/$name.xml ]]; then
        ok=$(total "$results/$name.xml" passed)
        bad=$(( $(total "$results/$name.xml" failed) + $(total "$results/$name.xml" errors) ))
        left=$(total "$results/$name.xml" skipped)
    fi
    if (( code == 124 || code == 137 )); then
        bad=$((bad + 1)) note="; it was ended, since it ran for longer than $(limit_of "$name") s"
    elif (( bad == 0 && code != 0 )); then
        bad=1 note="; it ended with exit code $code"
    elif (( ok + bad == 0 )); then
        bad=1 note='; it ran no test'
    fi
    passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + left))
    printf '%-4s %-32s %5d passed %4d failed %4d skipped %5d s%s\n' \
        "$( ((bad == 0)) && echo ok || echo FAIL)" "$name" "$ok" "$bad" "$left" "$seconds" "$note"
    if (( left > 0 )); then list_skipped "$results/$name.xml"; fi
    if (( bad > 0 )); then tail -n "$shown_log_lines" "$results/$name.log"; fi
}

run_all() {
    local name running=0
    trap 'kill $(jobs -p) 2>/dev/null || true' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    for name in "$@"; do
        if (( running >= most_at_once )); then wait -n || true; running=$((running - 1)); fi
        run_project "$name" &
        running=$((running + 1))
    done
    wait
    trap - EXIT
    for name in "$@"; do account "$name"; done
}

main() {
    local -a names
    parse_arguments "$@"
    export MACULA_SIMULATION_SEEDS=${MACULA_SIMULATION_SEEDS:-$simulation_seeds}
    mapfile -t names < <(projects)
    if (( ${#names[@]} == 0 )); then give_up "no test project ${only:+named $only }under tests/"; fi
    require_sdk "$root" || give_up "the tests need the .NET SDK"
    build/install-native.sh --with-test-peer || give_up "the tests need the QUIC library"
    # A second run in this clone would replace the programs and results of the first; it waits instead.
    require_writable "$root" || give_up "the tests cannot be built here"
    exec 7>artifacts/test.lock
    flock 7
    rm -rf "$results"
    mkdir -p "$results"
    locked_build "$root" restore_and_build "${names[0]}" 7>&- || give_up "the build failed"
    run_all "${names[@]}"
    if (( skipped > 0 )); then echo "$skipped skipped"; fi
    echo "$passed passed, $failed failed"
    (( failed == 0 ))
}

main "$@"
