#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the first screen of README.md shows: a crash that was survived, played back on threads, and
met again alone. The commands are taken from there, and so is what they must say.

ctest: threads"""
import os
import pathlib
import re
import shlex
import subprocess
import unittest

from skep_command import ROOT, SECONDS, SKEP, Case, main


def sanitized():
    cache = pathlib.Path(os.environ.get("SKEP_BUILD_DIR", "")) / "CMakeCache.txt"
    return cache.is_file() and re.search(r"^SKEP_SANITIZE:\w+=.+$", cache.read_text(), re.M)


def plain(text):
    """Without what is another on each machine: times, the worker, how many there are."""
    text = re.sub(r"in [\d.]+ s", "in T s", text)
    return re.sub(r"\bworker \d+|\d+ workers?$", "worker N", text, flags=re.M)


def screen():
    """Commands of the first block, each with the lines that it printed."""
    block = re.search(r"^```\n(\$ skep run hostile.*?)^```$", (ROOT / "README.md").read_text(),
                      re.M | re.S).group(1)
    for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
        command, *lines = part.strip().split("\n")
        yield shlex.split(command), [line for line in lines if line]


@unittest.skipIf(sanitized(), "a sanitizer says in its own words how a job crashed")
class FirstScreen(Case):
    def test_it_is_as_it_says(self):
        seen = []
        for words, lines in screen():
            if words[0] != "skep":
                continue  # the debugger is not everywhere
            done = subprocess.run([SKEP, *words[1:]], cwd=self.folder, text=True, check=False,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  timeout=SECONDS)
            self.assertEqual(done.returncode, 0, done.stdout)
            said = plain(done.stdout)
            for line in lines:
                self.assertIn(plain(line), said)
            seen.append(words[1])
        self.assertEqual(seen, ["run", "replay"])

    def test_the_job_fails_again_alone(self):
        crash = ["run", "hostile", "--executor", "processes", "--frames", "600", "--seed", "3",
                 "--param", "fault=segv", "--param", "rate=0.0001", "--faults", str(self.folder)]
        subprocess.run([SKEP, *crash], check=True, capture_output=True, timeout=SECONDS)
        done = subprocess.run([SKEP, "replay", str(self.folder / "fault-1.skepr")], check=False,
                              capture_output=True, text=True, timeout=SECONDS)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn('system "breed", frame 418, block 0', done.stdout)
        self.assertIn("the same again", done.stdout)


if __name__ == "__main__":
    main()
