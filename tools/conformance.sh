#!/usr/bin/env bash
# Runs every check by a real tool of another ecosystem, after `tools/install.sh`, and prints what each has read: kind,
# tool, version, files, result. The test programs are those that name the feature; the others need no tool, and plain
# `cargo test` runs them.
set -euo pipefail
cd "$(dirname "$0")/.."
. .tools/env

programs=$(grep -rl 'feature = "conformance"' tests --include='*.rs' | sed -E 's:^tests/([^/.]+).*:\1:' | sort -u)
table="${CARGO_TARGET_DIR:-target}/conformance.txt"
rm -f "$table"
status=0
# shellcheck disable=SC2046,SC2086 # names of our own files, one word each
set -- $(printf -- '--test %s ' $programs)
cargo test --features conformance --no-run --lib "$@"
# The proxies of the library's own tests are waited for most of the time, so they run beside the rest.
log="$(mktemp)"
cargo test --features conformance --lib > "$log" 2>&1 &
beside=$!
cargo test --features conformance --no-fail-fast "$@" || status=$?
wait $beside || status=$?
cat "$log"
rm -f "$log"
printf '%-16s %-30s %-14s %6s  %s\n' kind tool version files result
sort "$table"
exit $status
