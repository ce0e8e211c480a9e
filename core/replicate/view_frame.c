/* SPDX-License-Identifier: MIT */
/* Pictures: rows of what is shown at one moment, a table a set of components, made anew each time
 * from the pair of states around the moment.
 *
 *     table   handles | column | column ...     each row_cap rows; row_cap is a multiple of 128
 *
 * A block of 128 slots is written to the next 128 rows of each column, in one loop a column, and
 * closed up over its free slots afterwards; so there is always room for a whole block behind the
 * last row. Floats go from code to code as far as the moment is between the two ticks; all else is
 * as at the first. Pictures are two, so that the one before can be compared with, and nothing that
 * the program was given is written over before the frame after the next. */
#include "core/replicate/view_internal.h"

/* Looks for an entity by walking over handles so many times, before an index is made. */
#define FRAME_MISSES 4u

/* ---- blocks ---------------------------------------------------------------------------------- */

/* 2^log2, |log2| <= 63. */
static double frame_power(int32_t log2)
{
    const uint64_t bits = (uint64_t)(1023 + log2) << 52;
    double power;
    memcpy(&power, &bits, sizeof power);
    return power;
}

/* How far the moment is, and what a code is worth. */
typedef struct frame_scale {
    double part;
    double quantum;
} frame_scale;

static void frame_between(const int32_t *restrict from, const int32_t *restrict to, frame_scale s,
                          float *restrict rows, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const double a = from[i];
        rows[i] = (float)((a + ((double)to[i] - a) * s.part) * s.quantum);
    }
}

static void frame_between_elements(const int32_t *from, const int32_t *to, frame_scale s,
                                   float *rows, uint32_t elements, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const double a = from[i];
        rows[(size_t)i * elements] = (float)((a + ((double)to[i] - a) * s.part) * s.quantum);
    }
}

/* Without a quantum codes are the bits; there is nothing between a number and what is none. */
static void frame_between_bits(const int32_t *from, const int32_t *to, double part, float *rows,
                               uint32_t elements, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        float a;
        float b;
        memcpy(&a, from + i, sizeof a);
        memcpy(&b, to + i, sizeof b);
        const float x = (float)((double)a + ((double)b - (double)a) * part);
        rows[(size_t)i * elements] = x - x == 0.0f ? x : a;
    }
}

/* Where a block comes from, and how far the moment is. */
typedef struct frame_block {
    uint32_t slots; /* 1 + the highest that is taken */
    const skep__client_layout *layout;
    const int32_t *from;
    const int32_t *to;
    double part;
} frame_block;

static void frame_element(const frame_block *b, const skep__code_field *f, uint32_t elements,
                          uint8_t *rows)
{
    const size_t at = (size_t)f->column * SKEP__COLUMNS_BLOCK;
    if (f->quantum.type != SKEP_TYPE_f32 || b->from == b->to) {
        const skep__quantum_span span = {.elements = elements,
                                         .element = f->element,
                                         .row_count = b->slots,
                                         .stride = SKEP__COLUMNS_BLOCK};
        skep__quantum_values(&f->quantum, &span, b->from + at, rows);
        return;
    }
    float *floats = (float *)(void *)rows + f->element;
    if (f->quantum.log2 == SKEP_QUANTUM_NONE) {
        frame_between_bits(b->from + at, b->to + at, b->part, floats, elements, b->slots);
        return;
    }
    const frame_scale scale = {b->part, frame_power(f->quantum.log2)};
    if (elements == 1)
        frame_between(b->from + at, b->to + at, scale, floats, b->slots);
    else
        frame_between_elements(b->from + at, b->to + at, scale, floats, elements, b->slots);
}

static void frame_close_up(uint8_t *rows, uint32_t row_bytes, const uint8_t *slots, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (slots[i] != i)
            memcpy(rows + (size_t)i * row_bytes, rows + (size_t)slots[i] * row_bytes, row_bytes);
}

/* The same for rows of 4 bytes, of which most are. */
static void frame_close_up_4(uint8_t *rows, const uint8_t *slots, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t x;
        memcpy(&x, rows + 4u * slots[i], sizeof x);
        memcpy(rows + 4u * i, &x, sizeof x);
    }
}

/* The slots of a block that are taken. */
static uint32_t frame_slots(const uint64_t *ids, uint8_t *slots)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < SKEP__COLUMNS_BLOCK; i++) {
        slots[count] = (uint8_t)i;
        count += ids[i] != 0;
    }
    return count;
}

