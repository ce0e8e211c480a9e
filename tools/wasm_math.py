#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Builds the wasm file behind the npm package's `skep/math` and embeds it.

    tools/wasm_math.py [OUTPUT.js]        default: js/dist/math/embedded_math.js

wasm/math_exports.c and core/base/math_*.c are compiled with clang-19, freestanding, and linked with
wasm-ld-19 straight. The result must import nothing and export just its functions and the memory
that holds their tables; then it is written as a module with one base64 string. The same sources
give the same output.
"""
import base64
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
OUTPUT = ROOT / "js" / "dist" / "math" / "embedded_math.js"
# No simd: the functions are called with one value at a time, and so run on any wasm host.
FLAGS = ["--target=wasm32-unknown-unknown", "-std=c17", "-O2", "-ffreestanding", "-nostdlib",
         "-nostdlibinc", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math",
         "-fvisibility=hidden", "-Wall", "-Wextra", "-Werror", "-I", str(ROOT), "-I",
         str(ROOT / "include")]
LINK = ["--no-entry", "--gc-sections", "--strip-all", "--stack-first", "-z", "stack-size=4096",
        "--initial-memory=65536", "--max-memory=65536"]
FUNCTIONS = ["sin", "cos", "tan", "asin", "acos", "atan", "exp", "log", "atan2", "pow", "sincos"]


def run(line):
    try:
        done = subprocess.run(line, capture_output=True, text=True, check=False)
    except OSError as error:
        sys.exit(f"tools/wasm_math.py: {line[0]}: {error.strerror}; tools/setup.sh installs it")
    if done.returncode != 0:
        sys.exit(f"{' '.join(line)}\n{done.stderr}")


def number(data, at):
    """Reads an unsigned LEB128 number; returns it and the place behind it."""
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
        if data[at - 1] < 0x80:
            return value, at


def sections(data):
    """The (id, bytes) of each section."""
    at = 8
    while at < len(data):
        kind = data[at]
        size, at = number(data, at + 1)
        yield kind, data[at:at + size]
        at += size


def exports(section):
    """The names of an export section."""
    count, at = number(section, 0)
    names = []
    for _ in range(count):
        size, at = number(section, at)
        names.append(section[at:at + size].decode())
        _, at = number(section, at + size + 1)
    return names


def check(data):
    """Ends the program if the file needs anything of its host, or lacks or leaks a name."""
    found = dict(sections(data))
    if 2 in found:
        sys.exit("tools/wasm_math.py: the file imports something")
    wanted = {"memory"} | {f"{name}_{kind}" for name in FUNCTIONS for kind in ("f32", "f64")}
    names = set(exports(found.get(7, b"\0")))
    if names != wanted:
        sys.exit(f"tools/wasm_math.py: missing {sorted(wanted - names)}, "
                 f"too many {sorted(names - wanted)}")


def build():
    """Returns the bytes of the wasm file."""
    files = [ROOT / "wasm" / "math_exports.c", *sorted((ROOT / "core" / "base").glob("math_*.c"))]
    with tempfile.TemporaryDirectory() as name:
        objects = []
        for path in files:
            objects.append(str(pathlib.Path(name) / f"{path.stem}.o"))
            run(["clang-19", *FLAGS, "-c", "-o", objects[-1], str(path)])
        wasm = pathlib.Path(name) / "math.wasm"
        run(["wasm-ld-19", *LINK, "-o", str(wasm), *objects])
        data = wasm.read_bytes()
    check(data)
    return data


def main(arguments):
    if len(arguments) > 1:
        sys.exit("usage: tools/wasm_math.py [OUTPUT.js]")
    output = pathlib.Path(arguments[0]) if arguments else OUTPUT
    text = base64.b64encode(build()).decode()
    assert re.fullmatch(r"[A-Za-z0-9+/]+=*", text)
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text("// SPDX-License-Identifier: MIT\n"
                      "// The wasm file of skep/math, written by tools/wasm_math.py.\n"
                      f"export const MATH_WASM = '{text}';\n", encoding="ascii")


if __name__ == "__main__":
    main(sys.argv[1:])
