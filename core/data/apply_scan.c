/* SPDX-License-Identifier: MIT */
/* Scan and gather: from buffers of patches to runs of entities that are treated alike. Nothing of
 * the world is changed but tables that come to exist without rows. */
#include "core/base/sort.h"
#include "core/data/apply_internal.h"

/* ---- scan ------------------------------------------------------------------------------------ */

/* Notes that a SPAWN takes this handle; its later patches find it by index. */
static skep_status spawn_note(skep__apply_state *a, skep_entity e)
{
    const uint32_t index = skep_entity_index(e);
    const uint32_t known = a->w->store.queue.index_count;
    if (!skep__apply_room(a, (void **)&a->spawn_of, &a->spawn_of_cap, known, sizeof *a->spawn_of) ||
        !skep__apply_room(a, (void **)&a->spawned, &a->spawned_cap, a->spawned_count + 1,
                          sizeof *a->spawned))
        return SKEP_NO_MEMORY;
    SKEP_ASSERT(index < known && a->spawn_of[index] == 0);
    a->spawned[a->spawned_count++] = e;
    a->spawn_of[index] = a->spawned_count;
    return SKEP_OK;
}

/* The low bits of the entity's key: its table and row, or its spawn's ordinal. False: it is gone.
 */
static bool entity_place(const skep__apply_state *a, skep_entity e, uint64_t *place)
{
    const skep__store *s = &a->w->store;
    const uint32_t index = skep_entity_index(e);
    if (SKEP_UNLIKELY(index >= s->queue.index_count)) return false;
    const uint64_t r = s->index[index];
    if (SKEP_UNLIKELY((r >> SKEP__RECORD_GENERATION_SHIFT) != (e.bits >> 32))) return false;
    *place = r & SKEP__RECORD_LOW;
    if (SKEP_LIKELY(skep__record_table(r))) return true;
    if (index >= a->spawn_of_cap || a->spawn_of[index] == 0) return false;
    *place = a->spawn_of[index] - 1u;
    return true;
}

/* The value of a patch and the world number of what it names. */
static uint32_t patch_number(const skep__apply_state *a, const skep__apply_buffer *buffer,
                             const skep_patch_header *h, const uint8_t **value)
{
    *value = (const uint8_t *)(h + 1);
    if (SKEP_UNLIKELY(h->kind == SKEP_PATCH_INIT && h->slot == SKEP_PATCH_NO_SLOT)) {
        uint64_t identity = 0;
        memcpy(&identity, *value, 8);
        *value += 8;
        const skep__store *s = &a->w->store;
        for (uint32_t i = 0; i < s->type_count; i++)
            if (s->types[i].identity == identity) return i;
        return SKEP__NO_TYPE;
    }
    if (h->slot == SKEP_PATCH_NO_SLOT) return SKEP__NO_TYPE;
    return buffer->numbers ? buffer->numbers[h->slot] : h->slot;
}

static skep_status other_push(skep__apply_state *a, const skep_patch_header *h, uint32_t number)
{
    const skep_entity to = {h->entity};
    if (h->kind == SKEP_PATCH_EVENT && !skep_entity_is_null(to)) {
        uint64_t place = 0;
        if (!entity_place(a, to, &place)) {
            a->report.dropped++;
            a->report.patches++;
            return SKEP_OK;
        }
    }
    if (!skep__apply_room(a, (void **)&a->others, &a->other_cap, a->other_count + 1,
                          sizeof *a->others))
        return SKEP_NO_MEMORY;
    a->others[a->other_count++] = (skep__other){h, number, h->kind};
    a->report.patches++;
    return SKEP_OK;
}

/* Room for one more change. */
SKEP_NOINLINE static skep_status change_room(skep__apply_state *a)
{
    const uint32_t n = a->change_count;
    if (n > SKEP__CHANGE_MASK)
        return skep__world_fail(a->w, SKEP_LIMIT,
                                "command_max: a batch changes entities at most 2,097,152 times");
    if (!skep__apply_room(a, (void **)&a->changes, &a->change_cap, n + 1, sizeof *a->changes) ||
        !skep__apply_room(a, (void **)&a->keys, &a->key_cap, n + 1, sizeof *a->keys))
        return SKEP_NO_MEMORY;
    return SKEP_OK;
}

/* Where changes are written: kept apart from the state, so that the loop over patches keeps it in
 * registers. */
typedef struct change_pen {
    skep__change *changes;
    uint64_t *keys;
    uint64_t last_key;
    uint32_t count;
    bool unsorted;
} change_pen;

static change_pen pen_take(const skep__apply_state *a)
{
    const change_pen pen = {a->changes, a->keys, a->last_key, a->change_count, a->unsorted};
    return pen;
}

static void pen_put(skep__apply_state *a, const change_pen *pen)
{
    a->report.patches += pen->count - a->change_count;
    a->last_key = pen->last_key;
    a->change_count = pen->count;
    a->unsorted = pen->unsorted;
}

