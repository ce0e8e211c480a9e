/* SPDX-License-Identifier: MIT */
/* Bytes that grow: saves before they are written, and recordings. Little-endian, like all files. */
#ifndef SKEP_CORE_BASE_BYTE_BUFFER_H
#define SKEP_CORE_BASE_BYTE_BUFFER_H

#include "core/base/base.h"

typedef struct skep__bytes {
    const skep_allocator *allocator;
    uint8_t *data;
    size_t used;
    size_t cap;
} skep__bytes;

/* Appends n bytes; false, with nothing changed, without memory. `ctx` is the skep__bytes: the
 * shape of skep_write_fn. */
bool skep__bytes_append(void *ctx, const void *bytes, size_t n);

/* Appends n bytes and zeros up to the next multiple of 8. */
bool skep__bytes_append_padded(skep__bytes *b, const void *bytes, size_t n);

void skep__bytes_deinit(skep__bytes *b);

/* Appends a number. */
SKEP_INLINE bool skep__bytes_u32(skep__bytes *b, uint32_t x)
{
    return skep__bytes_append(b, &x, sizeof x);
}

SKEP_INLINE bool skep__bytes_u64(skep__bytes *b, uint64_t x)
{
    return skep__bytes_append(b, &x, sizeof x);
}

#endif
