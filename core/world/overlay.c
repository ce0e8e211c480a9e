/* SPDX-License-Identifier: MIT */
/* What waiting commands say about an entity, so that a `run` sees its own structural changes at
 * once.
 *
 * Commands stay where they are, in `batch`; beside them each gets an item, and the items of one
 * entity make a chain in the order of the commands:
 *
 *     slots[hash of index] -> {first item, last item}      items[] = {entity, place in batch, next
 * item}
 *
 * The chains are only made up to date when somebody asks, so that queueing ten thousand commands
 * and applying them costs nothing here. Without memory for them the commands are read from front to
 * back instead: slower, the same answer. What a queued destroy takes along has no command of its
 * own, since apply finds it again: where something is destroyed, the parents of who is asked about
 * are looked at as well. */
#include "core/world/world_parts.h"

#include "core/base/bits.h"
#include "core/base/hash.h"

#define NO_ITEM UINT32_MAX

typedef struct skep__overlay_item {
    uint64_t entity;
    uint32_t at; /* of the command in batch.bytes */
    uint32_t next;
} skep__overlay_item;

typedef struct skep__overlay_slot {
    uint32_t first;
    uint32_t last;
} skep__overlay_slot;

struct skep__overlay {
    skep__overlay_item *items;
    uint32_t item_count, item_cap;
    skep__overlay_slot *slots; /* slot_cap of them, a power of two; first is NO_ITEM where empty */
    uint32_t slot_cap;
    uint32_t slots_used;
    uint32_t synced;     /* bytes of batch that have items */
    uint32_t generation; /* of batch when they were made */
    bool destroys;       /* some command destroys */
};

static void overlay_clear(struct skep__overlay *o)
{
    if (o->item_count && o->slots) memset(o->slots, 0xff, o->slot_cap * sizeof *o->slots);
    o->item_count = 0;
    o->slots_used = 0;
    o->synced = 0;
    o->destroys = false;
}

/* The overlay, emptied if the commands it was made of are no longer there; NULL without memory. */
static struct skep__overlay *overlay_get(skep_world *w)
{
    if (!w->overlay) w->overlay = skep__alloc(&w->store.allocator, sizeof *w->overlay, 16);
    struct skep__overlay *o = w->overlay;
    if (o && o->generation != w->batch.generation) {
        overlay_clear(o);
        o->generation = w->batch.generation;
    }
    return o;
}

void skep__overlay_free(skep_world *w)
{
    struct skep__overlay *o = w->overlay;
    if (!o) return;
    const skep_allocator *a = &w->store.allocator;
    skep__array_free(a, (void **)&o->items, &o->item_cap, sizeof *o->items);
    skep__free(a, o->slots, o->slot_cap * sizeof *o->slots, 16);
    skep__free(a, o, sizeof *o, 16);
    w->overlay = NULL;
}

/* ---- chains ---------------------------------------------------------------------------------- */

/* The slot of an index, or the empty one where it belongs. There always is an empty one. */
static skep__overlay_slot *slot_of(const struct skep__overlay *o, uint32_t index)
{
    uint32_t at = (uint32_t)skep__hash_u64(index) & (o->slot_cap - 1u);
    while (o->slots[at].first != NO_ITEM && (uint32_t)o->items[o->slots[at].first].entity != index)
        at = (at + 1u) & (o->slot_cap - 1u);
    return &o->slots[at];
}

static bool slots_grow(skep_world *w, struct skep__overlay *o)
{
    const skep_allocator *a = &w->store.allocator;
    const uint32_t old_cap = o->slot_cap;
    const uint32_t cap = old_cap ? old_cap * 2u : 64u;
    skep__overlay_slot *old = o->slots;
    skep__overlay_slot *slots = skep__alloc(a, cap * sizeof *slots, 16);
    if (!slots) return false;
    memset(slots, 0xff, cap * sizeof *slots);
    o->slots = slots;
    o->slot_cap = cap;
    for (uint32_t i = 0; i < old_cap; i++)
        if (old[i].first != NO_ITEM) *slot_of(o, (uint32_t)o->items[old[i].first].entity) = old[i];
    skep__free(a, old, old_cap * sizeof *old, 16);
    return true;
}

static bool item_add(skep_world *w, struct skep__overlay *o, uint64_t entity, uint32_t at)
{
    if (!skep__array_grow(&w->store.allocator, (void **)&o->items, &o->item_cap, o->item_count + 1,
                          sizeof *o->items))
        return false;
    if ((o->slots_used + 1u) * 2u > o->slot_cap && !slots_grow(w, o)) return false;
    const uint32_t item = o->item_count++;
    o->items[item] = (skep__overlay_item){entity, at, NO_ITEM};
    skep__overlay_slot *slot = slot_of(o, (uint32_t)entity);
    if (slot->first == NO_ITEM) {
        slot->first = item;
        o->slots_used++;
    } else {
        o->items[slot->last].next = item;
    }
    slot->last = item;
    return true;
}

