#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`skep trace`: what it says of real traces, against figures from the bytes by another path, and
what it says of files that are none, damaged, cut off or of another version."""
import base64
import json
import math
import os
import pathlib
import struct
import subprocess
import sys

import skep_command
import trace_bytes
from skep_command import ROOT, Case, skep


class TraceCase(Case):
    """A trace of the scene skies, and one of it with more flights."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.path = cls.record("skies.skept", 1000)
        cls.other = cls.record("more.skept", 3000)
        cls.bytes = pathlib.Path(cls.path).read_bytes()
        cls.trace = trace_bytes.Trace(cls.bytes)

    @classmethod
    def record(cls, name, entities):
        path = str(cls.folder / name)
        done = skep("run", "skies", "--entities", entities, "--frames", 40, "--workers", 2,
                    "--grain", 0, "--slow-ms", 1000, "--trace", path)
        assert done.code == 0, str(done)
        return path

    def summary(self, *words):
        return self.good("trace", "summary", self.path, "--json", *words).json


def rank(values, percent):
    return sorted(values)[max(1, math.ceil(percent * len(values) / 100)) - 1]


class Summary(TraceCase):
    def near(self, a, b):
        self.assertLessEqual(abs(a - b), 1e-9 * abs(b) + 1e-3)

    def test_frames(self):
        s = self.summary()
        times = [end - begin for _, _, begin, end, _, _ in self.trace.frames]
        self.assertEqual(len(times), 40)
        self.assertEqual(s["scene"], "skies")
        self.assertEqual(self.trace.notes["scene"], "skies")
        self.assertEqual(s["zones"], len(self.trace.zones))
        self.assertEqual(s["problems"], [])
        self.assertEqual(s["budget_ns"], 1000000000)
        f = s["frames"]
        self.assertEqual((f["count"], f["first_tick"], f["last_tick"]), (40, 0, 39))
        for percent in (50, 95, 99):
            self.near(f[f"p{percent}_ns"], rank(times, percent))
        self.near(f["max_ns"], max(times))
        self.near(f["total_ns"], sum(times))
        self.assertEqual(f["over_budget"], 0)

    def test_systems(self):
        s = self.summary()
        totals = self.trace.totals()
        everything = sum(sum(frame.values()) for frame in totals)
        self.assertEqual({x["system"] for x in s["systems"]},
                         {self.trace.names[n] for frame in totals for n in frame})
        self.assertGreater(len(s["systems"]), 3)
        for x in s["systems"]:
            runs = [frame[x["number"]] for frame in totals if x["number"] in frame]
            self.assertEqual(x["runs"], len(runs))
            self.near(x["total_ns"], sum(runs))
            self.near(x["share"], sum(runs) / everything)
            self.near(sum(x["by_thread_ns"]), sum(runs))
            for percent in (50, 95, 99):
                self.near(x[f"p{percent}_ns"], rank(runs, percent))
        order = [x["total_ns"] for x in s["systems"]]
        self.assertEqual(order, sorted(order, reverse=True))

    def test_threads(self):
        s = self.summary()
        self.assertEqual([t["name"] for t in s["threads"]], ["caller", "worker 1", "worker 2"])
        for t in s["threads"]:
            idle = sum(ns for why, ns in t["idle_ns"].items() if why != "between frames")
            self.near(t["busy_ns"] + idle, s["frames"]["total_ns"])
            self.near(t["utilisation"], t["busy_ns"] / s["frames"]["total_ns"])

    def test_worst_frames(self):
        s = self.summary("--worst", "5")
        times = sorted((z[3] - z[2] for z in self.trace.frames), reverse=True)
        self.assertEqual(len(s["worst"]), 5)
        for worst, ns in zip(s["worst"], times):
            self.near(worst["ns"], ns)
            at = worst["begin_ns"]
            for segment in worst["path"]:
                self.assertEqual(segment["begin_ns"], at)
                self.assertGreater(segment["end_ns"], at)
                at = segment["end_ns"]
            self.near(at - worst["begin_ns"], ns)
            self.assertIn(worst["advice"]["do"], ("split", "without"))
            self.assertIn(worst["advice"]["system"], [h["system"] for h in worst["help"]])
        self.assertEqual(self.summary("--worst", "0")["worst"], [])
        self.assertEqual(len(self.summary("--worst", "1000")["worst"]), 40)

    def test_a_range_of_frames(self):
        for words, count in (("10..19", 10), ("30..", 10), ("..4", 5), ("7", 1)):
            self.assertEqual(self.summary("--frames", words)["frames"]["count"], count)
        text = self.good("trace", "summary", self.path, "--frames", "10..19").out
        self.assertRegex(text, r"(?m)^  frames      10: 10 to 19$")
        self.refuses(["trace", "summary", self.path, "--frames", "50..60"], "no frame is among")
        for words in ("20..10", "a..b", "..", "1..2..3", "-1", "1.5", ""):
            self.refuses(["trace", "summary", self.path, f"--frames={words}"], "--frames: ")

    def test_text(self):
        text = self.good("trace", "summary", self.path).out
        lines = text.splitlines()
        self.assertRegex(lines[0], r"skies\.skept: skies, 40 frames, [\d,]+ zones on 3 threads$")
        self.assertRegex(text, r"(?m)^  frame time  p50 [\d.]+ ms, p95 [\d.]+ ms, p99 [\d.]+ ms, ")
        self.assertRegex(text, r"(?m)^  budget      1000.00 ms: 0 of 40 frames took longer$")
        self.assertRegex(text, r"(?m)^  watch +[\d.]+ +[\d.]+%( +[\d.,]+){6}  [\d.]+ ms: .*frame")
        self.assertRegex(text, r"(?m)^  worker 2 +[\d.]+%( +[\d.]+%){4}$")
        self.assertRegex(text, r"(?m)^    (split|without) \w+: [\d.]+ ms of [\d.]+ ms would go$")
        # A path is one line of six steps by name and the others, however many threads it crosses.
        paths = [x for x in lines[1:] if x.startswith("  frame ") and " > " in x]
        self.assertEqual(len(paths), 3)
        step = r"\w+ [\d.]+( \(worker \d\))?"
        for path in paths:
            self.assertRegex(path, rf"^  frame \d+, [\d.]+ ms: {step}( > {step}){{0,5}}"
                                   r"( > \d+ others? [\d.]+)?$")
        for line in lines[1:]:
            self.assertTrue(line in paths or len(line) < 140, line)

    def test_a_trace_of_nothing(self):
        info = struct.pack("<QdQQQII", 0, 1.0, 0, 0, 0, 0, 0)
        thread = ("THRD", struct.pack("<IIQ", 0, 0, 0))
        path = self.file("empty.skept",
                         trace_bytes.file_of([("INFO", info), thread, ("END ", b"")]))
        self.assertIn("0 frames", self.good("trace", "summary", path).out)
        s = self.good("trace", "summary", path, "--json").json
        self.assertEqual((s["frames"]["count"], s["systems"], s["worst"]), (0, [], []))
        self.good("trace", "compare", path, path)
        self.good("trace", "convert", path, str(self.folder / "empty.json"))


