#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Builds the wasm file of the supervisor, which the npm package's pools run on, and embeds it.

    tools/wasm_supervise.py [OUTPUT.js]   default: js/dist/pool/embedded_supervisor.js

wasm/supervise_exports.c, core/supervise/ and the mem* of wasm/libc.c are compiled with clang-19,
freestanding, and linked with wasm-ld-19 straight, as tools/wasm_math.py does. The result must
import nothing. The same sources give the same output.
"""
import base64
import pathlib
import re
import sys
import tempfile
import zlib

from wasm_math import ROOT, exports, run, sections

OUTPUT = ROOT / "js" / "dist" / "pool" / "embedded_supervisor.js"
FLAGS = ["--target=wasm32-unknown-unknown", "-std=c17", "-Oz", "-DSKEP_SMALL=1", "-DSKEP_ASSERTS=0",
         "-ffreestanding", "-nostdlib", "-nostdlibinc", "-ffunction-sections", "-mbulk-memory",
         "-mnontrapping-fptoint", "-msign-ext", "-fvisibility=hidden", "-Wall", "-Wextra",
         "-Wconversion", "-Werror", "-isystem", str(ROOT / "wasm" / "include"), "-I", str(ROOT),
         "-I", str(ROOT / "include")]
LINK = ["--no-entry", "--gc-sections", "--strip-all", "--stack-first", "-z", "stack-size=4096",
        "--initial-memory=65536", "--max-memory=2097152"]


def check(data, source):
    """Ends the program if the file needs anything of its host, or exports what it should not."""
    found = dict(sections(data))
    if 2 in found:
        sys.exit("tools/wasm_supervise.py: the file imports something")
    wanted = {"memory", *re.findall(r"^EXPORT\((\w+)\)", source, re.M)}
    names = set(exports(found.get(7, b"\0")))
    if names != wanted:
        sys.exit(f"tools/wasm_supervise.py: exports {sorted(names)}, not {sorted(wanted)}")


def build():
    """Returns the bytes of the wasm file."""
    own = ROOT / "wasm" / "supervise_exports.c"
    with tempfile.TemporaryDirectory() as name:
        objects = []
        libc = ROOT / "wasm" / "libc.c"
        for path in [own, libc, *sorted((ROOT / "core" / "supervise").glob("*.c"))]:
            objects.append(str(pathlib.Path(name) / f"{path.stem}.o"))
            builtin = ["-fno-builtin"] if path == libc else []
            run(["clang-19", *FLAGS, *builtin, "-c", "-o", objects[-1], str(path)])
        wasm = pathlib.Path(name) / "supervisor.wasm"
        run(["wasm-ld-19", *LINK, "-o", str(wasm), *objects])
        data = wasm.read_bytes()
    check(data, own.read_text(encoding="utf-8"))
    return data


def main(arguments):
    if len(arguments) > 1:
        sys.exit("usage: tools/wasm_supervise.py [OUTPUT.js]")
    output = pathlib.Path(arguments[0]) if arguments else OUTPUT
    data = build()
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    text = base64.b64encode(packer.compress(data) + packer.flush()).decode()
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text("// SPDX-License-Identifier: MIT\n"
                      "// The wasm file of the supervisor, deflated, by tools/wasm_supervise.py.\n"
                      f"export const SUPERVISOR_BYTES = {len(data)};\n"
                      f"export const SUPERVISOR_DEFLATED = '{text}';\n", encoding="ascii")


if __name__ == "__main__":
    main(sys.argv[1:])
