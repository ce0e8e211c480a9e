#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Isolated workers of the command: the hash of threads, a scene in a file, options that reach them.

ctest: threads"""
import skep_command
from skep_command import Case, skep


class Processes(Case):
    def both(self, scene, *options):
        common = ("--frames", "40", *options)
        threads = self.result(scene, *common, "--executor", "threads")
        apart = self.result(scene, *common, "--executor", "processes")
        self.assertEqual(apart["executor"], "processes")
        self.assertGreater(apart["workers"], 0)
        self.assertEqual(apart["hash"], threads["hash"], scene)
        return apart

    def test_same_hash(self):
        for scene in skep_command.scenes():
            self.both(scene, "--entities", "2000")

    def test_a_scene_in_a_file(self):
        """The zygote is forked before the file is loaded: workers get it by its path."""
        self.both(self.probe)
        self.both(self.probe, "--workers", "1", "--grain", "0")
        self.both(self.probe, "--no-seccomp", "--deadline-ms", "0", "--restart-budget", "0")
        self.both(self.probe, "--check", "--deadline-ms", "60000")

    def test_faults_of_jobs(self):
        done = skep("run", self.probe, "--frames", "9", "--param", "fail_at=4", "--json",
                    "--executor", "processes")
        self.assertEqual(done.code, 0, str(done))
        fault = done.json["faults"][0]
        self.assertEqual((fault["frame"], fault["system"], fault["block"]), (4, "faulty", 0))
        self.assertIn('it was told to "fail"', fault["cause"])

    def test_refusals(self):
        self.refuses(["run", self.probe, "--executor", "processes", "--workers", "0"],
                     "at least one", "runs no jobs")
        self.refuses(["run", self.probe, "--executor", "processes", "--param", "nonsense=1"],
                     "has no parameter")


if __name__ == "__main__":
    skep_command.main()