static void frame_add_block(skep__client_table *table, frame_block *b, const uint64_t *ids)
{
    uint8_t slots[SKEP__COLUMNS_BLOCK + 1u];
    const uint32_t count = frame_slots(ids, slots);
    if (!count) return;
    b->slots = slots[count - 1u] + 1u;
    const bool whole = b->slots == count;
    uint64_t *handles = (uint64_t *)(void *)table->memory + table->row_count;
    for (uint32_t i = 0; i < count; i++) handles[i] = ids[slots[i]];
    for (uint32_t k = 0; k < b->layout->field_count; k++) {
        const skep__client_field *field = &b->layout->fields[k];
        uint8_t *rows =
            skep__client_column(table, field) + (size_t)table->row_count * field->row_bytes;
        for (uint32_t e = 0; e < field->elements; e++)
            frame_element(b, &b->layout->code.fields[field->code_field + e], field->elements, rows);
        if (!whole && field->row_bytes == 4)
            frame_close_up_4(rows, slots, count);
        else if (!whole)
            frame_close_up(rows, field->row_bytes, slots, count);
    }
    table->row_count += count;
}

/* ---- pictures -------------------------------------------------------------------------------- */

static bool frame_table_reserve(skep_view *view, skep__client_table *table, uint32_t row_bytes,
                                uint32_t rows)
{
    if (rows <= table->row_cap) return true;
    const uint32_t want = skep__max_u32(rows, table->row_cap + table->row_cap / 2u);
    const uint32_t cap = skep__u32(skep__align(want, SKEP__COLUMNS_BLOCK));
    uint8_t *memory = skep__client_alloc(view, (size_t)cap * row_bytes);
    if (!memory) return false;
    skep__client_free(view, table->memory, (size_t)table->row_cap * row_bytes);
    *table = (skep__client_table){.row_cap = cap, .memory = memory};
    return true;
}

/* Makes room in a picture for what a state shows, and a block. What it held is void. */
static bool frame_reserve(skep_view *view, skep__client_picture *picture,
                          const skep__client_state *state)
{
    if (!skep__array_grow(&view->allocator, (void **)&picture->tables, &picture->table_cap,
                          view->layout_count, sizeof *picture->tables))
        return false;
    picture->table_count = view->layout_count;
    for (uint32_t t = 0; t < view->layout_count; t++) view->layouts[t].rows = 0;
    for (uint32_t i = 0; i < state->count; i++)
        view->layouts[state->entries[i].class->layout].rows +=
            state->entries[i].class->entity_count;
    for (uint32_t t = 0; t < view->layout_count; t++) {
        skep__client_layout *layout = &view->layouts[t];
        picture->tables[t].row_count = 0;
        if (layout->rows && !frame_table_reserve(view, &picture->tables[t], layout->row_bytes,
                                                 layout->rows + SKEP__COLUMNS_BLOCK))
            return false;
    }
    return true;
}

static void frame_fill(const skep_view *view, const skep__client_pair *pair, double part,
                       skep__client_picture *picture)
{
    uint32_t at = 0;
    picture->entity_count = 0;
    for (uint32_t i = 0; i < pair->from.count; i++) {
        const skep__client_class *class = pair->from.entries[i].class;
        skep__client_table *table = &picture->tables[class->layout];
        frame_block b = {.layout = &view->layouts[class->layout], .part = part};
        if (!class->entity_count) {
            at += class->codes.block_count;
            continue;
        }
        for (uint32_t k = 0; k < class->codes.block_count; k++) {
            b.from = skep__block_codes(class->codes.codes[k]);
            b.to = skep__block_codes(pair->to[at++]);
            frame_add_block(table, &b, skep__block_ids(class->codes.ids[k]));
        }
        picture->entity_count += class->entity_count;
    }
}

void skep__client_pictures_free(skep_view *view)
{
    for (uint32_t p = 0; p < 2; p++) {
        skep__client_picture *picture = &view->pictures[p];
        for (uint32_t t = 0; t < picture->table_count; t++)
            skep__client_free(view, picture->tables[t].memory,
                              (size_t)picture->tables[t].row_cap * view->layouts[t].row_bytes);
        skep__array_free(&view->allocator, (void **)&picture->tables, &picture->table_cap,
                         sizeof *picture->tables);
        skep__view_map_deinit(&view->indexes[p].map, &view->allocator);
    }
    skep__view_map_deinit(&view->moved, &view->allocator);
    skep__array_free(&view->allocator, (void **)&view->changes, &view->change_cap,
                     sizeof *view->changes);
    skep__array_free(&view->allocator, (void **)&view->changed, &view->changed_cap,
                     sizeof *view->changed);
}

