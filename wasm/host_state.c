/* SPDX-License-Identifier: MIT */
/* Snapshots, saves, hashes, differences, resources, events and inputs. */
#include "wasm/host.h"

#include "core/data/data.h"

/* ---- snapshots ------------------------------------------------------------------------------ */

/* While a query is iterated, JavaScript writes into blocks that must not become a snapshot's. */
static skep_status state_ready(host *h, const char *what)
{
    if (!h->world->iterating || h->world->mode != SKEP__WRITE_NOW) return SKEP_OK;
    return host_fail(h, SKEP_BUSY, "%s: a query is iterated, or hooks run; do it afterwards", what);
}

/* Takes a snapshot; NULL on failure: then io[0] is the status. */
skep_snapshot *HOST_EXPORT(skep_host_snapshot)(host *h)
{
    skep_snapshot *snapshot = NULL;
    skep_status status = state_ready(h, "snapshot");
    if (status == SKEP_OK) status = host_check(h, skep_snapshot_take(h->world, &snapshot));
    h->io[0] = (uint32_t)status;
    return status == SKEP_OK ? snapshot : NULL;
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
    const skep_status status = state_ready(h, "restore");
    if (status != SKEP_OK) return (uint32_t)status;
    return (uint32_t)host_check(h, skep_world_restore(h->world, snapshot));
}

