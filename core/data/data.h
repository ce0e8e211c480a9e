/* SPDX-License-Identifier: MIT */
/* What core/data keeps of one world between calls: pooled snapshots, scratch of restore, sums of
 * the free queue by index page. Made when first needed; all of it is host-private and none of it is
 * state. */
#ifndef SKEP_CORE_DATA_DATA_H
#define SKEP_CORE_DATA_DATA_H

#include "core/world/world_internal.h"
#include "skep/save.h"
#include "skep/snapshot.h"

#include <stdatomic.h>

/* The dead records of one index page, see hash_world.c. Valid while the page's epoch is `epoch`. */
typedef struct skep__page_sum {
    uint64_t epoch; /* 0: never computed */
    uint64_t sum;
    uint64_t count;
} skep__page_sum;

/* The slot that a live index page was last copied from, see restore.c. Valid while the page's epoch
 * is `epoch`. */
typedef struct skep__page_origin {
    uint64_t epoch;
    uint32_t name; /* 0: none */
    uint32_t pad;
} skep__page_origin;

typedef struct skep__data {
    void (*deinit)(skep_world *w); /* the world calls it when it is destroyed */
    skep_snapshot *free;           /* released, their arrays kept for the next one */
    skep_snapshot *live;
    _Atomic(skep_snapshot *) returned; /* by other threads; the owner takes the whole list */
    uint32_t live_count;
    uint32_t
        prepared_count; /* slots that restore took before it changes anything, in order of use */
    uint32_t prepared_cap;
    uint32_t made_count;
    uint32_t made_cap;
    uint32_t page_sum_cap;
    uint32_t page_origin_cap;
    uint32_t *prepared;
    skep__table **made; /* tables beside the world, to be attached by restore */
    skep__page_sum *page_sums;
    skep__page_origin *page_origins;
    void *apply;                         /* of apply.c */
    void (*apply_deinit)(skep_world *w); /* frees it, or NULL */
} skep__data;

/* Finds or makes a world's data; NULL without memory. */
skep__data *skep__data_get(skep_world *w);

/* Between frames: makes what waits for a pass of a query to end, so that the state is complete. */
skep_status skep__data_settle(skep_world *w);

/* Releases the snapshots that other threads returned. A frame's begin calls it; take and restore do
 * too. */
void skep__snapshots_drain(skep_world *w);

/* skep_snapshot_take and skep_world_restore whatever the world is doing, without settling it first:
 * what apply goes back by when it fails halfway. */
skep_status skep__snapshot_take(skep_world *w, skep_snapshot **snapshot);
skep_status skep__restore(skep_world *w, const skep_snapshot *s);

/* How far detaching for a save has come; all zero: not begun. */
typedef struct skep__detach_place {
    uint32_t at; /* next member of the free queue */
    uint32_t done;
} skep__detach_place;

/* What skep_snapshot_detach does, as far as a save needs it, which of the index reads the free
 * queue alone: so only pages that its members lie in are copied, at most `pages` of them, and at
 * most `members` looked at. `done` says whether those were the last ones; until then the world may
 * go on between two calls. */
skep_status skep__snapshot_detach_save(skep_snapshot *s, uint32_t pages, uint32_t members,
                                       skep__detach_place *place, bool *done);

/* ---- hashes of parts ------------------------------------------------------------------------- */

/* What a world hash is made of, beside seed, tick, time and the number of entities. */
typedef struct skep__hash_parts {
    uint64_t tables;
    uint64_t resources;
    uint64_t channels;
    uint64_t records;
    uint64_t queue;
} skep__hash_parts;

/* skep_world_hash, with what it is made of (may be NULL). */
uint64_t skep__hash_world(skep_world *w, skep__hash_parts *parts);

/* Hashes of parts of a world, also inside a frame, as long as no task runs. Blocks' hashes are kept
 * as those of the world hash, so call skep__epoch_raise behind the last one. Of which entities
 * there are, in which tables and in which order: */
uint64_t skep__hash_entities(const skep_world *w);
/* Of a component's values in all tables; of all components' at once (type_count sums). */
uint64_t skep__hash_type(const skep_world *w, uint32_t type);
void skep__hash_types(const skep_world *w, uint64_t *sums);
/* Of a resource; of a channel's entries. */
uint64_t skep__hash_resource(const skep_world *w, uint32_t number);
uint64_t skep__hash_channel(const skep_world *w, uint32_t number);

/* ---- replacing a world ----------------------------------------------------------------------- */

/* skep_load into a world that has entities: they are destroyed first, and come back where the save
 * is refused after all; `report` says why then, and `lost` whether they did not. */
skep_status skep__world_replace(skep_world *w, const void *bytes, size_t size,
                                skep_load_report *report, bool *lost);

/* ---- saving in steps ------------------------------------------------------------------------ */

/* A save of a snapshot for hosts that may not stop for as long as all of it takes: sums come first
 * in the file, and reading everything for them is what takes time. The snapshot is held meanwhile.
 *
 *     skep__save_begin(&allocator, snapshot, &steps);
 *     while (!skep__save_sum(steps, 1 << 20)) do something else;
 *     skep__save_put(steps, write, ctx);
 *     skep__save_end(steps);
 */
typedef struct skep__save_steps skep__save_steps;

/* SKEP_LIMIT as of skep_save_snapshot, SKEP_NO_MEMORY. */
SKEP_NODISCARD skep_status skep__save_begin(const skep_allocator *allocator,
                                            const skep_snapshot *snapshot,
                                            skep__save_steps **steps);
/* Sums up `budget` more bytes of columns, a block more at most. True when all is summed up. */
bool skep__save_sum(skep__save_steps *steps, uint64_t budget);
/* Writes the save, when all is summed up; columns are passed on where they lie. SKEP_IO. */
SKEP_NODISCARD skep_status skep__save_put(skep__save_steps *steps, skep_write_fn write, void *ctx);
/* Ends it at any time. NULL is fine. */
void skep__save_end(skep__save_steps *steps);

#endif
