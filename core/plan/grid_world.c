/* SPDX-License-Identifier: MIT */
/* A grid as a resource of a world: where its memory comes from, and the columns it is built from.
 *
 * The whole grid is the resource's value, so that jobs reach it like any other and a snapshot holds
 * it by reference. A build writes all that a walk can see, so when a snapshot still holds the old
 * value the build takes a new slot instead of copying it. */
#include "core/plan/grid.h"
#include "core/world/world_internal.h"
#include "skep/world.h"

_Static_assert(sizeof(skep_grid) <= SKEP__GRID_HEAD_BYTES, "the head has outgrown its resource");

/* The grid's components as one world knows them. */
typedef struct grid_columns {
    const skep_world *world;
    const skep_grid_desc *desc;
    uint32_t type[SKEP_GRID_FIELD_MAX];
    uint32_t field[SKEP_GRID_FIELD_MAX]; /* of the component */
    uint32_t count;                      /* entities that have all of them */
} grid_columns;

/* The number of the field at an offset of the C struct, or field_count. */
static uint32_t field_at(const skep_component *info, uint32_t offset)
{
    uint32_t i = 0;
    while (i < info->field_count && info->fields[i].offset != offset) i++;
    return i;
}

static bool field_is_sound(const skep_grid_field *f, bool position)
{
    if (!f->component || f->component->kind != SKEP_KIND_COMPONENT) return false;
    const uint32_t i = field_at(f->component, f->offset);
    if (i == f->component->field_count) return false;
    const skep_field *const field = &f->component->fields[i];
    return !position || (field->type == SKEP_TYPE_f32 && field->count == 1);
}

static bool cell_is_sound(float cell)
{
    const bool finite = cell - cell == 0.0f;
    return finite && cell > 0.0f && 1.0f / cell - 1.0f / cell == 0.0f;
}

bool skep_grid_is_sound(const skep_grid_setup *setup)
{
    const skep_grid_desc *const desc = setup->grid;
    if (!cell_is_sound(setup->cell)) return false;
    if (!desc->resource || desc->resource->kind != SKEP_KIND_GRID) return false;
    if (desc->resource->size != SKEP__GRID_HEAD_BYTES) return false;
    if (desc->axes < 2 || desc->axes > 3 || desc->field_count < desc->axes) return false;
    if (desc->field_count > SKEP_GRID_FIELD_MAX) return false;
    for (uint32_t i = 0; i < desc->field_count; i++)
        if (!field_is_sound(&desc->fields[i], i < desc->axes)) return false;
    return true;
}

/* The bytes of a row of the i-th field. */
static uint16_t row_bytes(const skep_grid_desc *desc, uint32_t i)
{
    const skep_component *const info = desc->fields[i].component;
    const skep_field *const field = &info->fields[field_at(info, desc->fields[i].offset)];
    return skep__u16((size_t)field->size * field->count);
}

/* The cell of a grid field's column in a row block, or NULL where the table lacks the component. */
static const skep__cell *cell_of(const grid_columns *c, uint32_t i, const skep__table *t,
                                 uint32_t block)
{
    const skep__colref *const ref = &c->world->store.types[c->type[i]].dir[t->id];
    if (!ref->cells) return NULL;
    const uint8_t *const first = ref->cells + (size_t)block * ref->stride;
    return (const skep__cell *)(const void *)first + c->field[i];
}

static bool table_matches(const grid_columns *c, const skep__table *t)
{
    if (t->row_count == 0) return false;
    for (uint32_t i = 0; i < c->desc->field_count; i++)
        if (!c->world->store.types[c->type[i]].dir[t->id].cells) return false;
    return true;
}

/* A source of the build: block after block of the tables that have all components. */
static bool next_block(const void *ctx, skep__grid_place *place, skep__grid_chunk *chunk)
{
    const grid_columns *const c = ctx;
    const skep__store *const s = &c->world->store;
    for (; place->table < s->table_count; place->table++, place->block = 0) {
        const skep__table *const t = s->tables[place->table];
        if (!t || !table_matches(c, t) || place->block == skep__table_blocks(t)) continue;
        const uint32_t block = place->block++;
        chunk->n = skep__block_rows(t, block);
        chunk->row = place->row;
        chunk->entity = (const skep_entity *)(const void *)skep__line_of(t, block)->cells[0].data;
        for (uint32_t i = 0; i < c->desc->field_count; i++)
            chunk->field[i] = cell_of(c, i, t, block)->data;
        place->row += chunk->n;
        return true;
    }
    return false;
}

