#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the world's thread shows at an address: /trace.skept of `skep serve`, made while somebody
asks for it. Who may read it, what is not sent again, and readers that are slow."""
import re
import struct
import time
import unittest

import gateway_peer as peer
from gateway_peer import Case, Server

PATH = "/trace.skept"
FRAME = 1  # the kind of a record
SIZE = 60_000  # more than what is on its way to somebody who does not read


def sections(data):
    """The sections of a trace file, checked: a list of (tag, payload)."""
    assert data[:8] == b"skept\r\n\x1a", data[:16]
    found, at = [], 16
    while at < len(data):
        tag, said, size = struct.unpack_from("<4sIQ", data, at)
        payload = data[at + 16:at + 16 + (size + 7) // 8 * 8]
        total = 0x811C9DC5
        for (word,) in struct.iter_unpack("<I", payload):
            total = (total ^ word) * 0x01000193 & 0xFFFFFFFF
        assert total == said, f"{tag} is damaged"
        found.append((tag, payload[:size]))
        at += 16 + len(payload)
    assert found[-1][0] == b"END ", "it was cut off"
    return found


def ticks(data):
    """The ticks of a trace's frames."""
    caller = next(p for tag, p in sections(data) if tag == b"THRD" and p[:4] == b"\0\0\0\0")
    records = struct.iter_unpack("<QQQ", caller[16:])
    return [tick for _, what, tick in records if what & 255 == FRAME]


def texts(data, tag):
    """The pairs of a section, as texts."""
    found = dict(sections(data))
    text = lambda at: found[b"TEXT"][at:].split(b"\0")[0].decode()
    return {text(a): text(b) for a, b in struct.iter_unpack("<II", found[tag])}


