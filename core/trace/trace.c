/* SPDX-License-Identifier: MIT */
/* The tracer's life, and its names. Rings are made once; texts grow when a plan is built or a name
 * is given, never in a frame. */
#include "core/trace/trace.h"

#define TRACE_CANARY 0x7ACEu
#define TRACE_RECORDS 65536u

skep_trace_desc skep_trace_desc_default(void)
{
    skep_trace_desc d;
    memset(&d, 0, sizeof d);
    d.canary = TRACE_CANARY;
    d.records = TRACE_RECORDS;
    return d;
}

/* ---- life ------------------------------------------------------------------------------------ */

static uint32_t trace_round(uint32_t records)
{
    uint32_t rounded = SKEP_TRACE_RECORDS_MIN;
    while (rounded < records) rounded *= 2;
    return rounded;
}

static size_t ring_bytes(const skep_trace *t)
{
    return (size_t)t->records * SKEP__TRACE_WORDS * sizeof(uint64_t);
}

/* Ring memory is not zeroed: pages that no record reaches are never touched. */
static bool trace_rings(skep_trace *t, const skep_trace_desc *d)
{
    t->rings = skep__alloc(&t->allocator, t->ring_count * sizeof *t->rings, 128);
    for (uint32_t i = 0; t->rings && i < t->ring_count; i++) {
        skep__trace_ring *ring = &t->rings[i];
        ring->words = t->allocator.alloc(t->allocator.ctx, ring_bytes(t), 128);
        if (!ring->words) return false;
        ring->clock = d->clock;
        ring->mask = t->records - 1u;
        atomic_store_explicit(&ring->on, d->off ? 0u : 1u, memory_order_relaxed);
    }
    return t->rings != NULL;
}

skep_status skep_trace_create(const skep_trace_desc *desc, skep_trace **trace)
{
    *trace = NULL;
    if (desc->canary != TRACE_CANARY || !desc->clock || !desc->allocator.alloc ||
        !desc->allocator.free) {
        return SKEP_ARGUMENT;
    }
    if (desc->records > SKEP_TRACE_RECORDS_MAX || desc->workers >= 0xffffu) return SKEP_LIMIT;
    skep_trace *t = skep__alloc(&desc->allocator, sizeof *t, 16);
    if (!t) return SKEP_NO_MEMORY;
    t->allocator = desc->allocator;
    t->references = 1;
    t->ring_count = desc->workers + 1;
    t->records = trace_round(desc->records);
    if (!trace_rings(t, desc) ||
        skep_trace_name(t, "pieces of a loop") != SKEP__TRACE_NAME_PIECES) {
        skep_trace_destroy(t);
        return SKEP_NO_MEMORY;
    }
    *trace = t;
    return SKEP_OK;
}

static void texts_free(const skep_trace *t, skep__trace_texts *texts)
{
    skep__free(&t->allocator, texts->bytes, texts->cap, 16);
}

void skep_trace_destroy(skep_trace *trace)
{
    if (!trace || --trace->references) return;
    const skep_allocator a = trace->allocator;
    for (uint32_t i = 0; trace->rings && i < trace->ring_count; i++) {
        skep__free(&a, (void *)(uintptr_t)trace->rings[i].words, ring_bytes(trace), 128);
    }
    skep__free(&a, trace->rings, trace->ring_count * sizeof *trace->rings, 128);
    texts_free(trace, &trace->host_texts);
    texts_free(trace, &trace->plan_texts);
    skep__free(&a, trace->names, trace->name_cap * sizeof *trace->names, 16);
    skep__free(&a, trace->notes, trace->note_cap * sizeof *trace->notes, 16);
    skep__free(&a, trace->systems, trace->system_cap * sizeof *trace->systems, 16);
    skep__free(&a, trace->edges, trace->edge_cap * sizeof *trace->edges, 16);
    skep__free(&a, trace, sizeof *trace, 16);
}

void skep_trace_enable(skep_trace *trace, bool on)
{
    for (uint32_t i = 0; i < trace->ring_count; i++) {
        atomic_store_explicit(&trace->rings[i].on, on ? 1u : 0u, memory_order_relaxed);
    }
}

bool skep_trace_enabled(const skep_trace *trace)
{
    return atomic_load_explicit(&trace->rings[0].on, memory_order_relaxed) != 0;
}

/* ---- texts ----------------------------------------------------------------------------------- */

static bool trace_grow(const skep_trace *t, void *array, uint32_t *cap, uint32_t need,
                       size_t element_bytes)
{
    void **at = array;
    return need <= *cap || skep__array_grow(&t->allocator, at, cap, need, element_bytes);
}

