#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Who becomes a WebSocket: Origin, Host, subprotocol, path, version, token.

ctest: waits"""
import gateway_peer as peer
from gateway_peer import Case, Server


class Rules(Case):
    words = ("--origin", "https://friend.example,https://other.example:8443")

    def status(self, path="/world", **changes):
        line, status = self.upgrade(path, **changes)
        if status == 101:
            self.assertEqual(line.headers["sec-websocket-protocol"], peer.PROTOCOL)
            self.assertEqual(line.headers["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
            self.assertNotIn("sec-websocket-extensions", line.headers)
        return status

    def refused(self, text, status, path="/world", **changes):
        line, got = self.upgrade(path, **changes)
        self.assertEqual(got, status)
        body = line.take(int(line.headers["content-length"])).decode()
        self.assertIn(text, body)
        return line

    def test_a_program_without_origin_comes_in(self):
        self.assertEqual(self.status(), 101)

    def test_extensions_are_not_taken_up(self):
        self.assertEqual(
            self.status(Sec_WebSocket_Extensions="permessage-deflate; client_max_window_bits"), 101)

    def test_own_pages_come_in(self):
        port = self.server.port
        for host in (f"localhost:{port}", f"127.0.0.1:{port}", "localhost", f"[::1]:{port}"):
            self.assertEqual(self.status(Host=host, Origin=f"http://{host}"), 101, host)
        self.assertEqual(self.status(Origin=f"HTTP://LOCALHOST:{port}".lower()), 101)

    def test_listed_pages_come_in(self):
        self.assertEqual(self.status(Origin="https://friend.example"), 101)
        self.assertEqual(self.status(Origin="https://other.example:8443"), 101)

    def test_pages_of_others_do_not(self):
        for origin in ("http://evil.example", "https://friend.example.evil.example", "null",
                       "https://friend.example:444", f"http://localhost:{self.server.port + 1}",
                       f"file://localhost:{self.server.port}", "http://friend.example"):
            self.refused("--origin", 403, Origin=origin)

    def test_a_name_that_was_pointed_here_does_not(self):
        name = f"rebound.example:{self.server.port}"
        self.refused("not this machine", 403, Host=name, Origin=f"http://{name}")
        self.refused("not this machine", 403, Host=name)
        self.refused("not this machine", 403, Host="127.evil.example")

    def test_a_listed_host_does(self):
        self.assertEqual(self.status(Host="friend.example", Origin="https://friend.example"), 101)

    def test_host_is_needed(self):
        self.refused("Host", 400, Host=None)

    def test_the_subprotocol_is_needed(self):
        self.refused(peer.PROTOCOL, 400, Sec_WebSocket_Protocol=None)
        for name in ("skep.v2", "skep", "skep.v1x", "xskep.v1", "SKEP.V1"):
            self.refused(peer.PROTOCOL, 400, Sec_WebSocket_Protocol=name)

    def test_the_subprotocol_may_be_one_of_several(self):
        self.assertEqual(self.status(Sec_WebSocket_Protocol="chat, skep.v1, skep.v2"), 101)
        self.assertEqual(self.status(Sec_WebSocket_Protocol="chat,skep.v1"), 101)

    def test_there_is_one_path(self):
        for path in ("/", "/worlds", "/world/", "/metrics", "/World"):
            self.refused("no WebSocket", 404, path)
        self.assertEqual(self.status("/world?x=1"), 101)

    def test_there_is_one_version(self):
        line = self.refused("13", 426, Sec_WebSocket_Version="8")
        self.assertEqual(line.headers["sec-websocket-version"], "13")
        self.refused("13", 426, Sec_WebSocket_Version=None)

    def test_a_key_is_needed(self):
        self.refused("Key", 400, Sec_WebSocket_Key=None)
        self.refused("Key", 400, Sec_WebSocket_Key="short")

    def test_without_upgrade_it_is_said_what_is_needed(self):
        status, headers, _ = self.server.get("/world")
        self.assertEqual(status, 426)
        self.assertEqual(headers["upgrade"], "websocket")

    def test_other_upgrades_are_not_known(self):
        for name in ("h2c", "TLS/1.0"):
            line, status = self.upgrade(Upgrade=name)
            self.assertNotEqual(status, 101)
            self.assertNotEqual(status, 200)
            line.close()

    def test_long_headers_end_the_connection(self):
        line, status = self.upgrade(Origin="http://" + "x" * 100000)
        self.assertNotEqual(status, 101)
        line.close()
        self.assertEqual(self.status(), 101)

    def test_two_requests_over_one_connection(self):
        line = self.line(self.server.connect())
        head = f"Host: localhost:{self.server.port}\r\n\r\n"
        line.send(f"GET /healthz HTTP/1.1\r\n{head}")
        self.assertEqual(line.answer()[0], 200)
        line.send(f"GET /world HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{head}")
        self.assertEqual(line.answer()[0], 426)
        line.send(f"GET /healthz HTTP/1.1\r\n{head}")
        self.assertEqual(line.answer()[0], 200)

    def test_refusals_are_told(self):
        self.refused("--origin", 403, Origin="http://told.example")
        self.assertTrue(self.server.says('refused: 127.0.0.1: the origin "http://told.example"'))
        self.assertGreater(self.server.figure("skep_refused_total"), 0)


class Tokens(Case):
    words = ("--token", "open sesame")

    def test_the_address_may_have_it(self):
        _, welcome = self.join(path="/world?token=open%20sesame")
        self.assertEqual(peer.kind_of(welcome), peer.WELCOME)

    def test_a_wrong_one_is_refused_before_the_upgrade(self):
        for token in ("open", "open%20sesam", "open%20sesamee", "Open%20sesame", ""):
            _, status = self.upgrade(f"/world?token={token}")
            self.assertEqual(status, 401, token)

    def test_hello_may_have_it(self):
        line, _ = self.join(token=b"open sesame")
        line.states(2)

    def test_a_wrong_one_of_hello_ends_with_a_reason(self):
        for token, text in ((b"nonsense", "not the right one"), (b"", "a token is needed"),
                            (b"open sesame\0", "not the right one")):
            line, status = self.upgrade()
            self.assertEqual(status, 101)
            line.send(peer.frame(peer.BINARY, peer.hello(token)))
            code, reason, bye = line.closing()
            self.assertEqual(code, 1008)
            self.assertIn(text, reason)
            self.assertIn(text, bye)

    def test_nobody_joined_without(self):
        self.assertNotIn("nonsense", self.server.text)


class Everybody(Case):
    words = ("--origin", "*", "--limits", "address_max=4,connection_max=100")

    def test_all_origins(self):
        _, status = self.upgrade(Origin="http://anybody.example", Host="anything.example")
        self.assertEqual(status, 101)

    def test_connections_of_an_address(self):
        lines = [self.server.connect() for _ in range(4)]
        more = self.line(self.server.connect())
        self.assertTrue(more.ended(), "the fifth connection is closed")
        self.assertTrue(self.server.says("too many connections from this address"))
        for line in lines:
            line.close()
        self.assertTrue(peer.wait_for(lambda: self.can_connect()))

    def can_connect(self):
        try:
            return self.server.get("/healthz")[0] == 200
        except (EOFError, OSError):
            return False


class Full(Case):
    words = ("--limits", "session_max=2")

    def test_more_clients_than_there_is_room_for(self):
        lines = [self.join()[0] for _ in range(2)]
        line, status = self.upgrade()
        self.assertEqual(status, 101)
        code, reason, _ = line.closing()
        self.assertEqual((code, reason), (1013, "the server is full"))
        lines[0].close()
        self.assertTrue(peer.wait_for(lambda: self.server.json("/healthz")["sessions"] == 1))
        self.join()


if __name__ == "__main__":
    assert Server
    peer.main()
