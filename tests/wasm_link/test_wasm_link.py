#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""All of core/, freestanding: compiled for wasm32 with clang-19. Of what it does not define itself
it may ask for four mem* functions and nothing else; with those of wasm/libc.c it is linked by
wasm-ld-19 straight, and the result imports nothing but env.memory. That proves that the core
reaches neither the rest of a libc nor an operating system. Twice: with asserts on, as it is
written, and off with the memory shared, as the workers have it, with all that an optimiser makes
of it."""
import concurrent.futures
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "wasm"
LIBC = ROOT / "wasm" / "libc.c"
CLANG = "clang-19"
LINKER = "wasm-ld-19"
SYMBOLS = "llvm-nm-19"
# The four functions, and what the linker itself provides.
ALLOWED = {"memcpy", "memmove", "memset", "memcmp", "__stack_pointer", "__indirect_function_table"}
FLAGS = ["--target=wasm32-unknown-unknown", "-std=c17", "-ffreestanding", "-nostdlib",
         "-nostdlibinc", "-msimd128", "-matomics", "-mbulk-memory", "-mmutable-globals",
         "-msign-ext", "-mnontrapping-fptoint", "-ffp-contract=off", "-fvisibility=hidden",
         "-Wall", "-Wextra", "-Werror", "-isystem", str(ROOT / "wasm" / "include"), "-I", str(ROOT),
         "-I", str(ROOT / "include"), "-c"]
MEMORY = ["--import-memory", "--shared-memory", "--initial-memory=16777216",
          "--max-memory=268435456"]
KINDS = {0: "function", 1: "table", 2: "memory", 3: "global", 4: "tag"}


class Reader:
    """Reads the numbers and names of a wasm file."""

    def __init__(self, data, at=0):
        self.data = data
        self.at = at

    def byte(self):
        self.at += 1
        return self.data[self.at - 1]

    def number(self):
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def name(self):
        size = self.number()
        self.at += size
        return self.data[self.at - size:self.at].decode()

    def limits(self):
        flags = self.byte()
        self.number()
        if flags & 1:
            self.number()

    def skip_import(self, kind):
        if kind == 0:
            self.number()
        elif kind == 1:
            self.byte()
            self.limits()
        elif kind == 2:
            self.limits()
        elif kind == 3:
            self.at += 2
        else:
            self.at += 1
            self.number()


def sections(data):
    if data[:8] != b"\0asm\1\0\0\0":
        raise SystemExit("the linker wrote no wasm file")
    reader = Reader(data, 8)
    while reader.at < len(data):
        kind = reader.byte()
        size = reader.number()
        yield kind, reader.at
        reader.at += size


def imports(data):
    found = []
    for kind, at in sections(data):
        if kind == 2:
            reader = Reader(data, at)
            for _ in range(reader.number()):
                module, name, what = reader.name(), reader.name(), reader.byte()
                reader.skip_import(what)
                found.append((KINDS.get(what, str(what)), f"{module}.{name}"))
    return found


def exported_functions(data):
    count = 0
    for kind, at in sections(data):
        if kind == 7:
            reader = Reader(data, at)
            for _ in range(reader.number()):
                reader.name()
                count += reader.byte() == 0
                reader.number()
    return count


def run(line):
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(line)}\n{done.stderr}")


def check_symbols(objects):
    """Ends the test if the objects want more than they have and may."""
    done = subprocess.run([SYMBOLS, "--format=posix", *objects], capture_output=True, text=True,
                          check=True)
    wanted, defined = set(), set()
    for line in done.stdout.splitlines():
        words = line.split()
        if len(words) >= 2 and not line.endswith(":"):
            (wanted if words[1] == "U" else defined).add(words[0])
    if "memcpy" not in wanted:
        sys.exit(f"{SYMBOLS} finds no memcpy that the core wants: is its output read right?")
    strange = wanted - defined - ALLOWED
    if strange:
        sys.exit(f"the core wants {', '.join(sorted(strange))}: it may want only "
                 f"{', '.join(sorted(ALLOWED))}")


def shipped(files):
    """The objects of libskep.a, at -O2 and without asserts, which tools/wasm_build.py makes;
    ninja brings them up to date. None where it has not, or does not know all of the files."""
    ninja = BUILD / "build.ninja"
    known = ninja.read_text(encoding="utf-8") if ninja.exists() else ""
    objects = [str(BUILD / "fast" / f"{path.stem}.o") for path in files]
    if not all(f"build {name}: " in known for name in objects):
        return None
    run(["ninja", "-C", str(ROOT), "-f", str(ninja), *objects])
    return objects


def compiled(files, folder, asserts, level):
    folder.mkdir()
    lines, objects = [], []
    for number, path in enumerate(files):
        output = folder / f"{number}_{path.stem}.o"
        objects.append(str(output))
        builtin = ["-fno-builtin"] if path == LIBC else []
        lines.append([CLANG, *FLAGS, level, *builtin, f"-DSKEP_ASSERTS={asserts}", "-o",
                      str(output), str(path)])
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(run, lines))
    return objects


def link(files, objects, folder, extra):
    """Checks and links; returns the bytes of the wasm file."""
    check_symbols([name for name, path in zip(objects, files) if path != LIBC])
    wasm = folder / "core.wasm"
    run([LINKER, "--no-entry", "--export-all", "--no-gc-sections", *extra, "-o", str(wasm),
         *objects])
    return wasm.read_bytes()


def main():
    files = sorted((ROOT / "core").rglob("*.c"))
    if not files:
        sys.exit("core/ has no files")
    files.append(LIBC)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        plain = compiled(files, folder / "plain", 1, "-O0")
        fast = shipped(files) or compiled(files, folder / "fast", 0, "-O2")
        for asserts, objects, extra, allowed in ((1, plain, [], []),
                                                 (0, fast, MEMORY, [("memory", "env.memory")])):
            data = link(files, objects, folder, extra)
            found = imports(data)
            if found != allowed:
                sys.exit(f"asserts {asserts}: imports are {found}, not {allowed}")
            functions = exported_functions(data)
            if functions <= len(files):
                sys.exit(f"only {functions} functions of {len(files)} files are in the result")
            print(f"asserts {asserts}: {len(data)} bytes, {functions} functions, imports {found}")


if __name__ == "__main__":
    main()
