#!/usr/bin/env bash
# Ensures that the QUIC libraries Macula loads are installed: libngtcp2, its GnuTLS binding, and GnuTLS.
# Silent when they are. Otherwise it says what it installs and from where, and does so as root or through a
# sudo that asks for no password. Exit codes: 0 present, 1 an installation failed, 3 it may not install here.
# With --with-test-peer also gtlsclient, another implementation's QUIC client, which some tests speak to; a machine that
# cannot have it is not an error, and those tests are skipped.
set -euo pipefail

readonly libraries=(libngtcp2.so.16 libngtcp2_crypto_gnutls.so.8 libgnutls.so.30)
packages=(libngtcp2-16 libngtcp2-crypto-gnutls8)
readonly test_peer_package=ngtcp2-client
# Longest wait for another program that holds one of the package manager's locks.
readonly lock_seconds=300
readonly apt_folder=${MACULA_APT_FOLDER:-/etc/apt}
readonly temporary_source=$apt_folder/sources.list.d/macula-temporary.sources
readonly exit_may_not_install=3

say() { printf 'macula: %s\n' "$*" >&2; }

# The libraries that the loader would not find, one per line.
missing_libraries() {
    local ldconfig cache='' architecture library folder
    ldconfig=$(command -v ldconfig || echo /sbin/ldconfig)
    if [[ -x $ldconfig ]]; then cache=$("$ldconfig" -p 2>/dev/null || true); fi
    case $(uname -m) in
        x86_64) architecture='x86-64' ;;
        aarch64) architecture='AArch64' ;;
        *) architecture='' ;;
    esac
    local -a folders=(/lib /usr/lib /lib64 /usr/lib64 /usr/local/lib)
    if [[ -n $cache ]]; then folders=(); fi
    if [[ -n ${LD_LIBRARY_PATH:-} ]]; then IFS=: read -r -a extra <<<"$LD_LIBRARY_PATH"; folders+=("${extra[@]}"); fi
    for library in "${libraries[@]}"; do
        if [[ $cache =~ [[:space:]]"$library"\ \([^\)]*"$architecture" ]]; then continue; fi
        for folder in ${folders[@]+"${folders[@]}"}; do
            if [[ -n $folder && -e $folder/$library ]]; then continue 2; fi
        done
        echo "$library"
    done
}

codename() { (. "${MACULA_OS_RELEASE:-/etc/os-release}" 2>/dev/null && echo "${VERSION_CODENAME:-}") || true; }

# Debian 12 carries the libraries in its backports only; what came later has them in the main suite.
needs_backports() { [[ $1 == bookworm ]]; }

# The enabled binary sources of this machine that carry suite $1, as deb822 stanzas with one empty line between.
# Reads both forms in which apt keeps them, and keeps what decides trust (Signed-By, Trusted, Check-Valid-Until).
sources_of_suite() {
    local file
    for file in "$apt_folder"/sources.list.d/*.sources; do
        if [[ -r $file && $file != "$temporary_source" ]]; then deb822_sources "$1" <"$file"; fi
    done
    for file in "$apt_folder"/sources.list "$apt_folder"/sources.list.d/*.list; do
        if [[ -r $file ]]; then one_line_sources "$1" <"$file"; fi
    done
}

deb822_sources() {
    awk -v suite="$1" '
        function flush(   padded) {
            padded = " " field["suites"] " "
            if (index(" " field["types"] " ", " deb ") && tolower(field["enabled"]) != "no" && index(padded, " " suite " ")) {
                print "Types: deb"
                print "URIs: " field["uris"]
                print "Suites: " suite
                if (raw["signed-by"] != "") print "Signed-By:" raw["signed-by"]
                if (field["trusted"] != "") print "Trusted: " field["trusted"]
                if (field["check-valid-until"] != "") print "Check-Valid-Until: " field["check-valid-until"]
                print ""
            }
            split("", field); split("", raw); name = ""
        }
        { sub(/\r$/, "") }
        /^#/ { next }
        /^[ \t]*$/ { flush(); next }
        /^[ \t]/ { raw[name] = raw[name] "\n" $0; text = $0; gsub(/^[ \t]+|[ \t]+$/, "", text); field[name] = field[name] " " text; next }
        {
            name = tolower(substr($0, 1, index($0, ":") - 1))
            raw[name] = substr($0, index($0, ":") + 1)
            text = raw[name]; gsub(/[ \t]+/, " ", text); gsub(/^ | $/, "", text)
            field[name] = text
        }
        END { flush() }'
}

one_line_sources() {
    awk -v suite="$1" '
        /^[ \t]*deb[ \t]/ {
            line = $0; sub(/#.*/, "", line); sub(/^[ \t]*deb[ \t]+/, "", line); options = ""
            if (line ~ /^\[/) { options = substr(line, 2, index(line, "]") - 2); line = substr(line, index(line, "]") + 1) }
            split(line, part, " ")
            if (part[2] != suite) next
            print "Types: deb"; print "URIs: " part[1]; print "Suites: " suite
            count = split(options, option, " ")
            for (i = 1; i <= count; i++) {
                key = tolower(substr(option[i], 1, index(option[i], "=") - 1)); value = substr(option[i], index(option[i], "=") + 1)
                gsub(/,/, " ", value)
                if (key == "signed-by") print "Signed-By: " value
                if (key == "trusted") print "Trusted: " value
                if (key == "check-valid-until") print "Check-Valid-Until: " value
            }
            print ""
        }'
}

