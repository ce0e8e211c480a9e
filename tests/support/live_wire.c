/* SPDX-License-Identifier: MIT */
/* A ring of messages in the order in which they were sent. */
#include "live_wire.h"

#include <stdlib.h>
#include <string.h>

void live_wire_send(live_wire *w, const void *bytes, size_t size, uint64_t due_ns)
{
    live_message *m = &w->messages[(w->first + w->count) % LIVE_WIRE_MESSAGES];
    if (w->count == LIVE_WIRE_MESSAGES) abort();
    m->bytes = malloc(size ? size : 1u);
    if (!m->bytes) abort();
    memcpy(m->bytes, bytes, size);
    m->size = size;
    m->due_ns = due_ns < w->last_ns ? w->last_ns : due_ns;
    w->last_ns = m->due_ns;
    w->count++;
}

bool live_wire_take(live_wire *w, uint64_t now_ns, live_message *m)
{
    if (!w->count || w->messages[w->first].due_ns > now_ns) return false;
    *m = w->messages[w->first];
    w->first = (w->first + 1u) % LIVE_WIRE_MESSAGES;
    w->count--;
    return true;
}

void live_wire_clear(live_wire *w)
{
    for (; w->count; w->count--) {
        free(w->messages[w->first].bytes);
        w->first = (w->first + 1u) % LIVE_WIRE_MESSAGES;
    }
    w->last_ns = 0;
}
