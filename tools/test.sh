#!/bin/sh
# SPDX-License-Identifier: MIT
# `make test`: builds every preset that has tests, and those whose world hashes are compared, then
# runs all their tests as one run of ctest, so that one summary closes the output. The tests of the
# JavaScript side run with those of the dev preset.
#
#     tools/test.sh [--only PRESET[,PRESET...]] [arguments of ctest]
set -eu
cd "$(dirname "$0")/.."

tested="dev clang asan tsan release"
hashed="o0 native clang-native"
if [ "${1:-}" = --only ]; then
    tested=$(echo "$2" | tr ',' ' ')
    hashed=
    shift 2
fi
jobs=$(getconf _NPROCESSORS_ONLN)
start=$(date +%s)
# Thousands of workers of Node.js load the same modules: the types are taken out of each once.
NODE_COMPILE_CACHE=${NODE_COMPILE_CACHE:-$PWD/build/node_cache}
export NODE_COMPILE_CACHE
say() { printf '\n== %s (%s s)\n' "$*" "$(($(date +%s) - start))"; }

logs=build/logs
mkdir -p "$logs"
# Configuring is quiet unless it fails.
configure() {
    preset=$1
    shift
    cmake --preset "$preset" "$@" >"$logs/$preset.log" 2>&1 || {
        cat "$logs/$preset.log"
        echo "tools/test.sh: preset $preset could not be configured" >&2
        exit 1
    }
}

# Configuring has one thread, as has some of the build of JavaScript; so all of that runs at once.
begun=
begin() {
    "$@" &
    begun="$begun $!"
}
case " $tested " in
    *" dev "*)
        say "build js, configure $tested $hashed"
        begin tools/js_build.sh
        begin tools/viewer.sh
        ;;
    *) say "configure $tested $hashed" ;;
esac
# Release is configured without tests for `make run`; here it has them.
for preset in $tested; do begin configure "$preset" -DSKEP_TESTS=ON -DSKEP_TEST_JS=ON; done
for preset in $hashed; do begin configure "$preset"; done
for pid in $begun; do wait "$pid"; done

for preset in $tested; do
    say "build $preset"
    cmake --build "build/$preset" -j "$jobs"
done
for preset in $hashed; do
    say "build $preset: the command only"
    cmake --build "build/$preset" -j "$jobs" --target skep_cli
done

# ctest runs what this file names: the tests of each build, by their own prefix, and the comparison.
all=build/all
rm -rf "$all"
mkdir -p "$all"
root=$(pwd)
{
    for preset in $tested; do echo "subdirs(\"$root/build/$preset\")"; done
    if [ -n "$hashed" ]; then
        printf 'add_test(hash.every_build python3 "%s/tools/hash_equality.py"' "$root"
        for preset in dev clang release $hashed; do
            printf ' "%s/build/%s/skep"' "$root" "$preset"
        done
        echo ')'
        echo 'set_tests_properties(hash.every_build PROPERTIES TIMEOUT 900 COST 900 PROCESSORS 2)'
    fi
} >"$all/CTestTestfile.cmake"

say "run all tests"
cd "$all"
# gcc's ThreadSanitizer cannot map its shadow where the kernel randomises 32 bits of an address.
no_random=
if [ "$(cat /proc/sys/vm/mmap_rnd_bits 2>/dev/null || echo 28)" -gt 28 ] &&
    setarch "$(uname -m)" -R true 2>/dev/null; then
    no_random="setarch $(uname -m) -R"
fi
# ctest counts halves of a core (tests/CMakeLists.txt).
exec $no_random ctest --output-on-failure --no-label-summary -j "$((jobs * 2))" "$@"
