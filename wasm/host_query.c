/* SPDX-License-Identifier: MIT */
/* Queries: one call lists all blocks of a pass, so that JavaScript loops over columns without
 * coming back. While a pass is open nothing moves; what is queued is made when it ends. */
#include "wasm/host.h"

#include "core/world/world_parts.h"

/* Makes a query of the `count` terms in io, two words each: component, skep_term_kind. NULL on
 * failure: then io[0] is the status. */
skep_query *HOST_EXPORT(skep_host_query)(host *h, uint32_t count)
{
    skep_query_desc d = skep_query_desc_default();
    skep_query *query = NULL;
    if (count > SKEP_TERM_MAX) {
        h->io[0] = (uint32_t)host_fail(h, SKEP_LIMIT, "a query of %u terms: term_max is %u", count,
                                       SKEP_TERM_MAX);
        return NULL;
    }
    bool changes = false;
    for (uint32_t i = 0; i < count; i++) {
        changes = changes || h->io[2 * i + 1] == SKEP_TERM_CHANGED;
        d.terms[i] = skep_term_make((const skep_component *)(uintptr_t)h->io[2 * i],
                                    (skep_term_kind)h->io[2 * i + 1]);
    }
    h->io[0] = (uint32_t)host_check(h, skep_query_create(h->world, &d, &query));
    /* What was written before there was the query is not news to it, whether or not somebody else
     * watches the component already. */
    if (query && changes) {
        skep_query_iter it = skep_query_begin(query);
        (void)skep_query_end(&it);
    }
    return query;
}

/* Frees a query. */
void HOST_EXPORT(skep_host_query_free)(host *h, skep_query *query)
{
    (void)h;
    skep_query_destroy(query);
}

/* Entities that match. */
uint32_t HOST_EXPORT(skep_host_query_count)(host *h, skep_query *query)
{
    (void)h;
    return (uint32_t)skep_query_count(query);
}

/* Words that a term has in the list of a block. */
static uint32_t term_words(const skep_term *term)
{
    return term->kind == SKEP_TERM_OPTIONAL && !term->component->field_count
               ? 1
               : term->component->field_count;
}

/* Whether the block's entities have a component. */
static bool term_there(const host *h, const skep_query_iter *it, const skep_component *c)
{
    const uint32_t type = skep__known(h->world, c);
    return h->world->store.types[type].dir[it->match->table->id].cells != NULL;
}

/* Appends one block: rows, handles, 1 where the changed rows are listed, their number; then for
 * each term with columns their addresses, 0 where there are none, and for an optional one without
 * columns whether it is there; then the changed rows. */
static skep_status pass_block(host *h, host_pass *pass, uint32_t write_mask)
{
    skep_query_iter *it = &pass->it;
    uint32_t words = 4 + (it->rows ? it->row_count : 0);
    for (uint32_t t = 0; t < SKEP_TERM_MAX && it->terms[t].component; t++)
        words += term_words(&it->terms[t]);
    uint32_t *w = host_buffer_push(h, &pass->list, words * sizeof *w);
    if (!w) return host_fail(h, SKEP_NO_MEMORY, "no memory to list a query: raise memoryMax");
    *w++ = it->n;
    *w++ = (uint32_t)(uintptr_t)it->entity;
    *w++ = it->rows ? 1 : 0;
    *w++ = it->row_count;
    for (uint32_t t = 0; t < SKEP_TERM_MAX && it->terms[t].component; t++) {
        const skep_component *c = it->terms[t].component;
        if (!c->field_count) {
            if (term_words(&it->terms[t])) *w++ = term_there(h, it, c) ? 1 : 0;
            continue;
        }
        const skep__cell *cell =
            write_mask >> t & 1u ? skep__query_write(it, t, c) : skep__query_read(it, t, c);
        if (it->status != SKEP_OK) return host_check(h, it->status);
        for (uint32_t f = 0; f < c->field_count; f++)
            *w++ = cell ? (uint32_t)(uintptr_t)cell[f].data : 0;
    }
    if (it->rows) memcpy(w, it->rows, it->row_count * sizeof *w);
    return SKEP_OK;
}

/* Ends the newest pass. */
static skep_status pass_end(host *h)
{
    host_pass *pass = &h->passes[--h->pass_count];
    skep_world *w = h->world;
    skep_status status = skep_query_end(&pass->it);
    if (w->iterating) w->iterating--;
    if (w->iterating) return status;
    const skep_status settled = skep__world_settle(w);
    return status == SKEP_OK ? settled : status;
}

/* Begins a pass and lists its blocks: io[0] the address of the list, io[1] the number of blocks.
 * The columns of the terms in `write_mask` are the world's own from now on, to be written. End it
 * by skep_host_pass_end, unless it failed. */
uint32_t HOST_EXPORT(skep_host_pass)(host *h, skep_query *query, uint32_t write_mask)
{
    if (h->pass_count == HOST_PASSES)
        return (uint32_t)host_fail(h, SKEP_LIMIT, "queries are iterated %u deep: pass_max is %u",
                                   HOST_PASSES + 1u, HOST_PASSES);
    host_pass *pass = &h->passes[h->pass_count++];
    pass->list.used = 0;
    pass->it = skep_query_begin(query);
    uint32_t blocks = 0;
    skep_status status = SKEP_OK;
    h->world->iterating++; /* the list stays true after skep_query_next said that it is over */
    while (status == SKEP_OK && skep_query_next(&pass->it)) {
        status = pass_block(h, pass, write_mask);
        blocks++;
    }
    if (status == SKEP_OK) status = host_check(h, pass->it.status);
    if (status != SKEP_OK) (void)pass_end(h);
    h->io[0] = (uint32_t)(uintptr_t)pass->list.data;
    h->io[1] = blocks;
    return (uint32_t)status;
}

/* Ends the newest pass; what waited for it is made. */
uint32_t HOST_EXPORT(skep_host_pass_end)(host *h)
{
    return (uint32_t)host_check(h, pass_end(h));
}

/* Lists what lost the component of a REMOVED term: io[0] the handles' address, io[1] their number.
 */
uint32_t HOST_EXPORT(skep_host_removed)(host *h, skep_query *query, uint32_t term)
{
    const skep_entity *entities = NULL;
    uint32_t count = 0;
    const skep_status status = skep_query_removed(query, term, &entities, &count);
    h->io[0] = (uint32_t)(uintptr_t)entities;
    h->io[1] = count;
    return (uint32_t)host_check(h, status);
}
