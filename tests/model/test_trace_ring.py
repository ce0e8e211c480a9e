#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The model of the trace ring, tests/model/trace_ring.pml, goes through Spin: as it is, it has no
error and no statement that is never reached; with each of its mistakes it fails, by the assertion
that the mistake is about. And it is a model of what is in the sources: the pieces of C that it says
it mirrors are compared with them, comments and spaces aside."""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = ROOT / "tests" / "model" / "trace_ring.pml"
TORN, TOO_FEW = "copied[", "(end-good)=="
MISTAKES = {"BOUND_LOW": TORN, "BOUND_HIGH": TOO_FEW, "WORDS_RELAXED": TORN, "HEAD_RELAXED": TORN,
            "HEAD_FIRST": TORN}
MIRRORED = 4
MIRRORS = re.compile(r" \* mirrors (\w+) in ([\w/.]+):\n \*\n((?: \*   .*\n)+)")


def words_of(text):
    """C as one line, without comments and with single spaces."""
    return " ".join(re.sub(r"/\*.*?\*/", " ", text, flags=re.S).split())


def body_of(path, function):
    """What is between the braces of a function that begins at the start of a line."""
    text = path.read_text(encoding="utf-8")
    found = re.search(rf"^\S[^\n;]*\b{function}\([^;{{]*\)\n\{{\n(.*?)^\}}", text, re.S | re.M)
    if not found:
        sys.exit(f"{path.relative_to(ROOT)} has no function {function}, which the model mirrors")
    return words_of(found.group(1))


def check_mirrors(model):
    """Ends the test where the model and the sources are not of one mind."""
    mirrors = MIRRORS.findall(model)
    if len(mirrors) != MIRRORED:
        sys.exit(f"the model says of {len(mirrors)} functions that it mirrors them, not of "
                 f"{MIRRORED}")
    for function, file, lines in mirrors:
        said = words_of(re.sub(r"^ \*", "", lines, flags=re.M))
        there = body_of(ROOT / file, function)
        if said != there:
            sys.exit(f"{file}: {function} is not what tests/model/trace_ring.pml mirrors. Change "
                     f"the model, see that it holds, and then what it mirrors:\n  {there}\n"
                     f"is not\n  {said}")
    head = (ROOT / "core" / "trace" / "trace_ring.h").read_text(encoding="utf-8")
    size = re.search(r"#define SKEP__TRACE_WORDS (\d+)u", head)
    if not size or f"#define WORDS {size.group(1)}\n" not in model:
        sys.exit("SKEP__TRACE_WORDS is not the model's WORDS")


def run(folder, *line):
    done = subprocess.run(line, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(line)}\nended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def verify(folder, mistake=None):
    """Goes through all states; returns what the verifier said."""
    run(folder, "spin", *([f"-D{mistake}"] if mistake else []), "-a", str(MODEL))
    run(folder, "gcc", "-O0", "-w", "-DSAFETY", "-o", "pan", "pan.c")
    output = run(folder, "./pan", "-m100000", "-w20")
    if "max search depth too small" in output:
        sys.exit(f"not all states were gone through:\n{output}")
    return output


def errors_in(output):
    found = re.search(r"errors: (\d+)", output)
    return int(found.group(1)) if found else -1


def main():
    if not shutil.which("spin"):
        sys.exit("spin is needed: tools/setup.sh test")
    model = MODEL.read_text(encoding="utf-8")
    check_mirrors(model)
    with tempfile.TemporaryDirectory() as folder:
        whole = verify(folder)
        states = re.search(r"(\d+) states, stored", whole)
        if errors_in(whole) != 0 or not states or int(states.group(1)) < 10000:
            sys.exit(f"the ring's model fails:\n{whole}")
        unreached = [line for line in re.findall(r"\((\d+) of \d+ states\)", whole) if line != "0"]
        if unreached:
            sys.exit(f"parts of the model are never reached:\n{whole}")
        print(f"{states.group(1)} states without an error")
        for mistake, assertion in MISTAKES.items():
            output = verify(folder, mistake)
            if errors_in(output) != 1 or f"assertion violated ({assertion}" not in output:
                sys.exit(f"with {mistake} the model must fail by {assertion}:\n{output}")
            print(f"{mistake}: fails, as it must")
    named = set(re.findall(r"^ \*   ([A-Z_]+)  +\S", model, re.M))
    if named != set(MISTAKES):
        sys.exit(f"the model names the mistakes {sorted(named)}, the test {sorted(MISTAKES)}")


if __name__ == "__main__":
    main()
