#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`skep view` against `skep serve`: what it says, TLS, tokens, and a server that is killed and
comes back.

ctest: waits"""
import json
import signal
import ssl
import subprocess
import threading

import gateway_peer as peer
from gateway_peer import SKEP, Case, Server


class View:
    """`skep view --json` in a process of its own; its lines as they come."""

    def __init__(self, *words):
        self.rows = []
        self.err = ""
        self.process = subprocess.Popen([SKEP, "view", "--json", *map(str, words)], text=True,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE)
        self.readers = [threading.Thread(target=self._rows, daemon=True),
                        threading.Thread(target=self._err, daemon=True)]
        for reader in self.readers:
            reader.start()

    def _rows(self):
        for line in self.process.stdout:
            self.rows.append(json.loads(line))

    def _err(self):
        for line in self.process.stderr:
            self.err += line

    def wait(self):
        code = self.process.wait(peer.SECONDS)
        for reader in self.readers:
            reader.join(peer.SECONDS)
        return code

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            code = self.process.wait(peer.SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        for reader in self.readers:
            reader.join(peer.SECONDS)
        self.process.stdout.close()
        self.process.stderr.close()
        return code

    def sees(self, what):
        """Waits for a line of which something is true, and returns it."""
        def look():
            return next((row for row in reversed(self.rows) if what(row)), None)
        return peer.wait_for(look)


class Sees(Case):
    def view(self, *words):
        view = View(*words)
        self.addCleanup(view.end)
        return view

    def test_what_it_says(self):
        view = self.view(f"http://localhost:{self.server.port}/", "--seconds", "2")
        self.assertEqual(view.wait(), 0)
        row = view.rows[-1]
        self.assertEqual(row["phase"], "live")
        self.assertEqual(row["entities"], 200)
        self.assertEqual(sum(row["sets"].values()), 200)
        self.assertGreater(row["states"], 5)
        self.assertGreater(row["bytes_an_entity"], 0)
        self.assertEqual(row["resyncs"], 0)
        self.assertEqual(row["reconnects"], 0)
        self.assertIn("connected", view.err)
        self.assertNotIn("lost", view.err)
        self.assertTrue(self.server.says("the client left"))

    def test_lines_for_people(self):
        done = subprocess.run([SKEP, "view", f"ws://127.0.0.1:{self.server.port}/world",
                               "--seconds", "1"], text=True, capture_output=True,
                              timeout=peer.SECONDS, check=True)
        self.assertRegex(done.stdout, r"1 s: live, tick \d+, 200 entities \(.* 200\), .* B/s")

    def test_ctrl_c_ends_it(self):
        view = self.view(f"localhost:{self.server.port}")
        view.sees(lambda row: row["phase"] == "live")
        self.assertEqual(view.end(), 0)

    def test_mistakes_are_named(self):
        for words, text in (((), "which server"), (("ftp://localhost/",), "ws://"),
                            (("ws://localhost:0/",), "port"),
                            (("--ca", "/no/such/file", "wss://localhost/"), "certificates")):
            done = subprocess.run([SKEP, "view", *words], text=True, capture_output=True,
                                  timeout=peer.SECONDS, check=False)
            self.assertEqual(done.returncode, 2)
            self.assertIn(text, done.stderr)

    def test_nobody_is_there(self):
        view = self.view("ws://localhost:1/", "--seconds", "1")
        self.assertEqual(view.wait(), 0)
        self.assertNotEqual(view.rows[-1]["phase"], "live")
        self.assertTrue(view.rows[-1]["trouble"])

    def test_a_path_that_is_none(self):
        view = self.view(f"ws://localhost:{self.server.port}/other", "--seconds", "1")
        self.assertEqual(view.wait(), 0)
        self.assertNotEqual(view.rows[-1]["phase"], "live")

    def test_a_server_that_is_killed_and_comes_back(self):
        for number in (signal.SIGKILL, signal.SIGTERM):
            server = Server(scene="skies", entities=50)
            view = self.view(f"ws://localhost:{server.port}/")
            try:
                first = view.sees(lambda row: row["phase"] == "live")
                server.end(number)
                gone = view.sees(lambda row: row["phase"] in ("reconnecting", "stale"))
                self.assertTrue(gone)
                self.assertEqual(gone["entities"], first["entities"], "it still shows the last")
                server = Server(scene="skies", entities=80, port=server.port)
                again = view.sees(lambda row: row["phase"] == "live" and row["reconnects"] > 0
                                  and row["entities"] != first["entities"])
                self.assertTrue(again, view.rows[-3:])
                self.assertEqual(view.end(), 0)
            finally:
                self.assertEqual(server.end(), 0)


class Tokens(Case):
    words = ("--token", "open sesame")

    def test_with_and_without(self):
        url = f"ws://localhost:{self.server.port}/"
        view = View(url, "--token", "open sesame", "--seconds", "1")
        self.assertEqual(view.wait(), 0)
        self.assertEqual(view.rows[-1]["phase"], "live")
        view.end()
        for words in (("--token", "open"), ()):
            view = View(url, *words, "--seconds", "20")
            self.assertEqual(view.wait(), 1, "refused for good")
            self.assertEqual(view.rows[-1]["phase"], "closed")
            self.assertIn("token", view.rows[-1]["reason"])
            view.end()


class Secure(Case):
    @classmethod
    def prepare(cls):
        cls.cert, cls.key = str(cls.folder / "cert.pem"), str(cls.folder / "key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                        "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                        "-keyout", cls.key, "-out", cls.cert], check=True, capture_output=True,
                       timeout=peer.SECONDS)
        (cls.folder / "page").mkdir()
        (cls.folder / "page" / "index.html").write_text("secure")
        cls.words = ("--tls-cert", cls.cert, "--tls-key", cls.key, "--page", cls.folder / "page",
                     "--limits", "header_ms=500,address_max=100")

    def tls(self):
        context = ssl.create_default_context(cafile=self.cert)
        context.set_alpn_protocols(["h2", "http/1.1"])
        return context

    def test_pages(self):
        status, headers, body = self.server.get("/", tls=self.tls())
        self.assertEqual((status, body), (200, b"secure"))
        self.assertEqual(headers["cross-origin-opener-policy"], "same-origin")
        self.assertIn(f"https://localhost:{self.server.port}/", self.server.text)

    def test_a_world(self):
        port = self.server.port
        line, _ = self.join(tls=self.tls(), Origin=f"https://localhost:{port}")
        line.states(3)
        self.assertEqual(line.socket.selected_alpn_protocol(), "http/1.1")

    def test_view(self):
        url = f"https://localhost:{self.server.port}/"
        for words in (("--ca", self.cert), ("--insecure",)):
            view = View(url, *words, "--seconds", "1")
            self.assertEqual(view.wait(), 0)
            self.assertEqual(view.rows[-1]["phase"], "live", view.rows[-1]["trouble"])
            view.end()
        view = View(url, "--seconds", "1")
        self.assertEqual(view.wait(), 0)
        self.assertNotEqual(view.rows[-1]["phase"], "live", "who made that certificate?")
        view.end()

    def test_those_who_do_not_speak_it(self):
        plain = self.line(self.server.connect())
        plain.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.assertTrue(plain.ended())
        self.assertNotIn(b"secure", plain.rest)
        silent = self.line(self.server.connect())
        half = self.line(self.server.connect())
        half.send(b"\x16\x03\x01\x02\x00\x01")
        self.assertTrue(silent.ended())
        self.assertTrue(half.ended())
        self.assertEqual(self.server.get("/", tls=self.tls())[0], 200)


if __name__ == "__main__":
    peer.main()
