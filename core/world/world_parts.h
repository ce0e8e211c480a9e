/* SPDX-License-Identifier: MIT */
/* What the files of core/world share among themselves: numbers of descriptions, what a write does
 * at the moment, immediate changes, and what waiting commands say about an entity. */
#ifndef SKEP_CORE_WORLD_PARTS_H
#define SKEP_CORE_WORLD_PARTS_H

#include "core/world/world_internal.h"

#define SKEP__DESC_CANARY 0x534B4550u

/* ---- numbers, number.c ----------------------------------------------------------------------- */

SKEP_NOINLINE uint32_t skep__known_slow(skep_world *w, const skep_component *info);

SKEP_INLINE skep__known_entry *skep__known_place(skep_world *w, const skep_component *info)
{
    return &w->face.known[skep__known_at(info)];
}

/* The number of a component, prefab, event, input or resource in this world, or SKEP__NO_TYPE. */
SKEP_INLINE uint32_t skep__known(skep_world *w, const skep_component *info)
{
    const skep__known_entry *k = skep__known_place(w, info);
    return SKEP_LIKELY(k->info == info) ? k->number : skep__known_slow(w, info);
}

/* The channel of what was removed of a component, or NULL when nobody asked for one. */
skep__channel *skep__removed_find(skep_world *w, uint32_t type);

bool skep__same_text(const char *a, const char *b);

/* The number of a component, registered if need be; errors have their text. */
skep_status skep__type_number(skep_world *w, const skep_component *info, uint32_t *number);

/* ---- errors ---------------------------------------------------------------------------------- */

/* The text of what the store refused. */
skep_status skep__store_fail(skep_world *w, skep_status status);
skep_status skep__gone_fail(skep_world *w, skep_entity e);
skep_status skep__busy_fail(skep_world *w, const char *what);

/* ---- modes ----------------------------------------------------------------------------------- */

/* Whether a write happens at once, with nobody to ask. */
SKEP_INLINE bool skep__plain(const skep_world *w)
{
    return w->mode == SKEP__WRITE_NOW && !w->running && !w->iterating && !w->firing;
}

/* Whether structural changes become commands of `batch`. */
SKEP_INLINE bool skep__later(const skep_world *w)
{
    return w->mode == SKEP__WRITE_BATCH || w->firing ||
           (w->mode == SKEP__WRITE_NOW && w->iterating);
}

/* Whether a read must look at waiting commands or rights first. */
SKEP_INLINE bool skep__read_plain(const skep_world *w)
{
    return !w->running && !w->batch.count;
}

/* ---- sets of parts, parts.c ------------------------------------------------------------------ */

/* The components of entities that are made, by ascending number, with their values. `parts` are
 * borrowed. */
typedef struct skep__part_set {
    uint32_t count;
    uint16_t types[SKEP_CREATE_MAX];
    const void *values[SKEP_CREATE_MAX];     /* what the prefab says, or NULL */
    const skep_part *parts[SKEP_CREATE_MAX]; /* what the caller says, or NULL */
} skep__part_set;

/* Adds all parts of a defined prefab, or the caller's, which win. Errors have their text. */
skep_status skep__part_set_prefab(skep_world *w, skep__part_set *set, const skep__prefab *prefab);
skep_status skep__part_set_add(skep_world *w, skep__part_set *set, const skep_part *parts,
                               size_t count);

/* Writes the set's values into rows that hold zeros and are owned. The first row is the `number`-th
 * of the entities that the parts speak of. The scratch is large enough. */
void skep__part_set_fill(skep_world *w, const skep__part_set *set, skep__table *t,
                         uint32_t first_row, uint32_t number, uint32_t count);

/* Computes the i-th entity's value of one part into the world's scratch. */
const void *skep__part_value(skep_world *w, const skep__part_set *set, uint32_t part, uint32_t i);

/* Makes the scratch large enough for any value of the set. */
bool skep__scratch_room(skep_world *w, const skep__part_set *set);

/* ---- immediate changes, now.c: no modes, no hooks; all or nothing; errors have their text ---- */

/* Makes room for `extra` rows and owns all that adding them writes. */
skep_status skep__rows_prepare(skep_world *w, skep__table *t, uint32_t extra);

/* Owns what it writes when living entities leave their tables, whichever of a table's last rows
 * fill the holes. Begin, then each; false without memory. */
bool skep__leave_begin(skep_world *w);
bool skep__leave_prepare(skep_world *w, skep_entity e);

skep_status skep__now_create(skep_world *w, const skep__part_set *set, uint32_t n,
                             skep_entity *out);

/* One row for a handle that was taken, the `number`-th of those that the parts speak of. */
skep_status skep__now_take(skep_world *w, const skep__part_set *set, skep_entity taken,
                           uint32_t number);

skep_status skep__now_put(skep_world *w, skep_entity e, uint32_t type, const void *value);
skep_status skep__now_remove(skep_world *w, skep_entity e, uint32_t type);
skep_status skep__now_destroy(skep_world *w, const skep_entity *entities, uint32_t n);
skep_status skep__now_set(skep_world *w, skep_entity e, uint32_t type, const void *value);

/* ---- commands that wait, overlay.c ----------------------------------------------------------- */

/* What the entity will be once `batch` is applied, for one type. */
typedef struct skep__future {
    bool alive;
    bool born; /* it is or was alive, in storage or by a command */
    bool has;
    bool stored;       /* its value is in the columns */
    const void *value; /* otherwise: the C struct, NULL for zeros */
} skep__future;

/* `type` may be SKEP__NO_TYPE: only `alive` is asked for. */
void skep__future_of(skep_world *w, skep_entity e, uint32_t type, skep__future *f);

void skep__overlay_free(skep_world *w);

/* Appends a command and its value (NULL: zeros); the errors have their text. */
skep_status skep__queue(skep_world *w, skep_patch_kind kind, uint32_t slot, skep_entity e,
                        const skep_component *info, const void *value);

/* Makes room for `times` spawns of a prefab's children: tables, rows, notes. */
skep_status skep__children_prepare(skep_world *w, const skep__prefab *p, uint32_t times);

/* Makes one root's children with these handles; after the preparation it cannot fail. */
void skep__children_make(skep_world *w, const skep__prefab *p, skep_entity root,
                         const skep_entity *handles);

/* A prefab's number, or SKEP_NOT_FOUND when it was not defined. */
skep_status skep__prefab_number(skep_world *w, const skep_component *prefab, uint32_t *number);

/* ---- the rest -------------------------------------------------------------------------------- */

/* Whether anything may have this entity as its Parent. */
bool skep__children_any(const skep_world *w, skep_entity e);
void skep__children_free(skep_world *w);

/* Ends `n` of something, after an immediate change: tells the hooks if somebody listens. */
SKEP_INLINE skep_status skep__changed(skep_world *w)
{
    return SKEP_LIKELY(!w->note_count) ? SKEP_OK : skep__world_settle(w);
}

/* Room for `count` handles in the world's list; NULL without memory. */
skep_entity *skep__list_room(skep_world *w, uint32_t count);

void skep__queries_free(skep_world *w);

#endif
