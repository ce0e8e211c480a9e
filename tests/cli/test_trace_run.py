#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Traces that `skep run` and `skep serve` write: at the end, whatever ends the run; as a flight
recorder; and what is said of slow frames.

ctest: threads"""
import json
import os
import pathlib
import re
import signal
import struct
import subprocess
import time

import skep_command
import trace_bytes
from skep_command import SKEP, Case, skep


class RunCase(Case):
    def path(self, name):
        path = self.folder / name
        if path.exists():
            path.unlink()
        return str(path)

    def read(self, path):
        return trace_bytes.Trace(pathlib.Path(path).read_bytes())

    def files(self, stem):
        """Numbers of the flight recorder's files, STEM-N.skept."""
        found = [re.fullmatch(stem + r"-(\d+)\.skept", name) for name in os.listdir(self.folder)]
        return sorted(int(match.group(1)) for match in found if match)

    def run_until(self, words, act, stop=signal.SIGINT):
        """Starts the command, lets `act` do something to it, and ends it by a signal."""
        process = subprocess.Popen([SKEP, *words], stdin=subprocess.DEVNULL, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(process.kill)
        act(process)
        process.send_signal(stop)
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, out + err)
        return out, err

    def wait_for(self, what):
        for _ in range(400):
            if what():
                return
            time.sleep(0.025)
        self.fail("it did not come")


class AtTheEnd(RunCase):
    def test_skept(self):
        path = self.path("a.skept")
        done = skep("run", self.probe, "--frames", 30, "--workers", 2, "--trace", path)
        self.assertEqual(done.code, 0, str(done))
        trace = self.read(path)
        self.assertEqual([z[4] for z in trace.frames], list(range(30)))
        self.assertEqual(trace.workers, 2)
        self.assertEqual(trace.notes, {"scene": "probe", "executor": "threads"})
        self.assertEqual(set(trace.names.values()), {"wander", "renew", "faulty"})
        zones = f"{len(trace.zones):,}"
        self.assertEqual(done.err, f"skep run: trace {path}: 30 frames, {zones} zones\n")
        self.assertIn(f"\n  trace       {path}, 30 frames, {zones} zones\n", done.out)

    def test_in_the_result(self):
        path = self.path("b.json")
        done = skep("run", self.probe, "--frames", 8, "--trace", path, "--json")
        self.assertEqual(done.code, 0, str(done))
        events = json.loads(pathlib.Path(path).read_text())["traceEvents"]
        frames = [e for e in events if e.get("cat") == "frame"]
        zones = [e for e in events if e["ph"] == "X" and e["cat"] not in ("batch", "stage")]
        self.assertEqual(len(frames), 8)
        self.assertEqual(done.json["trace"],
                         {"file": path, "frames": 8, "zones": len(zones)})
        self.assertEqual(done.json["slow_frames"], None)
        self.assertEqual(self.result(self.probe, "--frames", "3")["trace"], None)

    def test_html(self):
        path = self.path("c.html")
        done = skep("run", self.probe, "--frames", 8, "--trace", path)
        if done.code == 2:
            self.assertIn("this build of skep has no viewer page", done.err)
            self.assertFalse(os.path.exists(path))
        else:
            self.assertEqual(done.code, 0, str(done))
            self.assertIn(b"c2tlcHQNChoBAAAA", pathlib.Path(path).read_bytes())

    def test_after_ctrl_c(self):
        path = self.path("d.skept")
        out, err = self.run_until(["run", self.probe, "--trace", path],
                                  lambda process: time.sleep(0.5))
        self.assertIn("trace " + path, err)
        self.assertIn(", stopped", out)
        self.assertGreater(len(self.read(path).frames), 2)

    def test_the_last_frames_of_many(self):
        """Nobody said how many there will be, so the ring may be too small for all of them."""
        path = self.path("e.skept")
        _, err = self.run_until(["run", "ship", "--pace", "none", "--workers", "0", "--trace",
                                 path, "--hash-every", "70000"],
                                lambda process: process.stdout.readline())
        found = re.search(r"the last ([\d,]+) of ([\d,]+) frames", err)
        self.assertTrue(found, err)
        last, everything = (int(x.replace(",", "")) for x in found.groups())
        self.assertLess(last, everything)
        info = dict(trace_bytes.sections_of(pathlib.Path(path).read_bytes()))["INFO"]
        self.assertEqual(struct.unpack_from("<I", info, 44)[0], last)

    def test_off(self):
        done = skep("run", self.probe, "--frames", 3, "--no-trace", "--json")
        self.assertEqual(done.code, 0, str(done))
        self.assertEqual(done.json["trace"], None)

    def test_the_world_is_the_same(self):
        one = self.result(self.probe, "--frames", "20")["hash"]
        two = skep("run", self.probe, "--frames", 20, "--json", "--trace", self.path("f.skept"),
                   "--slow-ms", 0.001).json["hash"]
        three = self.result(self.probe, "--frames", "20", "--no-trace")["hash"]
        self.assertEqual((one, one), (two, three))

    def test_wrong(self):
        run = ["run", self.probe, "--frames", "1"]
        for to, says in (("x.txt", "must end in .skept, .json or .html"), ("x", "must end in"),
                         ("nowhere/x.skept", "No such file or directory")):
            self.refuses([*run, "--trace", str(self.folder / to)], "--trace: ", says)
        self.refuses([*run, "--trace-last", "5"], "--trace-last: to which file? --trace FILE")
        for word in ("--trace=x.skept", "--slow-ms=5"):
            self.refuses([*run, "--no-trace", word], "--no-trace: ", "needs the tracer")
        for value in ("0", "-1", "x", "1e9", "", "nan", "0x10"):
            self.refuses([*run, f"--slow-ms={value}"], "--slow-ms: ")
        for value in ("0", "-1", "x", "1.5", ""):
            self.refuses([*run, "--trace", "x.skept", f"--trace-last={value}"], "--trace-last: ")
        self.refuses(["plan", self.probe, "--trace", "x.skept"], "an option of skep run")