class Documents(Case):
    words = ("--limits", "drain_ms=1500")
    options = {"scene": "skies", "entities": 1000}

    def trace(self, more_than=0):
        """The document, once it has so many bytes."""
        def look():
            status, headers, body = self.server.get(PATH)
            return (headers, body) if status == 200 and len(body) > more_than else None
        found = peer.wait_for(look)
        self.assertTrue(found, f"no more than {more_than} bytes")
        return found

    def test_it_is_the_last_frames(self):
        headers, body = self.trace()
        self.assertEqual(headers["content-type"], "application/x-skep-trace")
        self.assertEqual(headers["cache-control"], "no-store")
        self.assertEqual(headers["cross-origin-resource-policy"], "same-origin")
        self.assertNotIn("access-control-allow-origin", headers)
        first = ticks(body)
        self.assertEqual(first, list(range(first[0], first[-1] + 1)), "frames follow each other")
        self.assertEqual(texts(body, b"HOST")["scene"], "skies")
        self.assertEqual(texts(body, b"HOST")["workers"], "0")
        names = dict(sections(body))[b"NAME"]
        self.assertGreaterEqual(len(names) // 8, 3, "inputs, publish, write trace")

    def test_what_is_known_is_not_sent_again(self):
        first = ticks(self.trace()[1])
        tag, last, same = "", [], 0
        def look():
            nonlocal tag, last, same
            status, headers, body = self.server.get(PATH, headers=[f"If-None-Match: {tag}"])
            if status == 304:
                self.assertEqual(body, b"")
                same += 1
            else:
                self.assertNotEqual(headers["etag"], tag)
                tag, last = headers["etag"], ticks(body)
            return same and last[-1] > first[-1]
        self.assertTrue(peer.wait_for(look), f"{same} times nothing new, then up to {last}")
        self.assertLessEqual(len(last), 120)

    def test_heads_methods_and_one_connection(self):
        headers, body = self.trace()
        status, head, nothing = self.server.get(PATH, "HEAD")
        self.assertEqual((status, nothing), (200, b""))
        self.assertGreater(int(head["content-length"]), len(body) // 2)
        self.assertEqual(self.server.get(PATH, "POST")[0], 405)
        line = self.line(self.server.connect())
        ask = f"GET {PATH}?x=y HTTP/1.1\r\nHost: localhost\r\n\r\n"
        line.send(ask + "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n" + ask)
        bodies = [line.answer() for _ in range(3)]
        self.assertEqual([status for status, _, _ in bodies], [200, 200, 200])
        self.assertTrue(ticks(bodies[0][2]) and ticks(bodies[2][2]))
        self.assertIn(b'"ok":true', bodies[1][2])

    def test_other_names_of_this_machine_are_refused(self):
        for host in ("evil.example", "evil.example:80", "localhost.evil.example"):
            with self.server.connect() as line:
                line.send(f"GET {PATH} HTTP/1.1\r\nHost: {host}\r\n\r\n")
                status, _, body = line.answer()
                self.assertEqual(status, 403, host)
                self.assertIn(b"is not this machine", body)

    def slow(self, room):
        """A reader with little room that has read the head: (line, bytes that are to come)."""
        line = self.line(self.server.connect(room=room))
        line.send(f"GET {PATH} HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.assertEqual(line.head(), 200)
        return line, int(line.headers["content-length"])

    def test_who_does_not_read_is_cut(self):
        self.trace(more_than=SIZE)
        dropped = self.server.figure("skep_dropped_total")
        line, size = self.slow(4096)
        self.assertTrue(peer.wait_for(lambda: self.server.figure("skep_dropped_total") > dropped))
        self.assertTrue(line.ended())
        self.assertLess(len(line.rest), size)

    def test_a_slow_reader_gets_one_version_whole(self):
        self.trace(more_than=SIZE)
        line, size = self.slow(16384)
        data = b""
        for _ in range(3):
            data += line.take(SIZE // 6)
            time.sleep(0.4)
        data += line.take(size - len(data))
        self.assertLess(ticks(data)[-1], ticks(self.trace()[1])[-1])


class Crowds(Case):
    options = {"scene": "skies", "entities": 1000}

    def test_readers_hold_so_many_versions(self):
        """Eight versions are held by slow readers; the next one finds a place all the same."""
        self.assertEqual(self.server.get(PATH)[0], 204, "nobody asked before")
        tag, size, slow, cut, newest = "", 0, [], 0, 0
        end = time.monotonic() + peer.SECONDS
        while not cut and time.monotonic() < end:
            status, headers, body = self.server.get(PATH, headers=[f"If-None-Match: {tag}"])
            if status == 200:
                tag, size, newest = headers["etag"], len(body), ticks(body)[-1]
            if status == 200 and size > SIZE:
                line = self.line(self.server.connect(room=4096))
                line.send(f"GET {PATH} HTTP/1.1\r\nHost: localhost\r\n\r\n")
                slow.append(line)
            cut = self.server.figure("skep_dropped_total")
            time.sleep(0.05)
        self.assertEqual(cut, 1, "the one with the oldest version")
        self.assertIn(len(slow), (8, 9))
        self.assertTrue(slow[0].ended())
        status, _, body = self.server.get(PATH)
        self.assertEqual(status, 200)
        self.assertGreaterEqual(ticks(body)[-1], newest)


class Unasked(unittest.TestCase):
    """Begins before all others, and is asked again after them."""

    lone, asked = None, 0

    @classmethod
    def begin(cls):
        cls.lone = Server(scene="skies", entities=1000)
        assert peer.wait_for(lambda: cls.lone.get(PATH)[0] == 200)
        cls.asked = time.monotonic()

    def test_it_is_made_while_somebody_looks(self):
        time.sleep(max(0, self.asked + 3.2 - time.monotonic()))
        self.assertEqual(self.lone.get(PATH)[0], 204, "nobody asked for three seconds")
        self.assertEqual(self.lone.end(), 0)
        written = re.search(r"written (\d+) times", self.lone.text)
        self.assertLessEqual(int(written.group(1)), 9, "and it was made for three seconds")


class Tokens(Case):
    words = ("--token", "open sesame")

    def test_the_token_is_needed(self):
        for path, headers, want in ((PATH, [], 401), (PATH + "?token=open", [], 401),
                                    (PATH, ["Authorization: Bearer open"], 401),
                                    (PATH, ["Authorization: Basic open sesame"], 401)):
            status, said, body = self.server.get(path, headers=headers)
            self.assertEqual(status, want, (path, headers))
            self.assertEqual(said["www-authenticate"], "Bearer")
            self.assertIn(b"token", body)
        self.assertEqual(self.server.get(PATH, headers=["Authorization: Bearer open sesame"])[0],
                         204, "and those before did not count as asking")
        self.assertTrue(peer.wait_for(
            lambda: self.server.get(PATH + "?token=open%20sesame")[0] == 200))


class Nothing(Case):
    words = ("--no-trace",)

    def test_without_a_trace_it_says_so(self):
        status, headers, body = self.server.get(PATH)
        self.assertEqual((status, headers["content-type"]), (404, "text/plain; charset=utf-8"))
        self.assertIn(b"--no-trace", body)


def setUpModule():
    Unasked.begin()


if __name__ == "__main__":
    peer.main()
