/* SPDX-License-Identifier: MIT */
/* Events as jobs read them: all new ones of a type (`events`), or for each row those addressed to
 * it
 * (`inbox`). A channel keeps its events as records behind each other; jobs get a column a field.
 *
 * For an inbox the new events are keyed by the row of their addressee, counted over the system's
 * rows, and sorted stably, so that each row's events are neighbours in the order in which they were
 * sent. The columns are gathered once for the system; each part gets pointers to where its rows'
 * events begin, and an array that says for each row which are its own. Parts without events, nearly
 * all of them in a normal frame, share one array of zeros. */
#include "core/plan/plan_internal.h"

#include "core/base/sort.h"

/* How the structs Hit_events and Hit_inbox begin; pointers of all fields follow. */
typedef struct hear_events {
    uint64_t count;
    const skep_entity *to;
    const void *columns[1];
} hear_events;

typedef struct hear_inbox {
    const uint32_t *begin;
    const void *columns[1];
} hear_inbox;

#define HEAR_PUT(cols, at, value) memcpy((cols) + (at), &(value), sizeof(value))

/* The new events of one term. */
typedef struct hear_range {
    const uint8_t *entries; /* the first new one */
    uint32_t stride;
    uint32_t count;
} hear_range;

static const skep__entry *entry_at(const hear_range *r, uint32_t i)
{
    return (const skep__entry *)(const void *)(r->entries + (size_t)i * r->stride);
}

/* The events of a channel with numbers above `seq`: they are kept in that order. */
static hear_range hear_new(const skep_plan *p, uint32_t channel, uint64_t seq)
{
    const skep__channel *c = &p->world->channels[channel];
    hear_range r = {skep__blob_read(&p->world->store, &c->entries), c->stride, c->count};
    if (!r.entries || !c->count || entry_at(&r, c->count - 1)->seq <= seq) {
        r.count = 0;
        return r;
    }
    uint32_t low = 0, high = c->count - 1;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (entry_at(&r, middle)->seq > seq) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    r.entries += (size_t)low * r.stride;
    r.count -= low;
    return r;
}

static void gather(uint8_t *to, const uint8_t *from, size_t stride, const uint64_t *keys,
                   uint32_t n, size_t bytes)
{
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t event = keys ? (uint32_t)keys[i] : i;
        memcpy(to + i * bytes, from + event * stride, bytes);
    }
}

/* Gathers a column of one field; `keys`, if given, hold in their low half which event comes when.
 */
static const uint8_t *hear_column(skep_plan *p, const hear_range *r, const skep_field *field,
                                  const uint64_t *keys, uint32_t n)
{
    const size_t bytes = (size_t)field->size * field->count;
    uint8_t *to = skep__bump_take(p, n * bytes);
    if (to) gather(to, r->entries + sizeof(skep__entry) + field->offset, r->stride, keys, n, bytes);
    return to;
}

skep_status skep__system_events(skep_plan *p, skep__system *s, const skep__plan_term *t)
{
    const uint64_t seq = skep__system_record_read(p, s)->last_seq;
    const hear_range r = hear_new(p, t->number, seq);
    const uint64_t count = r.count;
    const void *zeros = skep__zeros(p, 64);
    if (!zeros) return SKEP_NO_MEMORY;
    const size_t to_bytes = r.count * sizeof(skep_entity);
    uint8_t *to = r.count ? skep__bump_take(p, to_bytes) : NULL;
    if (r.count && !to) return SKEP_NO_MEMORY;
    if (r.count) {
        gather(to, r.entries + offsetof(skep__entry, to), r.stride, NULL, r.count,
               sizeof(skep_entity));
    }
    const void *at = to ? to : zeros;
    HEAR_PUT(s->base, t->offset + offsetof(hear_events, count), count);
    HEAR_PUT(s->base, t->offset + offsetof(hear_events, to), at);
    for (uint32_t f = 0; f < t->info->field_count; f++) {
        at = r.count ? hear_column(p, &r, &t->info->fields[f], NULL, r.count) : zeros;
        if (!at) return SKEP_NO_MEMORY;
        HEAR_PUT(s->base, t->offset + offsetof(hear_events, columns) + f * sizeof at, at);
    }
    return SKEP_OK;
}

/* ---- inboxes ------------------------------------------------------------------------------------
 */

/* Marks the system's tables in match_of, or clears the marks. */
static skep_status hear_mark(skep_plan *p, const skep__system *s, bool set)
{
    if (!skep__plan_grow(p, &p->match_of, &p->match_of_cap, p->world->store.table_count,
                         sizeof *p->match_of)) {
        return SKEP_NO_MEMORY;
    }
    for (uint32_t i = 0; i < s->match_count; i++) {
        p->match_of[s->matches[i].table] = set ? i + 1 : 0;
    }
    return SKEP_OK;
}

