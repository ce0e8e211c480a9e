/* SPDX-License-Identifier: MIT */
/* The line of live_line.h: two queues with the moments at which messages are due. */
#include "live_line.h"

#include "core/base/random.h"

#include <stdlib.h>
#include <string.h>

static void way_clear(live_way *way)
{
    while (way->count) {
        free(way->waiting[way->first].bytes);
        way->first = (way->first + 1u) % LIVE_WAITING_MAX;
        way->count--;
    }
    way->last_ns = 0;
}

static void way_push(live_line *line, live_way *way, const void *bytes, size_t size,
                     uint64_t now_ns)
{
    live_message *m = &way->waiting[(way->first + way->count) % LIVE_WAITING_MAX];
    const uint64_t chance = skep__random(line->seed, 11, 0, 0, (uint32_t)line->draw++);
    if (way->count == LIVE_WAITING_MAX) abort();
    /* Of exactly its size, so that a sanitizer sees who reads past it. */
    m->bytes = malloc(size ? size : 1u);
    if (!m->bytes) abort();
    memcpy(m->bytes, bytes, size);
    m->size = size;
    m->due_ns = now_ns + line->delay_ns + (line->jitter_ns ? chance % line->jitter_ns : 0u);
    if (m->due_ns < way->last_ns) m->due_ns = way->last_ns;
    way->last_ns = m->due_ns;
    way->count++;
}

void live_connect(live_line *line, uint64_t now_ns)
{
    if (line->session) return;
    if (skep_session_create(line->publisher, now_ns, line, &line->session) != SKEP_OK) abort();
    skep_view_connected(line->view, now_ns);
}

void live_cut(live_line *line, uint64_t now_ns)
{
    way_clear(&line->up);
    way_clear(&line->down);
    if (!line->session) return;
    skep_session_destroy(line->session, now_ns);
    line->session = NULL;
    skep_view_disconnected(line->view, now_ns);
}

/* Takes the first message of a way that is due; NULL when there is none. */
static live_message *way_due(live_way *way, uint64_t now_ns)
{
    live_message *m = &way->waiting[way->first];
    if (!way->count || m->due_ns > now_ns) return NULL;
    way->first = (way->first + 1u) % LIVE_WAITING_MAX;
    way->count--;
    return m;
}

static void line_send(live_line *line, uint64_t now_ns)
{
    const void *bytes = NULL;
    size_t size = 0;
    while (skep_view_next(line->view, now_ns, &bytes, &size))
        way_push(line, &line->up, bytes, size, now_ns);
    while (!line->stalled && (!line->down_max || line->down.count < line->down_max) &&
           skep_session_next(line->session, now_ns, &bytes, &size)) {
        line->bytes_down += size;
        way_push(line, &line->down, bytes, size, now_ns);
    }
}

void live_move(live_line *line, uint64_t now_ns)
{
    bool open = line->session != NULL;
    live_message *m = NULL;
    if (!open) return;
    line_send(line, now_ns);
    while (open && (m = way_due(&line->up, now_ns)) != NULL) {
        (void)skep_session_receive(line->session, m->bytes, m->size, now_ns);
        free(m->bytes);
    }
    while (open && (m = way_due(&line->down, now_ns)) != NULL) {
        open = skep_view_receive(line->view, m->bytes, m->size, now_ns);
        free(m->bytes);
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
    way_clear(&line->up);
    way_clear(&line->down);
}
