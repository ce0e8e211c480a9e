#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every option does what its help says, and every wrong word is one line and exit code 2.

ctest: threads"""
import re

import skep_command
from skep_command import Case, skep


class Help(Case):
    def test_all_commands(self):
        text = self.good("--help").out
        for word in ("run", "plan", "scenes", "bench", "help"):
            self.assertRegex(text, rf"(?m)^  {word}\b")
        self.assertEqual(self.good("help").out, text)
        self.assertEqual(self.good("-h").out, text)
        self.assertTrue(all(len(line) <= 80 for line in text.splitlines()))

    def test_each_command(self):
        for word in ("run", "plan", "scenes", "bench", "help"):
            text = self.good(word, "--help").out
            self.assertEqual(self.good("help", word).out if word != "help" else text, text)
            self.assertTrue(text.startswith(f"skep {word} "), text)
            self.assertIn("--help", text)
            for line in text.splitlines():
                self.assertLessEqual(len(line), 90, line)
        self.assertEqual(self.good("--help", "run").out, self.good("run", "-h").out)

    def test_options_of_run(self):
        text = self.good("run", "--help").out
        for name in ("frames", "workers", "executor", "grain", "seed", "entities", "dt", "data",
                     "param", "save", "load", "hash-every", "json", "pace", "deadline-ms",
                     "restart-budget", "no-seccomp"):
            self.assertRegex(text, rf"(?m)^  --{name}\b")
        self.assertNotIn("--why", text)

    def test_help_wins_over_the_scene(self):
        self.assertIn("usage", self.good("run", "no-such-scene", "--help").out)

    def test_version(self):
        self.assertRegex(self.good("--version").out, r"^skep \d+\.\d+\.\d+ \(commit .+\)\n$")

    def test_nothing(self):
        done = skep()
        self.assertEqual(done.code, 2)
        self.assertIn("usage: skep", done.err)
        self.assertEqual(done.out, "")

    def test_bench_reads_its_own_words(self):
        self.assertEqual(skep("bench", "--no-such-option").code, 2)


class Wrong(Case):
    def test_commands(self):
        self.refuses(["rnu"], 'did you mean "run"?')
        self.refuses(["frobnicate"], "frobnicate", "skep --help")
        self.refuses([""], "no command")
        self.refuses(["help", "plna"], 'did you mean "plan"?')
        self.refuses(["help", "run", "plan"], "one command at a time")

    def test_scenes(self):
        first = skep_command.scenes()[0]
        self.refuses(["run"], "which scene?", "skep scenes")
        self.refuses(["plan"], "which scene?")
        self.refuses(["run", ""], "empty")
        self.refuses(["run", first[:-1] + "x"], f'did you mean "{first}"?')
        self.refuses(["run", "nothing-like-it"], "nothing-like-it", "skep scenes")
        self.refuses(["run", first, first], "one scene at a time")
        self.refuses(["plan", "nothing-like-it"], "skep plan", "nothing-like-it")
        self.refuses(["scenes", "nothing-like-it"], "nothing-like-it")

    def test_names_with_control_characters_stay_one_line(self):
        self.refuses(["run", "a\nb\x1b[31m"], "a?b?[31m")

    def test_long_names(self):
        self.refuses(["run", "x" * 100000], "there is no scene")
        self.refuses(["run", self.probe, "--" + "x" * 100000], "there is no option")

    def test_files(self):
        self.refuses(["run", "./nothing.so"], "nothing.so", "no such file")
        self.refuses(["run", "nothing.so"], "nothing.so", "no such file")
        self.refuses(["run", self.file("text.so", "hello")], "text.so")
        self.refuses(["run", str(self.folder) + "/"], str(self.folder))
        source = self.file("empty.c", "int nothing_here; int nothing_here = 1;\n")
        self.refuses(["run", self.build("empty.so", source)], "exports no scene", "SKEP_SCENE")

    def test_unknown_options(self):
        self.refuses(["run", self.probe, "--frame", "1"], 'did you mean "--frames"?')
        self.refuses(["run", self.probe, "--work=2"], "no option --work")
        self.refuses(["run", self.probe, "-x"], "no option -x", "skep run --help")
        self.refuses(["run", self.probe, "--why", "x"], "--why is an option of skep plan")
        self.refuses(["plan", self.probe, "--save", "x"], "--save is an option of skep run")
        self.refuses(["scenes", "--frames", "1"], "--frames is an option of skep run")

    def test_missing_values(self):
        for name in ("frames", "workers", "executor", "grain", "seed", "entities", "dt", "data",
                     "param", "load", "save", "hash-every", "pace"):
            self.refuses(["run", self.probe, f"--{name}"], f"--{name}: the value is missing")
            self.refuses(["run", self.probe, f"--{name}="], f"--{name}: ")
        self.refuses(["run", self.probe, "--json=yes"], "--json takes no value")

    def test_numbers(self):
        wrong = ["-1", "+1", "1.5", " 1", "1 ", "0x10", "1e3", "many", "99999999999999999999",
                 "18446744073709551616", "NaN", "\u0661"]
        for name in ("frames", "workers", "seed", "entities", "hash-every"):
            for value in wrong:
                self.refuses(["run", self.probe, f"--{name}", value], f"--{name}: ",
                             "whole number from")
        self.refuses(["run", self.probe, "--workers", "257"], "from 0 to 256, or auto")
        self.refuses(["run", self.probe, "--entities", "67108864"], "from 0 to 67108863")
        self.refuses(["run", self.probe, "--hash-every", "0"], "from 1 to")
        for value in ("0", "-0.1", "nan", "inf", "1e9", "1e-9", "1,5", "0.1s", "0x1p-4", " 1"):
            self.refuses(["run", self.probe, "--dt", value], "--dt: ", "number of seconds")

    def test_words(self):
        self.refuses(["run", self.probe, "--executor", "gpu"], "gpu", "local|threads|processes")
        self.refuses(["run", self.probe, "--executor", "local|threads"],
                     "only local|threads|processes")
        self.refuses(["run", self.probe, "--grain", "1"], "0|auto")
        self.refuses(["run", self.probe, "--pace", "fast"], "real|none")

    def test_params(self):
        self.refuses(["run", self.probe, "--param", "spread"], "name=value")
        self.refuses(["run", self.probe, "--param", "=3"], "name=value")
        self.refuses(["run", self.probe, "--param", "sprad=3"], 'did you mean "spread"?',
                     "entities, spread, fail_at, log, mistake")
        self.refuses(["run", self.probe, "--param", "x=3"], 'no parameter "x"', "it has entities")
        self.refuses(["run", self.probe, "--param", "spread=wide"], "spread", '"wide"')
        self.refuses(["run", self.probe, "--param", "entities=-3"], "entities", '"-3"')
        self.refuses(["plan", self.probe, "--param", "x=3"], "skep plan", 'no parameter "x"')

    def test_data(self):
        self.refuses(["run", self.probe, "--data", str(self.folder / "none.csv")], "none.csv",
                     "No such file")
        self.refuses(["run", self.probe, "--data", str(self.folder)], "directory")
        bad = self.file("bad.csv", "no good")
        self.refuses(["run", self.probe, "--data", bad], "bad.csv", "line 1, column 1")
        self.refuses(["run", self.probe, "--data", self.file("empty.csv")], "empty.csv")

    def test_saves(self):
        self.refuses(["run", self.probe, "--frames", "1", "--save", str(self.folder)], "--save",
                     "directory")
        nowhere = str(self.folder / "no" / "where.skep")
        self.refuses(["run", self.probe, "--frames", "1", "--save", nowhere], "--save", nowhere)
        self.refuses(["run", self.probe, "--load", nowhere], nowhere, "No such file")
        self.refuses(["run", self.probe, "--load", self.file("text.skep", "hello")], "text.skep")
        self.refuses(["run", self.probe, "--load", self.file("none.skep")], "none.skep")
        self.refuses(["run", self.probe, "--load", str(self.folder)], str(self.folder))

    def test_why(self):
        self.refuses(["plan", self.probe, "--why", "wandr"], 'did you mean "wander"')
        self.refuses(["plan", self.probe, "--why", "nothing"], "nothing")

    def test_mistakes_of_a_scene(self):
        self.refuses(["run", self.probe, "--param", "mistake=order"], "probe: ", "renew",
                     'did you mean "wander"?')
        done = skep("run", self.probe, "--param", "mistake=two")
        self.assertEqual((done.code, done.out), (2, ""), str(done))
        lines = done.err.splitlines()
        self.assertEqual(lines[0], "probe: 2 mistakes, nothing was run")
        self.assertEqual(len(lines), 3, str(done))
        self.assertIn("wandr", done.err)
        self.assertIn("updat", done.err)


class Right(Case):
    def test_forms_and_order(self):
        words = (["--frames", "3", self.probe], [self.probe, "--frames=3"],
                 ["--frames", "9", self.probe, "--frames", "3"], ["--frames=3", "--", self.probe])
        hashes = {self.result(*line)["hash"] for line in (words[0], words[1], words[2])}
        hashes.add(self.good("run", "--json", *words[3]).json["hash"])
        self.assertEqual(len(hashes), 1)

    def test_entities_is_a_parameter(self):
        one = self.result(self.probe, "--frames", "4", "--entities", "700")
        two = self.result(self.probe, "--frames", "4", "--param", "entities=700")
        self.assertEqual(one["entities"], 700)
        self.assertEqual(one["hash"], two["hash"])
        self.assertEqual(self.result(self.probe, "--frames", "2", "--entities", "0")["entities"], 0)

    def test_what_changes_the_hash(self):
        base = ["--frames", "20", "--entities", "300"]
        runs = [base, base + ["--seed", "2"], base + ["--dt", "0.1"],
                base + ["--param", "spread=2"], base[2:] + ["--frames", "21"],
                base + ["--entities", "301"]]
        hashes = [self.result(self.probe, *run)["hash"] for run in runs]
        self.assertEqual(len(set(hashes)), len(runs), hashes)
        self.assertEqual(self.result(self.probe, *base)["hash"], hashes[0])
        explicit = base + ["--seed", "1", "--param", "spread=1", "--param", "spread=1e1"]
        self.assertEqual(self.result(self.probe, *explicit)["hash"], hashes[0])

    def test_data(self):
        self.result(self.probe, "--frames", "1", "--data", self.file("good.csv", "ok, go"))

    def test_seed_of_64_bits(self):
        seed = (1 << 64) - 1
        self.assertEqual(self.result(self.probe, "--frames", "1", "--seed", seed)["seed"], seed)

    def test_no_frames(self):
        result = self.result(self.probe, "--frames", "0")
        self.assertEqual((result["frames"], result["tick"]), (0, 0))
        self.assertEqual(result["frame_ms"], {"p50": 0, "p99": 0, "max": 0})

    def test_hash_every(self):
        done = self.good("run", self.probe, "--frames", "10", "--hash-every", "3", "--json")
        lines = done.out.splitlines()
        self.assertEqual(len(lines), 4)
        for line, frame in zip(lines, (3, 6, 9)):
            self.assertRegex(line, rf"^{frame} [0-9a-f]{{16}}$")
            same = self.result(self.probe, "--frames", frame)["hash"]
            self.assertEqual(line.split()[1], same)

    def test_pace(self):
        result = self.result(self.probe, "--frames", "5", "--dt", "0.05", "--pace", "real")
        self.assertGreaterEqual(result["seconds"], 0.19)
        same = self.result(self.probe, "--frames", "5", "--dt", "0.05")
        self.assertEqual(result["hash"], same["hash"])

    def test_check(self):
        words = [self.probe, "--frames", "20"]
        self.assertEqual(self.result(*words, "--check")["hash"], self.result(*words)["hash"])

    def test_plan(self):
        text = self.good("plan", self.probe).out
        for system in ("wander", "renew", "faulty"):
            self.assertIn(system, text)
        why = self.good("plan", self.probe, "--why", "renew", "--frames", "2").out
        self.assertRegex(why, r"^renew +stage update, batch \d+ of \d+")
        self.assertIn("wander", why)

    def test_scenes(self):
        names = skep_command.scenes()
        for name in ("physics", "flock", "collide", "bullets", "ship", "skies", "hostile"):
            self.assertIn(name, names)
        for name in names:
            text = self.good("scenes", name).out
            self.assertRegex(text, r"(?m)^  entities=\d+ +u32 ")
        text = self.good("scenes", self.probe).out
        self.assertRegex(text, r"(?m)^  spread=10 +f32 +how far apart they begin$")

    def test_table(self):
        text = self.good("run", self.probe, "--frames", "12").out
        self.assertRegex(text, r"^probe: 1,000 entities after frame 12\n")
        for word in ("hash", "frames", "frame time", "executor", "patches", "faults"):
            self.assertRegex(text, rf"(?m)^  {word} +\S")
        hash_of = re.search(r"hash +([0-9a-f]{16})\n", text).group(1)
        self.assertEqual(hash_of, self.result(self.probe, "--frames", "12")["hash"])


if __name__ == "__main__":
    skep_command.main()
