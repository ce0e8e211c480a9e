/* SPDX-License-Identifier: MIT */
/* Memory of what is worked out of a trace: many arrays that live as long as one another and are
 * given back together. Everything is zeroed; nothing is given back before the end. */
#ifndef SKEP_TRACE_TRACE_MEMORY_H
#define SKEP_TRACE_TRACE_MEMORY_H

#include "core/base/base.h"

/* One piece; its bytes follow it. */
typedef struct skep__trace_block {
    struct skep__trace_block *next;
    size_t bytes; /* with this head */
} skep__trace_block;

/* All pieces. Begin with the allocator alone set; free with skep__trace_memory_free. */
typedef struct skep__trace_memory {
    skep_allocator allocator;
    skep__trace_block *blocks;
    bool failed; /* something could not be had: whoever works with it looks once, at the end */
} skep__trace_memory;

/* `count` items of `item_bytes` each, zeroed and aligned to 16 bytes, at least one; NULL, and
 * `failed`, without memory. */
void *skep__trace_take(skep__trace_memory *memory, size_t count, size_t item_bytes);

/* A copy of a text's `bytes` bytes with a zero behind them; "" without memory. */
const char *skep__trace_text(skep__trace_memory *memory, const char *text, size_t bytes);

/* A short word and a number, "system 7". "" without memory. */
const char *skep__trace_numbered(skep__trace_memory *memory, const char *word, uint32_t number);

/* Gives everything back. */
void skep__trace_memory_free(skep__trace_memory *memory);

#endif
