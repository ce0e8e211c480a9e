/* SPDX-License-Identifier: MIT */
/* Reading a ring while its writer goes on: copy, then look what was overwritten meanwhile. */
#include "core/trace/trace_ring.h"

/* Copies the records from number `from` up to `end`, both of what the ring held when asked. */
static uint32_t ring_copy(const skep__trace_ring *ring, uint64_t from, uint64_t end,
                          uint64_t *records, uint64_t *first)
{
    const uint64_t capacity = ring->mask + 1;
    for (uint64_t n = from; n < end; n++) {
        const _Atomic uint64_t *word = ring->words + (n & ring->mask) * SKEP__TRACE_WORDS;
        uint64_t *to = records + (n - from) * SKEP__TRACE_WORDS;
        for (uint32_t i = 0; i < SKEP__TRACE_WORDS; i++) {
            to[i] = atomic_load_explicit(&word[i], memory_order_acquire);
        }
    }
    /* What the writer may have been at meanwhile does not count. */
    const uint64_t now = atomic_load_explicit(&ring->head, memory_order_relaxed);
    uint64_t good = now >= capacity ? now - capacity + 1 : 0;
    if (good < from) good = from;
    if (good > end) good = end;
    if (good > from) {
        memmove(records, records + (good - from) * SKEP__TRACE_WORDS,
                (size_t)(end - good) * SKEP__TRACE_WORDS * sizeof *records);
    }
    *first = good;
    return (uint32_t)(end - good);
}

uint32_t skep__trace_ring_copy(const skep__trace_ring *ring, uint32_t most, uint64_t *records,
                               uint64_t *first)
{
    const uint64_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
    const uint64_t from = head > ring->mask ? head - ring->mask : 0;
    return ring_copy(ring, from, head - from > most ? from + most : head, records, first);
}

uint32_t skep__trace_ring_last(const skep__trace_ring *ring, uint32_t most, uint64_t *records,
                               uint64_t *first)
{
    const uint64_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
    const uint64_t from = head > ring->mask ? head - ring->mask : 0;
    return ring_copy(ring, head - from > most ? head - most : from, head, records, first);
}
