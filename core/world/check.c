/* SPDX-License-Identifier: MIT */
/* Everything that must hold between rows, records, free queue, epochs, directories and channels.
 * Slow and thorough, for tests and bug hunts: it trusts counts only after it compared them. */
#include "core/world/world_parts.h"

#include "core/base/format.h"

#define CHECK(x, ...)                                                                              \
    do {                                                                                           \
        if (!(x)) return skep__world_fail(w, SKEP_CORRUPT, __VA_ARGS__);                           \
    } while (0)

/* The cells of one row block: owned ones belong to the table alone. */
static skep_status check_line(skep_world *w, const skep__table *t, uint32_t block)
{
    const skep__store *s = &w->store;
    const skep__line *line = skep__line_of(t, block);
    CHECK(line->epoch <= s->epoch, "table %u block %u: a line of the future", t->id, block);
    for (uint32_t c = 0; c < t->layout->column_count; c++) {
        const skep__cell *cell = &line->cells[c];
        const uint32_t name =
            t->small_slot ? t->small_slot : t->names[block * t->layout->column_count + c];
        CHECK(cell->epoch <= s->epoch, "table %u block %u column %u: of the future", t->id, block,
              c);
        CHECK(skep__slot_refs(&s->arena, name) > 0, "table %u block %u column %u: freed slot",
              t->id, block, c);
        CHECK(line->epoch != s->epoch || cell->epoch == s->epoch,
              "table %u block %u column %u: not owned, its line is", t->id, block, c);
        CHECK(cell->epoch != s->epoch || skep__slot_refs(&s->arena, name) == 1,
              "table %u block %u column %u: owned and shared", t->id, block, c);
        CHECK(t->small_slot || cell->data == skep__slot_data(&s->arena, name),
              "table %u block %u column %u: points elsewhere", t->id, block, c);
    }
    return SKEP_OK;
}

static skep_status check_rows(skep_world *w, const skep__table *t)
{
    const skep__layout *l = t->layout;
    for (uint32_t row = 0; row < t->row_count; row++) {
        const skep__line *line = skep__line_of(t, row >> t->shift);
        const uint32_t at = row & ((1u << t->shift) - 1u);
        const void *ids = line->cells[0].data;
        const skep_entity e = ((const skep_entity *)ids)[at];
        const uint64_t r = skep__record_of(&w->store, e);
        CHECK(r && skep__record_table(r) == t->id && skep__record_row(r) == row,
              "table %u row %u: entity %u says table %u row %u", t->id, row, skep_entity_index(e),
              skep__record_table(r), skep__record_row(r));
        for (uint32_t i = 0; l->stamped && i < l->type_count; i++) {
            if (l->stamps[i] == SKEP__NO_COLUMN) continue;
            const void *stamps = line->cells[l->stamps[i]].data;
            CHECK(((const uint64_t *)stamps)[at] <= w->stamp,
                  "table %u row %u: a stamp of the future", t->id, row);
        }
    }
    return SKEP_OK;
}

static skep_status check_layout(skep_world *w, const skep__table *t)
{
    const skep__layout *l = t->layout;
    for (uint32_t i = 0; i < l->type_count; i++) {
        const skep__type *type = &w->store.types[l->types[i]];
        const skep__colref *ref = &type->dir[t->id];
        const uint32_t first = l->first[i] == SKEP__NO_COLUMN ? 0 : l->first[i];
        CHECK(i == 0 || l->types[i - 1] < l->types[i], "table %u: types out of order", t->id);
        CHECK(l->noted || !type->noted, "table %u: %s is noted", t->id, type->info->name);
        CHECK(!type->watched || l->stamps[i] != SKEP__NO_COLUMN, "table %u: %s has no stamps",
              t->id, type->info->name);
        if (!t->row_count) continue;
        const uint8_t *cells = (const uint8_t *)&skep__line_of(t, 0)->cells[first];
        CHECK(ref->cells == cells && ref->stride == t->line_stride && ref->shift == t->shift,
              "table %u: the directory of %s points elsewhere", t->id, type->info->name);
    }
    return SKEP_OK;
}

static skep_status check_tables(skep_world *w)
{
    const skep__store *s = &w->store;
    uint64_t rows = 0;
    for (uint32_t i = 1; i < s->table_count; i++) {
        const skep__table *t = s->tables[i];
        CHECK(t->id == i && t->row_count <= t->row_cap, "table %u: %u rows of %u", i, t->row_count,
              t->row_cap);
        skep_status status = check_layout(w, t);
        for (uint32_t b = 0; status == SKEP_OK && b < skep__table_blocks(t); b++)
            status = check_line(w, t, b);
        if (status == SKEP_OK) status = check_rows(w, t);
        if (status != SKEP_OK) return status;
        rows += t->row_count;
    }
    CHECK(rows == s->entity_count, "%llu rows, %u entities", (unsigned long long)rows,
          s->entity_count);
    return SKEP_OK;
}

static skep_status check_index(skep_world *w)
{
    skep__store *s = &w->store;
    uint32_t alive = 0;
    skep__queue_mend(s);
    CHECK(s->queue.index_count <= s->entity_max, "%u indexes of %u", s->queue.index_count,
          s->entity_max);
    for (uint32_t i = 0; i < s->queue.index_count; i++) {
        const uint64_t r = s->index[i];
        const uint32_t table = skep__record_table(r);
        if (!table) continue;
        alive++;
        CHECK(table < s->table_count && skep__record_row(r) < s->tables[table]->row_count,
              "index %u: table %u row %u", i, table, skep__record_row(r));
    }
    CHECK(alive == s->entity_count, "%u records, %u entities", alive, s->entity_count);
    uint32_t at = s->queue.head;
    for (uint32_t i = 0; i < s->queue.count; i++) {
        CHECK(at < s->queue.index_count, "free queue: entry %u is index %u", i, at);
        const uint64_t r = s->index[at];
        CHECK(!skep__record_table(r) && skep__record_generation(r), "free queue: index %u", at);
        CHECK(i + 1u < s->queue.count || at == s->queue.tail, "free queue: ends at %u, not %u", at,
              s->queue.tail);
        at = skep__record_row(r);
    }
    return SKEP_OK;
}

static skep_status check_channels(skep_world *w)
{
    for (uint32_t i = 0; i < w->channel_count; i++) {
        const skep__channel *c = &w->channels[i];
        const uint8_t *at = skep__blob_read(&w->store, &c->entries);
        uint64_t last = 0;
        CHECK(c->old_count <= c->count, "channel %s: %u of %u are old", c->info->name, c->old_count,
              c->count);
        CHECK((uint64_t)c->count * c->stride == (c->entries.slot ? c->entries.bytes : 0u),
              "channel %s: %u entries in %u bytes", c->info->name, c->count, c->entries.bytes);
        for (uint32_t k = 0; k < c->count; k++, at += c->stride) {
            const skep__entry *e = (const skep__entry *)(const void *)at;
            CHECK(e->seq > last && e->seq < w->event_seq, "channel %s: entry %u out of order",
                  c->info->name, k);
            last = e->seq;
        }
    }
    return SKEP_OK;
}

skep_status skep_world_check(skep_world *world)
{
    skep_status status = check_tables(world);
    if (status == SKEP_OK) status = check_index(world);
    return status == SKEP_OK ? check_channels(world) : status;
}
