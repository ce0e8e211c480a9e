/* SPDX-License-Identifier: MIT */
/* A writer of trace files from tables in memory, after docs/trace-format.md. */
#include "support/trace_paper.h"

static const uint8_t magic[16] = {'s', 'k', 'e', 'p', 't', '\r', '\n', 0x1a, 1};

void paper_begin(trace_paper *p, uint32_t threads, double ns_per_tick)
{
    memset(p, 0, sizeof *p);
    p->threads = threads;
    p->ns_per_tick = ns_per_tick;
    p->base = PAPER_BASE;
    p->text_bytes = 1;
}

static uint32_t text_put(trace_paper *p, const char *text)
{
    const uint32_t at = p->text_bytes;
    if (!*text) return 0;
    do p->texts[p->text_bytes++] = *text;
    while (*text++);
    return at;
}

void paper_system(trace_paper *p, uint32_t number, const char *name, const char *stage,
                  uint32_t batch, uint32_t flags)
{
    uint32_t *s = p->systems[p->system_count];
    s[0] = number;
    s[1] = text_put(p, name);
    s[2] = text_put(p, stage);
    s[3] = batch;
    s[4] = p->system_count++;
    s[5] = flags;
}

void paper_edge(trace_paper *p, uint32_t from, uint32_t to, const char *why)
{
    uint32_t *e = p->edges[p->edge_count++];
    e[0] = from;
    e[1] = to;
    e[2] = text_put(p, why);
}

void paper_note(trace_paper *p, const char *key, const char *value)
{
    uint32_t *n = p->notes[p->note_count++];
    n[0] = text_put(p, key);
    n[1] = text_put(p, value);
}

void paper_name(trace_paper *p, uint32_t number, const char *name)
{
    uint32_t *n = p->names[p->name_count++];
    n[0] = number;
    n[1] = text_put(p, name);
}

void paper_zone(trace_paper *p, uint32_t thread, uint32_t kind, paper_span when, uint32_t low,
                uint32_t high)
{
    uint64_t *r = p->records[thread][p->record_count[thread]++];
    r[0] = p->base + (uint64_t)when.begin;
    r[1] = (uint64_t)(when.end - when.begin) << 8 | kind;
    r[2] = (uint64_t)high << 32 | low;
    p->frames += kind == SKEP__KIND_FRAME;
}

void paper_block(trace_paper *p, uint32_t thread, uint32_t system, int64_t begin, int64_t end,
                 uint32_t block)
{
    paper_zone(p, thread, SKEP__KIND_BLOCK, (paper_span){begin, end}, system | 1u << 16, block);
}

void paper_frame(trace_paper *p, int64_t begin, int64_t end, uint64_t tick)
{
    paper_zone(p, 0, SKEP__KIND_FRAME, (paper_span){begin, end}, (uint32_t)tick,
               (uint32_t)(tick >> 32));
}

static uint32_t sum_of(const uint8_t *at, size_t bytes)
{
    uint32_t h = 0x811C9DC5u;
    for (size_t i = 0; i < bytes; i += 4) {
        uint32_t word = 0;
        memcpy(&word, at + i, 4);
        h = (h ^ word) * 0x01000193u;
    }
    return h;
}

void paper_section(trace_paper *p, const char *tag, const void *payload, size_t bytes)
{
    uint8_t *at = p->bytes + p->size;
    const uint64_t length = bytes;
    const size_t padded = skep__align(bytes, 8);
    memset(at, 0, 16u + padded);
    if (bytes) memcpy(at + 16, payload, bytes);
    const uint32_t sum = sum_of(at + 16, padded);
    memcpy(at, tag, 4);
    memcpy(at + 4, &sum, 4);
    memcpy(at + 8, &length, 8);
    p->size += 16u + padded;
}

size_t paper_write(trace_paper *p)
{
    struct {
        uint64_t base;
        double ns_per_tick;
        uint64_t unix_ns;
        uint64_t step_ns;
        uint64_t budget_ns;
        uint32_t workers;
        uint32_t frames;
    } info = {p->base, p->ns_per_tick, 0, 0, p->budget_ns, p->threads - 1u, p->frames};
    memcpy(p->bytes, magic, sizeof magic);
    p->size = sizeof magic;
    paper_section(p, "INFO", &info, sizeof info);
    paper_section(p, "TEXT", p->texts, p->text_bytes);
    paper_section(p, "HOST", p->notes, p->note_count * sizeof p->notes[0]);
    paper_section(p, "SYST", p->systems, p->system_count * sizeof p->systems[0]);
    paper_section(p, "EDGE", p->edges, p->edge_count * sizeof p->edges[0]);
    paper_section(p, "NAME", p->names, p->name_count * sizeof p->names[0]);
    for (uint32_t i = 0; i < p->threads; i++) {
        static uint64_t thread[2 + PAPER_RECORDS * 3];
        thread[0] = i;
        thread[1] = 0;
        memcpy(thread + 2, p->records[i], p->record_count[i] * sizeof p->records[i][0]);
        paper_section(p, "THRD", thread, 16u + p->record_count[i] * sizeof p->records[i][0]);
    }
    paper_section(p, "END ", NULL, 0);
    return p->size;
}

