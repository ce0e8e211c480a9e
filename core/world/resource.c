/* SPDX-License-Identifier: MIT */
/* Resources: named values that are no entity's, one blob each; and the systems' records, which are
 * one blob that the plan alone can read. */
#include "core/world/world_parts.h"

/* ---- resources ------------------------------------------------------------------------------- */

/* The number of a resource that may be read or written now, registered if need be. */
static skep_status resource_number(skep_world *w, const skep_component *info, bool write,
                                   uint32_t *number)
{
    const skep_status status = skep__world_resource(w, info, number);
    const struct skep__system_access *a = w->running;
    if (status != SKEP_OK || SKEP_LIKELY(!a)) return status;
    const bool writes = skep__access_check(w, a->resource_write, a->resource_words, *number,
                                           "write", info->name) == SKEP_OK;
    if (writes) return SKEP_OK;
    if (write) return SKEP_ACCESS;
    return skep__access_check(w, a->resource_read, a->resource_words, *number, "read", info->name);
}

skep_status skep_world_resource_set(skep_world *world, const skep_component *resource,
                                    const void *value, size_t bytes)
{
    uint32_t number = 0;
    const skep_status status = resource_number(world, resource, true, &number);
    if (status != SKEP_OK) return status;
    if (bytes < resource->size || bytes > UINT32_MAX / 4u)
        return skep__world_fail(world, SKEP_ARGUMENT, "%s has %u bytes, %zu were given",
                                resource->name, resource->size, bytes);
    uint8_t *to = NULL;
    if (world->mode == SKEP__WRITE_QUEUE && !world->firing)
        to = skep__command_push(world, &world->outside, SKEP_PATCH_RESOURCE, number,
                                skep_entity_null(), skep__u32(bytes));
    else
        to = skep__blob_write(&world->store, &world->resources[number].value, bytes);
    if (!to) return skep__store_fail(world, SKEP_NO_MEMORY);
    memset(to, 0, bytes);
    if (!value) return SKEP_OK;
    skep__patch_value(to, resource, value);
    memcpy(to + resource->size, (const uint8_t *)value + resource->size, bytes - resource->size);
    return SKEP_OK;
}

const void *skep_world_resource_read(skep_world *world, const skep_component *resource,
                                     size_t *bytes)
{
    uint32_t number = 0;
    if (bytes) *bytes = 0;
    if (resource_number(world, resource, false, &number) != SKEP_OK) return NULL;
    const skep__blob *b = &world->resources[number].value;
    if (bytes) *bytes = b->bytes;
    return skep__blob_read(&world->store, b);
}

void *skep_world_resource_write(skep_world *world, const skep_component *resource, size_t *bytes)
{
    uint32_t number = 0;
    if (bytes) *bytes = 0;
    if (resource_number(world, resource, true, &number) != SKEP_OK) return NULL;
    if (world->mode == SKEP__WRITE_QUEUE) {
        (void)skep__busy_fail(world, "a resource can be changed in place");
        return NULL;
    }
    skep__blob *b = &world->resources[number].value;
    const size_t now = b->slot ? b->bytes : resource->size;
    uint8_t *to = skep__blob_write(&world->store, b, now);
    if (!to) (void)skep__store_fail(world, SKEP_NO_MEMORY);
    if (to && bytes) *bytes = now;
    return to;
}

/* ---- records --------------------------------------------------------------------------------- */

const skep__record *skep__record_read(const skep_world *w, uint32_t index)
{
    SKEP_ASSERT(index < w->record_count);
    return (const skep__record *)(const void *)skep__blob_read(&w->store, &w->records) + index;
}

skep__record *skep__record_write(skep_world *w, uint32_t index)
{
    SKEP_ASSERT(index < w->record_count);
    uint8_t *all = skep__blob_write(&w->store, &w->records, w->records.bytes);
    return all ? (skep__record *)(void *)all + index : NULL;
}

skep_status skep__world_record(skep_world *w, const char *name, uint32_t *index)
{
    size_t length = 0;
    while (name[length]) length++;
    if (length >= SKEP__RECORD_NAME_BYTES)
        return skep__world_fail(w, SKEP_ARGUMENT, "\"%s\" is longer than the %u bytes of a name",
                                name, SKEP__RECORD_NAME_BYTES - 1u);
    for (uint32_t i = 0; i < w->record_count; i++) {
        *index = i;
        if (skep__same_text(skep__record_read(w, i)->name, name)) return SKEP_OK;
    }
    const size_t bytes = (w->record_count + (size_t)1) * sizeof(skep__record);
    uint8_t *all = skep__blob_write(&w->store, &w->records, bytes);
    if (!all) return skep__store_fail(w, SKEP_NO_MEMORY);
    skep__record *r = (skep__record *)(void *)all + w->record_count;
    memset(r, 0, sizeof *r);
    memcpy(r->name, name, length);
    *index = w->record_count++;
    return SKEP_OK;
}
