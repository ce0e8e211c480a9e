/* SPDX-License-Identifier: MIT */
/* The state of one view class at one tick, as both ends keep it: who sits in which slot, and codes
 * of all columns, in blocks of 128 slots that are counted by reference. Ticks share what did not
 * change between them, so a state in a ring costs what changed in it.
 *
 *     ids block    128 entity handles, 0: a free slot
 *     codes block  column_count * 128 codes; column k of slot i at [k * 128 + i]; 0 in free slots
 *
 * One thread's. */
#ifndef SKEP_CORE_REPLICATE_CODES_H
#define SKEP_CORE_REPLICATE_CODES_H

#include "core/replicate/columns.h"
#include "core/replicate/schema.h"
#include "skep/id.h"

/* ---- columns of a class ------------------------------------------------------------------ */

/* Where the codes of one element of a field stand. */
typedef struct skep__code_field {
    skep__quantum quantum;
    uint16_t column;  /* of its first code */
    uint8_t replica;  /* number of its component in the schema, */
    uint8_t field;    /* its field, */
    uint16_t element; /* and the element of an array field */
} skep__code_field;

/* The columns of a set of components, in the order of the schema: one or two codes an element of
 * each field. */
typedef struct skep__code_layout {
    uint64_t components; /* by number in the schema, a bit each; not 0 */
    uint32_t field_count;
    uint32_t column_count;
    skep__code_field *fields;
    skep__wire_column *columns;
    uint32_t slot_max; /* so that no message of the class is larger than its limit */
    void *memory;
    size_t memory_bytes;
} skep__code_layout;

/* What both ends know by WELCOME: all layouts of a view are made of it. Borrows its arrays. */
typedef struct skep__code_terms {
    const skep_replica *replicas; /* the schema */
    uint32_t replica_count;
    uint32_t rate_count;
    const skep_rate *rates; /* of components of the schema */
    uint32_t tick_hz;
    uint32_t message_down_max;
} skep__code_terms;

/* Makes the layout of a set of components. SKEP_LIMIT for more than SKEP__COLUMNS_MAX columns, or
 * so many that not even 128 slots fit into message_down_max. */
SKEP_NODISCARD skep_status skep__code_layout_init(skep__code_layout *layout,
                                                  const skep__code_terms *terms,
                                                  uint64_t components,
                                                  const skep_allocator *allocator);

void skep__code_layout_deinit(skep__code_layout *layout, const skep_allocator *allocator);

/* ---- blocks -------------------------------------------------------------------------------- */

/* A counted block; the data follow. */
typedef struct skep__code_block {
    uint32_t refs;
    uint32_t bytes; /* of data */
    uint64_t hash;  /* of data, 0: not known */
    uint64_t pad;
} skep__code_block;

/* Allocates blocks and keeps freed ones for the next; counts what it holds. */
typedef struct skep__code_pool {
    const skep_allocator *allocator;
    size_t bytes_held;
    size_t bytes_max;
} skep__code_pool;

SKEP_INLINE uint64_t *skep__block_ids(const skep__code_block *block)
{
    return (uint64_t *)(uintptr_t)(block + 1);
}

SKEP_INLINE int32_t *skep__block_codes(const skep__code_block *block)
{
    return (int32_t *)(uintptr_t)(block + 1);
}

/* Zeroed, with one reference; NULL without memory. */
skep__code_block *skep__block_make(skep__code_pool *pool, uint32_t bytes);
skep__code_block *skep__block_hold(skep__code_block *block);
void skep__block_drop(skep__code_pool *pool, skep__code_block *block);

/* ---- a class at a tick --------------------------------------------------------------------- */

/* ids[b] and codes[b] of each block; no block is NULL. */
typedef struct skep__codes {
    uint32_t tick;       /* in which it came to be so */
    uint32_t slot_count; /* 1 + the highest slot in use, 0 */
    uint32_t block_count;
    uint32_t block_cap;
    skep__code_block **ids;
    skep__code_block **codes;
} skep__codes;

/* What a state of a class is told apart from. */
typedef struct skep__code_past {
    const skep__code_layout *layout; /* of all of them */
    const skep__codes *base;         /* that the reader has, or NULL: of nothing */
    const skep__codes *older;        /* as far before the base as the state is behind it, or NULL */
} skep__code_past;

/* Frees the arrays and drops the blocks. */
void skep__codes_deinit(skep__codes *codes, skep__code_pool *pool);

/* Makes *copy the same state, blocks shared; *copy is zero or was deinit'ed. SKEP_NO_MEMORY. */
SKEP_NODISCARD skep_status skep__codes_share(const skep__codes *from, skep__code_pool *pool,
                                             skep__codes *copy);

/* Adds or drops blocks at the end until there are as many as `slot_count` slots need. */
SKEP_NODISCARD skep_status skep__codes_resize(skep__codes *codes, const skep__code_layout *layout,
                                              uint32_t slot_count, skep__code_pool *pool);

/* Makes block `b` of ids or codes this state's own, to be written. NULL without memory. */
uint64_t *skep__codes_own_ids(skep__codes *codes, uint32_t b, skep__code_pool *pool);
int32_t *skep__codes_own_codes(skep__codes *codes, uint32_t b, skep__code_pool *pool);

/* Hash of slot count, ids and codes: equal when the views are. Blocks keep theirs. */
uint64_t skep__codes_hash(const skep__codes *codes);

#endif
