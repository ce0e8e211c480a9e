/* SPDX-License-Identifier: MIT */
/* Apply and flush: the four steps of apply_internal.h, and what is undone when one of them fails.
 *
 * Destroys cascade over Parent after all patches of the call, by the Parent values that they leave.
 * How much a cascade will touch is not known before, so a call that may cascade takes a snapshot
 * first and goes back to it if memory runs out in its middle; every other call knows what it will
 * write before it writes. */
#include "core/data/apply.h"

#include "core/data/apply_internal.h"
#include "core/data/data.h"
#include "core/world/world_parts.h"

static void apply_deinit(skep_world *w)
{
    skep__data *d = w->data;
    skep__apply_state *a = d->apply;
    const skep_allocator *m = &w->store.allocator;
    skep__array_free(m, (void **)&a->changes, &a->change_cap, sizeof *a->changes);
    skep__array_free(m, (void **)&a->others, &a->other_cap, sizeof *a->others);
    skep__array_free(m, (void **)&a->keys, &a->key_cap, sizeof *a->keys);
    skep__array_free(m, (void **)&a->keys_other, &a->key_other_cap, sizeof *a->keys_other);
    skep__array_free(m, (void **)&a->runs, &a->run_cap, sizeof *a->runs);
    skep__array_free(m, (void **)&a->incoming, &a->incoming_cap, sizeof *a->incoming);
    skep__array_free(m, (void **)&a->gone, &a->gone_cap, sizeof *a->gone);
    skep__array_free(m, (void **)&a->spawn_of, &a->spawn_of_cap, sizeof *a->spawn_of);
    skep__array_free(m, (void **)&a->spawned, &a->spawned_cap, sizeof *a->spawned);
    skep__array_free(m, (void **)&a->dead, &a->dead_cap, sizeof *a->dead);
    skep__array_free(m, (void **)&a->children, &a->child_cap, sizeof *a->children);
    skep__free(m, a->from_column, 2u * SKEP__LAYOUT_COLUMNS_MAX * sizeof *a->from_column, 16);
    skep__free(m, a, sizeof *a, 16);
    d->apply = NULL;
}

static skep__apply_state *apply_state(skep_world *w)
{
    skep__data *d = skep__data_get(w);
    if (!d) return NULL;
    if (SKEP_UNLIKELY(!d->apply)) {
        skep__apply_state *a = skep__alloc(&w->store.allocator, sizeof *a, 16);
        if (!a) return NULL;
        a->w = w;
        d->apply = a;
        d->apply_deinit = apply_deinit;
    }
    return d->apply;
}

/* Empties the scratch for the next call; what maps indexes and tables goes back to zeros. */
static void apply_clear(skep__apply_state *a)
{
    for (uint32_t i = 0; i < a->spawned_count; i++)
        a->spawn_of[skep_entity_index(a->spawned[i])] = 0;
    const uint32_t tables = skep__min_u32(a->incoming_cap, a->w->store.table_count);
    if (tables) memset(a->incoming, 0, tables * sizeof *a->incoming);
    a->change_count = 0;
    a->other_count = 0;
    a->run_count = 0;
    a->spawned_count = 0;
    a->dead_count = 0;
    a->child_count = 0;
    a->last_key = 0;
    a->unsorted = false;
    a->any_destroy = false;
    a->report = (skep__apply_report){0, 0};
}

/* Gives the handles of children back that prepare took. */
static void children_return(skep__apply_state *a)
{
    for (uint32_t i = a->child_count; i > 0; i--)
        skep__ids_return(&a->w->store, &a->children[i - 1].entity, 1);
}

/* Whether a destroyed entity may have children when all patches are applied. */
static bool may_cascade(const skep__apply_state *a)
{
    const skep_world *w = a->w;
    if (!a->any_destroy || w->parent_type == SKEP__NO_TYPE) return false;
    if (skep__apply_has_parents(w)) return true;
    const uint32_t tables = skep__min_u32(a->incoming_cap, w->store.table_count);
    for (uint32_t i = 1; i < tables; i++)
        if (a->incoming[i] && w->store.types[w->parent_type].dir[i].cells) return true;
    for (uint32_t i = 0; i < a->change_count; i++) {
        const uint32_t prefab = skep__change_number(a->changes[i]);
        if (skep__change_kind(a->changes[i]) == SKEP_PATCH_SPAWN &&
            prefab != SKEP__CHANGE_NO_NUMBER && w->prefabs[prefab].child_count)
            return true;
    }
    return false;
}

static skep_status apply_plain(skep__apply_state *a)
{
    const skep_status status = skep__apply_prepare(a);
    if (status == SKEP_OK) skep__apply_execute(a);
    if (status != SKEP_OK) children_return(a);
    return status;
}

static skep_status apply_cascading(skep__apply_state *a)
{
    skep_snapshot *before = NULL;
    skep_status status = skep__snapshot_take(a->w, &before);
    if (status != SKEP_OK) return status;
    status = apply_plain(a);
    if (status == SKEP_OK) {
        status = skep__apply_cascade(a);
        if (status != SKEP_OK) (void)skep__restore(a->w, before);
    }
    skep_snapshot_release(before);
    return status;
}

skep_status skep__apply(skep_world *w, const skep__apply_buffer *buffers, uint32_t count,
                        skep__apply_report *report)
{
    skep__apply_state *a = apply_state(w);
    if (!a) return SKEP_NO_MEMORY;
    w->store.limit = NULL;
    skep_status status = skep__apply_scan(a, buffers, count);
    if (status == SKEP_OK) status = skep__apply_gather(a);
    if (status == SKEP_OK) status = may_cascade(a) ? apply_cascading(a) : apply_plain(a);
    if (status == SKEP_OK) {
        w->dropped += a->report.dropped;
        report->patches += a->report.patches - a->report.dropped;
        report->dropped += a->report.dropped;
    } else if (status == SKEP_LIMIT && w->store.limit) {
        (void)skep__store_fail(w, status); /* the store named the knob */
    }
    apply_clear(a);
    return status;
}

skep_status skep__flush(skep_world *w, skep__apply_report *report)
{
    for (uint32_t round = 0; round < SKEP__HOOK_ROUNDS; round++) {
        if (w->batch.used) {
            const skep__apply_buffer buffer = {w->batch.bytes, w->batch.used, NULL};
            const skep_status status = skep__apply(w, &buffer, 1, report);
            skep__commands_clear(&w->batch);
            if (status != SKEP_OK) return status;
        }
        skep__world_fire(w);
        if (w->batch.used == 0 && w->note_count == 0) return SKEP_OK;
    }
    return skep__world_fail(w, SKEP_LIMIT,
                            "hook_rounds: hooks queued commands %u times in a row, and still do",
                            SKEP__HOOK_ROUNDS);
}
