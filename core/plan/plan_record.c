/* SPDX-License-Identifier: MIT */
/* What a system remembers lies in the world, in records of bytes found by name, so that snapshots,
 * saves and hashes have it. A plan keeps the index of each system's record; restoring an older
 * snapshot or loading a file can move or remove records, so a frame's begin compares the names. */
#include "core/plan/plan_internal.h"

_Static_assert(sizeof(skep__system_record) <= SKEP__RECORD_BYTES, "a record is too small");
_Static_assert(SKEP_SYSTEM_NAME_BYTES == SKEP__RECORD_NAME_BYTES, "names have one length");

static skep_status record_make(skep_plan *p, skep__system *s)
{
    const skep_status status = skep__world_record(p->world, s->name, &s->record);
    if (status != SKEP_OK) return status;
    if (skep__system_record_read(p, s)->known) return SKEP_OK;
    skep__system_record *r = skep__system_record_write(p, s);
    if (!r) return SKEP_NO_MEMORY;
    r->known = 1;
    r->disabled = (s->desc.flags & SKEP_SYSTEM_DISABLED) != 0;
    return SKEP_OK;
}

skep_status skep__records_make(skep_plan *p)
{
    for (uint32_t i = 0; i < p->system_count; i++) {
        const skep_status status = record_make(p, p->systems[i]);
        if (status != SKEP_OK) return status;
    }
    return SKEP_OK;
}

skep_status skep__records_check(skep_plan *p)
{
    const skep_world *w = p->world;
    const skep__record *all = (const void *)skep__blob_read(&w->store, &w->records);
    for (uint32_t i = 0; i < p->system_count; i++) {
        skep__system *s = p->systems[i];
        const bool there =
            s->record < w->record_count && skep__text_equal(all[s->record].name, s->name);
        if (SKEP_LIKELY(there)) continue;
        const skep_status status = record_make(p, s);
        if (status != SKEP_OK) return status;
        all = (const void *)skep__blob_read(&w->store, &w->records);
    }
    return SKEP_OK;
}

const skep__system_record *skep__system_record_read(const skep_plan *p, const skep__system *s)
{
    const skep__record *record = skep__record_read(p->world, s->record);
    return (const skep__system_record *)(const void *)record->bytes;
}

skep__system_record *skep__system_record_write(skep_plan *p, const skep__system *s)
{
    skep_world *w = p->world;
    /* The same epoch says that the records are this world's alone and no hash of them is kept. */
    if (SKEP_LIKELY(w->records.epoch == w->store.epoch)) {
        skep__record *all = (void *)skep__slot_data(&w->store.arena, w->records.slot);
        return (skep__system_record *)(void *)all[s->record].bytes;
    }
    skep__record *record = skep__record_write(w, s->record);
    return record ? (skep__system_record *)(void *)record->bytes : NULL;
}
