#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Lets spin go through the model of the tracer's ring, trace_ring.pml, and through each of its
mutants, which must be refuted; and looks whether the lines that the model is of are still in the
code."""
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = ROOT / "tests/model/trace_ring.pml"
CODE = [ROOT / "core/trace/trace_ring.h", ROOT / "core/trace/trace_ring.c"]
MUTANTS = ["RELAXED", "UNORDERED", "OFF_BY_ONE", "HEAD_FIRST"]


def check(define):
    """The errors that spin finds, and the states it saw."""
    with tempfile.TemporaryDirectory() as folder:
        options = [f"-D{define}"] if define else []
        subprocess.run(["spin", "-a", *options, str(MODEL)], cwd=folder, check=True,
                       capture_output=True, timeout=60)
        subprocess.run(["cc", "-O1", "-w", "-DSAFETY", "-o", "pan", "pan.c"], cwd=folder,
                       check=True, timeout=60)
        run = subprocess.run(["./pan", "-m100000"], cwd=folder, check=True, text=True,
                             capture_output=True, timeout=120)
    errors = re.search(r"errors: (\d+)", run.stdout)
    states = re.search(r"(\d+) states, stored", run.stdout)
    if not errors or not states or "max search depth too small" in run.stdout:
        sys.exit(f"the model checker did not end as it should:\n{run.stdout}{run.stderr}")
    return int(errors[1]), int(states[1])


def squeezed(text):
    return " ".join(text.split())


def main():
    code = squeezed("".join(path.read_text(encoding="utf-8") for path in CODE))
    lines = re.findall(r"^ \*   \| (.*)$", MODEL.read_text(encoding="utf-8"), re.M)
    missing = [line for line in lines if squeezed(line) not in code]
    if len(lines) < 8 or missing:
        sys.exit(f"the model is of code that is no longer there: {missing}")
    errors, states = check(None)
    print(f"the ring: {states} states, {errors} errors")
    if errors:
        sys.exit("the ring can give a record that is not whole")
    for mutant in MUTANTS:
        errors, states = check(mutant)
        print(f"{mutant}: refuted after {states} states" if errors else f"{mutant}: holds")
        if not errors:
            sys.exit(f"the model does not see what {mutant} breaks")


if __name__ == "__main__":
    main()