/* Writes a key (row of the addressee | event) for each event to one of the system's rows. */
static uint32_t hear_keys(const skep_plan *p, const skep__system *s, const hear_range *r,
                          uint64_t *keys, uint64_t *varying)
{
    uint32_t hits = 0;
    uint64_t differ = 0;
    for (uint32_t i = 0; i < r->count; i++) {
        const skep_entity to = {entry_at(r, i)->to};
        const uint64_t record = to.bits ? skep__record_of(&p->world->store, to) : 0;
        const uint32_t m = p->match_of[skep__record_table(record)];
        if (!record || !m) continue;
        const uint32_t row = s->matches[m - 1].row_base + skep__record_row(record);
        keys[hits] = (uint64_t)row << 32 | i;
        differ |= keys[hits] ^ keys[0];
        hits++;
    }
    *varying = differ & ~(uint64_t)UINT32_MAX;
    return hits;
}

/* The sorted keys of one term; NULL and no hits when nobody got anything. */
static skep_status hear_sort(skep_plan *p, const skep__system *s, const hear_range *r,
                             const uint64_t **sorted, uint32_t *hits)
{
    uint64_t varying = 0;
    *hits = 0;
    *sorted = NULL;
    if (!r->count) return SKEP_OK;
    if (!skep__plan_grow(p, &p->sort, &p->sort_cap, r->count * 2, sizeof *p->sort)) {
        return SKEP_NO_MEMORY;
    }
    const skep_status status = hear_mark(p, s, true);
    if (status != SKEP_OK) return status;
    *hits = hear_keys(p, s, r, p->sort, &varying);
    (void)hear_mark(p, s, false);
    *sorted = skep__sort_u64(p->sort, p->sort + r->count, *hits, varying);
    return SKEP_OK;
}

/* Makes a part's begins: which of its `count` keys belong to which of its n rows from `row` on. */
static const uint32_t *hear_begins(skep_plan *p, const uint64_t *keys, uint32_t count, uint32_t row,
                                   uint32_t n)
{
    uint32_t *begin = skep__bump_take(p, ((size_t)n + 1) * sizeof *begin);
    if (!begin) return NULL;
    uint32_t k = 0;
    for (uint32_t i = 0; i < n; i++) {
        begin[i] = k;
        while (k < count && (uint32_t)(keys[k] >> 32) == row + i) k++;
    }
    begin[n] = k;
    return begin;
}

/* What all parts of one inbox term share. */
typedef struct hear_term {
    const skep__plan_term *term;
    const uint64_t *keys;
    uint32_t hits;
    const uint8_t *columns[SKEP_FIELD_MAX];
    const void *zeros;
} hear_term;

/* Points one part to its events, the keys from `first` to `end`. */
static skep_status hear_part(skep_plan *p, const hear_term *h, const skep_task_part *part,
                             uint32_t row, uint32_t first, uint32_t end)
{
    uint8_t *cols = (uint8_t *)(uintptr_t)part->columns;
    const uint32_t at = h->term->offset;
    const uint32_t *begin = h->zeros;
    if (end > first) begin = hear_begins(p, h->keys + first, end - first, row, part->n);
    if (!begin) return SKEP_NO_MEMORY;
    HEAR_PUT(cols, at + offsetof(hear_inbox, begin), begin);
    for (uint32_t f = 0; f < h->term->info->field_count; f++) {
        const skep_field *field = &h->term->info->fields[f];
        const void *column = h->zeros;
        if (h->hits) column = h->columns[f] + (size_t)first * field->size * field->count;
        HEAR_PUT(cols, at + offsetof(hear_inbox, columns) + f * sizeof column, column);
    }
    return SKEP_OK;
}

static skep_status hear_inbox_term(skep_plan *p, skep__system *s, const skep__plan_term *t,
                                   const skep_task_part *parts, uint32_t part_count)
{
    const hear_range r = hear_new(p, t->number, skep__system_record_read(p, s)->last_seq);
    hear_term h = {.term = t};
    skep_status status = hear_sort(p, s, &r, &h.keys, &h.hits);
    uint32_t widest = 0;
    for (uint32_t i = 0; i < part_count; i++) widest = skep__max_u32(widest, parts[i].n);
    h.zeros = skep__zeros(p, ((size_t)widest + 1) * sizeof(uint32_t));
    if (status != SKEP_OK || !h.zeros) return SKEP_NO_MEMORY;
    for (uint32_t f = 0; f < t->info->field_count && h.hits; f++) {
        h.columns[f] = hear_column(p, &r, &t->info->fields[f], h.keys, h.hits);
        if (!h.columns[f]) return SKEP_NO_MEMORY;
    }
    uint32_t row = 0, key = 0;
    for (uint32_t i = 0; i < part_count && status == SKEP_OK; i++) {
        const uint32_t first = key;
        while (key < h.hits && (uint32_t)(h.keys[key] >> 32) < row + parts[i].n) key++;
        status = hear_part(p, &h, &parts[i], row, first, key);
        row += parts[i].n;
    }
    return status;
}

skep_status skep__system_inbox(skep_plan *p, skep__system *s, const skep_task_part *parts,
                               uint32_t part_count)
{
    for (uint32_t i = 0; i < s->access_count; i++) {
        if (s->terms[i].mode != SKEP_MODE_inbox) continue;
        const skep_status status = hear_inbox_term(p, s, &s->terms[i], parts, part_count);
        if (status != SKEP_OK) return status;
    }
    return SKEP_OK;
}
