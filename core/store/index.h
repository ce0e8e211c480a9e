/* SPDX-License-Identifier: MIT */
/* Freeing indexes, for the files of the store and for apply. Inline, since destroying an entity is
 * little else. */
#ifndef SKEP_CORE_STORE_INDEX_H
#define SKEP_CORE_STORE_INDEX_H

#include "core/store/store.h"

/* The row bits of the free queue's last record. */
#define SKEP__QUEUE_END (SKEP__RECORD_ROW_MASK - 1u)

SKEP_INLINE uint64_t skep__record_make_dead(uint32_t generation, uint32_t link)
{
    return skep__record_make(generation, 0, link);
}

/* Puts a dead index at the queue's end; its page and the tail's are owned. */
SKEP_INLINE void skep__queue_push(skep__store *s, uint32_t index, uint32_t generation)
{
    s->index[index] = skep__record_make_dead(generation, SKEP__QUEUE_END);
    if (s->queue.count == 0) {
        s->queue.head = index;
    } else {
        uint64_t *tail = &s->index[s->queue.tail];
        *tail = (*tail & ~(uint64_t)SKEP__RECORD_ROW_MASK) | index;
    }
    s->queue.tail = index;
    s->queue.count++;
}

/* Owns what skep__id_free will write: the index's page and the queue tail's. */
SKEP_INLINE skep_status skep__id_free_prepare(skep__store *s, uint32_t index)
{
    if (SKEP_UNLIKELY(skep__own_index(s, index) != SKEP_OK)) return SKEP_NO_MEMORY;
    return s->queue.count ? skep__own_index(s, s->queue.tail) : SKEP_OK;
}

/* Queues the index of an entity whose row is gone, with the next generation. */
SKEP_INLINE void skep__id_free(skep__store *s, uint32_t index)
{
    const uint32_t generation = skep__record_generation(s->index[index]);
    if (SKEP_UNLIKELY(generation == SKEP_GENERATION_MAX))
        s->index[index] = 0; /* retired */
    else
        skep__queue_push(s, index, generation + 1u);
}

#endif
