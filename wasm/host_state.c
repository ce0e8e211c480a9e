/* SPDX-License-Identifier: MIT */
/* Snapshots, saves, hashes, differences, resources, events and inputs. */
#include "wasm/host.h"

/* ---- snapshots ------------------------------------------------------------------------------ */

/* Takes a snapshot; NULL on failure. */
skep_snapshot *HOST_EXPORT(skep_host_snapshot)(host *h)
{
    skep_snapshot *snapshot = NULL;
    return host_check(h, skep_snapshot_take(h->world, &snapshot)) == SKEP_OK ? snapshot : NULL;
}

/* Ends a snapshot. */
void HOST_EXPORT(skep_host_release)(host *h, skep_snapshot *snapshot)
{
    (void)h;
    skep_snapshot_release(snapshot);
}

/* Goes back to a snapshot. */
uint32_t HOST_EXPORT(skep_host_restore)(host *h, const skep_snapshot *snapshot)
{
    return (uint32_t)host_check(h, skep_world_restore(h->world, snapshot));
}

/* The hash of a snapshot, or of the world where it is NULL, in io[0] and io[1]. */
void HOST_EXPORT(skep_host_hash)(host *h, const skep_snapshot *snapshot)
{
    host_put_u64(h, 0, snapshot ? skep_snapshot_hash(snapshot) : skep_world_hash(h->world));
}

/* Tick (2 words), entities and time (as a double's 2 words) of a snapshot. */
void HOST_EXPORT(skep_host_snapshot_info)(host *h, const skep_snapshot *snapshot)
{
    const double time = skep_snapshot_time(snapshot);
    host_put_u64(h, 0, skep_snapshot_tick(snapshot));
    h->io[2] = skep_snapshot_entity_count(snapshot);
    memcpy(&h->io[4], &time, sizeof time);
}

/* Copies an entity's value in a snapshot. 0: it was not alive, or had none. */
uint32_t HOST_EXPORT(skep_host_snapshot_get)(host *h, const skep_snapshot *snapshot, uint32_t low,
                                             uint32_t high, const skep_component *c, void *value)
{
    (void)h;
    return skep_snapshot_get(snapshot, host_entity(low, high), c, c->size ? value : NULL) ? 1 : 0;
}

/* Lists the rows of a snapshot whose entities have the `count` components in io, as
 * skep_host_pass does: rows, handles, 0, rows, then the columns' addresses. io[0] the address, io[1]
 * the number of runs. */
uint32_t HOST_EXPORT(skep_host_snapshot_rows)(host *h, const skep_snapshot *snapshot,
                                              uint32_t count)
{
    const skep_component *all[SKEP_TERM_MAX];
    skep_snapshot_rows rows;
    uint32_t runs = 0;
    if (count > SKEP_TERM_MAX) return (uint32_t)host_fail(h, SKEP_LIMIT, "too many components");
    for (uint32_t i = 0; i < count; i++) all[i] = (const skep_component *)(uintptr_t)h->io[i];
    memset(&rows, 0, sizeof rows);
    h->list.used = 0;
    while (skep_snapshot_next(snapshot, all, count, &rows)) {
        uint32_t words = 4;
        for (uint32_t i = 0; i < count; i++) words += all[i]->field_count;
        uint32_t *w = host_buffer_push(h, &h->list, words * sizeof *w);
        if (!w) return (uint32_t)host_fail(h, SKEP_NO_MEMORY, "no memory: raise memoryMax");
        *w++ = rows.count;
        *w++ = (uint32_t)(uintptr_t)rows.entity;
        *w++ = 0;
        *w++ = rows.count;
        for (uint32_t i = 0; i < count; i++)
            for (uint32_t f = 0; f < all[i]->field_count; f++)
                *w++ = (uint32_t)(uintptr_t)skep_snapshot_column(snapshot, &rows, all[i], f);
        runs++;
    }
    h->io[0] = (uint32_t)(uintptr_t)h->list.data;
    h->io[1] = runs;
    return SKEP_OK;
}

/* ---- differences ---------------------------------------------------------------------------- */

static bool diff_item(void *ctx, const skep_diff_item *item)
{
    host *h = ctx;
    const uint32_t fields = item->component ? item->component->field_count : 0;
    uint32_t *w = host_buffer_push(h, &h->list, (5 + fields) * sizeof *w);
    if (!w) return false;
    *w++ = item->kind;
    *w++ = item->count;
    *w++ = (uint32_t)(uintptr_t)item->entity;
    *w++ = item->component ? (uint32_t)(uintptr_t)item->component->name : 0;
    *w++ = fields;
    for (uint32_t f = 0; f < fields; f++) *w++ = (uint32_t)(uintptr_t)item->column[f];
    h->io[1]++;
    return true;
}

/* Lists what turns one snapshot into another: io[0] the address, io[1] the number of items (kind,
 * entities, their address, the component's name, columns, their addresses). */
