/* SPDX-License-Identifier: MIT */
/* Memory that is given back all at once: what a builder and a simulation keep for as long as they
 * live. */
#ifndef SKEP_SIM_KEEP_H
#define SKEP_SIM_KEEP_H

#include "core/base/base.h"

typedef struct skep__keep_chunk {
    struct skep__keep_chunk *older;
    size_t bytes; /* of this allocation */
} skep__keep_chunk;

typedef struct skep__keep {
    const skep_allocator *allocator;
    skep__keep_chunk *chunks; /* newest first */
    uint8_t *at;              /* free memory of the newest chunk that is shared */
    uint8_t *end;
} skep__keep;

/* Returns zeroed memory aligned to 64, or NULL. */
void *skep__keep_take(skep__keep *b, size_t bytes);

/* Copies `length` bytes of text and ends them with a zero; NULL without memory. */
char *skep__keep_text(skep__keep *b, const char *text, size_t length);

/* Frees everything. */
void skep__keep_deinit(skep__keep *b);

#endif