static uint32_t text_length(const char *text)
{
    uint32_t n = 0;
    while (text[n]) n++;
    return n;
}

/* Keeps a text and returns its offset; 0, the empty one, without memory. */
static uint32_t text_keep(const skep_trace *t, skep__trace_texts *texts, const char *text)
{
    const uint32_t bytes = text_length(text) + 1;
    const uint32_t at = texts->used ? texts->used : 1;
    if (bytes == 1) return 0;
    void *memory = texts->bytes;
    const bool fits = trace_grow(t, &memory, &texts->cap, at + bytes, 1);
    texts->bytes = memory;
    if (!fits) return 0;
    texts->bytes[0] = 0;
    memcpy(texts->bytes + at, text, bytes);
    texts->used = at + bytes;
    return at;
}

static bool text_is(const skep__trace_texts *texts, uint32_t at, const char *text)
{
    const uint32_t bytes = text_length(text) + 1;
    return at + bytes <= texts->used && memcmp(texts->bytes + at, text, bytes) == 0;
}

/* ---- what the host says ---------------------------------------------------------------------- */

uint32_t skep_trace_name(skep_trace *trace, const char *name)
{
    for (uint32_t i = 0; i < trace->name_count; i++) {
        if (text_is(&trace->host_texts, trace->names[i].value, name)) return trace->names[i].key;
    }
    if (trace->name_count == SKEP_TRACE_NAMES_MAX || !name[0]) return 0;
    void *names = trace->names;
    const bool fits =
        trace_grow(trace, &names, &trace->name_cap, trace->name_count + 1, sizeof *trace->names);
    trace->names = names;
    const uint32_t text = fits ? text_keep(trace, &trace->host_texts, name) : 0;
    if (!text) return 0;
    const uint32_t number = trace->name_count + 1;
    trace->names[trace->name_count++] = (skep__trace_pair2){number, text};
    return number;
}

uint64_t skep_trace_begin(skep_trace *trace)
{
    return skep__trace_begin(skep__trace_ring_of(trace, 0));
}

void skep_trace_end(skep_trace *trace, uint32_t name, uint64_t begin)
{
    (void)skep__trace_end(skep__trace_ring_of(trace, 0), SKEP__TRACE_HOST, begin, name);
}

skep_status skep_trace_note(skep_trace *trace, const char *key, const char *value)
{
    if (trace->note_count == SKEP_TRACE_NAMES_MAX) return SKEP_LIMIT;
    void *notes = trace->notes;
    const bool fits =
        trace_grow(trace, &notes, &trace->note_cap, trace->note_count + 1, sizeof *trace->notes);
    trace->notes = notes;
    const uint32_t text = fits ? text_keep(trace, &trace->host_texts, value) : 0;
    if (!text && (!fits || value[0])) return SKEP_NO_MEMORY;
    for (uint32_t i = 0; i < trace->note_count; i++) {
        if (!text_is(&trace->host_texts, trace->notes[i].key, key)) continue;
        trace->notes[i].value = text;
        return SKEP_OK;
    }
    const uint32_t name = text_keep(trace, &trace->host_texts, key);
    if (!name) return key[0] ? SKEP_NO_MEMORY : SKEP_ARGUMENT;
    trace->notes[trace->note_count++] = (skep__trace_pair2){name, text};
    return SKEP_OK;
}

/* ---- what the plan says ---------------------------------------------------------------------- */

void skep__trace_plan_clear(skep_trace *trace)
{
    trace->plan_texts.used = 0;
    trace->system_count = 0;
    trace->edge_count = 0;
}

void skep__trace_plan_system(skep_trace *trace, const skep__trace_system *system, const char *name,
                             const char *stage)
{
    void *systems = trace->systems;
    const bool fits = trace_grow(trace, &systems, &trace->system_cap, trace->system_count + 1,
                                 sizeof *trace->systems);
    trace->systems = systems;
    if (!fits) return;
    skep__trace_system *s = &trace->systems[trace->system_count++];
    *s = *system;
    s->name = text_keep(trace, &trace->plan_texts, name);
    s->stage = text_keep(trace, &trace->plan_texts, stage);
}

void skep__trace_plan_edge(skep_trace *trace, uint32_t from, uint32_t to, const char *why)
{
    void *edges = trace->edges;
    const bool fits =
        trace_grow(trace, &edges, &trace->edge_cap, trace->edge_count + 1, sizeof *trace->edges);
    trace->edges = edges;
    if (!fits) return;
    const uint32_t text = text_keep(trace, &trace->plan_texts, why);
    trace->edges[trace->edge_count++] = (skep__trace_edge){from, to, text, 0};
}