uint32_t HOST_EXPORT(skep_host_diff)(host *h, const skep_snapshot *before,
                                     const skep_snapshot *after)
{
    h->list.used = 0;
    h->io[1] = 0;
    const skep_status status = skep_diff(before, after, diff_item, h);
    h->io[0] = (uint32_t)(uintptr_t)h->list.data;
    return (uint32_t)(status == SKEP_OK ? status : host_fail(h, status, "these are snapshots of "
                                                                        "two worlds"));
}

/* ---- saves ---------------------------------------------------------------------------------- */

static bool save_bytes(void *ctx, const void *bytes, size_t n)
{
    host *h = ctx;
    void *at = host_buffer_push(h, &h->bytes, skep__u32(n));
    if (at) memcpy(at, bytes, n);
    return at != NULL;
}

/* Saves a snapshot, or the world where it is NULL: io[0] the address, io[1] the bytes. */
uint32_t HOST_EXPORT(skep_host_save)(host *h, const skep_snapshot *snapshot)
{
    h->bytes.used = 0;
    const skep_status status = snapshot ? skep_save_snapshot(snapshot, save_bytes, h)
                                        : skep_save(h->world, save_bytes, h);
    h->io[0] = (uint32_t)(uintptr_t)h->bytes.data;
    h->io[1] = h->bytes.used;
    if (status == SKEP_IO)
        return (uint32_t)host_fail(h, SKEP_NO_MEMORY, "no memory for the save: raise memoryMax");
    return (uint32_t)host_check(h, status);
}

/* Takes the world to what a save holds; it stays as it was when that fails. io[0] is the byte at
 * which reading stopped. */
uint32_t HOST_EXPORT(skep_host_load)(host *h, const void *bytes, uint32_t n)
{
    skep_load_report report;
    memset(&report, 0, sizeof report);
    const skep_status status = skep_load(h->world, bytes, n, &report);
    h->io[0] = (uint32_t)report.error.offset;
    if (status == SKEP_OK) return SKEP_OK;
    return (uint32_t)host_fail(
        h, status, "%s%s%s%s%s (byte %u)",
        report.error.message ? report.error.message : skep_status_text(status),
        report.component[0] ? ": component " : "", report.component,
        report.field[0] ? ", field " : "", report.field, h->io[0]);
}

/* ---- resources ------------------------------------------------------------------------------ */

/* The address of a resource's C struct for reading (NULL: never set) or, with `write`, for changing
 * it (NULL: failed). */
const void *HOST_EXPORT(skep_host_resource)(host *h, const skep_component *c, uint32_t write)
{
    if (!write) return skep_world_resource_read(h->world, c, NULL);
    const void *at = skep_world_resource_write(h->world, c, NULL);
    if (!at) (void)host_check(h, SKEP_NO_MEMORY);
    return at;
}

/* ---- events and inputs ---------------------------------------------------------------------- */

/* Sends the event whose C struct is at `value`, to an entity or, with null, to all. */
uint32_t HOST_EXPORT(skep_host_send)(host *h, const skep_component *c, uint32_t low, uint32_t high,
                                     const void *value)
{
    return (uint32_t)host_check(h, skep_world_send(h->world, c, host_entity(low, high), value));
}

/* Gives the world an input. */
uint32_t HOST_EXPORT(skep_host_input)(host *h, const skep_component *c, uint32_t source,
                                      double number, uint32_t low, uint32_t high,
                                      const void *value)
{
    return (uint32_t)host_check(h, skep_world_input(h->world, source, (uint64_t)number,
                                                    host_entity(low, high), c, value));
}

/* Lists the events of a type from a number on: io[0] the address, io[1] how many (addressee 2, number
 * 2, address of the C struct), io[2] and io[3] the number that the next event will get. */
uint32_t HOST_EXPORT(skep_host_events)(host *h, const skep_component *c, uint32_t since_low,
                                       uint32_t since_high)
{
    skep_event_iter it =
        skep_world_events(h->world, c, (uint64_t)since_high << 32 | since_low);
    uint32_t count = 0;
    h->list.used = 0;
    while (skep_event_next(&it)) {
        uint32_t *w = host_buffer_push(h, &h->list, 5 * sizeof *w);
        if (!w) return (uint32_t)host_fail(h, SKEP_NO_MEMORY, "no memory: raise memoryMax");
        w[0] = (uint32_t)it.to.bits;
        w[1] = (uint32_t)(it.to.bits >> 32);
        w[2] = (uint32_t)it.seq;
        w[3] = (uint32_t)(it.seq >> 32);
        w[4] = (uint32_t)(uintptr_t)it.value;
        count++;
    }
    h->io[0] = (uint32_t)(uintptr_t)h->list.data;
    h->io[1] = count;
    host_put_u64(h, 2, skep_world_event_seq(h->world));
    return SKEP_OK;
}

/* Checks what must hold between storage, ids and counts: O(entities), for bug hunts. */
uint32_t HOST_EXPORT(skep_host_check)(host *h)
{
    return (uint32_t)host_check(h, skep_world_check(h->world));
}

/* Bytes of the region that are in use. */
uint32_t HOST_EXPORT(skep_host_bytes)(host *h)
{
    return skep__u32(skep_world_bytes(h->world));
}