void paper_mend(uint8_t *bytes, size_t size)
{
    size_t at = 16;
    while (at + 16u <= size) {
        uint64_t length = 0;
        memcpy(&length, bytes + at + 8, 8);
        if (length > size - at - 16u || skep__align((size_t)length, 8) > size - at - 16u) return;
        const uint32_t sum = sum_of(bytes + at + 16, skep__align((size_t)length, 8));
        memcpy(bytes + at + 4, &sum, 4);
        at += 16u + skep__align((size_t)length, 8);
    }
}

/* ---- a trace -------------------------------------------------------------------------------- */

static void first_frame(trace_paper *p)
{
    paper_zone(p, 0, SKEP__KIND_SYSTEM, (paper_span){20, 40}, 1u | 2u << 16, 100);
    paper_zone(p, 0, SKEP__KIND_SNAPSHOT, (paper_span){10, 60}, 1, 3);
    paper_zone(p, 0, SKEP__KIND_WAKE, (paper_span){60, 80}, 2u | 2u << 16, 3);
    paper_block(p, 0, 1, 80, 180, 0);
    paper_zone(p, 0, SKEP__KIND_BLOCK, (paper_span){200, 260}, 1u | 2u << 16, 1);
    paper_zone(p, 0, SKEP__KIND_VERIFY, (paper_span){440, 450}, 4, 0);
    paper_zone(p, 0, SKEP__KIND_TASKS, (paper_span){60, 460}, 1, 4);
    paper_zone(p, 0, SKEP__KIND_APPLY, (paper_span){470, 490}, 12, 1);
    paper_zone(p, 0, SKEP__KIND_COMMIT, (paper_span){460, 500}, 1, 1);
    paper_zone(p, 0, SKEP__KIND_SNAPSHOT, (paper_span){500, 510}, 2, 3);
    paper_zone(p, 0, SKEP__KIND_WAKE, (paper_span){510, 520}, 2u | 2u << 16, 3);
    paper_block(p, 0, 2, 520, 600, 0);
    paper_zone(p, 0, SKEP__KIND_RUN, (paper_span){610, 650}, 3, 0);
    paper_zone(p, 0, SKEP__KIND_VERIFY, (paper_span){790, 800}, 3, 0);
    paper_zone(p, 0, SKEP__KIND_TASKS, (paper_span){510, 810}, 2, 3);
    paper_zone(p, 0, SKEP__KIND_COMMIT, (paper_span){810, 830}, 2, 1);
    paper_zone(p, 0, SKEP__KIND_RUN, (paper_span){830, 930}, 3, 0);
    paper_zone(p, 0, SKEP__KIND_COMMIT, (paper_span){930, 940}, 3, 1);
    paper_zone(p, 0, SKEP__KIND_ENTITIES, (paper_span){990, 990}, 1000, 0);
    paper_frame(p, 0, 1000, 7);
    paper_block(p, 1, 1, 100, 300, 3);
    paper_block(p, 1, 1, 320, 430, 4);
    paper_block(p, 1, 2, 540, 780, 1);
    paper_block(p, 2, 2, 530, 560, 2);
}

static void second_frame(trace_paper *p)
{
    paper_zone(p, 0, SKEP__KIND_SYSTEM, (paper_span){1110, 1140}, 1u | 3u << 16, 200);
    paper_zone(p, 0, SKEP__KIND_SNAPSHOT, (paper_span){1100, 1150}, 1, 0);
    paper_zone(p, 0, SKEP__KIND_COPIED, (paper_span){1155, 1155}, 1u | 1u << 16, 40);
    paper_zone(p, 0, SKEP__KIND_COMMIT, (paper_span){1150, 1160}, 1, 1);
    paper_zone(p, 0, SKEP__KIND_LOST, (paper_span){1200, 1300}, 2u | 2u << 16, 9);
    paper_zone(p, 0, SKEP__KIND_FAULT, (paper_span){1300, 1300}, 2u | 2u << 16, 3u | 1u << 16);
    paper_zone(p, 0, SKEP__KIND_RESPAWN, (paper_span){1300, 1350}, 2, 0);
    paper_zone(p, 0, SKEP__KIND_HOST, (paper_span){1360, 1380}, 5, 0);
    paper_zone(p, 0, SKEP__KIND_ENTITIES, (paper_span){1390, 1390}, 1001, 0);
    paper_frame(p, 1100, 1400, 8);
}

void paper_two_frames(trace_paper *p)
{
    paper_begin(p, 3, 2.0);
    p->budget_ns = 1500;
    paper_system(p, 1, "move", "update", 1, 0);
    paper_system(p, 2, "strike", "update", 2, SKEP__SYSTEM_UNSPLIT);
    paper_system(p, 3, "draw", "late", 3, SKEP__SYSTEM_MAIN);
    paper_edge(p, 1, 2, "move writes Pos, strike reads it");
    paper_note(p, "scene", "by hand");
    paper_name(p, 5, "publish");
    first_frame(p);
    second_frame(p);
    (void)paper_write(p);
}
