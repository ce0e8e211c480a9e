/* SPDX-License-Identifier: MIT */
/* Queries: the entities that have some components and lack others, block by block.
 *
 *     skep_query_desc d = skep_query_desc_default();
 *     d.terms[0] = SKEP_ALL(Pos);
 *     d.terms[1] = SKEP_ALL(Vel);
 *     skep_query *q;
 *     if (skep_query_create(world, &d, &q) != SKEP_OK) return;
 *     skep_query_iter it = skep_query_begin(q);
 *     while (skep_query_next(&it)) {
 *         Pos_mut pos = Pos_write(&it, 0);
 *         Vel_in vel = Vel_read(&it, 1);
 *         for (uint32_t i = 0; i < it.n; i++) pos.x[i] += vel.x[i];
 *     }
 *
 * A query is made once and used often: it keeps the list of tables that match, and looks for new
 * ones only when tables were made. While it is iterated nothing moves: entities created and
 * destroyed, components added and removed wait until the iteration ends (reading them by call shows
 * them at once). All of it is for the thread that owns the world. Include skep/world.h, which
 * includes this. */
#ifndef SKEP_QUERY_H
#define SKEP_QUERY_H

#include "skep/inline.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What a term asks of an entity. */
typedef enum skep_term_kind {
    SKEP_TERM_ALL,      /* it has the component */
    SKEP_TERM_ANY,      /* it has this or another component whose term says ANY */
    SKEP_TERM_NONE,     /* it lacks the component */
    SKEP_TERM_OPTIONAL, /* nothing; columns are NULL where the table lacks the component */
    SKEP_TERM_CHANGED,  /* it has the component, and this or another CHANGED one was written since
                           the query was last iterated; exact by row, see skep_query_iter.rows */
    SKEP_TERM_REMOVED   /* nothing; skep_query_removed lists what lost the component */
} skep_term_kind;

/* One term. Its place in skep_query_desc.terms is the number that Pos_read and Pos_write take. */
typedef struct skep_term {
    const skep_component *component; /* NULL ends the list */
    skep_term_kind kind;
} skep_term;

/* Writes a term; SKEP_ALL and its kin are shorter. */
static inline skep_term skep_term_make(const skep_component *component, skep_term_kind kind)
{
    skep_term term;
    term.component = component;
    term.kind = kind;
    return term;
}

/* The terms of a component that SKEP_COMPONENT or SKEP_TAG declared: SKEP_ALL(Pos). */
#define SKEP_ALL(C) skep_term_make(&C##_info, SKEP_TERM_ALL)
#define SKEP_ANY(C) skep_term_make(&C##_info, SKEP_TERM_ANY)
#define SKEP_NONE(C) skep_term_make(&C##_info, SKEP_TERM_NONE)
#define SKEP_OPTIONAL(C) skep_term_make(&C##_info, SKEP_TERM_OPTIONAL)
#define SKEP_CHANGED(C) skep_term_make(&C##_info, SKEP_TERM_CHANGED)
#define SKEP_REMOVED(C) skep_term_make(&C##_info, SKEP_TERM_REMOVED)

/* What a query asks for. Made by skep_query_desc_default, which has no terms: every entity. */
typedef struct skep_query_desc {
    uint32_t canary; /* private: shows that the default was taken */
    skep_term terms[SKEP_TERM_MAX];
} skep_query_desc;

/* Returns a description without terms. Any thread. */
SKEP_API skep_query_desc skep_query_desc_default(void);

/* Makes a query; components that the world does not know are registered. A CHANGED term makes the
 * world keep a stamp a row for that component from now on, a REMOVED one a list. Fails with
 * SKEP_ARGUMENT, SKEP_SCHEMA, SKEP_NO_MEMORY or, inside a `run`, with SKEP_ACCESS for what its
 * system did not declare. The caller ends it with skep_query_destroy, at latest the world's end
 * does. */
SKEP_API SKEP_NODISCARD skep_status skep_query_create(skep_world *world,
                                                      const skep_query_desc *desc,
                                                      skep_query **query);

/* Frees a query; NULL is fine. No iteration of it may be open. */
SKEP_API void skep_query_destroy(skep_query *query);

/* One pass over a query's entities, in table and row order. The caller reads the first group; the
 * rest is private. Ends by skep_query_next returning false or by skep_query_end. */
