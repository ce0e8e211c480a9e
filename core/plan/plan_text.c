/* SPDX-License-Identifier: MIT */
/* Texts and arrays of the plan: growing texts for mistakes, pieces for writers, and which name was
 * meant by one that does not exist. Nothing here runs in a frame. */
#include "core/plan/plan_internal.h"

/* Longest piece that a writer gets, and longest mistake. */
#define PLAN_PIECE_MAX 1024u
/* Names are compared up to here. */
#define PLAN_NEAR_MAX 63u

SKEP_NOINLINE bool skep__plan_grow_slow(skep_plan *p, void *array, uint32_t *cap, uint32_t need,
                                        size_t element_bytes)
{
    void *at = NULL;
    memcpy(&at, array, sizeof at);
    const bool grown = skep__array_grow(&p->allocator, &at, cap, need, element_bytes);
    memcpy(array, &at, sizeof at);
    return grown;
}

void skep__plan_array_free(skep_plan *p, void *array, uint32_t *cap, size_t element_bytes)
{
    void *at = NULL;
    memcpy(&at, array, sizeof at);
    skep__free(&p->allocator, at, *cap * element_bytes, 16);
    at = NULL;
    memcpy(array, &at, sizeof at);
    *cap = 0;
}

bool skep__text_equal(const char *a, const char *b)
{
    while (*a && *a == *b) a++, b++;
    return *a == *b;
}

void skep__text_add(skep_plan *p, skep__text *t, const char *format, ...)
{
    char piece[PLAN_PIECE_MAX];
    va_list args;
    va_start(args, format);
    size_t length = skep__vformat(piece, sizeof piece, format, args);
    va_end(args);
    if (length >= sizeof piece) length = sizeof piece - 1;
    if (!skep__plan_grow(p, &t->bytes, &t->cap, t->used + (uint32_t)length + 1, 1)) {
        t->lost = true;
        return;
    }
    memcpy(t->bytes + t->used, piece, length + 1);
    t->used += (uint32_t)length + 1;
}

void skep__text_write(skep_plan_writer writer, void *ctx, const char *format, ...)
{
    char piece[PLAN_PIECE_MAX];
    va_list args;
    va_start(args, format);
    (void)skep__vformat(piece, sizeof piece, format, args);
    va_end(args);
    writer(ctx, piece);
}

static uint32_t near_length(const char *text)
{
    uint32_t n = 0;
    while (n < PLAN_NEAR_MAX && text[n]) n++;
    return n;
}

/* Insertions, deletions and replacements that turn a into b (Levenshtein), one row at a time. */
static uint32_t near_distance(const char *a, const char *b)
{
    uint32_t row[PLAN_NEAR_MAX + 1];
    const uint32_t na = near_length(a), nb = near_length(b);
    for (uint32_t j = 0; j <= nb; j++) row[j] = j;
    for (uint32_t i = 1; i <= na; i++) {
        uint32_t diagonal = row[0];
        row[0] = i;
        for (uint32_t j = 1; j <= nb; j++) {
            const uint32_t replaced = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            row[j] = skep__min_u32(skep__min_u32(row[j], row[j - 1]) + 1, replaced);
        }
    }
    return row[nb];
}

const char *skep__text_nearest(const char *name, const char *(*at)(const void *ctx, uint32_t i),
                               const void *ctx, uint32_t count)
{
    const uint32_t length = near_length(name);
    uint32_t best = skep__max_u32(1, length / 3) + 1;
    const char *nearest = NULL;
    for (uint32_t i = 0; i < count; i++) {
        const char *candidate = at(ctx, i);
        const uint32_t distance = near_distance(name, candidate);
        if (distance == 0 || distance >= best || distance >= length) continue;
        best = distance;
        nearest = candidate;
    }
    return nearest;
}
