# SPDX-License-Identifier: MIT
"""Trace files for the tests of the command: a plain reader and a plain writer of
docs/trace-format.md, which share nothing with those of skep."""
import struct

MAGIC = b"skept\r\n\x1a"
FRAME, SYSTEM, RUN, BLOCK, TASKS, COMMIT, LOST = 1, 3, 4, 5, 6, 10, 11
MARKS = {14, 15}
COUNTERS = {16, 17, 18, 19}


def checksum(payload):
    h = 0x811C9DC5
    for (word,) in struct.iter_unpack("<I", payload + bytes(-len(payload) % 8)):
        h = (h ^ word) * 0x01000193 & 0xFFFFFFFF
    return h


def section(tag, payload):
    return (tag.encode() + struct.pack("<IQ", checksum(payload), len(payload)) + payload
            + bytes(-len(payload) % 8))


def file_of(sections, version=1):
    return MAGIC + struct.pack("<II", version, 0) + b"".join(section(*s) for s in sections)


def sections_of(data):
    """The sections of a good file."""
    assert data[:8] == MAGIC and struct.unpack_from("<II", data, 8) == (1, 0)
    at, found = 16, []
    while at < len(data):
        tag, total, size = struct.unpack_from("<4sIQ", data, at)
        payload = data[at + 16:at + 16 + size]
        assert checksum(payload) == total, tag
        found.append((tag.decode(), payload))
        at += 16 + size + -size % 8
    assert found[-1] == ("END ", b"")
    return found


class Trace:
    """What is in a good file: times in ns, zones as (thread, kind, begin, end, low, high)."""

    def __init__(self, data):
        self.zones, self.others, self.names, self.notes = [], [], {}, {}
        texts = b""
        for tag, payload in sections_of(data):
            if tag == "INFO":
                self.base, self.tick, _, _, self.budget, self.workers, self.frame_count = \
                    struct.unpack("<QdQQQII", payload)
            elif tag == "TEXT":
                texts = payload
            elif tag == "HOST":
                for pair in struct.iter_unpack("<II", payload):
                    key, value = (texts[at:texts.index(0, at)].decode() for at in pair)
                    self.notes[key] = value
            elif tag == "SYST":
                for number, name, *_ in struct.iter_unpack("<8I", payload):
                    self.names[number] = texts[name:texts.index(0, name)].decode()
            elif tag == "THRD":
                self._records(payload)
        self.frames = sorted((z for z in self.zones if z[1] == FRAME), key=lambda z: z[2])

    def _records(self, payload):
        (thread,) = struct.unpack_from("<I", payload)
        for begin, word, low, high in struct.iter_unpack("<QQII", payload[16:]):
            kind = word & 255
            zone = (thread, kind, (begin - self.base) * self.tick,
                    (begin + (word >> 8) - self.base) * self.tick, low, high)
            (self.others if kind in MARKS | COUNTERS else self.zones).append(zone)

    def totals(self):
        """The time of each system in each frame, by number: [{number: ns}]."""
        frames = [{} for _ in self.frames]
        for _, kind, begin, end, low, _ in self.zones:
            if kind not in (SYSTEM, RUN, BLOCK, LOST):
                continue
            for frame, sums in zip(self.frames, frames):
                if frame[2] <= begin <= frame[3]:
                    sums[low & 65535] = sums.get(low & 65535, 0) + end - begin
        return frames
