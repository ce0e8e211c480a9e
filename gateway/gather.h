/* SPDX-License-Identifier: MIT */
/* Puts a message together that comes in parts, up to a limit. What most messages need is kept for
 * the next one; more is given back. */
#ifndef SKEP_GATEWAY_GATHER_H
#define SKEP_GATEWAY_GATHER_H

#include "core/base/base.h"

/* Memory that is kept from message to message. */
#define SKEP__GATHER_KEEP ((size_t)4096)

/* A message on its way; all zero to begin with. */
typedef struct skep__gather {
    uint8_t *bytes;
    size_t used;
    size_t cap;
} skep__gather;

/* Adds a part. SKEP_LIMIT: more than `max` bytes; SKEP_NO_MEMORY. */
SKEP_NODISCARD skep_status skep__gather_add(skep__gather *g, const skep_allocator *allocator,
                                            const void *bytes, size_t size, size_t max);

/* Forgets the message, for the next one. */
void skep__gather_clear(skep__gather *g, const skep_allocator *allocator);

/* Frees all of it. */
void skep__gather_deinit(skep__gather *g, const skep_allocator *allocator);

#endif
