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
# shellcheck disable=SC2086 # names of our own files, one word each
cargo test --features conformance --no-fail-fast --lib $(printf -- '--test %s ' $programs) || status=$?
printf '%-16s %-30s %-14s %6s  %s\n' kind tool version files result
sort "$table"
exit $status