class SlowFrames(RunCase):
    def test_it_says_why(self):
        done = skep("run", "skies", "--entities", 2000, "--frames", 40, "--workers", 2,
                    "--slow-ms", 0.01)
        self.assertEqual(done.code, 0, str(done))
        texts = re.split(r"(?m)^(?=slow: frame )", done.err)[1:]
        self.assertIn("\n  slow        40 of 40 frames took longer than 0.01 ms\n", done.out)
        for text in texts:
            self.assertRegex(text, r"^slow: frame \d+ took [\d.]+ ms \(budget 0\.010? ms\)\n"
                                   r"  critical path  \w+")
            self.adds_up(text)
        everything = "".join(texts)
        self.assertIn("\n  longest ", everything)
        self.assertIn("\n  idle           ", everything)
        self.assertIn("\n  would help     ", everything)

    def adds_up(self, text):
        total = re.search(r"took ([\d.]+) ms", text).group(1)
        path = re.search(r"critical path  (.*) ms\n", text).group(1)
        parts = re.findall(r"(?:^| > )(?:\d+ others?|[\w ]+) ([\d.]+)", path)
        self.assertEqual(len(parts), path.count(" > ") + 1, path)
        self.assertAlmostEqual(sum(float(x) for x in parts), float(total), places=6)

    def test_a_few_a_second(self):
        start = time.monotonic()
        done = skep("run", self.probe, "--frames", 2000, "--slow-ms", 0.001, "--json")
        seconds = time.monotonic() - start
        self.assertEqual(done.json["slow_frames"], 2000)
        count = len(re.findall(r"(?m)^slow: frame ", done.err))
        self.assertGreaterEqual(count, 4)
        self.assertLessEqual(count, 4 * (seconds + 1))
        told = re.findall(r"(?m)^slow: ([\d,]+) more since then$", done.err)
        self.assertLessEqual(count + sum(int(x.replace(",", "")) for x in told), 2000)

    def test_none_is_slow(self):
        done = self.good("run", self.probe, "--frames", 20, "--slow-ms", 100000)
        self.assertIn("\n  slow        0 of 20 frames took longer than 100000 ms\n", done.out)