class Compare(TraceCase):
    def test_json(self):
        c = self.good("trace", "compare", self.path, self.other, "--json").json
        self.assertEqual((c["a"]["frames"], c["b"]["frames"]), (40, 40))
        names = [x["system"] for x in c["systems"]]
        self.assertEqual(len(set(names)), len(names))
        watch = c["systems"][names.index("watch")]
        for key in ("p50_ns", "p99_ns", "share"):
            x = watch[key]
            self.assertAlmostEqual(x["change"], x["b"] - x["a"])
            self.assertLessEqual(x["low"], x["change"])
            self.assertGreaterEqual(x["high"], x["change"])
        clear = [x["clear"] for x in c["systems"]]
        self.assertEqual(clear, sorted(clear, reverse=True))
        for x in c["systems"]:
            self.assertEqual(x["clear"], x["p50_ns"]["low"] > 0)

    def test_itself(self):
        c = self.good("trace", "compare", self.path, self.path, "--json").json
        for x in c["systems"]:
            self.assertFalse(x["clear"])
            self.assertEqual(x["p50_ns"]["change"], 0)
        text = self.good("trace", "compare", self.path, self.path).out
        self.assertIn("0 systems got clearly slower", text)

    def test_text(self):
        text = self.good("trace", "compare", self.path, self.other).out
        self.assertRegex(text, r"(?m)^A  .*skies\.skept: skies, 40 frames")
        self.assertRegex(text, r"(?m)^B  .*more\.skept: skies, 40 frames")
        self.assertRegex(text, r"(?m)^  watch +[\d.]+ +[\d.]+  +[+-][\d.]+  [+-][\d.]+ to [+-]")

    def test_systems_of_one_side(self):
        path = str(self.folder / "flock.skept")
        done = skep("run", "flock", "--entities", 200, "--frames", 20, "--trace", path)
        self.assertEqual(done.code, 0, str(done))
        c = self.good("trace", "compare", self.path, path, "--json").json
        self.assertEqual({x["only"] for x in c["systems"]} - {None}, {"a", "b"})
        self.assertIn("in B only", self.good("trace", "compare", self.path, path).out)


