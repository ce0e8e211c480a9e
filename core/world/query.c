/* SPDX-License-Identifier: MIT */
/* Queries: which tables match, and walking their row blocks.
 *
 *     matches   {table, first column of each term or none}, one a matching table, in table order
 *
 * The list is made anew when the storage's table_generation moved; walking costs a step a block.
 * With CHANGED terms each block is first judged by the epoch of its stamp cells (not written since
 * the last pass: skipped whole), then row by row by the stamps. A pass raises the world's stamp and
 * epoch as it begins, so what is written from then on, by the pass itself too, is told apart from
 * what was written before.
 *
 * While a pass is open, structural changes between frames become commands (world->iterating), so
 * the tables that are walked stay as they are. */
#include "core/world/world_parts.h"

/* The fronts that skep/inline.h shows are the real ones. */
_Static_assert(offsetof(skep__table_face, lines) == offsetof(skep__table, lines), "table");
_Static_assert(offsetof(skep__table_face, line_stride) == offsetof(skep__table, line_stride), "");
_Static_assert(offsetof(skep__table_face, row_count) == offsetof(skep__table, row_count), "table");
_Static_assert(offsetof(skep__table_face, shift) == offsetof(skep__table, shift), "table");
_Static_assert(SKEP__LINE_HEAD == offsetof(skep__line, cells), "line");

struct skep_query {
    skep_world *world;
    skep_query *next; /* of this world */
    skep_query *previous;
    uint64_t generation;
    uint64_t since;
    uint64_t since_epoch; /* cells with lower epochs were not written since */
    uint64_t removed_seq[SKEP_TERM_MAX];
    uint32_t term_count;
    uint32_t changed_count;
    uint32_t types[SKEP_TERM_MAX];
    skep_term terms[SKEP_TERM_MAX];
    skep__match *matches;
    uint32_t match_count, match_cap;
    skep_entity *removed; /* the last list */
    uint32_t removed_cap;
    uint32_t open; /* passes */
    uint32_t rows[SKEP__ROWS_MAX];
};

/* ---- life ------------------------------------------------------------------------------------ */

skep_query_desc skep_query_desc_default(void)
{
    skep_query_desc d;
    memset(&d, 0, sizeof d);
    d.canary = SKEP__DESC_CANARY;
    return d;
}

/* A `run` may ask only about what its system declared. */
static skep_status term_access(skep_world *w, const skep_term *term, uint32_t type)
{
    const struct skep__system_access *a = w->running;
    if (!a) return SKEP_OK;
    if (a->write && type < a->type_words * 64u && (a->write[type / 64u] >> (type % 64u)) & 1u)
        return SKEP_OK;
    return skep__access_check(w, a->read, a->type_words, type, "query", term->component->name);
}

static skep_status term_add(skep_world *w, skep_query *q, const skep_term *term)
{
    uint32_t type = 0;
    uint32_t channel = 0;
    skep_status status = skep__type_number(w, term->component, &type);
    if (status == SKEP_OK) status = term_access(w, term, type);
    const bool frozen = w->iterating || w->mode != SKEP__WRITE_NOW;
    if (status == SKEP_OK && term->kind == SKEP_TERM_CHANGED && frozen &&
        !w->store.types[type].watched)
        status = skep__busy_fail(w, "a component can be watched for changes");
    if (status == SKEP_OK && term->kind == SKEP_TERM_CHANGED) {
        status = skep__type_watch(&w->store, type);
        if (status != SKEP_OK) (void)skep__store_fail(w, status);
        q->changed_count++;
    }
    if (status == SKEP_OK && term->kind == SKEP_TERM_REMOVED) {
        status = skep__world_channel(w, term->component, true, &channel);
        if (status == SKEP_OK) skep__type_note(&w->store, type);
    }
    q->terms[q->term_count] = *term;
    q->types[q->term_count] = type;
    q->removed_seq[q->term_count] = w->event_seq;
    q->term_count++;
    return status;
}

