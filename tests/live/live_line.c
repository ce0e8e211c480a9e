/* SPDX-License-Identifier: MIT */
/* Moves what is due in both directions of a line, and ends it where one end says so. */
#include "live_line.h"

#include "core/base/random.h"

#include <stdlib.h>
#include <string.h>

static void line_put(live_line *line, live_wire *way, const void *bytes, size_t size,
                     uint64_t now_ns)
{
    const uint64_t chance = skep__random(line->seed, 11, 0, 0, (uint32_t)line->draw++);
    const uint64_t more = line->jitter_ns ? chance % line->jitter_ns : 0u;
    live_wire_send(way, bytes, size, now_ns + line->delay_ns + more);
}

void live_connect(live_line *line, uint64_t now_ns)
{
    if (line->session) return;
    if (skep_session_create(line->publisher, now_ns, line, &line->session) != SKEP_OK) abort();
    skep_view_connected(line->view, now_ns);
}

void live_cut(live_line *line, uint64_t now_ns)
{
    live_wire_clear(&line->up);
    live_wire_clear(&line->down);
    if (!line->session) return;
    skep_session_destroy(line->session, now_ns);
    line->session = NULL;
    skep_view_disconnected(line->view, now_ns);
}

static void line_send(live_line *line, uint64_t now_ns)
{
    const void *bytes = NULL;
    size_t size = 0;
    while (skep_view_next(line->view, now_ns, &bytes, &size))
        line_put(line, &line->up, bytes, size, now_ns);
    while (!line->stalled && (!line->down_max || line->down.count < line->down_max) &&
           skep_session_next(line->session, now_ns, &bytes, &size)) {
        line->bytes_down += size;
        line_put(line, &line->down, bytes, size, now_ns);
    }
}

void live_move(live_line *line, uint64_t now_ns)
{
    bool open = line->session != NULL;
    live_message m;
    if (!open) return;
    line_send(line, now_ns);
    while (open && live_wire_take(&line->up, now_ns, &m)) {
        (void)skep_session_receive(line->session, m.bytes, m.size, now_ns);
        free(m.bytes);
    }
    while (open && live_wire_take(&line->down, now_ns, &m)) {
        open = skep_view_receive(line->view, m.bytes, m.size, now_ns);
        free(m.bytes);
    }
    if (open) open = skep_view_tick(line->view, now_ns);
    (void)skep_session_tick(line->session, now_ns);
    if (open) line_send(line, now_ns);
    const bool said_all = skep_session_reason(line->session) && !line->down.count &&
                          !skep_session_wants(line->session);
    if (!open || said_all) live_cut(line, now_ns);
}

void live_end(live_line *line, uint64_t now_ns)
{
    live_cut(line, now_ns);
    live_wire_clear(&line->up);
    live_wire_clear(&line->down);
}