/* Finds the components; a world that does not know one of them has nobody for the grid. */
static void find_columns(grid_columns *c, const skep_world *world, const skep_grid_desc *desc)
{
    c->world = world;
    c->desc = desc;
    c->count = 0;
    for (uint32_t i = 0; i < desc->field_count; i++) {
        c->type[i] = skep__type_find(&world->store, desc->fields[i].component);
        c->field[i] = field_at(desc->fields[i].component, desc->fields[i].offset);
        if (c->type[i] == SKEP__NO_TYPE) return;
    }
    for (uint32_t k = 1; k < world->store.table_count; k++) {
        const skep__table *const t = world->store.tables[k];
        if (t && table_matches(c, t)) c->count += t->row_count;
    }
}

/* Makes the blob writable with room for `bytes`, keeping nothing. */
static skep_grid *own_blob(skep__store *s, skep__blob *b, size_t bytes)
{
    const bool held = b->slot && b->epoch != s->epoch && skep__slot_refs(&s->arena, b->slot) > 1;
    if (!b->slot || held || bytes > b->cap) {
        const uint32_t slot = skep__arena_take(&s->arena, bytes);
        if (!slot) return NULL;
        if (b->slot) skep__arena_drop(&s->arena, b->slot);
        b->slot = slot;
        b->cap = skep__u32(skep__slot_bytes(&s->arena, slot));
    }
    *skep__slot_hash(&s->arena, b->slot) = 0;
    b->epoch = s->epoch;
    b->bytes = skep__u32(bytes);
    return skep__slot_data(&s->arena, b->slot);
}

/* Makes room for `count` entities, with some to grow into, and writes the head. What the blob held
 * before is trusted for nothing but its length. */
static skep_grid *make_room(skep_world *w, skep__blob *b, const skep_grid *head, uint32_t count,
                            uint32_t hands)
{
    const skep_grid *const old = (const skep_grid *)(const void *)skep__blob_read(&w->store, b);
    uint32_t room = count + count / 4u + 64u;
    if (old && b->bytes >= sizeof *old && old->room >= count &&
        skep__grid_bytes(head, old->room, hands) == b->bytes)
        room = old->room;
    const size_t bytes = skep__grid_bytes(head, room, hands);
    skep_grid *const g = bytes ? own_blob(&w->store, b, bytes) : NULL;
    if (!g) return NULL;
    *g = *head;
    skep__grid_lay_out(g, room, hands);
    return g;
}

skep_status skep__grid_build(const skep_grid_setup *setup, skep_world *world,
                             const skep__grid_hands *hands)
{
    const skep_grid_desc *const desc = setup->grid;
    uint16_t bytes[SKEP_GRID_FIELD_MAX] = {0};
    grid_columns columns;
    skep_grid head;
    uint32_t number = 0;
    if (!skep_grid_is_sound(setup)) return SKEP_ARGUMENT;
    const skep_status status = skep__world_resource(world, desc->resource, &number);
    if (status != SKEP_OK) return status;
    for (uint32_t i = 0; i < desc->field_count; i++) bytes[i] = row_bytes(desc, i);
    skep__grid_init(&head, desc->axes, setup->cell, bytes, desc->field_count);
    find_columns(&columns, world, desc);
    uint32_t hand_count = hands ? skep__min_u32(hands->count, SKEP__GRID_HANDS_MAX) : 1u;
    if (hand_count == 0 || columns.count < SKEP__GRID_HANDS_ROWS) hand_count = 1;
    skep__blob *const blob = &world->resources[number].value;
    skep_grid *const g = make_room(world, blob, &head, columns.count, hand_count);
    if (!g) return SKEP_NO_MEMORY;
    const skep__grid_source source = {next_block, &columns};
    skep__grid_fill(g, &source, columns.count, hands);
    return SKEP_OK;
}

skep_status skep_grid_build(void *ctx, skep_world *world, float dt)
{
    (void)dt;
    return skep__grid_build(ctx, world, NULL);
}

const skep_grid *skep_grid_read(skep_world *world, const skep_grid_desc *grid)
{
    return skep_world_resource_read(world, grid->resource, NULL);
}