/* The hash of a snapshot, or of the world where it is NULL, in io[0] and io[1]. */
uint32_t HOST_EXPORT(skep_host_hash)(host *h, const skep_snapshot *snapshot)
{
    const skep_status status = snapshot ? SKEP_OK : state_ready(h, "hash");
    if (status != SKEP_OK) return (uint32_t)status;
    host_put_u64(h, 0, snapshot ? skep_snapshot_hash(snapshot) : skep_world_hash(h->world));
    return SKEP_OK;
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

/* Lists the rows of a snapshot whose entities have the `count` components in io, as skep_host_pass
 * does: rows, handles, 0, rows, then the columns' addresses. io[0] the address, io[1] the number of
 * runs. */
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

/* Runs of fewer rows are gathered: an object in JavaScript costs more than copying a few values. */
#define DIFF_LONG 32u
/* In an item's kind: its handles and values are copies, gone at the next difference. */
#define DIFF_GATHERED 256u

/* What all short runs of one kind and component become. */
typedef struct diff_group {
    uint32_t kind;
    const skep_component *component;
    uint32_t count;
    uint32_t done;
    uint8_t *entity;
    uint8_t *column[SKEP_FIELD_MAX];
} diff_group;

/* A short run; it belongs to a group by number. */
typedef struct diff_short {
    uint32_t group;
    skep_diff_item item;
} diff_short;

static uint32_t diff_fields(const skep_component *component, uint32_t kind)
{
    return component && kind != SKEP_DIFF_REMOVED ? component->field_count : 0;
}

/* Appends an item for JavaScript. */
static bool diff_put(host *h, uint32_t kind, uint32_t count, const void *entity,
                     const skep_component *component, const void *const *column)
{
    const uint32_t fields = diff_fields(component, kind & 0xffu);
    uint32_t *w = host_buffer_push(h, &h->list, (5 + fields) * sizeof *w);
    if (!w) return false;
    *w++ = kind;
    *w++ = count;
    *w++ = (uint32_t)(uintptr_t)entity;
    *w++ = component ? (uint32_t)(uintptr_t)component->name : 0;
    *w++ = fields;
    for (uint32_t f = 0; f < fields; f++) *w++ = (uint32_t)(uintptr_t)column[f];
    h->io[1]++;
    return true;
}

/* The group of a run, made where there is none; UINT32_MAX without memory. */
static uint32_t diff_group_of(host *h, const skep_diff_item *item)
{
    diff_group *groups = h->groups.data;
    const uint32_t count = h->groups.used / (uint32_t)sizeof *groups;
    for (uint32_t i = count; i > 0; i--)
        if (groups[i - 1].kind == item->kind && groups[i - 1].component == item->component)
            return i - 1;
    diff_group *group = host_buffer_push(h, &h->groups, sizeof *group);
    if (!group) return UINT32_MAX;
    memset(group, 0, sizeof *group);
    group->kind = item->kind;
    group->component = item->component;
    return count;
}

static bool diff_item(void *ctx, const skep_diff_item *item)
{
    host *h = ctx;
    if (item->count >= DIFF_LONG) {
        h->lacks =
            !diff_put(h, item->kind, item->count, item->entity, item->component, item->column);
        return !h->lacks;
    }
    const uint32_t group = diff_group_of(h, item);
    diff_short *run = host_buffer_push(h, &h->runs, sizeof *run);
    h->lacks = group == UINT32_MAX || !run;
    if (h->lacks) return false;
    ((diff_group *)h->groups.data)[group].count += item->count;
    run->group = group;
    run->item.count = item->count;
    run->item.entity = item->entity;
    const uint32_t fields = diff_fields(item->component, item->kind);
    for (uint32_t f = 0; f < fields; f++) run->item.column[f] = item->column[f];
    return true;
}

static uint32_t field_bytes(const skep_component *component, uint32_t field)
{
    return (uint32_t)component->fields[field].size * component->fields[field].count;
}

/* Gives each group its place in one piece of memory. */
static bool diff_groups_place(host *h)
{
    diff_group *groups = h->groups.data;
    const uint32_t count = h->groups.used / (uint32_t)sizeof *groups;
    for (uint32_t pass = 0; pass < 2; pass++) {
        uint32_t at = 0;
        for (uint32_t i = 0; i < count; i++) {
            diff_group *g = &groups[i];
            g->entity = (uint8_t *)h->gathered.data + at;
            at += g->count * 8u;
            for (uint32_t f = 0; f < diff_fields(g->component, g->kind); f++) {
                g->column[f] = (uint8_t *)h->gathered.data + at;
                at += (uint32_t)skep__align((size_t)g->count * field_bytes(g->component, f), 8);
            }
        }
        h->gathered.used = 0;
        if (pass == 0 && at && !host_buffer_push(h, &h->gathered, at)) return false;
    }
    return true;
}

/* Copies values of a short run; mostly one. */
static void few_copy(uint8_t *to, const void *from, uint32_t bytes)
{
    if (bytes == 4)
        memcpy(to, from, 4);
    else if (bytes == 8)
        memcpy(to, from, 8);
    else
        memcpy(to, from, bytes);
}

/* Copies the short runs into their groups, and lists those. */
static bool diff_gather(host *h)
{
    if (!diff_groups_place(h)) return false;
    diff_group *groups = h->groups.data;
    const diff_short *run = h->runs.data;
    const diff_short *end = run + h->runs.used / sizeof *run;
    for (; run < end; run++) {
        diff_group *g = &groups[run->group];
        few_copy(g->entity + g->done * 8u, run->item.entity, run->item.count * 8u);
        for (uint32_t f = 0; f < diff_fields(g->component, g->kind); f++) {
            const uint32_t bytes = field_bytes(g->component, f);
            few_copy(g->column[f] + (size_t)g->done * bytes, run->item.column[f],
                     run->item.count * bytes);
        }
        g->done += run->item.count;
    }
    for (uint32_t i = 0; i < h->groups.used / (uint32_t)sizeof *groups; i++) {
        const diff_group *g = &groups[i];
        const void *const *column = (const void *const *)(const void *)g->column;
        if (!diff_put(h, g->kind | DIFF_GATHERED, g->count, g->entity, g->component, column))
            return false;
    }
    return true;
}

/* Lists what turns one snapshot into another: io[0] the address, io[1] the number of items (kind,
 * entities, their address, the component's name, columns, their addresses). Short runs are gathered
 * into one item for each kind and component. */
uint32_t HOST_EXPORT(skep_host_diff)(host *h, const skep_snapshot *before,
                                     const skep_snapshot *after)
{
    h->list.used = 0;
    h->runs.used = 0;
    h->groups.used = 0;
    h->io[1] = 0;
    h->lacks = false;
    skep_status status = skep_diff(before, after, diff_item, h);
    if (status == SKEP_OK && !h->lacks) h->lacks = !diff_gather(h);
    h->io[0] = (uint32_t)(uintptr_t)h->list.data;
    if (h->lacks) return (uint32_t)host_fail(h, SKEP_NO_MEMORY, "no memory: raise memoryMax");
    return (uint32_t)(status == SKEP_OK ? status
                                        : host_fail(h, status,
                                                    "these are snapshots of "
                                                    "two worlds"));
}

/* ---- saves ---------------------------------------------------------------------------------- */

/* A piece of a save: where it lies, and its bytes. */
typedef struct save_piece {
    const uint8_t *at;
    uint32_t bytes;
} save_piece;

/* Lists a piece. What lies in the region stays there; the rest is copied. Blocks of a column lie
 * behind each other mostly, and become one piece. */
static bool save_bytes(void *ctx, const void *bytes, size_t n)
{
    host *h = ctx;
    const bool stays = (uintptr_t)bytes >= (uintptr_t)h->heap->region;
    const uint32_t used = h->bytes.used;
    const uint32_t count = h->list.used / (uint32_t)sizeof(save_piece);
    if (!stays) {
        void *at = host_buffer_push(h, &h->bytes, skep__u32(n));
        if (!at) return false;
        memcpy(at, bytes, n);
    }
    save_piece *last = count ? (save_piece *)h->list.data + count - 1 : NULL;
    if (stays && last && last->at + last->bytes == (const uint8_t *)bytes) {
        last->bytes += skep__u32(n);
        return true;
    }
    save_piece *piece = host_buffer_push(h, &h->list, sizeof *piece);
    if (!piece) return false;
    *piece = (save_piece){stays ? bytes : (const uint8_t *)(uintptr_t)used, skep__u32(n)};
    return true;
}

/* Gives JavaScript the list of pieces: io[0] its address, io[1] their number, io[2] the bytes of
 * all. */
static void save_listed(host *h)
{
    save_piece *pieces = h->list.data;
    h->io[0] = (uint32_t)(uintptr_t)pieces;
    h->io[1] = h->list.used / (uint32_t)sizeof *pieces;
    h->io[2] = 0;
    for (uint32_t i = 0; i < h->io[1]; i++) {
        if ((uintptr_t)pieces[i].at < (uintptr_t)h->heap->region)
            pieces[i].at = (const uint8_t *)h->bytes.data + (uintptr_t)pieces[i].at;
        h->io[2] += pieces[i].bytes;
    }
}

/* Saves a snapshot, or the world where it is NULL: io[0] the address of a list of pieces (address,
 * bytes), io[1] their number, io[2] the bytes of all. */
uint32_t HOST_EXPORT(skep_host_save)(host *h, const skep_snapshot *snapshot)
{
    skep_status status = snapshot ? SKEP_OK : state_ready(h, "save");
    if (status != SKEP_OK) return (uint32_t)status;
    h->bytes.used = 0;
    h->list.used = 0;
    status =
        snapshot ? skep_save_snapshot(snapshot, save_bytes, h) : skep_save(h->world, save_bytes, h);
    if (status == SKEP_IO)
        return (uint32_t)host_fail(h, SKEP_NO_MEMORY, "no memory for the save: raise memoryMax");
    save_listed(h);
    return (uint32_t)host_check(h, status);
}

/* Begins a save of a snapshot that is made in steps; there is one at a time. */
uint32_t HOST_EXPORT(skep_host_save_begin)(host *h, const skep_snapshot *snapshot)
{
    if (h->steps) return (uint32_t)host_fail(h, SKEP_BUSY, "a save is being made in steps");
    const skep_status status = skep__save_begin(&h->allocator, snapshot, &h->steps);
    if (status == SKEP_OK) return SKEP_OK;
    return (uint32_t)host_fail(h, status, "a save in steps: %s", skep_status_text(status));
}

/* Reads so many more bytes of it; 1 when all was read. */
uint32_t HOST_EXPORT(skep_host_save_sum)(host *h, uint32_t budget)
{
    return skep__save_sum(h->steps, budget);
}

/* Lists its pieces, as skep_host_save does; those in the region stay where they are as long as the
 * snapshot is held. io[3]: where the region begins. */
uint32_t HOST_EXPORT(skep_host_save_pieces)(host *h)
{
    h->bytes.used = 0;
    h->list.used = 0;
    const skep_status status = skep__save_put(h->steps, save_bytes, h);
    if (status != SKEP_OK)
        return (uint32_t)host_fail(h, SKEP_NO_MEMORY, "no memory for the save: raise memoryMax");
    save_listed(h);
    h->io[3] = (uint32_t)(uintptr_t)h->heap->region;
    return SKEP_OK;
}

/* Ends it. */
void HOST_EXPORT(skep_host_save_end)(host *h)
{
    skep__save_end(h->steps);
    h->steps = NULL;
}

static skep_status load_bytes(host *h, const void *bytes, uint32_t n)
{
    skep_load_report report;
    memset(&report, 0, sizeof report);
    const skep_status status = skep_load(h->world, bytes, n, &report);
    h->io[0] = (uint32_t)report.error.offset;
    if (status == SKEP_OK) return SKEP_OK;
    return host_fail(h, status, "%s%s%s%s%s (byte %u)",
                     report.error.message ? report.error.message : skep_status_text(status),
                     report.component[0] ? ": component " : "", report.component,
                     report.field[0] ? ", field " : "", report.field, h->io[0]);
}

/* Takes the world to what a save holds, instead of what is in it; `empty` is a snapshot of the
 * world before anything was. It stays as it was when that fails. io[0] is the byte at which reading
 * stopped. */
uint32_t HOST_EXPORT(skep_host_replace)(host *h, const skep_snapshot *empty, const void *bytes,
                                        uint32_t n)
{
    skep_snapshot *before = NULL;
    skep_status status = state_ready(h, "load");
    if (status != SKEP_OK) return (uint32_t)status;
    status = host_check(h, skep_snapshot_take(h->world, &before));
    if (status != SKEP_OK) return (uint32_t)status;
    status = host_check(h, skep_world_restore(h->world, empty));
    if (status == SKEP_OK) {
        status = load_bytes(h, bytes, n);
        const skep_status back = status == SKEP_OK ? SKEP_OK : skep_world_restore(h->world, before);
        if (back != SKEP_OK) status = host_check(h, back);
    }
    skep_snapshot_release(before);
    return (uint32_t)status;
}

/* Makes the world keep room for an event, an input or a resource, as loading wants. */
uint32_t HOST_EXPORT(skep_host_register)(host *h, const skep_component *c)
{
    uint32_t number = 0;
    return (uint32_t)host_check(h, c->kind == SKEP_KIND_RESOURCE
                                       ? skep__world_resource(h->world, c, &number)
                                       : skep__world_channel(h->world, c, false, &number));
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
                                      double number, uint32_t low, uint32_t high, const void *value)
{
    return (uint32_t)host_check(
        h, skep_world_input(h->world, source, (uint64_t)number, host_entity(low, high), c, value));
}

/* Lists the events of a type from a number on: io[0] the address, io[1] how many (addressee 2,
 * number 2, address of the C struct), io[2] and io[3] the number that the next event will get. */
uint32_t HOST_EXPORT(skep_host_events)(host *h, const skep_component *c, uint32_t since_low,
                                       uint32_t since_high)
{
    skep_event_iter it = skep_world_events(h->world, c, (uint64_t)since_high << 32 | since_low);
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
