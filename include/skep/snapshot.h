/* SPDX-License-Identifier: MIT */
/* Snapshots: the whole state of a world at one moment, for as long as you hold it.
 *
 * A snapshot is a list of references to blocks, so taking one of a million entities costs
 * microseconds, and what the world changes afterwards is copied first, block by block. It holds
 * columns, ids, the entity index, the free queue, resources, pending events and inputs, system
 * records, tick, time and seed. With one you can go back (skep_world_restore), compare (skep_diff,
 * skep_snapshot_hash), read old values (skep_snapshot_get, skep_snapshot_next) and save while the
 * world runs on (skep/save.h).
 *
 *     skep_snapshot *before = NULL;
 *     if (skep_snapshot_take(world, &before) != SKEP_OK) return false;
 *     ...
 *     if (skep_world_restore(world, before) != SKEP_OK) return false;
 *     skep_snapshot_release(before);
 *
 * Definitions are not state: prefabs, queries, hooks and registered components stay as they are. */
#ifndef SKEP_SNAPSHOT_H
#define SKEP_SNAPSHOT_H

#include "skep/component.h"
#include "skep/id.h"
#include "skep/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A world; see skep/world.h. */
typedef struct skep_world skep_world;

/* The state of one world at one moment. Made by skep_snapshot_take, never changed, belongs to who
 * took it; all must be released or returned before their world is destroyed. */
typedef struct skep_snapshot skep_snapshot;

/* ---- life ----------------------------------------------------------------------------------- */

/* Takes a snapshot, which the caller owns. Commands that are still queued are not part of it.
 * Owner's thread only. SKEP_NO_MEMORY leaves all as it was. Costs about a nanosecond a block (a
 * block is a column of up to 1,024 rows); allocates nothing once as many snapshots of that size
 * were held before. */
SKEP_API SKEP_NODISCARD skep_status skep_snapshot_take(skep_world *world, skep_snapshot **snapshot);

/* Ends a snapshot; NULL is allowed. Owner's thread only; in any order. Costs as taking does. */
SKEP_API void skep_snapshot_release(skep_snapshot *snapshot);

/* Ends a snapshot from any thread: it is put into the world's mailbox, without a lock, and released
 * when the owner next takes or restores a snapshot or begins a frame. The world must live until
 * then. O(1). */
SKEP_API void skep_snapshot_return(skep_snapshot *snapshot);

/* Makes a snapshot readable by one other thread while its world goes on: what the snapshot still
 * shares with the live entity index is copied (8 bytes an index). Owner's thread only, before the
 * hand-over. SKEP_NO_MEMORY leaves the snapshot as it was. */
SKEP_API SKEP_NODISCARD skep_status skep_snapshot_detach(skep_snapshot *snapshot);

/* Takes the world back to a snapshot of it: entities, rows, the order of tables and of the free
 * queue are exactly as they were. The snapshot stays valid; older and newer ones do too, and may be
 * restored in any order. No hook is called. Component values that were read as changed keep their
 * old stamps. Owner's thread only, between frames, else SKEP_BUSY; SKEP_ARGUMENT for another
 * world's snapshot; SKEP_NO_MEMORY or SKEP_LIMIT leave the world as it was. Costs about a
 * nanosecond a block, and 8 KiB a changed page of 1,024 entity indexes. */
SKEP_API SKEP_NODISCARD skep_status skep_world_restore(skep_world *world,
                                                       const skep_snapshot *snapshot);

/* ---- hashes --------------------------------------------------------------------------------- */

/* Returns the hash of a world's state: the same on every machine, with every executor and any
 * number of workers. It covers living entities with their components, resources, pending events and
 * inputs, system records, the free queue, tick, time and seed; numbers that differ between worlds
 * of the same content (component numbers, padding, storage epochs, change stamps) stay out, and all
 * NaNs are one. Hashes of full blocks are kept until the block is written. Owner's thread only,
 * between frames; cannot fail. */
SKEP_API uint64_t skep_world_hash(skep_world *world);

/* Returns what skep_world_hash gave, or would have given, at the moment of the snapshot. Owner's
 * thread only. */
SKEP_API uint64_t skep_snapshot_hash(const skep_snapshot *snapshot);