/* ---- the frame ------------------------------------------------------------------------------- */

/* The states before and after the moment; the same one where there is none on one side. */
static void frame_choose(const skep_view *view, const skep__client_state **from,
                         const skep__client_state **to)
{
    uint32_t i = view->state_count - 1u;
    while (i && view->states[i].tick > view->clock.shown) i--;
    const bool between = view->states[i].tick <= view->clock.shown && i + 1u < view->state_count;
    *from = &view->states[i];
    *to = &view->states[between ? i + 1u : i];
}

static double frame_part(const skep_view *view, const skep__client_pair *pair)
{
    if (pair->tick_to == pair->tick_from) return 0.0;
    const double part = (view->clock.shown - pair->tick_from) / (pair->tick_to - pair->tick_from);
    return part < 0.0 ? 0.0 : part > 1.0 ? 1.0 : part;
}

/* Makes the picture of a pair beside the one that is shown, and finds what changed. */
static bool frame_make(skep_view *view, const skep__client_pair *pair, bool same)
{
    skep__client_picture *picture = &view->pictures[view->shown ^ 1u];
    picture->order = 0; /* it is void until it is made */
    picture->entity_count = 0;
    if (!frame_reserve(view, picture, &pair->from)) return false;
    if (same)
        view->change_count = 0;
    else if (!skep__client_changes_find(view, &view->pair.from, &pair->from))
        return false;
    view->hint_entity = 0;
    frame_fill(view, pair, frame_part(view, pair), picture);
    picture->order = same ? view->order : ++view->order;
    view->shown ^= 1u;
    return true;
}

skep_status skep_view_frame(skep_view *view, uint64_t now_ns)
{
    const skep__client_state *from = NULL;
    const skep__client_state *to = NULL;
    skep__client_pair *pair = &view->pair;
    skep__client_pair made = {0};
    if (!view->state_count) return SKEP_OK;
    skep__client_clock_advance(view, now_ns);
    frame_choose(view, &from, &to);
    if (pair->made && pair->tick_from == from->tick && pair->tick_to == to->tick)
        return frame_make(view, pair, true) ? SKEP_OK : SKEP_NO_MEMORY;
    if (!skep__client_pair_make(view, from, to, &made)) return SKEP_NO_MEMORY;
    if (!frame_make(view, &made, pair->made && pair->tick_from == from->tick)) {
        skep__client_pair_deinit(view, &made);
        return SKEP_NO_MEMORY;
    }
    skep__client_pair_deinit(view, pair);
    *pair = made;
    return SKEP_OK;
}

/* ---- looking at it --------------------------------------------------------------------------- */

bool skep_view_each(const skep_view *view, const skep_component *const *all, uint32_t all_count,
                    skep_view_rows *rows)
{
    const skep__client_picture *picture = &view->pictures[view->shown];
    uint64_t needed = 0;
    for (uint32_t i = 0; i < all_count; i++) {
        const uint32_t number = skep__client_number(view, all[i]);
        if (number == SKEP_REPLICA_MAX) return false;
        needed |= (uint64_t)1 << number;
    }
    for (uint32_t t = rows->resume; t < picture->table_count; t++) {
        const skep__client_table *table = &picture->tables[t];
        if (!table->row_count || needed & ~view->layouts[t].code.components) continue;
        rows->entity = (const skep_entity *)(const void *)table->memory;
        rows->count = table->row_count;
        rows->table = t;
        rows->resume = t + 1u;
        return true;
    }
    return false;
}

static const skep__client_field *frame_field(const skep__client_layout *layout, uint32_t number,
                                             uint32_t field)
{
    for (uint32_t i = 0; i < layout->field_count; i++)
        if (layout->fields[i].replica == number && layout->fields[i].field == field)
            return &layout->fields[i];
    return NULL;
}

const void *skep_view_column(const skep_view *view, const skep_view_rows *rows,
                             const skep_component *component, uint32_t field)
{
    const skep__client_picture *picture = &view->pictures[view->shown];
    const uint32_t number = skep__client_number(view, component);
    if (number == SKEP_REPLICA_MAX || rows->table >= picture->table_count) return NULL;
    const skep__client_field *f = frame_field(&view->layouts[rows->table], number, field);
    return f ? skep__client_column(&picture->tables[rows->table], f) : NULL;
}

