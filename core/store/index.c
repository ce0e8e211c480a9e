/* SPDX-License-Identifier: MIT */
/* Handles: taking, giving back and claiming indexes.
 *
 * The free queue runs through the dead records (table 0): the row bits hold the next index, or
 * SKEP__QUEUE_END. A taken index that never was alive is marked FRESH, which tells it from one that
 * came out of the queue. Taking from the queue writes nothing but the four integers, so a batch
 * that reserves a thousand handles and uses three costs three. An index whose generations are used
 * up leaves the queue for good: its record is 0. */
#include "core/store/index.h"

#define FRESH SKEP__RECORD_ROW_MASK

static bool fresh_take(skep__store *s, skep_entity *out)
{
    const uint32_t index = s->queue.index_count;
    if (index == s->entity_max) {
        s->limit = "entity_max";
        return false;
    }
    s->limit = NULL;
    if (skep__own_index(s, index) != SKEP_OK) return false;
    s->index[index] = skep__record_make_dead(1, FRESH);
    s->queue.index_count++;
    *out = skep_entity_make(index, 1);
    return true;
}

uint32_t skep__ids_take(skep__store *s, uint32_t n, skep_entity *out)
{
    skep__queue_mend(s);
    for (uint32_t i = 0; i < n; i++) {
        if (s->queue.count) {
            const uint32_t index = s->queue.head;
            const uint64_t r = s->index[index];
            /* Owning the page now lets the handle be given back without failing. */
            s->limit = NULL;
            if (skep__own_index(s, index) != SKEP_OK) return i;
            s->queue.head = skep__record_row(r);
            s->queue.count--;
            out[i] = skep_entity_make(index, skep__record_generation(r));
        } else if (!fresh_take(s, &out[i])) {
            return i;
        }
    }
    return n;
}

static bool taken_fresh(const skep__store *s, skep_entity e)
{
    return skep__record_row(s->index[skep_entity_index(e)]) == FRESH;
}

/* Puts a handle that came from the queue back to its front. */
static void queue_unpop(skep__store *s, skep_entity e)
{
    const uint32_t index = skep_entity_index(e);
    if (skep__own_index(s, index) != SKEP_OK) return;
    const uint32_t link = s->queue.count ? s->queue.head : SKEP__QUEUE_END;
    s->index[index] = skep__record_make_dead(skep_entity_generation(e), link);
    if (s->queue.count == 0) s->queue.tail = index;
    s->queue.head = index;
    s->queue.count++;
}

/* An index page that cannot be owned (no memory for the copy that a snapshot needs, although
 * skep__ids_take owned it before) costs the index, not the world: it stays dead and unused. */
void skep__ids_return(skep__store *s, const skep_entity *unused, uint32_t n)
{
    while (n > 0 && taken_fresh(s, unused[n - 1])) {
        const uint32_t index = skep_entity_index(unused[n - 1]);
        if (index + 1u != s->queue.index_count || skep__own_index(s, index) != SKEP_OK) break;
        s->index[index] = 0;
        s->queue.index_count--;
        n--;
    }
    for (uint32_t i = n; i > 0; i--)
        if (!taken_fresh(s, unused[i - 1])) queue_unpop(s, unused[i - 1]);
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t index = skep_entity_index(unused[i]);
        if (taken_fresh(s, unused[i]) && skep__id_free_prepare(s, index) == SKEP_OK)
            skep__queue_push(s, index, 1);
    }
}

void skep__queue_mend(skep__store *s)
{
    if (SKEP_LIKELY(!s->queue_stale)) return;
    s->queue_stale = false;
    s->queue.count = 0;
    for (uint32_t i = 0; i < s->queue.index_count; i++) {
        const uint64_t r = s->index[i];
        const bool dead = skep__record_table(r) == 0 && skep__record_generation(r) != 0;
        if (dead && skep__id_free_prepare(s, i) == SKEP_OK)
            skep__queue_push(s, i, skep__record_generation(r));
    }
}

skep_status skep__id_claim(skep__store *s, skep_entity e)
{
    const uint32_t index = skep_entity_index(e);
    if (skep_entity_generation(e) == 0 || skep_entity_generation(e) > SKEP_GENERATION_MAX)
        return SKEP_ARGUMENT;
    if (index >= s->entity_max) {
        s->limit = "entity_max";
        return SKEP_LIMIT;
    }
    while (s->queue.index_count < index) {
        const uint32_t next = s->queue.index_count;
        if (skep__id_free_prepare(s, next) != SKEP_OK) return SKEP_NO_MEMORY;
        s->queue.index_count++;
        skep__queue_push(s, next, 1);
    }
    if (skep__own_index(s, index) != SKEP_OK) return SKEP_NO_MEMORY;
    if (index == s->queue.index_count) {
        s->queue.index_count++;
    } else {
        if (skep__record_table(s->index[index]) != 0) return SKEP_EXISTS;
        s->queue_stale = true;
    }
    s->index[index] = skep__record_make_dead(skep_entity_generation(e), FRESH);
    return SKEP_OK;
}
