#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Clients that say or read too little: they are bounded in number, memory and time, and nobody else
notices. Times of the server are made short, so that no test waits for seconds.

ctest: waits"""
import signal
import threading
import time

import gateway_peer as peer
from gateway_peer import BINARY, Case, frame


class Silent(Case):
    """Those who do not say what they should."""

    words = ("--limits", "header_ms=300,hello_ms=300,ping_ms=150,drop_ms=500,address_max=80,"
                         "close_ms=200,resume_ms=200")

    def test_requests_that_never_end(self):
        pieces = (b"", b"GET ", b"GET /healthz HTTP/1.1\r\n", b"GET /healthz HTTP/1.1\r\nX: y\r\n",
                  b"POST /healthz HTTP/1.1\r\nContent-Length: 1000\r\n")
        lines = [self.line(self.server.connect()) for _ in range(40)]
        for number, line in enumerate(lines):
            line.send(pieces[number % len(pieces)])
        self.assertEqual(self.server.get("/healthz")[0], 200)
        for line in lines:
            self.assertTrue(line.ended(), "it is cut")
        self.assertGreaterEqual(self.server.figure("skep_dropped_total"), 30)

    def test_a_header_a_byte_at_a_time(self):
        line = self.line(self.server.connect())
        sent = 0
        try:
            for byte in b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 200:
                line.send(bytes([byte]))
                sent += 1
                time.sleep(0.01)
        except OSError:
            pass
        self.assertTrue(line.ended())
        self.assertLess(sent, 1000)

    def test_connections_that_idle_after_an_answer(self):
        line = self.line(self.server.connect())
        line.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.assertEqual(line.answer()[0], 200)
        self.assertTrue(line.ended())

    def test_no_hello(self):
        line, status = self.upgrade()
        self.assertEqual(status, 101)
        code, text, bye = line.closing()
        self.assertEqual(code, 1008)
        self.assertIn("hello_ms", text)
        self.assertEqual(text, bye)

    def test_half_a_hello(self):
        line, status = self.upgrade()
        self.assertEqual(status, 101)
        line.send(frame(BINARY, peer.hello())[:9])
        self.assertIn("hello_ms", line.closing()[1])

    def test_pings_come_and_silence_ends(self):
        line, _ = self.join()
        line.wire(peer.PING)
        code, text, _ = line.closing()
        self.assertEqual(code, 1008)
        self.assertIn("drop_ms", text)

    def test_who_does_not_answer_the_close(self):
        line, _ = self.join()
        line.send(frame(peer.TEXT, b"no"))
        self.assertTrue(line.ended(), "it is cut after close_ms")
        line, _ = self.join()
        line.send(frame(3, b""))
        self.assertTrue(line.ended(), "it is cut after close_ms")

    def test_players_are_forgotten(self):
        line, _ = self.join()
        peer.wait_for(lambda: self.server.json("/healthz")["players"] > 0)
        line.close()
        self.assertTrue(peer.wait_for(lambda: self.server.json("/healthz")["players"] == 0))
        self.assertTrue(self.server.says("gone: player"))


class Reader:
    """A client that reads all the time, on a thread of its own."""

    def __init__(self, test):
        self.line, _ = test.join()
        self.seen = self.bytes = 0
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        try:
            while True:
                opcode, data = self.line.frame()
                self.bytes += len(data)
                self.seen += opcode == BINARY and peer.kind_of(data) == peer.ACK
        except (EOFError, OSError, ValueError):
            pass

    def states(self, count):
        """Waits for so many more; it fails when they do not come."""
        until = self.seen + count
        if not peer.wait_for(lambda: self.seen >= until):
            raise AssertionError(f"{self.seen} states of {until} came")


class Slow(Case):
    """Those who do not read."""

    words = ("--every", "1", "--limits", "drain_ms=1500,close_ms=200,address_max=200")
    options = {"entities": 4000}

    def sent(self):
        return self.server.figure("skep_bytes_sent_total")

    def test_who_reads_nothing(self):
        """A client that never reads gets what fits on the way, once, and no queue."""
        good = Reader(self)
        good.states(5)
        before = self.server.memory
        slow = []
        for number in range(30):
            line, status = self.server.upgrade(room=4096)
            self.line(line)
            self.assertEqual(status, 101)
            line.send(frame(BINARY, peer.hello()))
            if number % 3:
                line.send(frame(BINARY, peer.subscribe()))
            slow.append(line)
        good.states(40)
        grown = self.server.memory - before
        self.assertLess(grown, 30 * (1 << 20), "a message each at most")
        self.assertTrue(self.server.says("it does not read what it is sent"))
        good.states(20)
        peer.wait_for(lambda: self.server.json("/healthz")["sessions"] <= 11)
        self.assertLessEqual(self.server.json("/healthz")["sessions"], 11,
                             "ten wait for their own SUBSCRIBE")

    def test_a_byte_a_turn(self):
        good = Reader(self)
        line, status = self.server.upgrade(room=4096)
        self.line(line)
        self.assertEqual(status, 101)
        line.send(frame(BINARY, peer.hello()))
        line.send(frame(BINARY, peer.subscribe()))
        dropped = self.server.figure("skep_dropped_total")
        stop = threading.Event()

        def trickle():
            try:
                while not stop.wait(0.02) and line.socket.recv(1):
                    pass
            except OSError:
                pass

        reader = threading.Thread(target=trickle)
        reader.start()
        try:
            self.assertTrue(
                peer.wait_for(lambda: self.server.figure("skep_dropped_total") > dropped))
        finally:
            stop.set()
            reader.join()
        good.states(5)

    def test_the_newest_state_after_a_pause(self):
        """Who stops reading for a while gets a newer state, not all that he missed."""
        line, status = self.server.upgrade(room=4096)
        self.line(line)
        self.assertEqual(status, 101)
        line.send(frame(BINARY, peer.hello()))
        line.wire(peer.WELCOME)
        line.send(frame(BINARY, peer.subscribe()))
        good = Reader(self)
        self.assertTrue(peer.wait_for(lambda: good.bytes > 250000))
        last, newer = 0, False
        for _ in range(1000):
            tick = int.from_bytes(line.wire(peer.ACK)[8:12], "little")
            self.assertGreater(tick, last)
            newer = newer or (last and tick - last > 1)
            last = tick
            if newer:
                break
        self.assertTrue(newer, "it got every single state")

    def test_slow_readers_of_files(self):
        line = self.line(self.server.connect(room=4096))
        line.send("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n" * 5)
        self.assertEqual(self.server.get("/healthz")[0], 200)


class Ends(Case):
    def test_all_are_told_when_the_server_ends(self):
        server = peer.Server("--limits", "close_ms=500")
        lines = [self.line(server.join()[0]) for _ in range(5)]
        deaf, status = server.upgrade(room=4096)
        self.line(deaf)
        self.assertEqual(status, 101)
        idle = self.line(server.connect())
        server.process.send_signal(signal.SIGINT)
        for line in lines:
            self.assertEqual(line.closing(), (1001, "the server is shutting down",
                                              "the server is shutting down"))
        self.assertEqual(server.end(), 0)
        self.assertTrue(idle.ended())
        self.assertIn("ended after", server.text)

    def test_who_does_not_read_does_not_hold_the_end_up(self):
        server = peer.Server("--limits", "close_ms=300", "--every", "1", entities=4000)
        line, status = server.upgrade(room=4096)
        self.line(line)
        self.assertEqual(status, 101)
        line.send(frame(BINARY, peer.hello()) + frame(BINARY, peer.subscribe()))
        self.assertTrue(peer.wait_for(lambda: server.figure("skep_bytes_sent_total") > 20000))
        self.assertEqual(server.end(signal.SIGINT), 0)


if __name__ == "__main__":
    peer.main()
