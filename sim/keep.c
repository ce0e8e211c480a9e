/* SPDX-License-Identifier: MIT */
/* Chunks of host memory, filled from one end. What is larger than a chunk gets one of its own,
 * behind the one that is being filled, so that a large array does not waste the rest of it. */
#include "sim/keep.h"

#define KEEP_CHUNK_BYTES ((size_t)16 << 10)
#define KEEP_ALIGN ((size_t)64)
#define KEEP_HEAD skep__align(sizeof(skep__keep_chunk), KEEP_ALIGN)

static skep__keep_chunk *keep_chunk(skep__keep *b, size_t bytes)
{
    skep__keep_chunk *chunk = (skep__keep_chunk *)skep__alloc(b->allocator, bytes, KEEP_ALIGN);
    if (!chunk) return NULL;
    chunk->bytes = bytes;
    chunk->older = b->chunks;
    b->chunks = chunk;
    return chunk;
}

void *skep__keep_take(skep__keep *b, size_t bytes)
{
    if (bytes > SIZE_MAX / 2) return NULL;
    bytes = skep__align(bytes, KEEP_ALIGN);
    if (bytes > (size_t)(b->end - b->at)) {
        const bool own = bytes > KEEP_CHUNK_BYTES / 4;
        const size_t chunk_bytes = KEEP_HEAD + (own ? bytes : KEEP_CHUNK_BYTES);
        uint8_t *chunk = (uint8_t *)keep_chunk(b, chunk_bytes);
        if (!chunk) return NULL;
        if (own) return chunk + KEEP_HEAD;
        b->at = chunk + KEEP_HEAD;
        b->end = chunk + chunk_bytes;
    }
    void *taken = b->at;
    b->at += bytes;
    return taken;
}

char *skep__keep_text(skep__keep *b, const char *text, size_t length)
{
    char *copy = (char *)skep__keep_take(b, length + 1);
    if (copy && length) memcpy(copy, text, length);
    return copy;
}

void skep__keep_deinit(skep__keep *b)
{
    while (b->chunks) {
        skep__keep_chunk *chunk = b->chunks;
        b->chunks = chunk->older;
        skep__free(b->allocator, chunk, chunk->bytes, KEEP_ALIGN);
    }
    b->at = b->end = NULL;
}
