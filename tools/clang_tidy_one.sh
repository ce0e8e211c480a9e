#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs clang-tidy over one file and prints its findings only; xargs stops at exit code 255.
if output=$(clang-tidy-14 -p build/dev --quiet "$1" 2>&1); then
    echo "  ${1#"$PWD"/}"
else
    echo "$output" | grep -v -E '^[0-9]+ warnings? (generated|treated)'
    exit 1
fi