typedef struct skep_query_iter {
    uint32_t n; /* rows of this block */
    const skep_entity
        *entity; /* their handles, n of them; valid until the next call of next or end */
    const uint32_t
        *rows;          /* with CHANGED terms: which of the n rows changed, ascending; else NULL */
    uint32_t row_count; /* how many those are; n without CHANGED terms */
    skep_status status; /* why a Pos_write gave no columns; SKEP_OK otherwise */

    /* Private from here on. */
    skep_query *query;
    const skep__cell *cells; /* of the block */
    const skep_term *terms;
    const skep__match *match; /* of the block */
    const skep__match *next;
    const skep__match *end;
    const uint64_t *epoch;
    uint64_t since;
    uint64_t since_epoch;
    const skep__match
        *slow_end; /* where each step is a call, `end` and `left` say that none is left */
    uint32_t slow_left;
    uint32_t left; /* rows of the table behind the block */
    uint32_t block;
    uint32_t easy; /* a bit a term: writing it is nothing but owning it */
    uint32_t holds;
} skep_query_iter;

/* Starts a pass. With CHANGED terms the pass sees what was written after the last pass began, and
 * the next one what will be written from here on. */
SKEP_API skep_query_iter skep_query_begin(skep_query *query);

/* Moves to the next block that holds rows. Returns false at the end, which also ends the pass;
 * structural changes that waited are made then, and a failure of one of them is in `status`. */
static inline bool skep_query_next(skep_query_iter *it);

/* Ends a pass that was left early. Without it, what waited is made when the next frame begins.
 * Ending twice does nothing. Returns the status of what waited. */
SKEP_API skep_status skep_query_end(skep_query_iter *it);

/* Counts the query's entities without looking at rows; CHANGED terms count as ALL. O(tables). */
SKEP_API uint64_t skep_query_count(skep_query *query);

/* Lists the entities that lost the component of REMOVED term `term` since the last call for it, or
 * since the query was made; in the order in which it happened, also those that have it again or are
 * gone. The array is the query's and dies at the next call. Entries live until the end of the frame
 * after the one in which they happened. Fails with SKEP_ARGUMENT for other terms and with
 * SKEP_NO_MEMORY. */
SKEP_API SKEP_NODISCARD skep_status skep_query_removed(skep_query *query, uint32_t term,
                                                       const skep_entity **entities,
                                                       uint32_t *count);

/* Returns the stamp after which rows count as changed, to be kept and given back: by it a caller
 * can hold several views of one query. */
SKEP_API uint64_t skep_query_since(const skep_query *query);

/* Sets the stamp that the next pass compares with; 0 shows every row that was ever written. */
SKEP_API void skep_query_since_set(skep_query *query, uint64_t since);

/* Private: what the inline functions call where there is more to do, or nothing left. */
SKEP_API bool skep__query_next(skep_query_iter *it);
SKEP_API const skep__cell *skep__query_cells(const skep_query_iter *it, uint32_t term,
                                             const skep_component *info);
SKEP_API const skep__cell *skep__query_own(skep_query_iter *it, uint32_t term,
                                           const skep_component *info);

/* Private: takes the next block; false when there is none. */
static inline bool skep__query_step(skep_query_iter *it)
{
    uint32_t left = it->left;
    const skep__table_face *t;
    if (left) {
        t = it->match->table;
        it->block++;
        it->cells = (const skep__cell *)(const void *)((const uint8_t *)it->cells + t->line_stride);
    } else {
        const skep__match *m = it->next;
        do {
            if (m == it->end) return false;
            t = m->table;
            left = t->row_count;
            m++;
        } while (!left);
        it->next = m;
        it->match = m - 1;
        it->block = 0;
        it->cells = (const skep__cell *)(const void *)(t->lines + SKEP__LINE_HEAD);
    }
    const uint32_t rows = 1u << t->shift;
    it->n = left < rows ? left : rows;
    it->left = left - it->n;
    it->entity = (const skep_entity *)(const void *)it->cells->data;
    return true;
}

static inline bool skep_query_next(skep_query_iter *it)
{
    return SKEP__LIKELY(skep__query_step(it)) || skep__query_next(it);
}

/* Private: what Pos_read calls. The first cell of a term's columns, NULL where there are none. */
static inline const skep__cell *skep__query_read(const skep_query_iter *it, uint32_t term,
                                                 const skep_component *info)
{
    if (SKEP__LIKELY(it->cells && it->terms[term].component == info)) {
        const uint16_t first = it->match->first[term];
        return first == 0xffffu ? NULL : it->cells + first;
    }
    return skep__query_cells(it, term, info);
}

/* Private: what Pos_write calls. The same, owned, its rows stamped as changed. */
static inline const skep__cell *skep__query_write(skep_query_iter *it, uint32_t term,
                                                  const skep_component *info)
{
    if (!SKEP__LIKELY(it->cells && it->terms[term].component == info && (it->easy >> term & 1u) &&
                      it->match->first[term] != 0xffffu))
        return skep__query_own(it, term, info);
    const skep__cell *cell = it->cells + it->match->first[term];
    for (uint32_t f = 0; f < info->field_count; f++)
        if (!SKEP__LIKELY(cell[f].epoch == *it->epoch)) return skep__query_own(it, term, info);
    return cell;
}

#ifdef __cplusplus
}
#endif

#endif