/* Takes one change whose place is known, and watches whether the keys come in order. */
SKEP_INLINE void change_put(change_pen *pen, skep__change change, uint64_t place)
{
    const uint64_t key = place << SKEP__CHANGE_BITS | pen->count;
    pen->changes[pen->count] = change;
    pen->keys[pen->count++] = key;
    pen->unsorted |= key < pen->last_key;
    pen->last_key = key;
}

/* The patches that need a look at the buffer's tables, or come first for their entity. */
static skep_status change_push(skep__apply_state *a, const skep__apply_buffer *buffer,
                               const skep_patch_header *h)
{
    const skep_entity e = {h->entity};
    const uint8_t *value = NULL;
    const uint32_t number = patch_number(a, buffer, h, &value);
    if (h->kind == SKEP_PATCH_SPAWN && spawn_note(a, e) != SKEP_OK) return SKEP_NO_MEMORY;
    uint64_t place = 0;
    if (!entity_place(a, e, &place)) {
        a->report.dropped++;
        a->report.patches++;
        return SKEP_OK;
    }
    if (a->change_count == a->change_cap || a->change_count == a->key_cap) {
        const skep_status status = change_room(a);
        if (status != SKEP_OK) return status;
    }
    a->any_destroy |= h->kind == SKEP_PATCH_DESTROY;
    change_pen pen = pen_take(a);
    change_put(&pen, skep__change_make(h, number), place);
    pen_put(a, &pen);
    return SKEP_OK;
}

/* Takes the patches of living entities that need nothing but their record, as fast as they can be
 * read; stops at the first other one. */
static size_t buffer_run(skep__apply_state *a, const skep__apply_buffer *buffer, size_t at)
{
    const skep__store *s = &a->w->store;
    const uint64_t *index = s->index;
    const uint32_t index_count = s->queue.index_count;
    const uint32_t simple = 1u << SKEP_PATCH_SET | 1u << SKEP_PATCH_PUT | 1u << SKEP_PATCH_REMOVE;
    const uint32_t room = skep__min_u32(a->change_cap, a->key_cap);
    const uint8_t *bytes = buffer->bytes;
    const size_t size = buffer->size;
    const uint32_t *numbers = buffer->numbers;
    change_pen pen = pen_take(a);
    while (at < size && pen.count < room) {
        const skep_patch_header *h = (const void *)(bytes + at);
        const uint32_t i = (uint32_t)h->entity;
        if (!(simple >> h->kind & 1u) || i >= index_count) break;
        const uint64_t r = index[i];
        if ((r >> SKEP__RECORD_GENERATION_SHIFT) != (h->entity >> 32) || !skep__record_table(r))
            break;
        const uint32_t number = numbers ? numbers[h->slot] : h->slot;
        change_put(&pen, skep__change_make(h, number), r & SKEP__RECORD_LOW);
        at += sizeof *h + skep__align(h->bytes, 8);
    }
    pen_put(a, &pen);
    return at;
}

static skep_status buffer_scan(skep__apply_state *a, const skep__apply_buffer *buffer)
{
    for (size_t at = buffer_run(a, buffer, 0); at < buffer->size; at = buffer_run(a, buffer, at)) {
        const skep_patch_header *h = (const void *)(buffer->bytes + at);
        at += sizeof *h + skep__align(h->bytes, 8);
        if (h->kind == SKEP_PATCH_LOG) continue;
        skep_status status = SKEP_OK;
        if (h->kind == SKEP_PATCH_EVENT || h->kind == SKEP_PATCH_RESOURCE) {
            const uint8_t *value = NULL;
            status = other_push(a, h, patch_number(a, buffer, h, &value));
        } else {
            status = change_push(a, buffer, h);
        }
        if (status != SKEP_OK) return status;
    }
    return SKEP_OK;
}

/* Sorts the keys unless they came in order. */
static skep_status keys_sort(skep__apply_state *a)
{
    const uint32_t n = a->change_count;
    a->sorted = a->keys;
    if (!a->unsorted) return SKEP_OK;
    if (!skep__apply_room(a, (void **)&a->keys_other, &a->key_other_cap, n, sizeof *a->keys_other))
        return SKEP_NO_MEMORY;
    uint64_t varying = 0;
    for (uint32_t i = 1; i < n; i++) varying |= a->keys[i] ^ a->keys[0];
    a->sorted = skep__sort_u64(a->keys, a->keys_other, n, varying & ~(uint64_t)SKEP__CHANGE_MASK);
    return SKEP_OK;
}

skep_status skep__apply_scan(skep__apply_state *a, const skep__apply_buffer *buffers,
                             uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const skep_status status = buffer_scan(a, &buffers[i]);
        if (status != SKEP_OK) return status;
    }
    return keys_sort(a);
}

/* ---- gather ---------------------------------------------------------------------------------- */