class Convert(TraceCase):
    def convert(self, ending, source=None):
        path = str(self.folder / f"out.{ending}")
        done = self.good("trace", "convert", source or self.path, path)
        self.assertIn("40 frames", done.out)
        self.assertFalse(os.path.exists(path + ".tmp"))
        return pathlib.Path(path).read_bytes()

    def test_json(self):
        data = json.loads(self.convert("json"))
        events = data["traceEvents"]
        by_phase = {}
        for event in events:
            by_phase.setdefault(event["ph"], []).append(event)
        self.assertEqual(set(by_phase), {"M", "X", "C", "i", "s", "f"})
        derived = [e for e in by_phase["X"] if e["cat"] in ("batch", "stage")]
        commits = [z for z in self.trace.zones if z[1] == trace_bytes.COMMIT]
        self.assertEqual(len([e for e in derived if e["cat"] == "batch"]), len(commits))
        self.assertEqual(len(by_phase["X"]) - len(derived), len(self.trace.zones))
        self.assertEqual(len(by_phase["C"]) + len(by_phase["i"]), len(self.trace.others))
        self.assertEqual([e["id"] for e in by_phase["s"]], [e["id"] for e in by_phase["f"]])
        for s, f in zip(by_phase["s"], by_phase["f"]):
            self.assertLessEqual(s["ts"], f["ts"])
            self.assertEqual(f["bp"], "e")
        self.assertEqual(by_phase["M"][0]["args"], {"name": "skies"})
        last = {}
        for event in by_phase["X"]:
            self.nests(last.setdefault(event["tid"], []), event)

    def nests(self, stack, event):
        begin = round(event["ts"] * 1000)
        end = begin + round(event["dur"] * 1000)
        self.assertGreaterEqual(end, begin)
        while stack and stack[-1] <= begin:
            stack.pop()
        if stack:
            self.assertLessEqual(end, stack[-1], event)
        stack.append(end)

    def test_skept(self):
        self.assertEqual(self.convert("skept"), self.bytes)

    def test_html(self):
        to = str(self.folder / "out.html")
        done = skep("trace", "convert", self.path, to)
        if done.code == 2:  # this build has no page
            self.refuses(["trace", "convert", self.path, to], "no viewer page", "tools/viewer.sh")
            self.assertFalse(os.path.exists(to))
            return
        self.assertEqual(done.code, 0, str(done))
        page = pathlib.Path(to).read_bytes()
        self.assertIn(base64.b64encode(self.bytes), page)
        self.assertNotIn(b"SKEP_TRACE_BASE64", page)

    def test_where_it_cannot_go(self):
        for to, says in (("out.txt", "must end in .skept, .json or .html"),
                         ("out", "must end in"), (".json/out", "must end in"),
                         ("nowhere/out.json", "No such file or directory")):
            self.refuses(["trace", "convert", self.path, str(self.folder / to)], says)
        folder = self.folder / "folder.json"
        folder.mkdir()
        self.refuses(["trace", "convert", self.path, str(folder)], "Is a directory")
        self.assertEqual(list(folder.iterdir()), [])


