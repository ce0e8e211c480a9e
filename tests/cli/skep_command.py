# SPDX-License-Identifier: MIT
"""What the tests of the command share: running it, and a scene of our own built as a module."""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SKEP = os.environ.get("SKEP_BIN")
SECONDS = 60

if not SKEP:
    sys.exit("SKEP_BIN must name the command: SKEP_BIN=build/dev/skep " + sys.argv[0])


def compiler():
    """The compiler of the build under test, so that both use one ABI; else cc."""
    cache = pathlib.Path(os.environ.get("SKEP_BUILD_DIR", "")) / "CMakeCache.txt"
    if cache.is_file():
        found = re.search(r"^CMAKE_C_COMPILER:\w+=(.+)$", cache.read_text(), re.MULTILINE)
        if found:
            return found.group(1)
    return "cc"


class Done:
    """How a run of the command ended."""

    def __init__(self, words, done):
        self.words = words
        self.code = done.returncode
        self.out = done.stdout
        self.err = done.stderr

    def __str__(self):
        return f"skep {' '.join(self.words)}\nexit {self.code}\n{self.out}\n{self.err}"

    @property
    def json(self):
        return json.loads(self.out.splitlines()[-1])


def skep(*words, **options):
    """Runs the command."""
    words = [str(word) for word in words]
    options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE,
               "text": True, "errors": "replace", "timeout": SECONDS, "check": False, **options}
    return Done(words, subprocess.run([SKEP, *words], **options))


class Case(unittest.TestCase):
    """A test with a folder of its own and the scene probe.so in it."""

    folder = None
    probe = None

    @classmethod
    def setUpClass(cls):
        cls.keep = tempfile.TemporaryDirectory(prefix="skep-cli-")
        cls.folder = pathlib.Path(cls.keep.name)
        cls.probe = cls.build("probe.so", ROOT / "tests" / "cli" / "probe.c")

    @classmethod
    def tearDownClass(cls):
        cls.keep.cleanup()

    @classmethod
    def build(cls, name, *sources):
        path = cls.folder / name
        subprocess.run([compiler(), "-std=c17", "-O1", "-ffp-contract=off", "-shared", "-fPIC",
                        "-Wall", "-Werror", f"-I{ROOT / 'include'}", "-o", path, *sources],
                       check=True, timeout=SECONDS)
        return str(path)

    def file(self, name, content=""):
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    def good(self, *words, **options):
        """Runs the command, which must succeed and be quiet on standard error."""
        done = skep(*words, **options)
        self.assertEqual(done.code, 0, str(done))
        self.assertEqual(done.err, "", str(done))
        return done

    def result(self, *words):
        """The JSON object of a run of the probe; a scene among the words is taken instead."""
        return self.good("run", *words, "--json").json

    def refuses(self, words, *says):
        """The command must end with 2, one line on standard error that says all of `says`, and
        nothing on standard output."""
        done = skep(*words)
        self.assertEqual(done.code, 2, str(done))
        self.assertEqual(done.out, "", str(done))
        self.assertEqual(done.err.count("\n"), 1, str(done))
        for text in says:
            self.assertIn(text, done.err, str(done))
        return done


def scenes():
    """The names of the built-in scenes, as the command lists them."""
    return [line.split()[0] for line in skep("scenes").out.splitlines()]


def main():
    unittest.main(verbosity=2)
