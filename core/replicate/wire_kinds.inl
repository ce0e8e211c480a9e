/* SPDX-License-Identifier: MIT */
/* Message types and section ids of the wire; values never change. Define what is needed:
 *   SKEP_WIRE_TYPE(name, value, base, text)    base: 0 the header's base must be 0,
 *                                              1 it must lie between 0 and the tick
 *   SKEP_WIRE_SECTION(name, value, text)       a value with 0x80 may be skipped by old readers */
#ifndef SKEP_WIRE_TYPE
#define SKEP_WIRE_TYPE(name, value, base, text)
#endif
#ifndef SKEP_WIRE_SECTION
#define SKEP_WIRE_SECTION(name, value, text)
#endif
SKEP_WIRE_TYPE(HELLO, 1, 0, "the client's first: its schema")
SKEP_WIRE_TYPE(AUTH, 2, 0, "a token")
SKEP_WIRE_TYPE(WELCOME, 3, 0, "the server's answer: resume token, tick rate")
SKEP_WIRE_TYPE(SUBSCRIBE, 4, 0, "components and area of interest")
SKEP_WIRE_TYPE(SNAPSHOT, 5, 0, "a whole view class, or a part of it")
SKEP_WIRE_TYPE(DELTA, 6, 1, "what changed in a view class since its base")
SKEP_WIRE_TYPE(INPUT, 7, 0, "numbered inputs")
SKEP_WIRE_TYPE(ACK, 8, 0, "last input applied, own components unquantised")
SKEP_WIRE_TYPE(RESYNC, 9, 0, "asks for a whole view")
SKEP_WIRE_TYPE(PING, 10, 0, "asks for a PONG")
SKEP_WIRE_TYPE(PONG, 11, 0, "answers a PING")
SKEP_WIRE_TYPE(BYE, 12, 0, "the last message, with the reason")
SKEP_WIRE_SECTION(SCHEMA, 0x01, "128-bit hash, or the table of names")
SKEP_WIRE_SECTION(TOKEN, 0x02, "token bytes")
SKEP_WIRE_SECTION(INTEREST, 0x03, "component ids, area of interest")
SKEP_WIRE_SECTION(DESPAWN, 0x04, "slots, by gaps")
SKEP_WIRE_SECTION(SPAWN, 0x05, "slots, generations, whole columns")
SKEP_WIRE_SECTION(ADD, 0x06, "slots that get a component, whole columns")
SKEP_WIRE_SECTION(REMOVE, 0x07, "slots that lose a component")
SKEP_WIRE_SECTION(COLUMNS, 0x08, "blocks of columns, see columns.h")
SKEP_WIRE_SECTION(EVENTS, 0x09, "one-shot messages")
SKEP_WIRE_SECTION(INPUTS, 0x0A, "numbered inputs")
SKEP_WIRE_SECTION(OWN, 0x0B, "the receiver's own components")
SKEP_WIRE_SECTION(REASON, 0x0C, "why a session ends")
SKEP_WIRE_SECTION(HASH, 0x81, "hash of the quantised view")
#undef SKEP_WIRE_TYPE
#undef SKEP_WIRE_SECTION