skep_status skep_query_create(skep_world *world, const skep_query_desc *desc, skep_query **query)
{
    *query = NULL;
    if (desc->canary != SKEP__DESC_CANARY)
        return skep__world_fail(world, SKEP_ARGUMENT, "begin with skep_query_desc_default()");
    skep_query *q = skep__alloc(&world->store.allocator, sizeof *q, 16);
    if (!q) return skep__store_fail(world, SKEP_NO_MEMORY);
    q->world = world;
    skep_status status = SKEP_OK;
    for (uint32_t i = 0; i < SKEP_TERM_MAX && desc->terms[i].component && !status; i++)
        status = term_add(world, q, &desc->terms[i]);
    if (status != SKEP_OK) {
        skep__free(&world->store.allocator, q, sizeof *q, 16);
        return status;
    }
    q->next = world->queries;
    if (q->next) q->next->previous = q;
    world->queries = q;
    *query = q;
    return SKEP_OK;
}

void skep_query_destroy(skep_query *query)
{
    if (!query) return;
    SKEP_ASSERT(query->open == 0);
    skep_world *w = query->world;
    const skep_allocator *a = &w->store.allocator;
    if (query->next) query->next->previous = query->previous;
    if (query->previous)
        query->previous->next = query->next;
    else
        w->queries = query->next;
    skep__array_free(a, (void **)&query->matches, &query->match_cap, sizeof *query->matches);
    skep__array_free(a, (void **)&query->removed, &query->removed_cap, sizeof *query->removed);
    skep__free(a, query, sizeof *query, 16);
}

void skep__queries_free(skep_world *w)
{
    while (w->queries) {
        w->queries->open = 0;
        skep_query_destroy(w->queries);
    }
}

/* ---- matching -------------------------------------------------------------------------------- */

/* Whether a layout is what the query asks for; fills the columns of `m`. */
static bool layout_matches(const skep_query *q, const skep__layout *l, skep__match *m)
{
    bool any_asked = false;
    bool any_found = false;
    for (uint32_t i = 0; i < q->term_count; i++) {
        const int32_t at = skep__layout_find(l, q->types[i]);
        const skep_term_kind kind = q->terms[i].kind;
        m->first[i] = at < 0 ? SKEP__NO_COLUMN : l->first[at];
        m->stamps[i] = at < 0 ? SKEP__NO_COLUMN : l->stamps[at];
        if (at < 0 && (kind == SKEP_TERM_ALL || kind == SKEP_TERM_CHANGED)) return false;
        if (at >= 0 && kind == SKEP_TERM_NONE) return false;
        any_asked = any_asked || kind == SKEP_TERM_ANY;
        any_found = any_found || (kind == SKEP_TERM_ANY && at >= 0);
    }
    return any_found || !any_asked;
}

static SKEP_NOINLINE skep_status query_match(skep_query *q)
{
    skep__store *s = &q->world->store;
    q->match_count = 0;
    q->generation = 0;
    for (uint32_t i = 1; i < s->table_count; i++) {
        if (!skep__array_grow(&s->allocator, (void **)&q->matches, &q->match_cap,
                              q->match_count + 1u, sizeof *q->matches))
            return SKEP_NO_MEMORY;
        skep__match *m = &q->matches[q->match_count];
        if (!layout_matches(q, s->tables[i]->layout, m)) continue;
        m->table = (const skep__table_face *)(const void *)s->tables[i];
        q->match_count++;
    }
    q->generation = s->table_generation;
    return SKEP_OK;
}

SKEP_INLINE skep_status query_ready(skep_query *q)
{
    if (SKEP_LIKELY(q->generation == q->world->store.table_generation)) return SKEP_OK;
    return query_match(q);
}

uint64_t skep_query_count(skep_query *query)
{
    uint64_t count = 0;
    if (query_ready(query) != SKEP_OK) return 0;
    for (uint32_t i = 0; i < query->match_count; i++) count += query->matches[i].table->row_count;
    return count;
}

/* ---- passes ---------------------------------------------------------------------------------- */

/* Takes this pass's bounds, and sets those of the next one. After a restore the world's stamp may
 * be below what the query saw: then it starts again from what the world is now. */
static void changed_begin(skep_query *q, skep_query_iter *it)
{
    skep_world *w = q->world;
    if (q->since >= w->stamp) q->since = w->stamp - 1u;
    it->since = q->since;
    it->since_epoch = q->since_epoch;
    q->since = w->stamp++;
    skep__epoch_raise(&w->store);
    q->since_epoch = w->store.epoch;
    it->slow_end = it->end;
    it->end = it->next;
}

