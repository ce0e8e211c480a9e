#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs every scene with every build given, every number of workers and all executors, and compares
the world hashes: they must be one. Different seeds and different frame counts must differ.

    tools/hash_equality.py build/dev/skep build/o0/skep ...

The first build runs the whole matrix; the others, which differ in compiler and optimisation only,
run with no worker and with two. Each mismatch is printed with the two commands that show it.
"""
import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FRAMES = 90
ENTITIES = 3000
WORKERS = (0, 1, 2, 4, 8)
SCENE = re.compile(r"^SKEP_SCENE\(\s*(\w+)", re.M)


def scene_names():
    found = set()
    for path in sorted((ROOT / "scenes").glob("*.c")):
        found.update(SCENE.findall(path.read_text(encoding="utf-8")))
    return sorted(found)


def command(binary, scene, *options, frames=FRAMES, seed=7):
    return [str(binary), "run", scene, "--json", "--frames", str(frames), "--seed", str(seed),
            "--entities", str(ENTITIES), "--dt", "0.016666668", *options]


def world_hash(line):
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(line)}\n  ended with {done.returncode}: {done.stderr.strip()}")
    last = done.stdout.strip().splitlines()[-1]
    value = json.loads(last)["hash"]
    if not re.fullmatch(r"[0-9a-f]{16}", value):
        sys.exit(f"{' '.join(line)}\n  hash is {value!r}, not 16 hex digits")
    return value


def matrix(binaries, scene):
    first, *others = binaries
    for workers in WORKERS:
        yield command(first, scene, "--workers", str(workers), "--grain", "0")
    yield command(first, scene, "--workers", "2")
    yield command(first, scene, "--executor", "local")
    yield command(first, scene, "--executor", "local", "--grain", "0")
    yield command(first, scene, "--executor", "processes")
    yield command(first, scene, "--executor", "processes", "--workers", "3")
    for binary in others:
        yield command(binary, scene, "--workers", "0")
        yield command(binary, scene, "--workers", "2", "--grain", "0")


def check_scene(binaries, scene):
    """Returns the complaints about one scene."""
    lines = list(matrix(binaries, scene))
    want = world_hash(lines[0])
    bad = []
    for line in lines[1:]:
        got = world_hash(line)
        if got != want:
            bad.append(f"{scene}: {want} and {got}:\n  {' '.join(lines[0])}\n  {' '.join(line)}")
    for what, line in (
            ("seeds", command(binaries[0], scene, "--workers", "0", "--grain", "0", seed=8)),
            ("frame counts", command(binaries[0], scene, "--workers", "0", "--grain", "0",
                                     frames=FRAMES + 1))):
        if world_hash(line) == want:
            bad.append(f"{scene}: different {what} give one hash: {' '.join(line)}")
    print(f"{scene}: {want}, {len(lines)} runs", flush=True)
    return bad


def main():
    binaries = [pathlib.Path(name) for name in sys.argv[1:]]
    if not binaries:
        sys.exit(__doc__)
    missing = [str(binary) for binary in binaries if not binary.exists()]
    names = scene_names()
    if missing or not names:
        sys.exit(f"missing builds: {missing}; scenes found: {names}")
    bad = [complaint for scene in names for complaint in check_scene(binaries, scene)]
    if bad:
        sys.exit("\n".join(bad))


if __name__ == "__main__":
    main()
