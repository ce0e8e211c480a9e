/* SPDX-License-Identifier: MIT */
/* Blobs: lengths of bytes in one arena slot each, with the ownership of a cell: whoever writes
 * first after a snapshot gets a copy. They grow by doubling, so that events settle into slots that
 * are used again. */
#include "core/world/world_internal.h"

#define BLOB_BYTES_MIN 64u

/* Moves the blob to a slot of its own with room for `bytes`. */
static uint8_t *blob_move(skep__store *s, skep__blob *b, size_t bytes)
{
    const uint32_t slot = skep__arena_take(&s->arena, bytes);
    if (!slot) return NULL;
    uint8_t *data = skep__slot_data(&s->arena, slot);
    if (b->slot) {
        memcpy(data, skep__slot_data(&s->arena, b->slot), b->bytes);
        skep__arena_drop(&s->arena, b->slot);
    }
    b->slot = slot;
    b->cap = skep__u32(skep__slot_bytes(&s->arena, slot));
    return data;
}

uint8_t *skep__blob_write(skep__store *s, skep__blob *b, size_t bytes)
{
    if (bytes > UINT32_MAX / 2u) return NULL;
    uint8_t *data = NULL;
    if (!b->slot || bytes > b->cap) {
        size_t want = bytes > BLOB_BYTES_MIN ? bytes : BLOB_BYTES_MIN;
        if (b->slot && want < (size_t)b->cap * 2u) want = (size_t)b->cap * 2u;
        data = blob_move(s, b, want);
    } else if (b->epoch != s->epoch && skep__slot_refs(&s->arena, b->slot) > 1) {
        data = blob_move(s, b, b->cap);
    } else {
        data = skep__slot_data(&s->arena, b->slot);
    }
    if (!data) return NULL;
    if (bytes > b->bytes) memset(data + b->bytes, 0, bytes - b->bytes);
    *skep__slot_hash(&s->arena, b->slot) = 0;
    b->bytes = skep__u32(bytes);
    b->epoch = s->epoch;
    return data;
}

void skep__blob_drop(skep__store *s, skep__blob *b)
{
    if (b->slot) skep__arena_drop(&s->arena, b->slot);
    memset(b, 0, sizeof *b);
}
