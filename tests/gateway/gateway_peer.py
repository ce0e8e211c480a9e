# SPDX-License-Identifier: MIT
"""What the tests of the gateway share: a server on a free port, sockets that send what we like, the
few messages of the wire that they need, and wsproto as a peer that was written by others."""
import json
import os
import pathlib
import re
import select
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

try:
    import wsproto
except ImportError:
    # Debian's package, for a Python that is not Debian's; all of it is Python.
    sys.path.append("/usr/lib/python3/dist-packages")
    import wsproto
import wsproto.events

ROOT = pathlib.Path(__file__).resolve().parents[2]
SKEP = os.environ.get("SKEP_BIN")
SECONDS = 30  # after which something hangs
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
PROTOCOL = "skep.v1"

if not SKEP:
    sys.exit("SKEP_BIN must name the command: SKEP_BIN=build/dev/skep " + sys.argv[0])


# The wire ----------------------------------------------------------------------------------------

HELLO, AUTH, WELCOME, SUBSCRIBE, SNAPSHOT, DELTA, INPUT, ACK, RESYNC, PING, PONG, BYE = range(1, 13)


def varint(number):
    out = b""
    while number >= 0x80:
        out += bytes([number & 0x7f | 0x80])
        number >>= 7
    return out + bytes([number])


def message(kind, *sections, tick=0):
    """A message of (id, body) sections."""
    out = struct.pack("<HBBHHIII", 0x6b73, 1, kind, 0, len(sections), tick, 0, 0)
    for number, body in sections:
        out += bytes([number]) + varint(len(body)) + body
    return out


def hello(token=b""):
    return message(HELLO, *([(2, token)] if token else []))


def subscribe(component=0):
    return message(SUBSCRIBE, (4, varint(1) + varint(component) + varint(0) + b"\0"))


def kind_of(data):
    return data[3]


def sections(data):
    """The bodies of a message's sections, by their ids."""
    found = {}
    at = 20
    while at < len(data):
        number, at, n, shift = data[at], at + 1, 0, 0
        while data[at] & 0x80:
            n |= (data[at] & 0x7f) << shift
            shift += 7
            at += 1
        n |= data[at] << shift
        found[number] = data[at + 1:at + 1 + n]
        at += 1 + n
    return found


def reason_of(data):
    """The text of a BYE."""
    return data[22:].decode(errors="replace")


# Frames of WebSocket -----------------------------------------------------------------------------

TEXT, BINARY, CONTINUATION, CLOSE, PING_FRAME, PONG_FRAME = 1, 2, 0, 8, 9, 10


def frame(opcode, payload=b"", final=True, reserved=0, mask=b"\x11\x22\x33\x44", length=None):
    """A frame as a client sends it; `length` promises another one than there is."""
    n = len(payload) if length is None else length
    out = bytes([(0x80 if final else 0) | reserved << 4 | opcode])
    bit = 0x80 if mask else 0
    if n < 126:
        out += bytes([bit | n])
    elif n < 65536:
        out += bytes([bit | 126]) + struct.pack(">H", n)
    else:
        out += bytes([bit | 127]) + struct.pack(">Q", n)
    if mask:
        payload = bytes(b ^ mask[i & 3] for i, b in enumerate(payload))
        out += mask
    return out + payload


def close_payload(code, text=""):
    return struct.pack(">H", code) + text.encode()


# A server ----------------------------------------------------------------------------------------

class Server:
    """`skep serve` in a process of its own."""

    def __init__(self, *words, scene="flock", entities=200, port=0):
        words = [str(word) for word in words]
        self.words = [SKEP, "serve", scene, "--entities", str(entities), "--workers", "0",
                      "--port", str(port), *words]
        self.lines = []
        self.process = subprocess.Popen(self.words, stdin=subprocess.DEVNULL, text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        errors="replace")
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.found = threading.Event()
        self.port = None
        self.reader.start()
        if not self.found.wait(SECONDS) or not self.port:
            self.end()
            raise AssertionError("the server did not start:\n" + self.text)

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line)
            at = re.search(r" at https?://\S+:(\d+)/", line)
            if at and not self.port:
                self.port = int(at.group(1))
                self.found.set()
        self.found.set()

    @property
    def text(self):
        return "".join(self.lines)

    @property
    def memory(self):
        """Bytes that it has in memory."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) * 1024

    def says(self, text, seconds=SECONDS):
        """Waits until a line of the log has the text."""
        return wait_for(lambda: text in self.text, seconds)

    def end(self, number=signal.SIGTERM):
        """Ends it, and returns its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            code = self.process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        self.reader.join(SECONDS)
        self.process.stdout.close()
        return code

    def get(self, path, method="GET", headers=(), tls=None):
        """(status, headers, body) of one request, asked for as it is written."""
        with self.connect(tls) as line:
            line.send(f"{method} {path} HTTP/1.1\r\nHost: localhost:{self.port}\r\n"
                      + "".join(f"{h}\r\n" for h in headers) + "Connection: close\r\n\r\n")
            return line.answer(body=method != "HEAD")

    def json(self, path):
        return json.loads(self.get(path)[2])

    def figure(self, name):
        """One number of /metrics."""
        text = self.get("/metrics")[2].decode()
        return float(re.search(rf"^{name} (\S+)$", text, re.MULTILINE).group(1))

    def connect(self, tls=None, room=None):
        return Line(self.port, tls, room)

    def upgrade(self, path="/world", tls=None, room=None, **changes):
        """A connection that asked to become a WebSocket, its answer read: (line, status)."""
        line = self.connect(tls, room)
        headers = {"Host": f"localhost:{self.port}", "Upgrade": "websocket",
                   "Connection": "Upgrade", "Sec-WebSocket-Key": KEY,
                   "Sec-WebSocket-Version": "13", "Sec-WebSocket-Protocol": PROTOCOL}
        headers.update({name.replace("_", "-"): value for name, value in changes.items()})
        line.send(f"GET {path} HTTP/1.1\r\n" + "".join(
            f"{name}: {value}\r\n" for name, value in headers.items() if value is not None) +
            "\r\n")
        status = line.head()
        return line, status

    def join(self, token=b"", path="/world", tls=None, room=None, **changes):
        """A client that sees the world."""
        line, status = self.upgrade(path, tls, room, **changes)
        if status != 101:
            raise AssertionError(f"the upgrade was answered with {status}")
        line.send(frame(BINARY, hello(token)))
        welcome = line.wire(WELCOME)
        line.send(frame(BINARY, subscribe()))
        return line, welcome


