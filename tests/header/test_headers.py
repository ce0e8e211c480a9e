#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Each public header compiles alone, as C17 and as C++17, with every compiler at hand and the
strict warnings as errors; and it may be included twice."""
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Wsign-conversion",
            "-Wcast-qual", "-Wundef", "-Wpointer-arith", "-Wdouble-promotion", "-Wvla",
            "-Wwrite-strings", "-Wformat=2", "-Wimplicit-fallthrough", "-Werror"]
C_ONLY = ["-Wstrict-prototypes", "-Wmissing-prototypes"]
LANGUAGES = (("c", "c17", ("gcc", "clang", "clang-19"), C_ONLY),
             ("c++", "c++17", ("g++", "clang++", "clang++-19"), []))


def compile_header(compiler, language, standard, flags, name):
    text = f'#include "skep/{name}"\n#include "skep/{name}"\n'
    if language == "c":
        text += "int skep_header_test(void);\n"
    line = [compiler, "-x", language, f"-std={standard}", "-fsyntax-only", *WARNINGS, *flags,
            "-I", str(ROOT / "include"), "-"]
    return subprocess.run(line, input=text, capture_output=True, text=True, check=False)


def main():
    names = sorted(path.name for path in (ROOT / "include" / "skep").glob("*.h"))
    if not names:
        sys.exit("no public headers found")
    bad = count = 0
    for language, standard, compilers, flags in LANGUAGES:
        present = [compiler for compiler in compilers if shutil.which(compiler)]
        if not any(compiler.startswith("g") for compiler in present):
            sys.exit(f"no gcc for {language}")
        for compiler in present:
            for name in names:
                done = compile_header(compiler, language, standard, flags, name)
                count += 1
                if done.returncode != 0:
                    bad += 1
                    print(f"== {name} alone as {standard} with {compiler}\n{done.stderr}")
    print(f"{len(names)} headers, {count} compilations, {bad} failed")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
