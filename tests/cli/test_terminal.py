#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The live line on a terminal, and how signals end a run.

ctest: threads, waits"""
import errno
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

import skep_command
from skep_command import SKEP, Case


def resize(terminal, columns):
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))


def read_all(terminal, seconds, until=None):
    """What arrives within a time, or until a text is there or the other side closes."""
    text = b""
    end = time.monotonic() + seconds
    while time.monotonic() < end and (until is None or until not in text):
        if not select.select([terminal], [], [], 0.05)[0]:
            continue
        try:
            piece = os.read(terminal, 65536)
        except OSError as error:
            if error.errno == errno.EIO:
                break
            raise
        if not piece:
            break
        text += piece
    return text


def screen(text):
    """The lines that a terminal shows: a carriage return goes back and what follows overwrites."""
    lines = []
    for line in text.decode().replace("\r\n", "\n").split("\n"):
        shown = []
        for part in line.split("\r"):
            shown[:len(part)] = list(part)
        lines.append("".join(shown).rstrip())
    return lines


class Terminal(Case):
    def start(self, *words, columns=120, output=None):
        """Starts the command on a terminal of its own; Ctrl-C typed there reaches it."""
        ours, theirs = pty.openpty()
        resize(ours, columns)

        def own_terminal():
            os.setsid()
            fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)

        process = subprocess.Popen([SKEP, *words], stdin=theirs, stderr=theirs,
                                   stdout=theirs if output is None else output,
                                   preexec_fn=own_terminal)
        os.close(theirs)
        self.addCleanup(os.close, ours)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process, ours

    def test_live_line_until_ctrl_c(self):
        begin = time.monotonic()
        process, terminal = self.start("run", self.probe, "--entities", "1200")
        text = read_all(terminal, 20, b"of real time")
        while text.count(b"probe: frame ") < 8 and time.monotonic() < begin + 40:
            text += read_all(terminal, 0.2)
        seconds = time.monotonic() - begin
        os.write(terminal, b"\x03")
        rest = read_all(terminal, 20)
        self.assertEqual(process.wait(timeout=20), 0)
        drawn = [part for part in text.decode().split("\r") if part.startswith("probe: frame ")]
        # Ten times a second, though there are far more frames.
        self.assertGreaterEqual(len(drawn), 8)
        self.assertLess(len(drawn), 20 * (seconds + 1))
        self.assertRegex(drawn[-1], r"^probe: frame [\d,]+, 1,200 entities, \d+\.\d\d ms a frame "
                                    r"\([\d.,]+% of dt\), [\d.,]+% of real time, 0 faults *$")
        self.assertNotIn("\n", text.decode())
        lines = screen(text + rest)
        self.assertTrue(lines[0].startswith("probe: 1,200 entities after frame "), lines)
        self.assertTrue(lines[0].endswith(", stopped"), lines)
        self.assertRegex(lines[1], r"^  hash +[0-9a-f]{16}$")

    def test_paced(self):
        begin = time.monotonic()
        process, terminal = self.start("run", self.probe, "--dt", "0.05")
        text = read_all(terminal, 20, b"probe: frame 1")  # 1, or one of 10 to 19
        os.write(terminal, b"\x03")
        lines = screen(text + read_all(terminal, 20))
        self.assertEqual(process.wait(timeout=20), 0)
        frames = int(re.search(r"frames +(\d+) in", "\n".join(lines)).group(1))
        self.assertTrue(1 <= frames <= (time.monotonic() - begin) / 0.05 + 1, lines)

    def test_narrow_terminal(self):
        process, terminal = self.start("run", self.probe, "--frames", "30", "--dt", "0.01",
                                       "--pace", "real", columns=40)
        text = read_all(terminal, 20).decode()
        self.assertEqual(process.wait(timeout=20), 0)
        live = text[:text.rindex("probe: ")]
        self.assertRegex(live, r"probe: frame [1-9]")
        for part in live.split("\r"):
            self.assertLess(len(part), 40, part)

    def test_all_of_it_in_80_columns(self):
        process, terminal = self.start("run", self.probe, "--frames", "60", "--dt", "0.01",
                                       "--pace", "real", "--entities", "20000", columns=80)
        text = read_all(terminal, 20).decode()
        self.assertEqual(process.wait(timeout=20), 0)
        self.assertRegex(text, r"\rprobe: frame \d+, 20,000 entities, [^\r]* of real time, "
                               r"0 faults *\r")

    def test_lines_go_between(self):
        process, terminal = self.start("run", self.probe, "--frames", "40", "--dt", "0.01",
                                       "--pace", "real", "--hash-every", "10", "--param", "log=15")
        lines = screen(read_all(terminal, 20))
        self.assertEqual(process.wait(timeout=20), 0)
        hashes = [line for line in lines if re.fullmatch(r"\d+ [0-9a-f]{16}", line)]
        self.assertEqual(len(hashes), 4, lines)
        self.assertEqual(sum("wandered for" in line for line in lines), 3, lines)

    def test_json_beside_the_live_line(self):
        process, terminal = self.start("run", self.probe, "--json", output=subprocess.PIPE)
        self.assertIn(b"of real time", read_all(terminal, 20, b"of real time"))
        os.write(terminal, b"\x03")
        lines = process.stdout.read().splitlines()
        process.stdout.close()
        self.assertEqual(process.wait(timeout=20), 0)
        self.assertEqual(len(lines), 1)
        self.assertEqual(json.loads(lines[0])["end"], "signal")


class Signals(Case):
    def begin(self, *words):
        process = subprocess.Popen([SKEP, "run", *words, "--hash-every", "1"],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.stdout.close)
        self.assertRegex(process.stdout.readline(), r"^1 [0-9a-f]{16}\n$")
        return process

    def test_each_signal_ends_with_the_summary(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            process = self.begin(self.probe, "--json")
            process.send_signal(number)
            out, err = process.stdout.read(), process.stderr.read()
            self.assertEqual((process.wait(timeout=20), err), (0, ""))
            result = json.loads(out.splitlines()[-1])
            self.assertEqual(result["end"], "signal")
            self.assertGreater(result["frames"], 0)
            frame, hash_of = out.splitlines()[-2].split() if out.count("\n") > 1 else ("1", None)
            self.assertEqual(int(frame), result["tick"])
            if hash_of:
                self.assertEqual(hash_of, result["hash"])

    def test_save_on_a_signal(self):
        save = str(self.folder / "stopped.skep")
        process = self.begin(self.probe, "--json", "--save", save)
        process.send_signal(signal.SIGINT)
        result = json.loads(process.stdout.read().splitlines()[-1])
        again = self.result(self.probe, "--load", save, "--frames", "0")
        self.assertEqual((again["hash"], again["tick"]), (result["hash"], result["tick"]))

    def test_long_waits_hear_signals(self):
        process = self.begin(self.probe, "--json", "--dt", "500")
        time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(timeout=20), 0)  # not after 500 s


if __name__ == "__main__":
    skep_command.main()
