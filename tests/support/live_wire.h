/* SPDX-License-Identifier: MIT */
/* One direction of a connection without a socket: messages that are due at some moment of the
 * test's clock. None overtakes another. */
#ifndef SKEP_TESTS_SUPPORT_LIVE_WIRE_H
#define SKEP_TESTS_SUPPORT_LIVE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LIVE_WIRE_MESSAGES 8192u

typedef struct live_message {
    uint64_t due_ns;
    uint8_t *bytes; /* of exactly its size, so that a sanitizer sees who reads past it */
    size_t size;
} live_message;

typedef struct live_wire {
    live_message messages[LIVE_WIRE_MESSAGES];
    uint32_t first;
    uint32_t count;
    uint64_t last_ns;
} live_wire;

/* Puts a copy of a message on its way. */
void live_wire_send(live_wire *w, const void *bytes, size_t size, uint64_t due_ns);
/* Takes the first message if it is due; the caller frees its bytes. */
bool live_wire_take(live_wire *w, uint64_t now_ns, live_message *m);
/* Loses all that is on its way. */
void live_wire_clear(live_wire *w);

#endif
