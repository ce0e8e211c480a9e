#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compiles all C in README.md, ARCHITECTURE.md, CONTRIBUTING.md and docs/*.md, so that none goes
stale.

A block that opens with ```c is a file of its own. Blocks that open with ```c file=NAME are pieces
of one file, joined in the order of the document. A file without an #include gets skep/skep.h.
Each is compiled as C17 with gcc and clang, warnings as errors, unused functions and variables
excepted.

    tools/docs_code.py [--list] [FILE.md...]
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
FENCE = re.compile(r"^(`{3,})\s*c\b([^\n`]*)\n(.*?)^\1\s*$", re.M | re.S)
FLAGS = ["-std=c17", "-fsyntax-only", "-Wall", "-Wextra", "-Wpedantic", "-Werror",
         "-Wno-unused-function", "-Wno-unused-variable", "-Wno-unused-parameter",
         "-Wno-unused-const-variable", "-ffp-contract=off", "-I", str(ROOT / "include")]


def blocks(path):
    """The files that a document holds: name to text, with #line so that errors name the
    document."""
    text = path.read_text(encoding="utf-8")
    files = {}
    for number, match in enumerate(FENCE.finditer(text), 1):
        line = text.count("\n", 0, match.start(3)) + 1
        option = re.search(r"file=([\w.]+)", match.group(2))
        name = option.group(1) if option else f"block{number}.c"
        files.setdefault(name, "")
        files[name] += f'#line {line} "{path.name}"\n{match.group(3)}'
    return files


def check(folder, document, name, text):
    if "#include" not in text:
        text = '#include "skep/skep.h"\n' + text
    path = folder / name
    path.write_text(text, encoding="utf-8")
    bad = 0
    for compiler in ("gcc", "clang"):
        if not shutil.which(compiler):
            continue
        done = subprocess.run([compiler, *FLAGS, str(path)], capture_output=True, text=True,
                              check=False)
        if done.returncode != 0:
            print(f"== {document.name}, {name}, {compiler}\n{done.stderr}")
            bad = 1
    return bad


def main():
    names = [pathlib.Path(name) for name in sys.argv[1:] if not name.startswith("-")]
    documents = names or [ROOT / name for name in ("README.md", "ARCHITECTURE.md",
                                                   "CONTRIBUTING.md")
                          if (ROOT / name).exists()] + sorted((ROOT / "docs").rglob("*.md"))
    count = bad = 0
    with tempfile.TemporaryDirectory() as folder:
        for document in documents:
            for name, text in blocks(document).items():
                count += 1
                if "--list" in sys.argv:
                    print(f"{document.name}: {name}")
                bad += check(pathlib.Path(folder), document, name, text)
    print(f"{len(documents)} documents, {count} files of C, {bad} do not compile")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