static skep_status terms_access(const skep_query *q)
{
    for (uint32_t i = 0; i < q->term_count; i++) {
        const skep_status status = term_access(q->world, &q->terms[i], q->types[i]);
        if (status != SKEP_OK) return status;
    }
    return SKEP_OK;
}

/* Which terms' blocks need no more than to be owned before they are written. */
static uint32_t terms_easy(const skep_query *q)
{
    const skep_world *w = q->world;
    uint32_t easy = 0;
    if (w->running || w->mode == SKEP__WRITE_QUEUE) return 0;
    for (uint32_t i = 0; i < q->term_count; i++)
        if (!w->store.types[q->types[i]].watched && q->types[i] != w->parent_type) easy |= 1u << i;
    return easy;
}

skep_query_iter skep_query_begin(skep_query *query)
{
    skep_query_iter it;
    memset(&it, 0, sizeof it);
    skep_world *w = query->world;
    it.terms = query->terms;
    if (SKEP_UNLIKELY(w->running)) it.status = terms_access(query);
    if (it.status == SKEP_OK && query_ready(query) != SKEP_OK)
        it.status = skep__store_fail(w, SKEP_NO_MEMORY);
    if (it.status != SKEP_OK) return it;
    it.query = query;
    it.next = query->matches;
    it.end = query->matches + query->match_count;
    it.epoch = &w->store.epoch;
    it.easy = terms_easy(query);
    if (query->changed_count) changed_begin(query, &it);
    query->open++;
    it.holds = w->mode == SKEP__WRITE_NOW; /* in a frame changes wait anyway */
    w->iterating += it.holds;
    return it;
}

skep_status skep_query_end(skep_query_iter *it)
{
    skep_query *q = it->query;
    it->query = NULL;
    it->n = 0;
    it->row_count = 0;
    it->cells = NULL;
    it->left = 0;
    it->end = it->next;
    if (!q) return it->status;
    skep_world *w = q->world;
    if (q->open) q->open--;
    if (it->holds && w->iterating) w->iterating--;
    if (it->holds && !w->iterating && (w->batch.used || w->note_count)) {
        const skep_status status = skep__world_settle(w);
        if (it->status == SKEP_OK) it->status = status;
    }
    return it->status;
}

/* Whether a block's stamps were written since, for one of the CHANGED terms. */
static bool block_changed(const skep_query_iter *it)
{
    const skep_query *q = it->query;
    for (uint32_t i = 0; i < q->term_count; i++)
        if (q->terms[i].kind == SKEP_TERM_CHANGED &&
            it->cells[it->match->stamps[i]].epoch >= it->since_epoch)
            return true;
    return false;
}

/* Lists the changed rows of the current block. */
static uint32_t rows_changed(const skep_query_iter *it)
{
    skep_query *q = it->query;
    uint32_t count = 0;
    for (uint32_t row = 0; row < it->n; row++) {
        bool changed = false;
        for (uint32_t i = 0; i < q->term_count && !changed; i++) {
            if (q->terms[i].kind != SKEP_TERM_CHANGED) continue;
            const void *stamps = it->cells[it->match->stamps[i]].data;
            changed = ((const uint64_t *)stamps)[row] > it->since;
        }
        q->rows[count] = row;
        count += changed;
    }
    return count;
}

/* With CHANGED terms the inline step finds nothing left, and this takes its place. */
static bool changed_next(skep_query_iter *it)
{
    it->end = it->slow_end;
    it->left = it->slow_left;
    it->row_count = 0;
    while (!it->row_count && skep__query_step(it))
        if (block_changed(it)) it->row_count = rows_changed(it);
    it->rows = it->query->rows;
    it->slow_left = it->left;
    it->end = it->next;
    it->left = 0;
    return it->row_count != 0;
}

bool skep__query_next(skep_query_iter *it)
{
    if (!it->query) return false;
    if (it->query->changed_count && changed_next(it)) return true;
    (void)skep_query_end(it);
    return false;
}

/* ---- columns --------------------------------------------------------------------------------- */

