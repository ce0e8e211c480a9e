#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes a file's bytes as a C array, so that a program carries them without reading a file.

    tools/embed.py FILE OUTPUT.c SYMBOL

defines `const unsigned char SYMBOL[]` and `const size_t SYMBOL_bytes`. Numbers and not a string:
compilers need only take string literals of 4,095 bytes. The same file gives the same output.
"""
import pathlib
import re
import sys

BYTES_A_LINE = 24


def c_source(name, symbol, data):
    yield "/* SPDX-License-Identifier: MIT */\n"
    yield f"/* The {len(data)} bytes of {name}, written by tools/embed.py. */\n"
    yield "#include <stddef.h>\n\n"
    yield f"extern const unsigned char {symbol}[{len(data)}];\n"
    yield f"extern const size_t {symbol}_bytes;\n\n"
    yield f"const size_t {symbol}_bytes = {len(data)};\n"
    yield f"const unsigned char {symbol}[{len(data)}] = {{\n"
    for at in range(0, len(data), BYTES_A_LINE):
        yield "".join(f"{byte}," for byte in data[at:at + BYTES_A_LINE]) + "\n"
    yield "};\n"


def main(arguments):
    if len(arguments) != 3:
        sys.exit("usage: tools/embed.py FILE OUTPUT.c SYMBOL")
    source, output, symbol = pathlib.Path(arguments[0]), pathlib.Path(arguments[1]), arguments[2]
    if not re.fullmatch(r"[A-Za-z_]\w*", symbol, re.ASCII):
        sys.exit(f"tools/embed.py: {symbol!r} is no name for a C symbol")
    try:
        data = source.read_bytes()
        if not data:
            sys.exit(f"tools/embed.py: {source} is empty, and C has no empty arrays")
        output.write_text("".join(c_source(source.name, symbol, data)), encoding="ascii")
    except OSError as error:
        sys.exit(f"tools/embed.py: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
