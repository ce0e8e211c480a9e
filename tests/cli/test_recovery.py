#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checkpoints, recordings and replay from the command line: killed at any moment, a run goes on
from its last checkpoint; what it recorded plays up to there; what comes out differently is named.

ctest: threads timeout=300"""
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import time

import skep_command
from skep_command import SKEP, Case, skep

ROUNDS = 22
ENTITIES = 20000
EVERY = 7


class Mishap(Case):
    scene = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.scene = cls.build("mishap.so", skep_command.ROOT / "tests" / "cli" / "mishap.c")

    def setUp(self):
        self.place = self.folder / self.id().rsplit(".", 1)[-1]
        self.place.mkdir()

    def path(self, name):
        return str(self.place / name)

    def run_with(self, environment, *words):
        """With sanitizers a crash is to be one all the same."""
        plain = {name: f"{os.environ.get(name, '')}:handle_segv=0"
                 for name in ("ASAN_OPTIONS", "TSAN_OPTIONS")}
        return skep(*words, env={**os.environ, **plain, **environment})


def number_of(path):
    return int(path.name.split("-")[1])


def tick_of(path):
    return int(path.name.split("-")[2].split(".")[0])


def checkpoints(folder):
    """The whole ones, the newest first."""
    found = pathlib.Path(folder).glob("checkpoint-*.skep")
    return sorted(found, key=number_of, reverse=True)


class Kill(Mishap):
    def start(self, folder, record):
        words = ["run", self.scene, "--entities", ENTITIES, "--pace", "none", "--checkpoint",
                 folder, "--every", EVERY, "--resume", folder, "--record", record,
                 "--record-every", "5"]
        return subprocess.Popen([SKEP, *map(str, words)], stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def resumed(self, folder):
        done = skep("run", self.scene, "--entities", ENTITIES, "--resume", folder, "--frames", "0",
                    "--json")
        self.assertEqual(done.code, 0, str(done))
        return done

    def damage(self, path, draw):
        """Flips a bit, cuts the file, or leaves a half written one beside it."""
        whole = bytearray(path.read_bytes())
        if draw.random() < 0.5:
            at = draw.randrange(len(whole))
            whole[at] ^= 1 << draw.randrange(8)
        else:
            del whole[draw.randrange(len(whole)):]
        path.write_bytes(bytes(whole))

    def wait_for_more(self, folder, child):
        """Until there is another checkpoint than those that are there: a slow machine would be
        killed before it got anywhere."""
        old = {path.name for path in checkpoints(folder)}
        for _ in range(1000):
            if {path.name for path in checkpoints(folder)} - old or child.poll() is not None:
                return
            time.sleep(0.02)

    def test_killed_at_any_moment(self):
        seed = int(os.environ.get("SKEP_SEED", time.time_ns() % 1000000))
        print(f"SKEP_SEED={seed}")
        draw = random.Random(seed)
        folder, record = self.path("checkpoints"), self.path("run.skepr")
        seen, broken = {}, set()
        least = 0
        for round_number in range(ROUNDS):
            child = self.start(folder, record)
            try:
                if round_number % 4:
                    self.wait_for_more(folder, child)
                time.sleep(draw.uniform(0.0, 0.25))
                before = checkpoints(folder)
            finally:
                child.send_signal(signal.SIGKILL)
                child.communicate(timeout=30)
            if not before and not checkpoints(folder):
                continue
            done = self.resumed(folder)
            result = done.json
            # Nothing that was whole before the kill is lost.
            self.assertGreaterEqual(result["tick"], least, str(done))
            for path in before:
                if path.name not in broken:
                    self.assertGreaterEqual(result["tick"], tick_of(path), str(done))
            named = set(re.findall(r"(checkpoint-\d+-\d+\.skep): passed over", done.err))
            self.assertLessEqual(named, broken, str(done))
            seen[result["tick"]] = result["hash"]
            least = result["tick"]
            replayed = skep("replay", record)
            self.assertIn(replayed.code, (0, 2), str(replayed))
            if replayed.code == 2:  # killed before its first world was whole
                self.assertRegex(replayed.err, r"(cut off|within a record|no recording)")
            good = [path for path in checkpoints(folder) if path.name not in broken]
            if round_number % 5 == 4 and len(good) > 1:
                path = good[0]
                broken.add(path.name)
                self.damage(path, draw)
                done = self.resumed(folder)
                self.assertIn(f"{path}: passed over", done.err)
                least = done.json["tick"]
        self.assertGreater(len(seen), ROUNDS // 3, seen)
        # Where a run ended by itself, there are as many as there should be, and no half one.
        self.good("run", self.scene, "--frames", 3 * EVERY, "--checkpoint", folder, "--every",
                  EVERY)
        self.assertEqual(len(checkpoints(folder)), 3)
        self.assertEqual(len(os.listdir(folder)), 4)  # and scene.txt
        frames = max(seen)
        whole = self.good("run", self.scene, "--entities", ENTITIES, "--frames", frames,
                          "--hash-every", EVERY)
        hashes = dict(re.findall(r"(?m)^(\d+) ([0-9a-f]{16})$", whole.out))
        for tick, value in seen.items():
            self.assertEqual(hashes[str(tick)], value, f"frame {tick}")


class Checkpoints(Mishap):
    def test_goes_on_as_if_never_stopped(self):
        folder = self.path("c")
        whole = self.result(self.scene, "--frames", "100")
        done = self.result(self.scene, "--frames", "50", "--checkpoint", folder, "--every", "20",
                           "--keep", "2")
        self.assertEqual(done["checkpoints"]["failed"], 0)
        self.assertEqual([path.name for path in checkpoints(folder)][0].split("-")[2], "50.skep")
        self.assertEqual(len(checkpoints(folder)), 2)
        self.assertEqual([path for path in os.listdir(folder) if path.endswith(".tmp")], [])
        more = skep("run", self.scene, "--resume", folder, "--frames", "50", "--json")
        self.assertEqual(more.json["hash"], whole["hash"])
        self.assertIn("resumed from", more.err)
        self.assertIn("frame 50", more.err)
        # A checkpoint is a save like any other.
        loaded = self.result(self.scene, "--load", checkpoints(folder)[0], "--frames", "50")
        self.assertEqual(loaded["hash"], whole["hash"])

    def test_of_another_scene(self):
        folder = self.path("c")
        self.good("run", self.scene, "--entities", "40", "--frames", "3", "--checkpoint", folder)
        self.assertEqual((self.place / "c/scene.txt").read_text(),
                         "scene mishap\nentities=40\n")
        for option, fix in (("--resume", "run that scene"), ("--checkpoint", "choose another")):
            done = skep("run", "flock", "--frames", "3", option, folder)
            self.assertEqual(done.code, 2, str(done))
            self.assertIn(f'{option}: ', done.err)
            self.assertIn(f'it holds those of the scene "mishap"; {fix}', done.err)
            self.assertEqual(len(done.err.splitlines()), 1, done.err)
        self.assertEqual(len(checkpoints(folder)), 1)
        more = skep("run", self.scene, "--resume", folder, "--frames", "3", "--json")
        self.assertEqual((more.code, more.json["tick"]), (0, 6), str(more))
        self.assertIn("with other parameters: entities=40; now: none", more.err)

    def test_nothing_to_go_on_from(self):
        done = skep("run", self.scene, "--resume", self.path("none"), "--frames", "3", "--json")
        self.assertEqual((done.code, done.json["tick"], done.json["resumed"]), (0, 3, None))
        self.assertIn("no checkpoint yet", done.err)
        folder = self.place / "c"
        folder.mkdir()
        (folder / "checkpoint-1-20.skep").write_bytes(b"nothing of the kind")
        done = skep("run", self.scene, "--resume", folder, "--frames", "3")
        self.assertEqual(done.code, 2, str(done))
        self.assertIn("checkpoint-1-20.skep: passed over", done.err)
        self.assertIn("all its checkpoints are damaged", done.err)

    def test_a_folder_that_goes_away_does_not_stop_the_run(self):
        folder = self.path("c")
        words = ["run", self.scene, "--entities", "100", "--checkpoint", folder, "--every", "2",
                 "--pace", "none", "--json"]
        child = subprocess.Popen([SKEP, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True)
        try:
            for _ in range(500):
                if checkpoints(folder):
                    break
                time.sleep(0.01)
            # The writer may put a file into it while it is being emptied.
            for _ in range(100):
                shutil.rmtree(folder, ignore_errors=True)
                if not os.path.exists(folder):
                    break
            time.sleep(1)
            child.send_signal(signal.SIGTERM)
            out, err = child.communicate(timeout=30)
        finally:
            child.kill()
            child.wait()
        result = skep_command.json.loads(out.splitlines()[-1])
        self.assertGreater(result["checkpoints"]["failed"], 1, err)
        self.assertEqual(err.count("no checkpoint at frame"), 1, err)
        self.assertIn("No such file or directory", err)
        self.assertEqual(result["end"], "signal")
        self.assertEqual(child.returncode, 1)

    def test_refusals(self):
        a_file = self.file("a_file")
        self.refuses(["run", self.scene, "--checkpoint", a_file, "--frames", "1"], a_file,
                     "Not a directory")
        self.refuses(["run", self.scene, "--every", "3", "--frames", "1"], "--every",
                     "--checkpoint DIR")
        self.refuses(["run", self.scene, "--keep", "3", "--frames", "1"], "--checkpoint DIR")
        self.refuses(["run", self.scene, "--load", a_file, "--resume", "x"], "--resume", "--load")
        self.refuses(["run", self.scene, "--record-every", "3", "--frames", "1"], "--record FILE")
        self.refuses(["run", self.scene, "--record", "/dev/full", "--frames", "1"], "--record",
                     "No space left")
        self.refuses(["run", self.scene, "--record", "/no/where", "--frames", "1"], "/no/where",
                     "No such file")


class Replay(Mishap):
    def record(self, *words, environment=None):
        path = self.path("run.skepr")
        done = self.run_with(environment or {}, "run", self.scene, "--record", path, *words)
        return path, done

    def test_all_the_same_on_every_executor(self):
        data = self.file("numbers.txt", "1,2,3\n")
        path, done = self.record("--frames", "60", "--entities", "2500", "--seed", "9", "--data",
                                 data, "--json")
        os.remove(data)
        ways = [["--executor", "local"], ["--workers", "1", "--grain", "0"], ["--workers", "3"],
                ["--local"]]
        if skep("run", self.scene, "--frames", "1", "--executor", "processes").code != 2:
            ways.append(["--executor", "processes", "--workers", "2"])
        for words in ways:
            again = self.good("replay", path, *words, "--json").json
            self.assertEqual(again["hash"], done.json["hash"])
            self.assertEqual((again["frames"], again["hashes"], again["difference"]),
                             (60, 60, None))
            self.assertTrue(again["whole"])
        text = self.good("replay", path).out
        self.assertRegex(text, r"run.skepr: mishap, 60 frames from frame 0 on, seed 9")
        self.assertRegex(text, rf"(?m)^all the same: hash {done.json['hash']} after frame 60$")

    def test_one_flipped_bit_is_named(self):
        path, _ = self.record("--frames", "60", environment={"SKEP_TEST_FLIP": "37"})
        done = skep("replay", path)
        self.assertEqual(done.code, 1, str(done))
        self.assertIn('frame 37 differs: system "drift" (batch 1) wrote Spot differently\n',
                      done.out)
        result = skep("replay", path, "--json").json
        self.assertEqual((result["difference"]["frame"], result["difference"]["system"],
                          result["difference"]["part"], result["frames"]),
                         (37, '"drift"', "Spot", 38))

    def test_a_crash_is_run_again(self):
        crash = {"SKEP_TEST_CRASH": "25"}
        path, done = self.record("--frames", "60", environment=crash)
        self.assertEqual(done.code, -signal.SIGSEGV, str(done))
        done = skep("replay", path)
        self.assertEqual(done.code, 0, str(done))
        self.assertIn("frame 25 began and never ended: running it now\n", done.out)
        self.assertIn("the recording was cut off", done.out)
        done = self.run_with(crash, "replay", path)
        self.assertEqual(done.code, -signal.SIGSEGV, str(done))
        self.assertIn("frame 25 began and never ended: running it now\n", done.out)

    def test_damage_is_told_and_what_is_before_it_plays(self):
        path, _ = self.record("--frames", "60")
        whole = bytearray(pathlib.Path(path).read_bytes())
        whole[-4000] ^= 4
        pathlib.Path(path).write_bytes(bytes(whole))
        done = skep("replay", path)
        self.assertEqual(done.code, 0, str(done))
        self.assertIn("its checksum differs; what is before it is played", done.out)
        frames = int(re.search(r"replayed (\d+) frames", done.out)[1])
        self.assertTrue(5 < frames < 60, done.out)

    def test_refusals(self):
        path, _ = self.record("--frames", "3")
        self.refuses(["replay"], "which recording?")
        self.refuses(["replay", self.path("none")], "no such file")
        self.refuses(["replay", self.scene], "it is no recording")
        self.refuses(["replay", path, "--scene", "nothing"], "nothing")
        done = skep("replay", path, "--scene", "flock")
        self.assertEqual(done.code, 2, str(done))


class Faults(Mishap):
    def fault(self, *words):
        done = skep("run", self.scene, "--frames", "20", "--param", "fail_at=12", "--record",
                    self.path("run.skepr"), *words)
        self.assertEqual(done.code, 0, str(done))
        return done

    def test_just_that_job(self):
        done = self.fault()
        path = self.path("fault-1.skepr")
        self.assertIn(f"skep replay {path}", done.err)
        again = self.good("replay", path)
        self.assertIn('system "burn", frame 12, block 0: 1,024 rows', again.out)
        self.assertIn("  then: out of fuel (executor threads)\n", again.out)
        self.assertIn("  now:  out of fuel (in a process of its own)\n", again.out)
        self.assertTrue(again.out.endswith("the same again\n"), again.out)
        here = self.good("replay", path, "--local")
        self.assertIn("  now:  out of fuel (in this process)\n", here.out)
        result = self.good("replay", path, "--json").json
        self.assertEqual((result["system"], result["frame"], result["same"]), ("burn", 12, True))
        # The recording plays with the fault in its place.
        self.assertIn("all the same", skep("replay", self.path("run.skepr")).out)
        self.fault()
        self.assertTrue(os.path.exists(self.path("fault-2.skepr")))

    def test_a_crash_is_its_own(self):
        self.fault("--faults", self.path("faults"))
        path = self.path("faults/fault-1.skepr")
        crash = {"SKEP_TEST_CRASH_JOB": "12"}
        done = self.run_with(crash, "replay", path)
        self.assertEqual(done.code, 1, str(done))
        self.assertIn("  now:  crashed: SIGSEGV, it touched 0x0 (in a process of its own)\n",
                      done.out)
        self.assertIn("it fails in another way", done.out)
        done = self.run_with(crash, "replay", path, "--local")
        self.assertEqual(done.code, -signal.SIGSEGV, str(done))

    def test_a_crash_in_a_process_is_the_same_again(self):
        done = skep("run", self.scene, "--frames", "20", "--param", "crash_at=12", "--record",
                    self.path("run.skepr"), "--executor", "processes", "--workers", "2", "--json")
        if done.code == 2:
            self.skipTest("no processes here: " + done.err)
        self.assertEqual((done.code, done.json["fault_total"]), (0, 1), str(done))
        again = self.good("replay", self.path("fault-1.skepr"))
        self.assertIn("  then: crashed: SIGSEGV", again.out)
        self.assertIn("(executor processes)", again.out)
        self.assertTrue(again.out.endswith("the same again\n"), again.out)
        # Where the job ran in a process, a replay never runs it in ours.
        replayed = skep("replay", self.path("run.skepr"))
        self.assertIn("all the same", replayed.out, str(replayed))

    def test_damaged_files_are_refused(self):
        self.fault()
        path = pathlib.Path(self.path("fault-1.skepr"))
        whole = path.read_bytes()
        for size in (0, 8, 20, len(whole) // 2, len(whole) - 1):
            path.write_bytes(whole[:size])
            done = skep("replay", path)
            self.assertEqual((done.code, done.err.count("\n")), (2, 1), str(done))
        for at in range(3, len(whole), len(whole) // 40):
            broken = bytearray(whole)
            broken[at] ^= 16
            path.write_bytes(bytes(broken))
            self.assertEqual(skep("replay", path).code, 2)


class Serve(Mishap):
    def test_a_server_is_kept_too(self):
        words = ["serve", self.scene, "--port", "0", "--checkpoint", self.path("c"),
                 "--checkpoint-every", "10", "--record", self.path("run.skepr")]
        child = subprocess.Popen([SKEP, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True)
        try:
            for _ in range(1000):
                if len(checkpoints(self.path("c"))) > 1 or child.poll() is not None:
                    break
                time.sleep(0.01)
            child.send_signal(signal.SIGTERM)
            out, err = child.communicate(timeout=30)
        finally:
            child.kill()
            child.wait()
        if "without libwebsockets" in err:
            self.skipTest("built without libwebsockets")
        self.assertEqual(child.returncode, 0, out + err)
        last = checkpoints(self.path("c"))[0]
        replayed = self.good("replay", self.path("run.skepr"), "--json").json
        self.assertIsNone(replayed["difference"])
        loaded = self.result(self.scene, "--load", last, "--frames", "0")
        self.assertEqual((loaded["tick"], loaded["hash"]), (replayed["tick"], replayed["hash"]))


if __name__ == "__main__":
    skep_command.main()
