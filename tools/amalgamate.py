#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes one header and one source of the library: skep.h and skep.c, to drop into any program.

    tools/amalgamate.py --out dist

Each header of ours goes in where it is first included outside of any condition, and keeps its
guard, so that one that is included under a condition as well does no harm there. Files without a
guard (.inl, tables of X-macros) go in wherever they are included. The files of one operating
system in port/ are put between that system's #if. Compile skep.c as C17 with -ffp-contract=off
-pthread, and -lm. """
import argparse
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"')
CONDITION = re.compile(r"^\s*#\s*(if|ifdef|ifndef|endif)\b")
GUARD = re.compile(r"^\s*#\s*ifndef\s+(SKEP_\w+_H)\s*$")
SPDX = "/* SPDX-License-Identifier: MIT */"
SYSTEMS = {"port_linux.c": "defined(__linux__)", "port_macos.c": "defined(__APPLE__)",
           "port_windows.c": "defined(_WIN32)", "port_process_none.c": "!defined(__linux__)"}
SYSTEM_PREFIXES = {"port_process_": "defined(__linux__)"}


class Writer:
    """Writes files one after the other, with their includes in place."""

    def __init__(self, root, done):
        self.root = root
        self.done = set(done)  # headers that are in the output, outside of any condition
        self.out = []

    def resolve(self, name, folder):
        for base in (self.root, self.root / "include", folder):
            path = (base / name).resolve()
            if path.exists():
                return path
        raise SystemExit(f"amalgamate: {name}, included from {folder}, is no file")

    def add(self, path, conditional=False):
        lines = path.read_text(encoding="utf-8").splitlines()
        guarded = any(GUARD.match(line) for line in lines[:40])
        if guarded:
            if path in self.done:
                return
            if not conditional:
                self.done.add(path)
        self.out.append(f"/* ---- {path.relative_to(self.root).as_posix()} ---- */")
        depth = -1 if guarded else 0
        for line in lines:
            if line == SPDX:
                continue
            include = INCLUDE.match(line)
            if include:
                self.add(self.resolve(include.group(1), path.parent), conditional or depth > 0)
                continue
            condition = CONDITION.match(line)
            if condition:
                depth += -1 if condition.group(1) == "endif" else 1
            self.out.append(line)

    def text(self):
        return "\n".join(self.out) + "\n"


def version(root):
    text = (root / "CMakeLists.txt").read_text(encoding="utf-8")
    return re.search(r"project\(skep VERSION ([\d.]+)", text).group(1)


def banner(root, what):
    return (f"{SPDX}\n/* skep {version(root)}, {what}. Made by tools/amalgamate.py from the files\n"
            " * named below; change those, not this one. The licence is MIT, see LICENSE. */\n")


def write_header(root):
    writer = Writer(root, [])
    headers = sorted((root / "include" / "skep").glob("*.h"))
    for path in headers:
        writer.add(path)
    guard = "#ifndef SKEP_AMALGAMATED_H\n#define SKEP_AMALGAMATED_H\n"
    return banner(root, "the public headers in one") + guard + writer.text() + "#endif\n", headers


def write_source(root, headers):
    writer = Writer(root, [path.resolve() for path in headers])
    for folder in ("core", "pool", "port", "sim"):
        for path in sorted((root / folder).rglob("*.c")):
            system = SYSTEMS.get(path.name)
            for prefix, condition in SYSTEM_PREFIXES.items():
                if system is None and path.name.startswith(prefix):
                    system = condition
            if system:
                writer.out.append(f"#if {system}")
            writer.add(path, conditional=system is not None)
            if system:
                writer.out.append("#endif")
    # The port asks for what is beyond ISO C; that has to be said before the first system header.
    head = "#if defined(__linux__) && !defined(_GNU_SOURCE)\n#define _GNU_SOURCE\n#endif\n"
    # clang takes the inline functions of our headers, here in the file itself, for forgotten ones.
    quiet = '#pragma clang diagnostic ignored "-Wunused-function"'
    head += f"#if defined(__clang__)\n{quiet}\n#endif\n"
    return banner(root, "the whole library in one file") + head + '#include "skep.h"\n' + \
        writer.text()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--root", type=pathlib.Path, default=ROOT)
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "dist")
    options = parser.parse_args()
    root = options.root.resolve()
    options.out.mkdir(parents=True, exist_ok=True)
    header, headers = write_header(root)
    source = write_source(root, headers)
    for name, text in (("skep.h", header), ("skep.c", source)):
        (options.out / name).write_text(text, encoding="utf-8")
        lines = text.count("\n")
        print(f"{options.out / name}: {lines} lines")


if __name__ == "__main__":
    main()