first_stanza() { awk '/^$/ { exit } { print }'; }

# The stanza that makes the backports of release $1 known: the machine's own first source, with another suite.
backports_stanza() {
    local stanza
    stanza=$(sources_of_suite "$1" | first_stanza)
    if [[ -z $stanza ]]; then return 1; fi
    sed "s/^Suites: .*/Suites: $1-backports\nComponents: main/" <<<"$stanza"
}

offered() {
    local package policy
    for package in "${packages[@]}"; do
        policy=$(LC_ALL=C apt-cache policy "$package" 2>/dev/null || true)
        if ! [[ $policy =~ Candidate:\ [^\(] ]]; then return 1; fi
    done
}

# What a person with the rights has to type here.
explain() {
    local release; release=$(codename)
    say "cannot install them here: $1. As root, run:"
    if ! command -v apt-get >/dev/null; then
        printf '    (your package manager) install the packages that hold: %s\n' "${libraries[*]}" >&2
    elif needs_backports "$release"; then
        printf '    bash %q\n' "$self" >&2
        say "or, with $release-backports among the machine's sources:"
        printf '    apt-get update && apt-get install -y --no-install-recommends -t %s-backports %s\n' "$release" "${packages[*]}" >&2
    else
        printf '    apt-get update && apt-get install -y --no-install-recommends %s\n' "${packages[*]}" >&2
    fi
    exit "$exit_may_not_install"
}

cleanup() {
    if [[ -n ${source_written:-} ]]; then rm -f "$temporary_source"; fi
    if [[ -n ${log:-} ]]; then rm -f "$log"; fi
}

fail() {
    say "$1"
    if [[ -s $log ]]; then tail -n 20 "$log" >&2; fi
    exit 1
}

# `apt-get update` does not wait for the lock on the lists, whatever its options say; so we ask again.
update_lists() {
    local waited=0
    until LC_ALL=C apt-get update >"$log" 2>&1; do
        if ! grep -q 'Could not get lock' "$log"; then
            # A source that is not ours may be broken; whether it matters, the installation will tell.
            say "apt-get update reported errors; going on with what it has"
            return
        fi
        if (( waited >= lock_seconds )); then fail "another program has held the package lists for $lock_seconds s"; fi
        sleep 2
        waited=$((waited + 2))
    done
}

install_packages() {
    local release=$1 origin='' target=() stanza
    trap cleanup EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    log=$(mktemp)
    # A run that was killed without a chance to clean up has left its file behind.
    rm -f "$temporary_source"
    if needs_backports "$release" && [[ -z $(sources_of_suite "$release-backports") ]] && ! offered; then
        stanza=$(backports_stanza "$release") || fail "no source for $release in $apt_folder to take the address of $release-backports from"
        source_written=yes
        printf '%s\n' "$stanza" >"$temporary_source"
        chmod 644 "$temporary_source"
        origin=" from $release-backports at $(sed -n 's/^URIs: //p' <<<"$stanza")"
        target=(-t "$release-backports")
    fi
    say "installing ${packages[*]} (the QUIC library)${origin:- from the configured package sources}"
    update_lists
    if ! offered; then
        say "the package sources of this machine (${release:-unknown release}) do not offer ${packages[*]}."
        say "Debian 12 (backports), Debian 13, Ubuntu 25.04 and later do."
        exit "$exit_may_not_install"
    fi
    DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 apt-get install -y --no-install-recommends \
        -o DPkg::Lock::Timeout="$lock_seconds" ${target[@]+"${target[@]}"} "${packages[@]}" >"$log" 2>&1 </dev/null \
        || fail "apt-get install failed:"
    if [[ -n $(missing_libraries) ]]; then fail "installed, and still not found by the loader: $(missing_libraries | xargs)"; fi
    say "installed"
}

# Whether the test peer is wanted, absent, and may be installed here.
lacks_test_peer() {
    [[ ${1:-} == --with-test-peer ]] && ! command -v gtlsclient >/dev/null && (( EUID == 0 )) && command -v apt-get >/dev/null
}

main() {
    local missing
    missing=$(missing_libraries | xargs)
    if lacks_test_peer "$@"; then
        packages+=("$test_peer_package")
        missing="${missing:+$missing }gtlsclient"
    fi
    if [[ -z $missing ]]; then return; fi
    say "missing: $missing"
    if [[ $(uname -s) != Linux ]]; then explain "full nodes run on Linux (x64, arm64)"; fi
    if ! command -v apt-get >/dev/null; then explain "this system has no apt-get"; fi
    if (( EUID != 0 )); then
        if ! command -v sudo >/dev/null || ! sudo -n true 2>/dev/null; then explain "neither root nor a sudo without password"; fi
        exec sudo -n bash "$self" "$@"
    fi
    if ! [[ -w $apt_folder/sources.list.d ]]; then explain "$apt_folder/sources.list.d cannot be written"; fi
    # Two clones may come here at once; the second then finds the work done.
    exec 8>/run/lock/macula-install-native
    flock -w "$lock_seconds" 8 || { say "another installation has run for $lock_seconds s"; exit 1; }
    if [[ -z $(missing_libraries) ]] && ! lacks_test_peer "$@"; then return; fi
    install_packages "$(codename)"
}

self=$(readlink -f "${BASH_SOURCE[0]}")
if [[ ${BASH_SOURCE[0]} == "$0" ]]; then main "$@"; fi
