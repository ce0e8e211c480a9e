/* SPDX-License-Identifier: MIT */
/* The ring of one thread: an array of records that its one writer fills round and round, and that
 * anybody may copy meanwhile.
 *
 * A record is three words: when it began, its kind (8 bits) and duration, its payload. The writer
 * puts the words first and then raises `head`, the number of records ever written. A reader takes
 * head, copies, and takes head again: by then the writer may have been at record number `head`, in
 * the place of record head - capacity, so a record counts only if its number is above that. For
 * this the words are released after the head before them, and acquired before the head behind them;
 * head alone would let a word of a newer record be seen beside an older head. tests/model/ has the
 * model of it that a model checker goes through, and what becomes of it without either rule.
 *
 * The clock belongs to the host: the core reads none. A ring pointer may be NULL, which is a ring
 * that is off. */
#ifndef SKEP_CORE_TRACE_TRACE_RING_H
#define SKEP_CORE_TRACE_TRACE_RING_H

#include "core/base/base.h"
#include "skep/trace.h"

#include <stdatomic.h>

#define SKEP__TRACE_WORDS 3u

typedef enum skep__trace_kind {
#define SKEP__TRACE_KIND_ROW(name, number, ...) SKEP__TRACE_##name = number,
#define SKEP__TRACE_WHY_ROW(name, number, text) SKEP__TRACE_WHY_##name = number,
#include "core/trace/trace_kinds.inl"
    SKEP__TRACE_KINDS(SKEP__TRACE_KIND_ROW) SKEP__TRACE_KIND_END
} skep__trace_kind;

/* Why blocks were copied, for COPIED. */
typedef enum skep__trace_why {
    SKEP__TRACE_WHYS(SKEP__TRACE_WHY_ROW) SKEP__TRACE_WHY_END
} skep__trace_why;

#undef SKEP__TRACE_KIND_ROW
#undef SKEP__TRACE_WHY_ROW

/* One thread's ring; lines of its own, since another core writes the next one. */
typedef struct skep__trace_ring {
    _Alignas(128) _Atomic uint64_t head; /* records ever written */
    _Atomic uint64_t *words;             /* SKEP__TRACE_WORDS a record */
    skep_trace_clock clock;
    uint64_t mask; /* capacity - 1, a power of two less one */
    _Atomic uint32_t on;
} skep__trace_ring;

/* A payload of two halves, the lower of which may be two quarters. */
SKEP_INLINE uint64_t skep__trace_pair(uint32_t low, uint32_t high)
{
    return (uint64_t)high << 32 | low;
}

SKEP_INLINE uint64_t skep__trace_quarters(uint32_t first, uint32_t second, uint32_t high)
{
    const uint32_t low = skep__min_u32(first, 0xffffu) | skep__min_u32(second, 0xffffu) << 16;
    return skep__trace_pair(low, high);
}

/* The time at which a zone begins; 0 while the ring is off. */
SKEP_INLINE uint64_t skep__trace_begin(const skep__trace_ring *ring)
{
    if (!ring || !atomic_load_explicit(&ring->on, memory_order_relaxed)) return 0;
    return ring->clock();
}

/* Writes one record. The ring's one writer; the ring is not NULL. */
SKEP_INLINE void skep__trace_put(skep__trace_ring *ring, skep__trace_kind kind, uint64_t begin,
                                 uint64_t end, uint64_t payload)
{
    const uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    _Atomic uint64_t *word = ring->words + (head & ring->mask) * SKEP__TRACE_WORDS;
    atomic_store_explicit(&word[0], begin, memory_order_release);
    atomic_store_explicit(&word[1], (end - begin) << 8 | (uint32_t)kind, memory_order_release);
    atomic_store_explicit(&word[2], payload, memory_order_release);
    atomic_store_explicit(&ring->head, head + 1, memory_order_release);
}

/* Ends a zone that began at `begin` (0: nothing is written), and returns its end, at which the next
 * one may begin. */
SKEP_INLINE uint64_t skep__trace_end(skep__trace_ring *ring, skep__trace_kind kind, uint64_t begin,
                                     uint64_t payload)
{
    if (!begin) return 0;
    const uint64_t end = ring->clock();
    skep__trace_put(ring, kind, begin, end, payload);
    return end;
}

/* Writes a mark or a counter at a time; 0: nothing is written. */
SKEP_INLINE void skep__trace_at(skep__trace_ring *ring, skep__trace_kind kind, uint64_t at,
                                uint64_t payload)
{
    if (at) skep__trace_put(ring, kind, at, at, payload);
}

/* Copies at most `most` of the records that the ring holds, the oldest first, into `records`
 * (SKEP__TRACE_WORDS words each) and returns their number; `*first` gets the number of the first,
 * which is how many were overwritten before it. Any thread, the writer at work or not. */
uint32_t skep__trace_ring_copy(const skep__trace_ring *ring, uint32_t most, uint64_t *records,
                               uint64_t *first);

/* The same for the newest `most` of them; the oldest first, too. */
uint32_t skep__trace_ring_last(const skep__trace_ring *ring, uint32_t most, uint64_t *records,
                               uint64_t *first);

#endif