/* Gives every command an item; false without memory. */
static bool overlay_sync(skep_world *w)
{
    struct skep__overlay *o = overlay_get(w);
    if (!o) return false;
    size_t at = o->synced;
    const skep_patch_header *head = NULL;
    const uint8_t *payload = NULL;
    while (skep__patch_next(w->batch.bytes, w->batch.used, &at, &head, &payload)) {
        const bool structural = head->kind != SKEP_PATCH_EVENT && head->kind != SKEP_PATCH_RESOURCE;
        if (structural && !item_add(w, o, head->entity, o->synced)) return false;
        o->destroys = o->destroys || head->kind == SKEP_PATCH_DESTROY;
        o->synced = skep__u32(at);
    }
    return true;
}

/* ---- the future ------------------------------------------------------------------------------ */

static const void *prefab_value(const skep__prefab *p, uint32_t type, bool *has)
{
    for (uint32_t i = 0; i < p->part_count; i++) {
        if (p->parts[i].type != type) continue;
        *has = true;
        return p->values + p->parts[i].value;
    }
    *has = false;
    return NULL;
}

/* What one command makes of it, in the order of the commands. */
static void future_step(const skep_world *w, uint32_t at, uint32_t type, skep__future *f)
{
    size_t from = at;
    const skep_patch_header *head = NULL;
    const uint8_t *payload = NULL;
    if (!skep__patch_next(w->batch.bytes, w->batch.used, &from, &head, &payload)) return;
    const bool ours = head->slot == type && f->alive;
    if (head->kind == SKEP_PATCH_SPAWN) {
        f->alive = true;
        f->born = true;
        f->stored = false;
        f->value = prefab_value(&w->prefabs[head->slot], type, &f->has);
    } else if (head->kind == SKEP_PATCH_DESTROY) {
        f->alive = false;
        f->has = false;
    } else if (head->kind == SKEP_PATCH_REMOVE) {
        if (ours) f->has = false;
    } else if (head->kind == SKEP_PATCH_PUT || head->kind == SKEP_PATCH_SET) {
        if (!ours || (head->kind == SKEP_PATCH_SET && !f->has)) return;
        f->has = true;
        f->stored = false;
        f->value = payload;
    }
}

static void future_by_chain(const skep_world *w, skep_entity e, uint32_t type, skep__future *f)
{
    const struct skep__overlay *o = w->overlay;
    if (!o->slot_cap) return;
    for (uint32_t i = slot_of(o, skep_entity_index(e))->first; i != NO_ITEM; i = o->items[i].next)
        if (o->items[i].entity == e.bits) future_step(w, o->items[i].at, type, f);
}

static void future_by_reading(const skep_world *w, skep_entity e, uint32_t type, skep__future *f)
{
    size_t at = 0;
    const skep_patch_header *head = NULL;
    const uint8_t *payload = NULL;
    for (size_t from = 0; skep__patch_next(w->batch.bytes, w->batch.used, &at, &head, &payload);
         from = at)
        if (head->entity == e.bits && head->kind != SKEP_PATCH_EVENT)
            future_step(w, skep__u32(from), type, f);
}

/* What storage and the entity's own commands make of it. */
static void future_own(skep_world *w, skep_entity e, uint32_t type, skep__future *f, bool chains)
{
    uint32_t row = 0;
    f->alive = skep__alive(&w->store, e);
    f->born = f->alive;
    f->stored = type != SKEP__NO_TYPE && skep__value_find(&w->store, e, type, &row) != NULL;
    f->has = f->stored;
    f->value = NULL;
    if (chains)
        future_by_chain(w, e, type, f);
    else
        future_by_reading(w, e, type, f);
    f->stored = f->stored && f->has;
}

/* The Parent that an entity will have, or null. */
static skep_entity future_parent(skep_world *w, skep_entity e, bool chains)
{
    skep__future f;
    skep_entity of = skep_entity_null();
    future_own(w, e, w->parent_type, &f, chains);
    if (!f.has) return of;
    if (f.stored) {
        uint32_t row = 0;
        const skep__cell *cell = skep__value_find(&w->store, e, w->parent_type, &row);
        memcpy(&of, cell->data + (size_t)row * sizeof of, sizeof of);
    } else if (f.value) {
        memcpy(&of, f.value, sizeof of);
    }
    return of;
}

/* Whether one of those above the entity is destroyed by a command. A second walker at half the pace
 * meets the first one where the parents make a ring. */
static bool taken_along(skep_world *w, skep_entity e, bool chains)
{
    skep_entity slow = e;
    for (uint32_t step = 1;; step++) {
        e = future_parent(w, e, chains);
        if (skep_entity_is_null(e) || skep_entity_equal(e, slow)) return false;
        skep__future f;
        future_own(w, e, SKEP__NO_TYPE, &f, chains);
        if (!f.alive) return f.born;
        if (step % 2 == 0) slow = future_parent(w, slow, chains);
    }
}

void skep__future_of(skep_world *w, skep_entity e, uint32_t type, skep__future *f)
{
    const bool chains = w->batch.count == 0 || overlay_sync(w);
    future_own(w, e, type, f, chains && w->overlay);
    if (!f->alive || !w->batch.count || w->parent_type == SKEP__NO_TYPE) return;
    const bool destroys = !chains || w->overlay->destroys;
    if (destroys && taken_along(w, e, chains)) f->alive = f->has = f->stored = false;
}
