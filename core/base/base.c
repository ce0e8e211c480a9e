/* SPDX-License-Identifier: MIT */
/* The parts of base.h that are not inline: growing arrays of host-private memory, and the status
 * texts. An array grows by doubling and never shrinks, so that a warmed-up frame allocates nothing.
 */
#include "core/base/base.h"

bool skep__array_grow(const skep_allocator *a, void **array, uint32_t *cap, uint32_t need,
                      size_t element_bytes)
{
    if (need <= *cap) return true;
    uint32_t want = *cap ? *cap : 8u;
    while (want < need) {
        if (want > UINT32_MAX / 2u) return false;
        want *= 2u;
    }
    void *grown = a->alloc(a->ctx, want * element_bytes, 16);
    if (!grown) return false;
    const size_t old_bytes = *cap * element_bytes;
    if (*array) memcpy(grown, *array, old_bytes);
    memset((uint8_t *)grown + old_bytes, 0, want * element_bytes - old_bytes);
    skep__free(a, *array, old_bytes, 16);
    *array = grown;
    *cap = want;
    return true;
}

const char *skep_status_text(skep_status status)
{
    switch (status) {
#define SKEP_STATUS_ROW(name, value, text)                                                         \
    case SKEP_##name:                                                                              \
        return text;
        SKEP_STATUS_TABLE(SKEP_STATUS_ROW)
#undef SKEP_STATUS_ROW
    }
    return "unknown status";
}
