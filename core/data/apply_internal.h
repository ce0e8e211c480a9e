/* SPDX-License-Identifier: MIT */
/* What the files of apply share. A call goes through four steps, each over arrays of the one
 * before:
 *
 *     scan     buffers        -> changes (one a patch that touches an entity), others (events,
 * resources) changes        -> keys: table 17, row 26, change number 21 bits; sorted gather   keys
 * -> runs: entities that are treated alike, and how many rows come to each table prepare  runs ->
 * room and ownership of all that will be written; the last step that can fail execute  runs -> rows
 * moved, values written, holes filled, events pushed
 *
 * Spawned entities have table 0 and their ordinal as row, so they come first, in the order of their
 * patches. */
#ifndef SKEP_CORE_DATA_APPLY_INTERNAL_H
#define SKEP_CORE_DATA_APPLY_INTERNAL_H

#include "core/data/apply.h"
#include "core/store/layout.h"
#include "core/store/rows.h"

#define SKEP__CHANGE_BITS 21u
#define SKEP__CHANGE_MASK ((1u << SKEP__CHANGE_BITS) - 1u)

/* One patch that touches an entity, in 8 bytes, since there are many and they are read three times:
 * the address of its header / 8 (45 bits: addresses of 48 bits), the number of its type or prefab
 * (15 bits), its kind. */
typedef struct skep__change {
    uint64_t bits;
} skep__change;

#define SKEP__CHANGE_NUMBER_BITS 15u
#define SKEP__CHANGE_KIND_BITS 4u
#define SKEP__CHANGE_NO_NUMBER ((1u << SKEP__CHANGE_NUMBER_BITS) - 1u)

SKEP_INLINE skep__change skep__change_make(const skep_patch_header *h, uint32_t number)
{
    const uint32_t low = SKEP__CHANGE_NUMBER_BITS + SKEP__CHANGE_KIND_BITS;
    SKEP_ASSERT(((uintptr_t)h & 7u) == 0 && (uint64_t)(uintptr_t)h >> 48 == 0);
    const uint64_t n = number < SKEP__CHANGE_NO_NUMBER ? number : SKEP__CHANGE_NO_NUMBER;
    const skep__change c = {(uint64_t)((uintptr_t)h >> 3) << low | n << SKEP__CHANGE_KIND_BITS |
                            h->kind};
    return c;
}

SKEP_INLINE const skep_patch_header *skep__change_header(skep__change c)
{
    const uint32_t low = SKEP__CHANGE_NUMBER_BITS + SKEP__CHANGE_KIND_BITS;
    return (const skep_patch_header *)((uintptr_t)(c.bits >> low) << 3);
}

SKEP_INLINE uint32_t skep__change_kind(skep__change c)
{
    return (uint32_t)c.bits & ((1u << SKEP__CHANGE_KIND_BITS) - 1u);
}

/* The world's number of the type or prefab, SKEP__CHANGE_NO_NUMBER for none. */
SKEP_INLINE uint32_t skep__change_number(skep__change c)
{
    return (uint32_t)(c.bits >> SKEP__CHANGE_KIND_BITS) & SKEP__CHANGE_NO_NUMBER;
}

/* Whether two changes do the same to the same type. */
SKEP_INLINE bool skep__change_alike(skep__change a, skep__change b)
{
    const uint32_t low = SKEP__CHANGE_NUMBER_BITS + SKEP__CHANGE_KIND_BITS;
    return ((a.bits ^ b.bits) & ((UINT64_C(1) << low) - 1u)) == 0;
}

SKEP_INLINE skep_entity skep__change_entity(skep__change c)
{
    const skep_entity e = {skep__change_header(c)->entity};
    return e;
}

/* The C value struct behind the header; a job's INIT has the component's identity in front of it.
 */
SKEP_INLINE const uint8_t *skep__change_value(skep__change c)
{
    const skep_patch_header *h = skep__change_header(c);
    const bool named = h->kind == SKEP_PATCH_INIT && h->slot == SKEP_PATCH_NO_SLOT;
    return (const uint8_t *)(h + 1) + (named ? 8 : 0);
}

