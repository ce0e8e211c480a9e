#!/bin/sh
# SPDX-License-Identifier: MIT
# `make storm`: so many faults of all kinds, in isolated processes and in threads, that what is
# wrong once in a hundred thousand times shows. tests/storm says what must hold.
#
#     tools/storm.sh [FAULTS]      100,000
set -eu
cd "$(dirname "$0")/.."

build=build/release
cmake --preset release -DSKEP_TESTS=ON >/dev/null
cmake --build "$build" -j "$(getconf _NPROCESSORS_ONLN)" --target test_storm_storm
ulimit -c 0
SKEP_STORM=${1:-100000} exec "$build/tests/test_storm_storm"
