#!/usr/bin/env bash
# What ./macula and ./test.sh share: finding the .NET SDK, and building one at a time. To be sourced.
set -euo pipefail

readonly exit_no_sdk=3
# Longest wait for another build in this clone.
readonly build_lock_seconds=900

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_SKIP_FIRST_TIME_EXPERIENCE=1
# A build node or compiler that stays behind would hold this clone's files and whatever its caller had open.
export MSBUILDDISABLENODEREUSE=1 UseSharedCompilation=false

complain() { printf 'macula: %s\n' "$*" >&2; }

# Puts dotnet on the path and names its folder, where the built programs look for the runtime.
find_dotnet() {
    local candidate
    if ! command -v dotnet >/dev/null; then
        for candidate in "${DOTNET_ROOT:-}" "${HOME:-}/.dotnet" /usr/share/dotnet /usr/lib/dotnet /usr/local/share/dotnet; do
            if [[ -n $candidate && -x $candidate/dotnet ]]; then PATH=$candidate:$PATH; break; fi
        done
    fi
    if ! command -v dotnet >/dev/null; then
        complain "the .NET 10 SDK is needed and no 'dotnet' was found on the PATH, in DOTNET_ROOT or in the usual folders."
        return "$exit_no_sdk"
    fi
    if [[ -z ${DOTNET_ROOT:-} ]]; then
        DOTNET_ROOT=$(dirname "$(readlink -f "$(command -v dotnet)")")
        export DOTNET_ROOT
    fi
}

# The SDK that global.json asks for; a machine may hold the runtime alone, or an older SDK.
require_sdk() {
    find_dotnet || return
    local answer
    if ! answer=$(cd "$1" && dotnet --version 2>&1 </dev/null); then
        complain "the .NET SDK that global.json asks for ($(tr -d '{}\n "' <"$1/global.json")) is not installed, or does not run."
        complain "installed SDKs: $(dotnet --list-sdks 2>/dev/null </dev/null | awk '{ printf "%s ", $1 }' || true)"
        complain "'dotnet --version' says: $(awk 'NF { print; exit }' <<<"$answer")"
        return "$exit_no_sdk"
    fi
}

# A clone of another account can be run by everybody once it is built, and built by its owner alone.
require_writable() {
    if ! mkdir -p "$1/artifacts" 2>/dev/null || ! [[ -w $1/artifacts ]]; then
        complain "$1 must be built, and this account may not write there: let its owner run './macula version' in it, or clone it to a place of your own."
        return 1
    fi
}

# Runs a build while holding the lock of the clone at $1, so that two at once do not write the same files.
# The lock's descriptor is closed for the build itself: what that leaves running must not keep it.
locked_build() {
    local root=$1
    shift
    require_writable "$root" || return
    (
        flock -n 9 || complain "waiting for another build of this clone"
        flock -w "$build_lock_seconds" 9 || { complain "another build in $root has run for $build_lock_seconds s"; exit 1; }
        "$@" 9>&-
    ) 9>"$root/artifacts/build.lock"
}

# Marks the time of the last build of the clone at $1.
stamp_of() { echo "$1/artifacts/macula.stamp"; }

# Runs a build that includes the program. The stamp bears the time before it, so that a file saved meanwhile is built next time.
stamped_build() {
    local stamp begun
    stamp=$(stamp_of "$1")
    begun=$stamp.$BASHPID
    shift
    touch "$begun"
    if ! "$@"; then rm -f "$begun"; return 1; fi
    mv "$begun" "$stamp"
}

# What the program is built from. A folder's time changes when a file in it comes or goes.
program_sources() { printf '%s\n' "$1/src" "$1/apps" "$1/build" "$1"/Directory.* "$1/global.json" "$1/.editorconfig"; }

# True when the last build of the clone at $1 is newer than everything the program is built from.
is_current() {
    local -a sources
    local stamp; stamp=$(stamp_of "$1")
    mapfile -t sources < <(program_sources "$1")
    [[ -e $stamp && -z $(find "${sources[@]}" -newer "$stamp" -print -quit 2>&1) ]]
}