class FlightRecorder(RunCase):
    def test_after_a_fault(self):
        path = self.path("fault.skept")
        done = skep("run", self.probe, "--frames", 30, "--param", "fail_at=12", "--trace", path,
                    "--trace-last", 5, "--json")
        self.assertEqual(done.code, 0, str(done))
        self.assertEqual(self.files("fault"), [12])
        self.assertIn(", after a fault\n", done.err)
        self.assertFalse(os.path.exists(path))
        self.assertEqual((done.json["trace"], done.json["trace_files"]), (None, 1))
        trace = self.read(self.folder / "fault-12.skept")
        self.assertEqual([z[4] for z in trace.frames], [8, 9, 10, 11, 12])
        self.assertIn(14, [z[1] for z in trace.others])

    def test_after_slow_frames_once_in_so_many(self):
        path = self.path("slow.skept")
        done = skep("run", self.probe, "--frames", 25, "--slow-ms", 0.001, "--trace", path,
                    "--trace-last", 10)
        self.assertEqual(done.code, 0, str(done))
        self.assertEqual(self.files("slow"), [0, 10, 20])
        self.assertIn("\n  recorded    3 files of the flight recorder\n", done.out)
        self.assertRegex(done.err, r"slow-20\.skept: 10 frames, [\d,]+ zones, after a frame of ")
        trace = self.read(self.folder / "slow-20.skept")
        self.assertEqual(trace.budget, 1000)
        self.assertEqual([z[4] for z in trace.frames], list(range(11, 21)))

    def test_ten_files_are_enough(self):
        path = self.path("many.skept")
        done = skep("run", self.probe, "--frames", 40, "--slow-ms", 0.001, "--trace", path,
                    "--trace-last", 1)
        self.assertEqual(self.files("many"), list(range(10)))
        self.assertEqual(done.err.count("10 files are written, and that is enough"), 1)

    def test_at_a_signal(self):
        path = self.path("signal.skept")

        def act(process):
            process.stdout.readline()
            for number in (1, 2):
                process.send_signal(signal.SIGUSR1)
                self.wait_for(lambda count=number: len(self.files("signal")) == count)

        out, err = self.run_until(["run", self.probe, "--hash-every", "1", "--dt", "0.01",
                                   "--trace", path, "--trace-last", "4"], act)
        self.assertEqual(err.count(", after a signal\n"), 2, err)
        for number in self.files("signal"):
            trace = self.read(self.folder / f"signal-{number}.skept")
            self.assertLessEqual(len(trace.frames), 4)
            self.assertEqual(trace.frames[-1][4], number)

    def test_nothing_happens(self):
        path = self.path("calm.skept")
        done = self.good("run", self.probe, "--frames", 20, "--trace", path, "--trace-last", 5)
        self.assertIn("\n  recorded    0 files of the flight recorder\n", done.out)
        self.assertFalse(os.path.exists(path))


class Serve(RunCase):
    def test_serve(self):
        path = self.path("serve.skept")
        done = skep("serve", self.probe, "--port", 0, "--frames", 20, "--slow-ms", 0.001,
                    "--trace", path)
        if "libwebsockets" in done.err:
            self.skipTest("no gateway in this build")
        self.assertEqual(done.code, 0, str(done))
        self.assertIn(f"skep serve: trace {path}: 20 frames", done.err)
        self.assertIn("slow: frame 0 took ", done.err)
        self.assertEqual(len(self.read(path).frames), 20)


if __name__ == "__main__":
    skep_command.main()
