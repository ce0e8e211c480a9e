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
SKEP_WIRE_TYPE(HELLO, 1, 0, "the client's first: the schema that it knows, token, what to resume")
SKEP_WIRE_TYPE(AUTH, 2, 0, "a token")
SKEP_WIRE_TYPE(WELCOME, 3, 0, "the server's answer: schema, resume token, clock")
SKEP_WIRE_TYPE(SUBSCRIBE, 4, 0, "components and area of interest")
SKEP_WIRE_TYPE(SNAPSHOT, 5, 0, "a whole view class")
SKEP_WIRE_TYPE(DELTA, 6, 1, "what changed in a view class since its base")
SKEP_WIRE_TYPE(INPUT, 7, 0, "numbered inputs")
SKEP_WIRE_TYPE(ACK, 8, 0, "begins a state: what it consists of, last input applied, own components")
SKEP_WIRE_TYPE(RESYNC, 9, 0, "asks for a whole state")
SKEP_WIRE_TYPE(PING, 10, 0, "asks for a PONG")
SKEP_WIRE_TYPE(PONG, 11, 0, "answers a PING")
SKEP_WIRE_TYPE(BYE, 12, 0, "the last message, with the reason")
SKEP_WIRE_TYPE(EVENT, 13, 0, "one-shot messages")
SKEP_WIRE_SECTION(SCHEMA, 0x01, "128-bit hash, and the table of names where it is needed")
SKEP_WIRE_SECTION(TOKEN, 0x02, "token bytes")
SKEP_WIRE_SECTION(RESUME, 0x03, "resume token, classes that the client holds")
SKEP_WIRE_SECTION(INTEREST, 0x04, "component ids, area of interest")
SKEP_WIRE_SECTION(CLOCK, 0x05, "ticks a second, states, or a PING's number")
SKEP_WIRE_SECTION(STATE, 0x06, "the messages that make a state")
SKEP_WIRE_SECTION(OWN, 0x07, "the receiver's own entity and its components")
SKEP_WIRE_SECTION(CLASS, 0x08, "slot count and components of a view class")
SKEP_WIRE_SECTION(DESPAWN, 0x09, "slots, by gaps")
SKEP_WIRE_SECTION(SPAWN, 0x0A, "slots, entities, whole columns")
SKEP_WIRE_SECTION(COLUMNS, 0x0B, "blocks of columns, see columns.h")
SKEP_WIRE_SECTION(RESOURCES, 0x0C, "whole values of resources")
SKEP_WIRE_SECTION(EVENTS, 0x0D, "one-shot messages")
SKEP_WIRE_SECTION(INPUTS, 0x0E, "numbered inputs")
SKEP_WIRE_SECTION(REASON, 0x0F, "why a session ends")
SKEP_WIRE_SECTION(HASH, 0x81, "hash of a view class as it should be now")
#undef SKEP_WIRE_TYPE
#undef SKEP_WIRE_SECTION
