#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Frames that are good, bad and cut: what a server of WebSocket has to take, and how it ends what
it must not take. In the manner of the Autobahn cases, with frames of our own. Frames without a mask
are missing: libwebsockets 4.1 takes them as if they had one of zeros, and does not tell.

ctest: waits"""
import os
import random
import struct

import gateway_peer as peer
from gateway_peer import BINARY, CLOSE, CONTINUATION, PING_FRAME, PONG_FRAME, TEXT, Case, frame
from gateway_peer import wsproto


class Frames(Case):
    words = ("--limits", "message_up_max=8192,address_max=500")

    def client(self):
        return self.join()[0]

    def ends(self, data, *codes):
        """What is sent ends the connection with one of the codes; 0: without a close frame."""
        line = self.client()
        line.send(data)
        code, text, _ = line.closing()
        self.assertIn(code, codes, text)
        self.assertTrue(line.ended())
        return text

    def goes_on(self, line):
        """The session still answers."""
        line.send(frame(BINARY, peer.message(peer.PING, (5, b"\x07\0"))))
        self.assertEqual(peer.kind_of(line.wire(peer.PONG)), peer.PONG)

    def test_text_is_refused_with_a_reason(self):
        self.assertIn("binary", self.ends(frame(TEXT, b"hello"), 1003))
        self.assertIn("binary", self.ends(frame(TEXT, b""), 1003))
        self.assertIn("binary", self.ends(frame(TEXT, b"he", final=False), 1003))

    def test_fragments_become_one_message(self):
        for sizes in ((1,), (7,), (3, 0, 5)):
            line, status = self.upgrade()
            self.assertEqual(status, 101)
            data = peer.hello()
            at, first, turn = 0, True, 0
            while at < len(data):
                n = sizes[turn % len(sizes)]
                turn += 1
                end = at + n >= len(data)
                line.send(frame(BINARY if first else CONTINUATION, data[at:at + n], final=end))
                if not end:
                    line.send(frame(PING_FRAME, b"between"))
                first = False
                at += n
            self.assertEqual(peer.kind_of(line.wire(peer.WELCOME)), peer.WELCOME)

    def test_byte_by_byte(self):
        line = self.client()
        for byte in frame(BINARY, peer.message(peer.PING, (5, b"\x07\0"))):
            line.send(bytes([byte]))
        line.wire(peer.PONG)

    def test_many_messages_in_one_piece(self):
        line = self.client()
        line.send(frame(BINARY, peer.message(peer.PING, (5, b"\x07\0"))) * 5)
        for _ in range(5):
            line.wire(peer.PONG)

    def test_pings_are_answered(self):
        line = self.client()
        for payload in (b"", b"hello", b"\xff" * 125):
            line.send(frame(PING_FRAME, payload))
            while True:
                opcode, data = line.frame()
                if opcode == PONG_FRAME:
                    break
            self.assertEqual(data, payload)
        line.send(frame(PONG_FRAME, b"nobody asked"))
        self.goes_on(line)

    def test_control_frames_are_short_and_whole(self):
        self.ends(frame(PING_FRAME, b"x" * 126), 0, 1002)
        self.ends(frame(PING_FRAME, b"x", final=False), 1002)
        self.ends(frame(CLOSE, struct.pack(">H", 1000), final=False), 1002)

    def test_reserved_bits(self):
        for bits in (1, 2, 4, 7):
            self.ends(frame(BINARY, b"x", reserved=bits), 1002)
            self.ends(frame(PING_FRAME, b"", reserved=bits), 1002)

    def test_unknown_opcodes(self):
        for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15):
            self.ends(frame(opcode, b"x"), 1002)

    def test_continuations_belong_somewhere(self):
        self.ends(frame(CONTINUATION, b"x"), 1002)
        self.ends(frame(BINARY, b"x", final=False) + frame(BINARY, b"y"), 1002)
        self.ends(frame(BINARY, b"x", final=False) + frame(TEXT, b"y"), 1002)

    def test_messages_that_are_too_long(self):
        self.ends(frame(BINARY, b"\0" * 8193), 1009)
        parts = frame(BINARY, b"\0" * 4096, final=False)
        parts += frame(CONTINUATION, b"\0" * 4097, final=False)
        self.ends(parts, 1009)

    def test_a_length_allocates_nothing(self):
        before = self.server.memory
        lines = []
        for _ in range(20):
            line = self.client()
            line.send(frame(BINARY, b"\0" * 16, length=1 << 40))
            lines.append(line)
        for line in lines:
            line.states(2)
        self.assertLess(self.server.memory - before, 16 << 20)

    def test_lengths_that_are_none(self):
        header = bytes([0x82, 0xff]) + struct.pack(">Q", 1 << 63) + b"\0\0\0\0"
        self.ends(header, 0, 1002)

    def test_close_is_answered(self):
        for payload, codes in ((b"", (1000, 1005)), (peer.close_payload(1000), (1000,)),
                               (peer.close_payload(1001, "going"), (1001,)),
                               (peer.close_payload(3000), (3000,)),
                               (peer.close_payload(4999, "x" * 123), (4999,)),
                               (b"\x03", (1002,))):
            self.ends(frame(CLOSE, payload), *codes)

    def test_close_with_a_code_that_is_none(self):
        for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 2000, 2999):
            self.ends(frame(CLOSE, peer.close_payload(code)), 1002)

    def test_close_with_a_text_that_is_none(self):
        self.ends(frame(CLOSE, struct.pack(">H", 1000) + b"\xce\xba\xe1\xbd\xff"), 0, 1002, 1007)

    def test_nothing_is_read_after_close(self):
        line = self.client()
        line.send(frame(CLOSE, peer.close_payload(1000)) + frame(BINARY, b"nonsense"))
        self.assertEqual(line.closing()[0], 1000)

    def test_hostile_messages_end_with_a_reason(self):
        for data in (b"", b"x", b"\0" * 20, peer.message(peer.WELCOME), peer.message(peer.HELLO),
                     peer.hello() + b"\0"):
            line = self.client()
            line.send(frame(BINARY, data))
            code, text, bye = line.closing()
            self.assertEqual(code, 1008)
            self.assertTrue(text)
            self.assertEqual(text, bye)

    def test_bye_is_a_good_end(self):
        line = self.client()
        line.send(frame(BINARY, peer.message(peer.BYE, (15, b"\0so long"))))
        self.assertEqual(line.closing()[0], 1000)
        self.assertTrue(self.server.says("leave: player"))

    def test_a_connection_that_broke_is_taken_up_again(self):
        line, welcome = self.join()
        line.states(1)
        line.close()
        token = peer.sections(welcome)[2]
        line, status = self.upgrade()
        self.assertEqual(status, 101)
        line.send(frame(BINARY, peer.message(peer.HELLO, (3, token + b"\0"), tick=1)))
        again = peer.sections(line.wire(peer.WELCOME))
        self.assertNotEqual(again[2], token)
        self.assertTrue(self.server.says("back: player"))
        line, status = self.upgrade()
        line.send(frame(BINARY, peer.message(peer.HELLO, (3, token + b"\0"), tick=1)))
        line.wire(peer.WELCOME)

    def test_cuts_in_the_middle(self):
        whole = frame(BINARY, peer.hello(b"t" * 200))
        for at in range(0, len(whole), 9):
            line, status = self.upgrade()
            self.assertEqual(status, 101)
            line.send(whole[:at])
            line.close()
        self.assertTrue(peer.wait_for(lambda: self.server.json("/healthz")["sessions"] <= 1))
        self.goes_on(self.client())

    def test_random_bytes(self):
        seed = int(os.environ.get("SKEP_SEED", "5"))
        chance = random.Random(seed)
        for _ in range(60):
            line = self.client()
            line.send(chance.randbytes(chance.randrange(1, 400)))
            line.close()
        self.goes_on(self.client())

    def test_a_peer_that_others_wrote(self):
        line = self.line(self.server.connect())
        other = wsproto.WSConnection(wsproto.ConnectionType.CLIENT)
        line.send(other.send(wsproto.events.Request(
            host=f"localhost:{self.server.port}", target="/world",
            subprotocols=[peer.PROTOCOL])))
        said = []
        asked = states = 0
        while states < 3:
            self.assertTrue(line.more())
            other.receive_data(line.rest)
            line.rest = b""
            for event in other.events():
                if isinstance(event, wsproto.events.AcceptConnection):
                    self.assertEqual(event.subprotocol, peer.PROTOCOL)
                    line.send(other.send(wsproto.events.BytesMessage(peer.hello())))
                    line.send(other.send(wsproto.events.Ping(b"are you there")))
                elif isinstance(event, wsproto.events.Pong):
                    asked += 1
                elif isinstance(event, wsproto.events.BytesMessage):
                    self.assertTrue(event.message_finished)
                    said.append(bytes(event.data))
                    states += peer.kind_of(said[-1]) == peer.ACK
                    if peer.kind_of(said[-1]) == peer.WELCOME:
                        line.send(other.send(wsproto.events.BytesMessage(peer.subscribe())))
        self.assertEqual(asked, 1)
        self.assertEqual(peer.kind_of(said[0]), peer.WELCOME)
        line.send(other.send(wsproto.events.CloseConnection(1000, "enough")))
        while line.more():
            pass
        other.receive_data(line.rest)
        ends = [e for e in other.events() if isinstance(e, wsproto.events.CloseConnection)]
        self.assertEqual([e.code for e in ends], [1000])

    def test_two_clients_see_the_same_bytes(self):
        one, two = self.client(), self.client()
        one.states(3)
        two.states(3)
        seen = {}
        for line in (one, two):
            for _ in range(6):
                delta = line.wire(peer.DELTA)
                seen.setdefault(delta[8:16], []).append(delta)
        shared = [v for v in seen.values() if len(v) == 2]
        self.assertTrue(shared)
        for first, second in shared:
            self.assertEqual(first, second)


if __name__ == "__main__":
    peer.main()
