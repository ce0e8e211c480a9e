#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a run prints for programs, saved worlds that go on, and one hash wherever jobs run.

ctest: threads"""
import os
import pathlib
import re
import subprocess

import skep_command
from skep_command import SKEP, Case, skep

KEYS = {"scene": str, "executor": str, "workers": int, "seed": int, "frames": int, "tick": int,
        "entities": int, "hash": str, "dt": float, "seconds": float, "frame_ms": dict,
        "patches": int, "dropped": int, "faults": list, "fault_total": int, "end": str}


class Json(Case):
    def test_shape(self):
        result = self.result(self.probe, "--frames", "30", "--workers", "1", "--seed", "7")
        for key, kind in KEYS.items():
            self.assertIsInstance(result[key], (kind, int) if kind is float else kind, key)
        self.assertRegex(result["hash"], r"^[0-9a-f]{16}$")
        self.assertEqual((result["scene"], result["executor"], result["workers"]),
                         ("probe", "threads", 1))
        self.assertEqual((result["seed"], result["frames"], result["end"]), (7, 30, "frames"))
        times = result["frame_ms"]
        self.assertEqual(set(times), {"p50", "p99", "max"})
        self.assertTrue(0 < times["p50"] <= times["p99"] <= times["max"], times)
        self.assertGreater(result["patches"], 0)
        self.assertEqual(result["faults"], [])

    def test_local_has_no_workers(self):
        result = self.result(self.probe, "--frames", "1", "--executor", "local", "--workers", "2")
        self.assertEqual((result["executor"], result["workers"]), ("local", 0))

    def test_faults(self):
        done = skep("run", self.probe, "--frames", "9", "--param", "fail_at=4", "--json")
        self.assertEqual(done.code, 0, str(done))
        self.assertIn("faulty", done.err)
        result = done.json
        self.assertEqual(result["fault_total"], 1)
        fault = result["faults"][0]
        self.assertEqual(set(fault), {"frame", "system", "block", "worker", "cause", "action"})
        self.assertEqual((fault["frame"], fault["system"], fault["block"]), (4, "faulty", 0))
        self.assertIn('it was told to "fail"', fault["cause"])
        self.assertEqual(fault["action"], "skipped")
        table = skep("run", self.probe, "--frames", "9", "--param", "fail_at=4").out
        self.assertRegex(table, r"(?m)^  faults +1: 1 skipped\n    frame 4  faulty: ")

    def test_actions_are_counted(self):
        words = ["run", "hostile", "--frames", "4500", "--entities", "40", "--executor", "local",
                 "--param", "fault=fail", "--param", "rate=1"]
        quiet = {"stderr": subprocess.DEVNULL}
        result = skep(*words, "--json", **quiet).json
        self.assertEqual(len(result["faults"]), result["fault_total"])
        actions = {fault["action"] for fault in result["faults"]}
        self.assertEqual(actions, {"skipped", "quarantined"})
        table = skep(*words, **quiet).out
        self.assertRegex(table, r"(?m)^  faults +[\d,]+: [\d,]+ skipped, [\d,]+ quarantined$")

    def test_lines_of_jobs(self):
        done = skep("run", self.probe, "--frames", "5", "--param", "log=2", "--json")
        self.assertEqual(done.err.count("wandered for"), 3, str(done))
        self.assertEqual(done.out.count("\n"), 1)


class Saves(Case):
    def test_goes_on_as_if_never_stopped(self):
        for scene in [self.probe, *skep_command.scenes()]:
            save = str(self.folder / "half.skep")
            common = [scene, "--entities", "400", "--seed", "5"]
            whole = self.result(*common, "--frames", "50")
            half = self.result(*common, "--frames", "20", "--save", save)
            self.assertEqual(half["saved"], save)
            rest = self.result(scene, "--frames", "30", "--load", save)
            self.assertEqual(rest["seed"], 5)
            self.assertEqual((rest["tick"], rest["hash"]), (50, whole["hash"]), scene)
            self.assertFalse(os.path.exists(save + ".tmp"))

    def test_damaged(self):
        save = self.folder / "good.skep"
        self.result(self.probe, "--frames", "5", "--save", save)
        good = save.read_bytes()
        for at in (0, 9, len(good) // 2, len(good) - 1):
            bad = bytearray(good)
            bad[at] ^= 0x20
            self.refuses(["run", self.probe, "--load", self.file("bad.skep", bytes(bad))],
                         "bad.skep")
        for length in (1, 8, len(good) // 2, len(good) - 1):
            self.refuses(["run", self.probe, "--load", self.file("cut.skep", good[:length])],
                         "cut.skep")

    def test_keeps_an_existing_file_until_the_end(self):
        save = self.file("old.skep", "old")
        self.refuses(["run", self.probe, "--save", save, "--param", "x=1"], "x")
        self.assertEqual(pathlib.Path(save).read_text(encoding="utf-8"), "old")


class Hashes(Case):
    """Where jobs run changes nothing."""

    RUNS = (["--workers", "0"], ["--workers", "1", "--grain", "0"],
            ["--workers", "2", "--grain", "0"], ["--workers", "4"], ["--workers", "auto"],
            ["--executor", "local"], ["--executor", "threads", "--workers", "0", "--grain", "0"])

    def test_each_scene(self):
        for scene in [self.probe, *skep_command.scenes()]:
            for seed in ("1", "77"):
                base = [scene, "--entities", "1500", "--frames", "30", "--seed", seed]
                runs = self.RUNS if seed == "1" else self.RUNS[:3]
                hashes = {self.result(*base, *run)["hash"] for run in runs}
                self.assertEqual(len(hashes), 1, f"{scene}, seed {seed}: {hashes}")


class Output(Case):
    """What happens when nobody can be told."""

    def test_reader_goes_away(self):
        save = self.folder / "pipe.skep"
        line = [SKEP, "run", self.probe, "--hash-every", "1", "--entities", "10", "--pace", "none",
                "--save", str(save)]
        with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            self.assertRegex(process.stdout.readline(), rb"^1 [0-9a-f]{16}\n$")
            process.stdout.close()
            self.assertEqual(process.wait(timeout=20), 0)
            self.assertEqual(process.stderr.read(), b"")
        self.assertGreater(save.stat().st_size, 0)

    def test_closed_output(self):
        save = self.folder / "closed.skep"
        done = subprocess.run(["sh", "-c", '"$@" >&-', "sh", SKEP, "run", self.probe, "--frames",
                               "2", "--save", str(save)], capture_output=True, check=False,
                              timeout=20)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr.count(b"\n"), 1)
        self.assertRegex(done.stderr, rb"standard output")
        whole = self.folder / "open.skep"
        self.result(self.probe, "--frames", "2", "--save", whole)
        self.assertEqual(save.read_bytes(), whole.read_bytes())

    def test_full_disk(self):
        if not os.path.exists("/dev/full"):
            self.skipTest("no /dev/full here")
        with open("/dev/full", "wb") as full:
            done = subprocess.run([SKEP, "scenes"], stdout=full, stderr=subprocess.PIPE,
                                  check=False, timeout=20)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"No space left", done.stderr)

    def test_no_flood_without_a_terminal(self):
        done = self.good("run", self.probe, "--frames", "40", "--pace", "real", "--dt", "0.01")
        self.assertNotIn("\r", done.out)
        self.assertLess(done.out.count("\n"), 12)
        self.assertIsNone(re.search(r"\x1b", done.out))


if __name__ == "__main__":
    skep_command.main()
