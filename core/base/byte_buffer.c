/* SPDX-License-Identifier: MIT */
/* Doubles when full, so that n bytes cost O(n) in all. */
#include "core/base/byte_buffer.h"

static bool bytes_grow(skep__bytes *b, size_t need)
{
    size_t cap = b->cap ? b->cap : (size_t)4 << 10;
    while (cap < need) cap *= 2;
    uint8_t *larger = (uint8_t *)b->allocator->alloc(b->allocator->ctx, cap, 16);
    if (!larger) return false;
    if (b->used) memcpy(larger, b->data, b->used);
    skep__free(b->allocator, b->data, b->cap, 16);
    b->data = larger;
    b->cap = cap;
    return true;
}

bool skep__bytes_append(void *ctx, const void *bytes, size_t n)
{
    skep__bytes *b = (skep__bytes *)ctx;
    if (n > SIZE_MAX / 4 - b->used) return false;
    if (b->used + n > b->cap && !bytes_grow(b, b->used + n)) return false;
    if (n) memcpy(b->data + b->used, bytes, n);
    b->used += n;
    return true;
}

bool skep__bytes_append_padded(skep__bytes *b, const void *bytes, size_t n)
{
    static const uint8_t zeros[8] = {0};
    const size_t before = b->used;
    if (skep__bytes_append(b, bytes, n) && skep__bytes_append(b, zeros, skep__align(n, 8) - n))
        return true;
    b->used = before;
    return false;
}

void skep__bytes_deinit(skep__bytes *b)
{
    skep__free(b->allocator, b->data, b->cap, 16);
    b->data = NULL;
    b->used = b->cap = 0;
}