/* The same component may be described at another address. */
static bool term_is(const skep_query *q, uint32_t term, const skep_component *info)
{
    const bool same = term < q->term_count && skep__known(q->world, info) == q->types[term];
    SKEP_ASSERT(same); /* Pos_read of a term that is another component's */
    return same;
}

const skep__cell *skep__query_cells(const skep_query_iter *it, uint32_t term,
                                    const skep_component *info)
{
    if (!it->cells || !term_is(it->query, term, info)) return NULL;
    const uint16_t first = it->match->first[term];
    return first == SKEP__NO_COLUMN ? NULL : it->cells + first;
}

/* Every row of the block counts as written. */
static void block_stamp(const skep_query_iter *it, uint32_t column)
{
    void *stamps = it->cells[column].data;
    for (uint32_t i = 0; i < it->n; i++) ((uint64_t *)stamps)[i] = it->query->world->stamp;
}

static skep_status write_allowed(const skep_query_iter *it, uint32_t type)
{
    skep_world *w = it->query->world;
    if (w->mode == SKEP__WRITE_QUEUE) return skep__busy_fail(w, "columns can be written");
    const struct skep__system_access *a = w->running;
    if (!a) return SKEP_OK;
    return skep__access_check(w, a->write, a->type_words, type, "write",
                              w->store.types[type].info->name);
}

/* Owns one column of the block; on failure the iterator says so. */
static bool cell_own(skep_query_iter *it, uint32_t column)
{
    skep__store *s = &it->query->world->store;
    skep__table *t = s->tables[it->match->table->id];
    if (SKEP_LIKELY(skep__own_cell(s, t, it->block, column) == SKEP_OK)) return true;
    it->status = skep__store_fail(it->query->world, SKEP_NO_MEMORY);
    return false;
}

const skep__cell *skep__query_own(skep_query_iter *it, uint32_t term, const skep_component *info)
{
    const skep__cell *cell = skep__query_cells(it, term, info);
    if (!cell) return NULL;
    const uint32_t type = it->query->types[term];
    const skep_status status = write_allowed(it, type);
    if (status != SKEP_OK) {
        it->status = status;
        return NULL;
    }
    const uint32_t first = it->match->first[term];
    for (uint32_t c = first; c < first + info->field_count; c++)
        if (!cell_own(it, c)) return NULL;
    const uint32_t stamps = it->match->stamps[term];
    if (stamps != SKEP__NO_COLUMN) {
        if (!cell_own(it, stamps)) return NULL;
        block_stamp(it, stamps);
    }
    if (type == it->query->world->parent_type) skep__children_forget(it->query->world);
    return cell;
}

/* ---- removed, since -------------------------------------------------------------------------- */

skep_status skep_query_removed(skep_query *query, uint32_t term, const skep_entity **entities,
                               uint32_t *count)
{
    skep_world *w = query->world;
    *entities = NULL;
    *count = 0;
    if (term >= query->term_count || query->terms[term].kind != SKEP_TERM_REMOVED)
        return skep__world_fail(w, SKEP_ARGUMENT, "term %u is no REMOVED term", term);
    const skep__channel *c = skep__removed_find(w, query->types[term]);
    SKEP_ASSERT(c);
    if (!skep__array_grow(&w->store.allocator, (void **)&query->removed, &query->removed_cap,
                          c->count, sizeof *query->removed))
        return skep__store_fail(w, SKEP_NO_MEMORY);
    /* After a restore numbers start again from what the world says. */
    if (query->removed_seq[term] > w->event_seq) query->removed_seq[term] = w->event_seq;
    const uint8_t *at = skep__blob_read(&w->store, &c->entries);
    for (uint32_t i = 0; i < c->count; i++, at += c->stride) {
        const skep__entry *e = (const skep__entry *)(const void *)at;
        if (e->seq < query->removed_seq[term]) continue;
        query->removed[(*count)++].bits = e->to;
    }
    query->removed_seq[term] = w->event_seq;
    *entities = query->removed;
    return SKEP_OK;
}

uint64_t skep_query_since(const skep_query *query)
{
    return query->since;
}

void skep_query_since_set(skep_query *query, uint64_t since)
{
    query->since = since;
    query->since_epoch = 0;
}
