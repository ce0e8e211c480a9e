/* SPDX-License-Identifier: MIT */
/* What a system remembers lies in the world, in records of bytes found by name, so that snapshots,
 * saves and hashes have it. A plan keeps the index of each system's record; restoring an older
 * snapshot or loading a file can move or remove records, so each frame's first look at one compares
 * a hash of the name, which is part of the record for that purpose. */
#include "core/plan/plan_internal.h"

_Static_assert(sizeof(skep__system_record) <= SKEP__RECORD_BYTES, "a record is too small");
_Static_assert(SKEP_SYSTEM_NAME_BYTES == SKEP__RECORD_NAME_BYTES, "names have one length");

static skep_status record_make(skep_plan *p, skep__system *s)
{
    const skep_status status = skep__world_record(p->world, s->name, &s->record);
    if (status != SKEP_OK) return status;
    if (skep__system_record_read(p, s)->key == s->key) return SKEP_OK;
    skep__system_record *r = skep__system_record_write(p, s);
    if (!r) return SKEP_NO_MEMORY;
    r->key = s->key;
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

skep_status skep__record_refind(skep_plan *p, skep__system *s)
{
    return record_make(p, s);
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