class Wrong(TraceCase):
    def damaged(self, data, *says):
        """A file that can be shown, though something of it is damaged: 1, and what is said."""
        path = self.file("damaged.skept", data)
        done = skep("trace", "summary", path, "--json")
        self.assertEqual(done.code, 1, str(done))
        for text in says:
            self.assertIn(text, done.err)
        self.assertTrue(all(line.startswith("skep trace summary: ") for line in
                            done.err.splitlines()))
        problems = done.json["problems"]
        self.assertGreater(len(problems), 0)
        return done.json

    def test_no_trace(self):
        for command in ("summary", "convert", "compare"):
            more = {"summary": [], "convert": [str(self.folder / "x.json")],
                    "compare": [self.path]}[command]
            self.refuses(["trace", command, str(self.folder / "none.skept"), *more],
                         "none.skept: No such file")
            self.refuses(["trace", command, self.file("text.skept", "hello"), *more],
                         "no trace")
            self.refuses(["trace", command, self.file("empty.skept", ""), *more], "no trace")
            self.refuses(["trace", command, str(self.folder), *more], str(self.folder))
        self.refuses(["trace", "compare", self.path, self.file("text.skept", "x")], "no trace")
        self.assertFalse((self.folder / "x.json").exists())

    def test_versions(self):
        newer = self.bytes[:8] + struct.pack("<I", 2) + self.bytes[12:]
        self.refuses(["trace", "summary", self.file("new.skept", newer)], "newer than this skep")
        older = self.bytes[:8] + struct.pack("<I", 0) + self.bytes[12:]
        self.refuses(["trace", "summary", self.file("old.skept", older)], "never was")

    def test_cut_off(self):
        s = self.damaged(self.bytes[:-16], "cut off")
        self.assertEqual(s["frames"]["count"], 40)
        s = self.damaged(self.bytes[:self.bytes.rindex(b"THRD") - 5], "cut off",
                         "the file ends within it", "has not the threads")
        self.assertEqual(s["frames"]["count"], 40)
        s = self.damaged(self.bytes[:len(self.bytes) // 4], "THRD", "has not the frames")
        self.assertLess(s["frames"]["count"], 40)
        self.assertGreater(s["frames"]["count"], 0)
        s = self.damaged(self.bytes[:20], "cut off", "INFO")
        self.assertEqual(s["frames"]["count"], 0)

    def test_damaged_sections(self):
        at = 16
        for tag, payload in trace_bytes.sections_of(self.bytes):
            if payload:
                data = bytearray(self.bytes)
                data[at + 16 + len(payload) // 2] ^= 4
                s = self.damaged(bytes(data), tag, "damaged, and left out")
                self.assertEqual(s["frames"]["count"], 0 if tag == "THRD" and at < 8000 else 40)
            at += 16 + len(payload) + -len(payload) % 8

    def test_a_damaged_file_made_whole(self):
        data = bytearray(self.bytes[:-16])
        data[self.bytes.index(b"SYST") + 20] ^= 1
        path, whole = self.file("broken.skept", bytes(data)), str(self.folder / "whole.skept")
        done = skep("trace", "convert", path, whole)
        self.assertEqual(done.code, 1, str(done))
        s = self.good("trace", "summary", whole, "--json").json
        self.assertEqual((s["problems"], s["frames"]["count"]), ([], 40))
        self.assertTrue(s["systems"][0]["system"].startswith("system "))

    def test_words(self):
        self.refuses(["trace", "summary"], "which trace?")
        self.refuses(["trace", "compare", self.path], "which two traces?")
        self.refuses(["trace", "convert", self.path], "from which trace to which file?")
        self.refuses(["trace", "summary", self.path, self.path], "one trace at a time")
        self.refuses(["trace", "compare", self.path, self.path, "x"], "2 words and no more")
        self.refuses(["trace", "summary", self.path, "--jsno"], 'did you mean "--json"?')
        self.refuses(["trace", "convert", self.path, "x.json", "--json"], "of skep run")
        self.refuses(["trace", "summray", self.path], 'did you mean "trace summary"?')
        self.refuses(["help", "trace", "nothing"], "skep trace --help")
        done = skep("trace")
        self.assertEqual((done.code, done.out), (2, ""))
        self.assertIn("usage: skep trace summary", done.err)

    def test_help(self):
        text = self.good("trace", "--help").out
        self.assertEqual(self.good("help", "trace").out, text)
        for word in ("summary", "compare", "convert"):
            one = self.good("help", "trace", word).out
            self.assertEqual(self.good("trace", word, "--help").out, one)
            self.assertIn(one, text)
        self.assertTrue(all(len(line) <= 90 for line in text.splitlines()))


class Embedding(Case):
    """tools/embed.py --optional: the viewer's page may be missing, and comes when it is there."""

    def embed(self, source, output):
        subprocess.run([sys.executable, ROOT / "tools" / "embed.py", "--optional", source, output,
                        "page"], check=True, timeout=60)
        return (self.folder / "page.c").read_text()

    def test_a_file_that_comes_and_goes(self):
        source, output = self.folder / "page.html", self.folder / "page.c"
        self.assertIn("page_bytes = 0;", self.embed(source, output))
        before = output.stat().st_mtime_ns
        self.embed(source, output)
        self.assertEqual(output.stat().st_mtime_ns, before)
        source.write_text("ab")
        self.assertIn("97,98,", self.embed(source, output))
        source.unlink()
        self.assertIn("page_bytes = 0;", self.embed(source, output))


if __name__ == "__main__":
    skep_command.main()