/* ---- reading -------------------------------------------------------------------------------- */

/* Returns the number of frames that had run. Owner's thread, or the one a detached snapshot was
 * handed to; so for all calls of this section. */
SKEP_API uint64_t skep_snapshot_tick(const skep_snapshot *snapshot);

/* Returns the seconds that the world had simulated. */
SKEP_API double skep_snapshot_time(const skep_snapshot *snapshot);

/* Returns the number of living entities. */
SKEP_API uint32_t skep_snapshot_entity_count(const skep_snapshot *snapshot);

/* Returns whether an entity was alive. */
SKEP_API bool skep_snapshot_alive(const skep_snapshot *snapshot, skep_entity entity);

/* Copies an entity's value of a component into its C struct (`value` may be NULL to ask only).
 * Returns false, with nothing written, when the entity was not alive or lacked it. */
SKEP_API bool skep_snapshot_get(const skep_snapshot *snapshot, skep_entity entity,
                                const skep_component *component, void *value);

/* One run of rows that lie behind each other, and where the next one is. Set it to zero to begin.
 */
typedef struct skep_snapshot_rows {
    const skep_entity *entity; /* `count` handles; valid as long as the snapshot */
    uint32_t count;            /* rows of the run */
    uint32_t table;            /* where the run lies; for skep_snapshot_column and the next call */
    uint32_t block;            /* likewise */
    uint32_t resume;           /* private */
} skep_snapshot_rows;

/* Finds the next run of rows whose entities have all of the given components. Returns false at the
 * end. skep_snapshot_rows rows = {0}; while (skep_snapshot_next(snapshot, all, 2, &rows)) { ... }
 */
SKEP_API bool skep_snapshot_next(const skep_snapshot *snapshot, const skep_component *const *all,
                                 uint32_t all_count, skep_snapshot_rows *rows);

/* Returns the values of one field of a component in a run of rows, rows->count times the field's
 * size and count; NULL when the rows lack the component or it has no such field. Valid as long as
 * the snapshot. */
SKEP_API const void *skep_snapshot_column(const skep_snapshot *snapshot,
                                          const skep_snapshot_rows *rows,
                                          const skep_component *component, uint32_t field);

/* ---- differences ---------------------------------------------------------------------------- */

/* What one item of a difference says of its entities. */
typedef enum skep_diff_kind {
    SKEP_DIFF_DESPAWNED = 1, /* alive before, not after; component is NULL */
    SKEP_DIFF_SPAWNED =
        2, /* alive after, not before; ADDED items for all their components follow */
    SKEP_DIFF_REMOVED = 3, /* had the component before, not after, and were alive in both */
    SKEP_DIFF_ADDED = 4,   /* have the component after, not before */
    SKEP_DIFF_CHANGED = 5  /* have it in both, with other bytes */
} skep_diff_kind;

/* A run of entities with the same difference. Everything it points to is valid as long as the
 * snapshots. */
typedef struct skep_diff_item {
    skep_diff_kind kind;             /* what it says */
    uint32_t count;                  /* entities of the run, at least one */
    const skep_entity *entity;       /* `count` handles */
    const skep_component *component; /* of REMOVED, ADDED and CHANGED, else NULL */
    /* Of ADDED and CHANGED: the new values of each field, `count` rows each, by field number. */
    const void *column[SKEP_FIELD_MAX];
} skep_diff_item;

/* Receives the items of a difference, in order; return false to stop. */
typedef bool (*skep_diff_fn)(void *ctx, const skep_diff_item *item);

/* Compares two snapshots of one world and reports what turns `before` into `after`: all despawned
 * entities first, then table by table of `after` the rest. An index that was used again is one
 * despawned and one spawned entity. Blocks that both share are equal without looking; others are
 * compared bit by bit. Moving a row is no difference. Owner's thread only. Returns SKEP_ARGUMENT
 * for snapshots of two worlds. */
SKEP_API SKEP_NODISCARD skep_status skep_diff(const skep_snapshot *before,
                                              const skep_snapshot *after, skep_diff_fn fn,
                                              void *ctx);

#ifdef __cplusplus
}
#endif

#endif