/* Counts the keys from `j` on that one run can take: next row, next change, the same patch. */
static uint32_t run_length(const skep__apply_state *a, uint32_t j)
{
    const uint64_t step = (UINT64_C(1) << SKEP__CHANGE_BITS) + 1u;
    const uint64_t key = a->sorted[j];
    const skep__change *c = &a->changes[key & SKEP__CHANGE_MASK];
    const uint32_t left = a->change_count - j;
    uint32_t n = 1;
    while (n < left && a->sorted[j + n] == key + n * step && skep__change_alike(c[n], *c)) n++;
    /* The last one may have more changes: they belong to its own group. */
    if (j + n < a->change_count &&
        a->sorted[j + n] >> SKEP__CHANGE_BITS == a->sorted[j + n - 1] >> SKEP__CHANGE_BITS)
        n--;
    return n;
}

static uint32_t group_length(const skep__apply_state *a, uint32_t j)
{
    const uint64_t place = a->sorted[j] >> SKEP__CHANGE_BITS;
    uint32_t n = 1;
    while (j + n < a->change_count && a->sorted[j + n] >> SKEP__CHANGE_BITS == place) n++;
    return n;
}

/* Where one change leads from table `at`; drops what finds nothing to do. */
static skep_status change_step(skep__apply_state *a, skep__change c, uint32_t *at)
{
    skep__store *s = &a->w->store;
    const uint32_t kind = skep__change_kind(c);
    const uint32_t number = skep__change_number(c);
    if (kind == SKEP_PATCH_SPAWN) {
        if (number != SKEP__CHANGE_NO_NUMBER) return skep__prefab_table(a->w, number, at);
        *at = 1; /* the table without components */
        return SKEP_OK;
    }
    if (kind == SKEP_PATCH_SET) {
        if (skep__layout_find(s->tables[*at]->layout, number) < 0) a->report.dropped++;
        return SKEP_OK;
    }
    skep__edge *e = NULL;
    const bool add = kind != SKEP_PATCH_REMOVE;
    const skep_status status = skep__edge_get(s, *at, number, add, &e);
    if (status != SKEP_OK) return status;
    if (!add && e->to == *at) a->report.dropped++;
    *at = e->to;
    return SKEP_OK;
}

/* The table in which an entity ends after all its changes, 0 if it dies. */
static skep_status group_target(skep__apply_state *a, uint32_t j, uint32_t count, uint32_t *to)
{
    *to = skep__key_table(a->sorted[j]);
    for (uint32_t i = j; i < j + count; i++) {
        const skep__change c = skep__key_change(a, a->sorted[i]);
        if (skep__change_kind(c) == SKEP_PATCH_DESTROY) {
            a->report.dropped += j + count - i - 1u;
            *to = 0;
            return SKEP_OK;
        }
        const skep_status status = change_step(a, c, to);
        if (status != SKEP_OK) return status;
    }
    return SKEP_OK;
}

static skep_status run_push(skep__apply_state *a, uint32_t first, uint32_t count, uint32_t to,
                            skep__run_kind kind)
{
    if (!skep__apply_room(a, (void **)&a->runs, &a->run_cap, a->run_count + 1, sizeof *a->runs))
        return SKEP_NO_MEMORY;
    a->runs[a->run_count++] = (skep__run_of){first, count, to, kind};
    return SKEP_OK;
}

/* Makes room in `incoming` for all tables that exist by now, and counts `rows` for one. */
static bool incoming_add(skep__apply_state *a, uint32_t table, uint32_t rows)
{
    if (!skep__apply_room(a, (void **)&a->incoming, &a->incoming_cap, a->w->store.table_count,
                          sizeof *a->incoming))
        return false;
    a->incoming[table] += rows;
    return true;
}

static skep_status gather_next(skep__apply_state *a, uint32_t *j)
{
    const uint64_t key = a->sorted[*j];
    const uint32_t table = skep__key_table(key);
    const skep__change c = skep__key_change(a, key);
    const uint32_t alone = 1u << SKEP_PATCH_PUT | 1u << SKEP_PATCH_REMOVE | 1u << SKEP_PATCH_SET;
    const bool simple = table != 0 && (alone >> skep__change_kind(c) & 1u);
    uint32_t count = simple ? run_length(a, *j) : 0;
    uint32_t to = table;
    skep__run_kind kind = SKEP__RUN_GROUP;
    skep_status status = SKEP_OK;
    if (count) {
        const uint32_t dropped = a->report.dropped;
        status = change_step(a, c, &to);
        if (a->report.dropped > dropped) a->report.dropped = dropped + count;
        kind = to == table ? SKEP__RUN_STAY : SKEP__RUN_MOVE;
    } else {
        count = group_length(a, *j);
        status = group_target(a, *j, count, &to);
        if (to == 0) kind = SKEP__RUN_DIE;
    }
    if (status != SKEP_OK) return status;
    const uint32_t rows = kind == SKEP__RUN_MOVE ? count : (to != table && to != 0);
    if (rows && !incoming_add(a, to, rows)) return SKEP_NO_MEMORY;
    status = run_push(a, *j, count, to, kind);
    *j += count;
    return status;
}

skep_status skep__apply_gather(skep__apply_state *a)
{
    for (uint32_t j = 0; j < a->change_count;) {
        const skep_status status = gather_next(a, &j);
        if (status != SKEP_OK) return status;
    }
    return SKEP_OK;
}
