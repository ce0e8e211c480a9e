#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes a file's bytes as a C array, so that a program carries them without reading a file.

    tools/embed.py [--optional] FILE OUTPUT.c SYMBOL

defines `const unsigned char SYMBOL[]` and `const size_t SYMBOL_bytes`. Numbers and not a string:
compilers need only take string literals of 4,095 bytes. The same file gives the same output.

With --optional the file may be missing, which gives 0 bytes (an array of one zero, since C has no
empty ones), and the output is left alone where it says the same already.
"""
import pathlib
import re
import sys

BYTES_A_LINE = 24


def c_source(name, symbol, data):
    yield "/* SPDX-License-Identifier: MIT */\n"
    yield f"/* The {len(data)} bytes of {name}, written by tools/embed.py. */\n"
    yield "#include <stddef.h>\n\n"
    stored = data or b"\0"
    yield f"extern const unsigned char {symbol}[{len(stored)}];\n"
    yield f"extern const size_t {symbol}_bytes;\n\n"
    yield f"const size_t {symbol}_bytes = {len(data)};\n"
    yield f"const unsigned char {symbol}[{len(stored)}] = {{\n"
    for at in range(0, len(stored), BYTES_A_LINE):
        yield "".join(f"{byte}," for byte in stored[at:at + BYTES_A_LINE]) + "\n"
    yield "};\n"


def main(arguments):
    optional = arguments[:1] == ["--optional"]
    arguments = arguments[optional:]
    if len(arguments) != 3:
        sys.exit("usage: tools/embed.py [--optional] FILE OUTPUT.c SYMBOL")
    source, output, symbol = pathlib.Path(arguments[0]), pathlib.Path(arguments[1]), arguments[2]
    if not re.fullmatch(r"[A-Za-z_]\w*", symbol, re.ASCII):
        sys.exit(f"tools/embed.py: {symbol!r} is no name for a C symbol")
    try:
        data = b"" if optional and not source.exists() else source.read_bytes()
        if not data and not optional:
            sys.exit(f"tools/embed.py: {source} is empty, and C has no empty arrays")
        text = "".join(c_source(source.name, symbol, data))
        same = optional and output.exists() and output.read_text(encoding="ascii") == text
        if not same:
            output.write_text(text, encoding="ascii")
    except OSError as error:
        sys.exit(f"tools/embed.py: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