class Line:
    """A connection to a server, byte by byte."""

    def __init__(self, port, tls=None, room=None):
        self.socket = socket.socket()
        if room:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
        self.socket.settimeout(SECONDS)
        self.socket.connect(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_hostname="localhost")
        self.rest = b""
        self.headers = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data.encode() if isinstance(data, str) else data)

    def more(self):
        """Reads what there is; False at the end."""
        try:
            data = self.socket.recv(65536)
        except (ConnectionResetError, ssl.SSLError):
            data = b""
        self.rest += data
        return bool(data)

    def take(self, n):
        while len(self.rest) < n:
            if not self.more():
                raise EOFError("the connection ended")
        data, self.rest = self.rest[:n], self.rest[n:]
        return data

    def head(self):
        """Reads an answer's head and returns its status; 0 when there is none."""
        while b"\r\n\r\n" not in self.rest:
            if not self.more():
                return 0
        head, self.rest = self.rest.split(b"\r\n\r\n", 1)
        lines = head.decode().split("\r\n")
        self.headers = {}
        for line in lines[1:]:
            name, value = line.split(":", 1)
            self.headers[name.strip().lower()] = value.strip()
        return int(lines[0].split()[1])

    def answer(self, body=True):
        status = self.head()
        data = self.take(int(self.headers.get("content-length", 0))) if body and status else b""
        return status, self.headers, data

    def ended(self, seconds=SECONDS):
        """Whether the server ends the connection, whatever it sends before."""
        self.socket.settimeout(seconds)
        try:
            while self.more():
                pass
            return True
        except TimeoutError:
            return False

    def frame(self):
        """The next frame of the server: (opcode, payload)."""
        first, second = self.take(2)
        n = second & 0x7f
        if n == 126:
            n = struct.unpack(">H", self.take(2))[0]
        elif n == 127:
            n = struct.unpack(">Q", self.take(8))[0]
        if second & 0x80 or not first & 0x80:
            raise AssertionError("servers mask nothing, and ours sends whole messages")
        return first & 0xf, self.take(n)

    def wire(self, kind):
        """The next message of a kind; others are passed over."""
        while True:
            opcode, payload = self.frame()
            if opcode == CLOSE:
                raise EOFError(f"closed: {payload!r}")
            if opcode == BINARY and kind_of(payload) == kind:
                return payload

    def states(self, count):
        """Reads so many states, by their ACK."""
        for _ in range(count):
            self.wire(ACK)

    def closing(self):
        """Reads up to the server's close frame, and answers it: (code, text, reason of a BYE before
        it). (0, ...) where the connection ends without one."""
        bye = None
        while True:
            try:
                opcode, payload = self.frame()
            except EOFError:
                return 0, "", bye
            if opcode == BINARY and kind_of(payload) == BYE:
                bye = reason_of(payload)
            if opcode == CLOSE:
                code = struct.unpack(">H", payload[:2])[0] if len(payload) >= 2 else 1005
                try:
                    self.send(frame(CLOSE, payload))
                except OSError:
                    pass
                return code, payload[2:].decode(), bye


def wait_for(what, seconds=SECONDS):
    """Waits until something is true; returns the last value."""
    end = time.monotonic() + seconds
    while True:
        value = what()
        if value or time.monotonic() > end:
            return value
        time.sleep(0.02)


class Case(unittest.TestCase):
    """Tests with one server, which the class describes by `words`, and a folder of their own."""

    words = ()
    options = {}
    server = None

    @classmethod
    def setUpClass(cls):
        cls.keep = tempfile.TemporaryDirectory(prefix="skep-gateway-")
        cls.folder = pathlib.Path(cls.keep.name)
        cls.prepare()
        cls.server = Server(*cls.words, **cls.options)

    @classmethod
    def prepare(cls):
        """Makes what the server needs."""

    @classmethod
    def tearDownClass(cls):
        code = cls.server.end()
        cls.keep.cleanup()
        if code != 0:
            raise AssertionError(f"the server ended with {code}:\n{cls.server.text}")

    def line(self, line):
        """Closes a connection at the end of the test."""
        self.addCleanup(line.close)
        return line

    def upgrade(self, *args, **changes):
        line, status = self.server.upgrade(*args, **changes)
        return self.line(line), status

    def join(self, *args, **changes):
        line, welcome = self.server.join(*args, **changes)
        return self.line(line), welcome


def main():
    unittest.main(verbosity=2)


__all__ = ["Case", "Line", "Server", "main", "wait_for", "frame", "message", "hello", "subscribe",
           "close_payload", "kind_of", "reason_of", "varint", "select", "wsproto"]
