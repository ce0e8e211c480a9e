#!/bin/sh
# SPDX-License-Identifier: MIT
# `make fuzz`: runs libFuzzer on each decoder of tests/fuzz, from the corpus that is checked in on.
# What it finds stays in build/fuzz/corpus, and what breaks a decoder in build/fuzz/found, with the
# command that repeats it.
#
#     tools/fuzz.sh [SECONDS [TARGET...]]      60 seconds, all targets
set -eu
cd "$(dirname "$0")/.."

seconds=${1:-60}
[ $# -gt 0 ] && shift
targets=${*:-$(ls -d tests/fuzz/corpus/*/ | xargs -n 1 basename)}
build=build/fuzz
[ -f "$build/build.ninja" ] || cmake --preset fuzz >/dev/null
cmake --build "$build" -j "$(getconf _NPROCESSORS_ONLN)" --target fuzz

broken=
for target in $targets; do
    mkdir -p "$build/corpus/$target" "$build/found/$target" "$build/logs"
    log=$build/logs/$target.txt
    echo "== $target, $seconds s"
    if ! SKEP_FUZZ=$target "$build/tests/fuzz" "$build/corpus/$target" "tests/fuzz/corpus/$target" \
        -max_total_time="$seconds" -max_len=16384 -timeout=20 -rss_limit_mb=2048 \
        -print_final_stats=1 -artifact_prefix="$build/found/$target/" >"$log" 2>&1; then
        broken="$broken $target"
        tail -n 60 "$log"
        echo "tools/fuzz.sh: repeat with SKEP_FUZZ=$target $build/tests/fuzz FILE"
        continue
    fi
    sed -n 's/^stat::number_of_executed_units: */   inputs: /p' "$log"
done
if [ -n "$broken" ]; then
    echo "tools/fuzz.sh: broken:$broken" >&2
    exit 1
fi
