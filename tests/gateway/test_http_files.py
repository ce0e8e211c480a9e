#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Pages over HTTP: what is shown and what is not, with which headers; health and metrics.

ctest: waits"""
import os
import re

import gateway_peer as peer
from gateway_peer import SKEP, Case, Server

TYPES = {"index.html": "text/html; charset=utf-8", "a.js": "text/javascript; charset=utf-8",
         "a.mjs": "text/javascript; charset=utf-8", "a.css": "text/css; charset=utf-8",
         "a.json": "application/json", "a.wasm": "application/wasm", "a.svg": "image/svg+xml",
         "a.png": "image/png", "a.woff2": "font/woff2", "a.txt": "text/plain; charset=utf-8",
         "a.strange": "application/octet-stream", "none": "application/octet-stream"}
BIG = bytes(range(256)) * 12000


class Files(Case):
    @classmethod
    def prepare(cls):
        page, maps = cls.folder / "page", cls.folder / "maps"
        for folder in (page, page / "sub", page / ".hidden", maps, cls.folder / "page-secret"):
            folder.mkdir()
        for name in TYPES:
            (page / name).write_text(f"this is {name}")
        (page / "sub" / "index.html").write_text("a page below")
        (page / "big.bin").write_bytes(BIG)
        (page / "sp ace é.txt").write_text("names")
        (page / ".hidden" / "x.txt").write_text("secret")
        (page / ".env").write_text("secret")
        (cls.folder / "secret.txt").write_text("secret")
        (cls.folder / "page-secret" / "x.txt").write_text("secret")
        (maps / "world.json").write_text("{}")
        (page / "out").symlink_to(cls.folder)
        (page / "out.txt").symlink_to(cls.folder / "secret.txt")
        (page / "within.txt").symlink_to("a.txt")
        (page / "gone").symlink_to("nowhere")
        os.mkfifo(page / "pipe")
        cls.words = ("--page", f"{page},/maps={maps}")

    def test_types(self):
        for name, kind in TYPES.items():
            status, headers, body = self.server.get("/" + name)
            self.assertEqual((status, headers["content-type"], body),
                             (200, kind, f"this is {name}".encode()), name)

    def test_headers_for_shared_memory(self):
        for path in ("/", "/a.js", "/maps/world.json"):
            headers = self.server.get(path)[1]
            self.assertEqual(headers["cross-origin-opener-policy"], "same-origin")
            self.assertEqual(headers["cross-origin-embedder-policy"], "require-corp")
            self.assertEqual(headers["cross-origin-resource-policy"], "same-origin")
            self.assertEqual(headers["x-content-type-options"], "nosniff")
            self.assertIn("default-src 'self'", headers["content-security-policy"])
            self.assertIn("'wasm-unsafe-eval'", headers["content-security-policy"])

    def test_folders_are_their_page(self):
        self.assertEqual(self.server.get("/")[2], b"this is index.html")
        self.assertEqual(self.server.get("/?a=b")[2], b"this is index.html")
        self.assertEqual(self.server.get("/sub/")[2], b"a page below")
        status, headers, _ = self.server.get("/sub")
        self.assertEqual((status, headers["location"]), (301, "/sub/"))
        self.assertEqual(self.server.get("/maps/")[0], 404)

    def test_other_folders(self):
        self.assertEqual(self.server.get("/maps/world.json")[2], b"{}")
        self.assertEqual(self.server.get("/mapsworld.json")[0], 404)

    def test_names_with_more_than_letters(self):
        self.assertEqual(self.server.get("/sp%20ace%20%C3%A9.txt")[2], b"names")
        self.assertEqual(self.server.get("/within.txt")[2], b"this is a.txt")

    def test_nothing_outside_is_shown(self):
        for path in ("/../secret.txt", "/sub/../../secret.txt", "/%2e%2e/secret.txt",
                     "/..%2fsecret.txt", "/%2e%2e%2fsecret.txt", "/sub/..%2f..%2fsecret.txt",
                     "//../secret.txt", "/./../secret.txt", "/..\\secret.txt", "/..%5csecret.txt",
                     "/out/secret.txt", "/out.txt", "/out/", "/maps/../../secret.txt",
                     "/maps/..%2fsecret.txt", "/../page-secret/x.txt", "/..%00/secret.txt",
                     f"/{self.folder}/secret.txt", "/%252e%252e/secret.txt", "/.%2e/secret.txt",
                     "/a.txt%00.html", "/....//secret.txt", "/maps../secret.txt"):
            try:
                status, _, body = self.server.get(path)
            except EOFError:
                status, body = 0, b""
            self.assertNotIn(b"secret", body, path)
            self.assertNotEqual(status, 200, path)

    def test_hidden_and_odd_files_are_not_shown(self):
        for path in ("/.env", "/.hidden/x.txt", "/%2eenv", "/pipe", "/gone", "/nothing", "/a.txt/",
                     "/a.txt/b"):
            self.assertEqual(self.server.get(path)[0], 404, path)

    def test_big_files_and_heads(self):
        self.assertEqual(self.server.get("/big.bin")[2], BIG)
        status, headers, body = self.server.get("/big.bin", "HEAD")
        self.assertEqual((status, headers["content-length"], body), (200, str(len(BIG)), b""))
        self.assertEqual(self.server.get("/healthz", "HEAD")[0], 200)

    def test_what_is_known_is_not_sent_again(self):
        tag = self.server.get("/a.js")[1]["etag"]
        status, _, body = self.server.get("/a.js", headers=[f"If-None-Match: {tag}"])
        self.assertEqual((status, body), (304, b""))
        status, _, body = self.server.get("/a.js", headers=['If-None-Match: "other"'])
        self.assertEqual((status, body), (200, b"this is a.js"))

    def test_other_methods(self):
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
            try:
                status, headers, _ = self.server.get("/a.txt", method)
            except EOFError:
                continue
            self.assertIn(status, (0, 405), method)
            if status:
                self.assertEqual(headers["allow"], "GET, HEAD")

    def test_one_connection_for_several(self):
        line = self.line(self.server.connect())
        for name in ("a.js", "nothing", "a.css", "big.bin", "a.json"):
            line.send(f"GET /{name} HTTP/1.1\r\nHost: localhost\r\n\r\n")
            status, _, body = line.answer()
            self.assertEqual(status, 404 if name == "nothing" else 200)
            self.assertEqual(len(body) > 1000, name == "big.bin")

    def test_nonsense(self):
        for data in (b"\r\n\r\n", b"\0\1\2\3\r\n\r\n", b"GET\r\n\r\n",
                     b"GET a.txt HTTP/1.1\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                     b"GET / HTTP/9.9\r\n\r\n",
                     b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 500):
            with self.server.connect() as line:
                line.send(data)
                line.socket.settimeout(0.3)
                try:
                    line.more()
                except TimeoutError:
                    pass
        self.assertEqual(self.server.get("/a.txt")[0], 200)

    def test_health(self):
        status, headers, _ = self.server.get("/healthz")
        self.assertEqual((status, headers["content-type"]), (200, "application/json"))
        peer.wait_for(lambda: self.server.json("/healthz")["tick"] > 0)
        health = self.server.json("/healthz")
        self.assertIs(health["ok"], True)
        self.assertEqual(health["entities"], 200)
        self.assertGreater(health["tick"], 0)
        self.assertEqual(health["sessions"], 0)
        self.assertIn(health["executor"], ("threads", "local"))
        self.assertGreaterEqual(health["workers"], 0)

    def test_metrics(self):
        line, _ = self.join()
        line.states(12)
        status, headers, body = self.server.get("/metrics")
        self.assertEqual(status, 200)
        self.assertTrue(headers["content-type"].startswith("text/plain; version=0.0.4"))
        text = body.decode()
        values = {}
        for row in text.splitlines():
            if not row.startswith("#"):
                name, value = re.fullmatch(r"(skep_[a-z_]+) ([-+.0-9e]+)", row).groups()
                self.assertNotIn(name, values)
                values[name] = float(value)
        for name in values:
            self.assertRegex(text, rf"(?m)^# HELP {name} \S.*\.$")
            kind = "counter" if name.endswith("_total") else "gauge"
            self.assertIn(f"# TYPE {name} {kind}\n", text)
        for name in ("frames_total", "frame_seconds_total", "states_total", "bytes_sent_total",
                     "encode_cpu_seconds_total", "send_cpu_seconds_total",
                     "gateway_cpu_seconds_total", "quantise_cpu_seconds_total", "sessions",
                     "players", "connections"):
            self.assertGreater(values["skep_" + name], 0, name)
        self.assertEqual(values["skep_inputs_refused_total"], 0)


class Beginnings(Case):
    def test_without_pages_the_root_says_what_this_is(self):
        status, _, body = self.server.get("/")
        self.assertEqual(status, 200)
        self.assertIn(b"skep", body)
        self.assertEqual(self.server.get("/index.html")[0], 404)

    def refuses(self, *words, says):
        done = peer.subprocess.run([SKEP, "serve", "flock", "--port", "0", *words], text=True,
                                   capture_output=True, timeout=peer.SECONDS, check=False)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn(says, done.stderr)

    def test_mistakes_are_named(self):
        self.refuses("--page", "/no/such/folder", says="/no/such/folder")
        self.refuses("--tls-cert", "cert.pem", says="TLS needs a certificate and its key")
        self.refuses("--tls-cert", "no.pem", "--tls-key", "no.pem", says="no.pem")
        self.refuses("--limits", "nonsense=1", says="nonsense")
        self.refuses("--limits", "header_ms=x", says="header_ms")
        self.refuses("--host", "203.0.113.7", says="203.0.113.7")
        self.refuses("--port", str(self.server.port), says=f"port {self.server.port}")
        self.refuses("--port", "70000", says="--port")

    def test_a_number_of_frames_ends_it(self):
        server = Server("--frames", "30")
        self.assertEqual(server.process.wait(peer.SECONDS), 0)
        self.assertEqual(server.end(), 0)
        self.assertIn("ended after 30 frames", server.text)


if __name__ == "__main__":
    peer.main()