/* ---- looking somebody up --------------------------------------------------------------------- */

static uint64_t *frame_handles(const skep__client_table *table)
{
    return (uint64_t *)(void *)table->memory;
}

static bool frame_walk(const skep__client_picture *picture, uint64_t entity, uint32_t *table,
                       uint32_t *row)
{
    for (uint32_t t = 0; t < picture->table_count; t++) {
        const uint64_t *handles = frame_handles(&picture->tables[t]);
        for (uint32_t i = 0; i < picture->tables[t].row_count; i++) {
            if (handles[i] != entity) continue;
            *table = t;
            *row = i;
            return true;
        }
    }
    return false;
}

/* The index for pictures of an order: the one that is there, else the one that nobody needs. */
static skep__client_index *frame_index(skep_view *view, const skep__client_picture *picture)
{
    const skep__client_picture *other = &view->pictures[picture == &view->pictures[0] ? 1u : 0u];
    for (uint32_t i = 0; i < 2; i++)
        if (view->indexes[i].order == picture->order) return &view->indexes[i];
    skep__client_index *index = &view->indexes[view->indexes[0].order == other->order ? 1u : 0u];
    index->order = picture->order;
    index->misses = 0;
    index->made = false;
    return index;
}

static bool frame_index_make(skep_view *view, skep__client_index *index,
                             const skep__client_picture *picture)
{
    if (!skep__view_map_begin(&index->map, picture->entity_count, &view->allocator)) return false;
    for (uint32_t t = 0; t < picture->table_count; t++) {
        const uint64_t *handles = frame_handles(&picture->tables[t]);
        for (uint32_t i = 0; i < picture->tables[t].row_count; i++)
            skep__view_map_add(&index->map, handles[i], t, i);
    }
    index->made = true;
    return true;
}

bool skep__client_find(skep_view *view, const skep__client_picture *picture, uint64_t entity,
                       uint32_t *table, uint32_t *row)
{
    if (!picture->order || !entity) return false;
    skep__client_index *index = frame_index(view, picture);
    if (!index->made && (index->misses++ < FRAME_MISSES || !frame_index_make(view, index, picture)))
        return frame_walk(picture, entity, table, row);
    const skep__view_place *place = skep__view_map_find(&index->map, entity);
    if (!place) return false;
    *table = place->a;
    *row = place->b;
    return true;
}

/* Of the picture that is shown; who was looked up last is found at once. */
static bool frame_find(skep_view *view, skep_entity entity, uint32_t *table, uint32_t *row)
{
    if (!entity.bits) return false;
    if (entity.bits != view->hint_entity) {
        if (!skep__client_find(view, &view->pictures[view->shown], entity.bits, &view->hint_table,
                               &view->hint_row))
            return false;
        view->hint_entity = entity.bits;
    }
    *table = view->hint_table;
    *row = view->hint_row;
    return true;
}

bool skep_view_get(skep_view *view, skep_entity entity, const skep_component *component,
                   void *value)
{
    const skep__client_picture *picture = &view->pictures[view->shown];
    const uint32_t number = skep__client_number(view, component);
    uint32_t t = 0;
    uint32_t row = 0;
    if (number == SKEP_REPLICA_MAX || !frame_find(view, entity, &t, &row)) return false;
    const skep__client_layout *layout = &view->layouts[t];
    if (!(layout->code.components >> number & 1u)) return false;
    for (uint32_t i = 0; value && i < layout->field_count; i++) {
        const skep__client_field *f = &layout->fields[i];
        if (f->replica != number) continue;
        memcpy((uint8_t *)value + component->fields[f->field].offset,
               skep__client_column(&picture->tables[t], f) + (size_t)row * f->row_bytes,
               f->row_bytes);
    }
    return true;
}

void *skep__client_shown(skep_view *view, skep_entity entity, uint32_t replica, uint32_t field)
{
    const skep__client_picture *picture = &view->pictures[view->shown];
    uint32_t t = 0;
    uint32_t row = 0;
    if (!frame_find(view, entity, &t, &row)) return NULL;
    const skep__client_field *f = frame_field(&view->layouts[t], replica, field);
    return f ? skep__client_column(&picture->tables[t], f) + (size_t)row * f->row_bytes : NULL;
}
