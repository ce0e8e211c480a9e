/* SPDX-License-Identifier: MIT */
/* Taking a world to a save, whatever it holds now. Loading wants a world without entities, so those
 * that are there are destroyed first, and come back from a snapshot if the save is refused after
 * all. Damage is found before that, by checksum. */
#include "core/data/data.h"

#include "skep/query.h"

/* Destroys all entities: collected first, since nothing may be destroyed while a query is walked.
 */
static skep_status replace_clear(skep_world *w)
{
    const skep_allocator *a = &w->store.allocator;
    const uint32_t count = skep_world_entity_count(w);
    if (count == 0) return SKEP_OK;
    const size_t bytes = (size_t)count * sizeof(skep_entity);
    skep_entity *all = (skep_entity *)a->alloc(a->ctx, bytes, 16);
    if (!all) return SKEP_NO_MEMORY;
    const skep_query_desc d = skep_query_desc_default();
    skep_query *query = NULL;
    skep_status status = skep_query_create(w, &d, &query);
    uint32_t found = 0;
    if (status == SKEP_OK) {
        skep_query_iter it = skep_query_begin(query);
        for (; skep_query_next(&it); found += it.n)
            memcpy(all + found, it.entity, it.n * sizeof *all);
        status = it.status;
    }
    skep_query_destroy(query);
    if (status == SKEP_OK) status = skep_entity_destroy_many(w, all, found);
    a->free(a->ctx, all, bytes, 16);
    return status;
}

skep_status skep__world_replace(skep_world *w, const void *bytes, size_t size,
                                skep_load_report *report, bool *lost)
{
    skep_snapshot *before = NULL;
    memset(report, 0, sizeof *report);
    *lost = false;
    skep_status status = skep_save_check(bytes, size, NULL, &report->error);
    if (status != SKEP_OK) return status;
    status = skep_snapshot_take(w, &before);
    if (status == SKEP_OK) status = replace_clear(w);
    if (status == SKEP_OK) status = skep_load(w, bytes, size, report);
    /* Nothing new is needed to go back to what was there a moment ago. */
    if (status != SKEP_OK && before) *lost = skep_world_restore(w, before) != SKEP_OK;
    skep_snapshot_release(before);
    return status;
}