/* An event or a resource, in the order of the buffers. */
typedef struct skep__other {
    const skep_patch_header *header;
    uint32_t number;
    uint32_t kind;
} skep__other;

typedef enum skep__run_kind {
    SKEP__RUN_MOVE, /* one PUT or REMOVE each, along one edge; rows and changes are consecutive */
    SKEP__RUN_STAY, /* one SET or PUT each, of what they have; rows and changes are consecutive */
    SKEP__RUN_DIE,  /* destroyed; keys of one entity */
    SKEP__RUN_GROUP /* anything else: keys of one entity */
} skep__run_kind;

typedef struct skep__run_of {
    uint32_t first; /* key */
    uint32_t count; /* keys */
    uint32_t to;    /* table, 0 for DIE */
    uint32_t kind;  /* skep__run_kind */
} skep__run_of;

/* A child that a prefab brings along. */
typedef struct skep__child {
    skep_entity entity;
    skep_entity parent;
    uint32_t prefab;
    uint32_t table;
} skep__child;

/* Scratch of apply, kept from call to call; host-private. */
typedef struct skep__apply_state {
    skep_world *w;
    skep__change *changes;
    skep__other *others;
    uint64_t *keys;
    uint64_t *keys_other; /* for the sort */
    const uint64_t *sorted;
    skep__run_of *runs;
    uint32_t *incoming; /* rows to come, a table */
    uint32_t *gone;     /* rows that left the table at hand, ascending */
    uint32_t *spawn_of; /* an index: ordinal + 1 of its SPAWN in this call, else 0 */
    skep_entity *spawned;
    skep_entity *dead; /* destroyed, for the cascade */
    skep__child *children;
    uint32_t change_count, change_cap;
    uint32_t other_count, other_cap;
    uint32_t key_count, key_cap, key_other_cap;
    uint32_t run_count, run_cap;
    uint32_t incoming_cap, gone_cap, spawn_of_cap;
    uint32_t spawned_count, spawned_cap;
    uint32_t dead_count, dead_cap;
    uint32_t child_count, child_cap;
    uint32_t note_most; /* notes that execute may write */
    uint64_t last_key;
    bool unsorted; /* some key came before a smaller one */
    bool any_destroy;
    bool pages_owned;      /* every index page is owned */
    uint16_t *from_column; /* the last pair of layouts and the columns they share */
    uint16_t *to_column;
    const skep__layout *pair_from;
    const skep__layout *pair_to;
    uint32_t pair_count;
    skep__apply_report report;
} skep__apply_state;

skep_status skep__apply_scan(skep__apply_state *a, const skep__apply_buffer *buffers,
                             uint32_t count);
skep_status skep__apply_gather(skep__apply_state *a);
skep_status skep__apply_prepare(skep__apply_state *a);
void skep__apply_execute(skep__apply_state *a);
skep_status skep__apply_cascade(skep__apply_state *a);

/* Whether some entity has a Parent. */
bool skep__apply_has_parents(const skep_world *w);

/* Grows one of the arrays. */
SKEP_INLINE bool skep__apply_room(skep__apply_state *a, void **array, uint32_t *cap, uint32_t need,
                                  size_t bytes)
{
    return SKEP_LIKELY(need <= *cap) ||
           skep__array_grow(&a->w->store.allocator, array, cap, need, bytes);
}

SKEP_INLINE uint32_t skep__key_table(uint64_t key)
{
    return (uint32_t)(key >> (SKEP__CHANGE_BITS + SKEP__RECORD_TABLE_SHIFT));
}

SKEP_INLINE uint32_t skep__key_row(uint64_t key)
{
    return (uint32_t)(key >> SKEP__CHANGE_BITS) & SKEP__RECORD_ROW_MASK;
}

SKEP_INLINE skep__change skep__key_change(const skep__apply_state *a, uint64_t key)
{
    return a->changes[key & SKEP__CHANGE_MASK];
}

#endif
