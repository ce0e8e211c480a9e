#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""skep as its users get it: installed and found by CMake, through pkg-config, as a part of
somebody's build, and as two files. Each case builds tests/package/program.c, or a scene, outside
of our tree and runs it.

    tests/package/test_package.py install|fetch_content|pkg_config|amalgamation|fast_math

SKEP_BUILD_DIR names the built tree that is installed."""
import json
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = ROOT / "tests" / "package"
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]
BITS = ["-std=c17", "-ffp-contract=off"]
# All of skep in one file is a long way through an optimiser. Each compiler parses it, so each says
# what it has to say of the text; gcc's other warnings come from its optimiser, and so it goes all
# the way with what users get. With asserts, the presets optimise the same lines file by file. The
# newest clang is the one that turns most into something else.
AMALGAMATED = (("gcc", 0, "-O2"), ("gcc", 1, "-O0"), ("clang", 1, "-O0"), ("clang-19", 1, "-O2"))


def run(*line, expect=0, env=None):
    """Runs a command and returns what it printed; the wrong exit code ends the test."""
    line = [str(word) for word in line]
    done = subprocess.run(line, capture_output=True, text=True, check=False,
                          env={**os.environ, **(env or {})})
    output = done.stdout + done.stderr
    if (done.returncode == 0) != (expect == 0):
        sys.exit(f"{shlex.join(line)}\nended with {done.returncode}:\n{output}")
    return output


def configure(source, build, *options, expect=0):
    return run("cmake", "-S", source, "-B", build, "-G", "Ninja", *options, expect=expect)


def installed(folder):
    """Installs our build, and moves it, so that nothing in it may depend on where it was put."""
    build = os.environ.get("SKEP_BUILD_DIR")
    if not build:
        sys.exit("SKEP_BUILD_DIR must name a built tree")
    run("cmake", "--install", build, "--prefix", folder / "first")
    (folder / "first").rename(folder / "moved")
    return folder / "moved"


def says_ok(output):
    if "skep works" not in output:
        sys.exit(f"the program printed:\n{output}")


def runs_scene(skep, module):
    """Runs a module with and without workers; the hashes must be one."""
    hashes = set()
    for workers in ("0", "2"):
        output = run(skep, "run", module, "--frames", "20", "--workers", workers, "--grain", "0",
                     "--json")
        row = json.loads(output.strip().splitlines()[-1])
        if row["frames"] != 20 or row["entities"] < 1 or row["faults"]:
            sys.exit(f"the scene ran otherwise than asked: {row}")
        hashes.add(row["hash"])
    if len(hashes) != 1:
        sys.exit(f"{module}: one scene, two hashes: {hashes}")


def test_install(folder):
    prefix = installed(folder)
    found = f"-DCMAKE_PREFIX_PATH={prefix}"
    configure(HERE / "find_package", folder / "program", found)
    run("cmake", "--build", folder / "program")
    says_ok(run(folder / "program" / "program"))

    own = folder / "own_scene"
    shutil.copytree(ROOT / "examples" / "own_scene", own)
    configure(own, folder / "own", found)
    run("cmake", "--build", folder / "own")
    modules = list((folder / "own").glob("*.so"))
    if len(modules) != 1:
        sys.exit(f"examples/own_scene built {modules}, one module was expected")
    runs_scene(prefix / "bin" / "skep", modules[0])


def test_pkg_config(folder):
    prefix = installed(folder)
    path = next(prefix.rglob("skep.pc")).parent
    flags = run("pkg-config", "--cflags", "--libs", "skep", env={"PKG_CONFIG_PATH": str(path)})
    program = folder / "program"
    # A sanitized build needs its runtime in the program as well; pkg-config cannot know.
    run("gcc", *BITS, "-O2", *WARNINGS, HERE / "program.c", "-o", program, *shlex.split(flags))
    says_ok(run(program))


def test_fetch_content(folder):
    configure(HERE / "fetch_content", folder / "b", f"-DSKEP_FROM={ROOT}",
              "-DCMAKE_BUILD_TYPE=Release", "-DCMAKE_C_FLAGS_RELEASE=-O0 -DNDEBUG")
    run("cmake", "--build", folder / "b")
    says_ok(run(folder / "b" / "program"))
    runs_scene(os.environ["SKEP_BIN"], folder / "b" / "drift.so")
    commands = run("ninja", "-C", folder / "b", "-t", "commands", "drift.so")
    for flag in ("-O3", "-ffp-contract=off"):
        if flag not in commands:
            sys.exit(f"skep_add_scene() compiled without {flag}:\n{commands}")


def test_fast_math(folder):
    """Flags that change what arithmetic gives are refused, wherever they come from."""
    source, where = HERE / "fetch_content", f"-DSKEP_FROM={ROOT}"
    for number, option in enumerate(("-DCMAKE_C_FLAGS=-O2 -ffast-math",
                                     "-DCMAKE_C_FLAGS=-ffp-contract=fast",
                                     "-DCMAKE_C_FLAGS_RELEASE=-Ofast",
                                     "-DSCENE_FLAGS=-funsafe-math-optimizations")):
        output = configure(source, folder / str(number), where, option,
                           "-DCMAKE_BUILD_TYPE=Release", expect=1)
        flag = option.split("=", 1)[1].split()[-1]
        if f"skep: {flag} in " not in output:
            sys.exit(f"{option} was refused, but not for the right reason:\n{output}")


def test_amalgamation(folder):
    run(sys.executable, ROOT / "tools" / "amalgamate.py", "--out", folder)
    for compiler, asserts, level in AMALGAMATED:
        if not shutil.which(compiler):
            continue
        program = folder / "program"
        # In the C file of another, an assert without the command's handler is a trap.
        run(compiler, *BITS, level, *WARNINGS, f"-DSKEP_ASSERTS={asserts}", "-c",
            folder / "skep.c", "-o", folder / "skep.o")
        run(compiler, *BITS, level, *WARNINGS, "-DSKEP_AMALGAMATED", "-I", folder,
            HERE / "program.c", folder / "skep.o", "-o", program, "-lpthread", "-lm")
        says_ok(run(program))
    run("g++", "-std=c++17", "-fsyntax-only", "-x", "c++", *WARNINGS, folder / "skep.h")


CASES = {"install": test_install, "pkg_config": test_pkg_config,
         "fetch_content": test_fetch_content, "fast_math": test_fast_math,
         "amalgamation": test_amalgamation}


def main():
    if len(sys.argv) != 2 or sys.argv[1] not in CASES:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as folder:
        CASES[sys.argv[1]](pathlib.Path(folder))
    print(f"{sys.argv[1]}: passed")


if __name__ == "__main__":
    main()
