/* SPDX-License-Identifier: MIT */
/* Cells: values of resources that tasks write to areas of their own, since a resource has no rows.
 *
 * `res_mut` starts with the resource's value and replaces it. A reduction starts each task with
 * what changes nothing (zeros for `sum` and `fold`, the greatest value for `min`, the least for
 * `max`), and the tasks' values are combined field by field in the order of the blocks, whoever
 * finished first; so the bits of a sum of floats do not depend on who ran what. The result replaces
 * the resource's value; without any task it is what tasks would have started with. */
#include "core/plan/plan_internal.h"

bool skep__reducible(const skep_component *info, const char **field)
{
    for (uint32_t f = 0; f < info->field_count; f++) {
        const uint8_t type = info->fields[f].type;
        if (type >= SKEP_TYPE_i8 && type <= SKEP_TYPE_f64) continue;
        *field = info->fields[f].name;
        return false;
    }
    return true;
}

static bool is_reduction(uint32_t mode)
{
    return mode >= SKEP_MODE_sum && mode <= SKEP_MODE_fold;
}

/* ---- arithmetic by type ------------------------------------------------------------------ */

/* Unsigned sums wrap around; signed ones are made to. A NaN is neither less nor greater than
 * anything, so that minimum and maximum pass over it. */
#define CELL_WHOLE(T, U, low, high)                                                                \
    static void combine_##T(T *into, const T *value, uint32_t n, uint32_t mode)                    \
    {                                                                                              \
        for (uint32_t i = 0; i < n; i++) {                                                         \
            if (mode == SKEP_MODE_sum) into[i] = (T)((U)into[i] + (U)value[i]);                    \
            if (mode == SKEP_MODE_min && value[i] < into[i]) into[i] = value[i];                   \
            if (mode == SKEP_MODE_max && value[i] > into[i]) into[i] = value[i];                   \
        }                                                                                          \
    }                                                                                              \
    static void start_##T(T *into, uint32_t n, uint32_t mode)                                      \
    {                                                                                              \
        for (uint32_t i = 0; i < n; i++) {                                                         \
            into[i] = (T)(mode == SKEP_MODE_min ? (high) : mode == SKEP_MODE_max ? (low) : 0);     \
        }                                                                                          \
    }

CELL_WHOLE(int8_t, uint32_t, INT8_MIN, INT8_MAX)
CELL_WHOLE(uint8_t, uint32_t, 0, UINT8_MAX)
CELL_WHOLE(int16_t, uint32_t, INT16_MIN, INT16_MAX)
CELL_WHOLE(uint16_t, uint32_t, 0, UINT16_MAX)
CELL_WHOLE(int32_t, uint32_t, INT32_MIN, INT32_MAX)
CELL_WHOLE(uint32_t, uint32_t, 0, UINT32_MAX)
CELL_WHOLE(int64_t, uint64_t, INT64_MIN, INT64_MAX)
CELL_WHOLE(uint64_t, uint64_t, 0, UINT64_MAX)
#define CELL_FLOAT_END (1.0f / 0.0f)
#define CELL_DOUBLE_END (1.0 / 0.0)
CELL_WHOLE(float, float, -CELL_FLOAT_END, CELL_FLOAT_END)
CELL_WHOLE(double, double, -CELL_DOUBLE_END, CELL_DOUBLE_END)

#define CELL_CASE(name, T)                                                                         \
    case SKEP_TYPE_##name:                                                                         \
        if (value) {                                                                               \
            combine_##T((T *)into, (const T *)value, n, mode);                                     \
        } else {                                                                                   \
            start_##T((T *)into, n, mode);                                                         \
        }                                                                                          \
        break

/* Combines one field's value into another, or starts it where `value` is NULL. */
static void cell_field(uint32_t type, void *into, const void *value, uint32_t n, uint32_t mode)
{
    switch (type) {
        CELL_CASE(i8, int8_t);
        CELL_CASE(u8, uint8_t);
        CELL_CASE(i16, int16_t);
        CELL_CASE(u16, uint16_t);
        CELL_CASE(i32, int32_t);
        CELL_CASE(u32, uint32_t);
        CELL_CASE(i64, int64_t);
        CELL_CASE(u64, uint64_t);
        CELL_CASE(f32, float);
        CELL_CASE(f64, double);
    default:
        break;
    }
}

static void cell_start(const skep_component *info, uint8_t *into, uint32_t mode)
{
    memset(into, 0, info->size);
    if (mode != SKEP_MODE_min && mode != SKEP_MODE_max) return;
    for (uint32_t f = 0; f < info->field_count; f++) {
        const skep_field *field = &info->fields[f];
        cell_field(field->type, into + field->offset, NULL, field->count, mode);
    }
}

static void cell_combine(const skep__system *s, const skep__plan_term *t, uint8_t *into,
                         const uint8_t *value)
{
    if (t->mode == SKEP_MODE_fold) {
        s->desc.fold(t->info, into, value);
        return;
    }
    for (uint32_t f = 0; f < t->info->field_count; f++) {
        const skep_field *field = &t->info->fields[f];
        cell_field(field->type, into + field->offset, value + field->offset, field->count, t->mode);
    }
}

/* ---- making cells ------------------------------------------------------------------------ */

/* What a cell starts with, and its bytes. */
static const void *cell_from(skep_plan *p, const skep__plan_term *t, uint32_t *bytes)
{
    *bytes = t->info->size;
    if (is_reduction(t->mode)) {
        uint8_t *start = skep__bump_take(p, *bytes);
        if (start) cell_start(t->info, start, t->mode);
        return start;
    }
    const skep__blob *value = &p->world->resources[t->number].value;
    const void *now = skep__blob_read(&p->world->store, value);
    if (!now) return skep__zeros(p, *bytes);
    *bytes = value->bytes;
    return now;
}

skep_status skep__system_cells(skep_plan *p, skep__system *s)
{
    skep_task_cell *cells = skep__bump_take(p, s->access_count * sizeof *cells);
    if (!cells) return SKEP_NO_MEMORY;
    uint32_t count = 0;
    size_t at = 0;
    for (uint32_t i = 0; i < s->access_count; i++) {
        const skep__plan_term *t = &s->terms[i];
        if (t->mode != SKEP_MODE_res_mut && !is_reduction(t->mode)) continue;
        uint32_t bytes = 0;
        const void *from = cell_from(p, t, &bytes);
        if (!from) return SKEP_NO_MEMORY;
        cells[count++] = (skep_task_cell){from, bytes, skep__u32(at), t->offset, 0};
        at = skep__align(at + bytes, 16);
    }
    s->cells = cells;
    s->cell_count = count;
    s->cells_bytes = skep__u32(at);
    return SKEP_OK;
}

/* ---- taking results ---------------------------------------------------------------------- */

/* Combines the tasks' values of one reduction into p->fold. */
static skep_status reduce_term(skep_plan *p, const skep__system *s, const skep__plan_term *t,
                               const skep_task_cell *cell)
{
    if (!skep__plan_grow(p, &p->fold, &p->fold_cap, cell->bytes, 1)) return SKEP_NO_MEMORY;
    memcpy(p->fold, cell->from, cell->bytes);
    for (uint32_t i = 0; i < s->task_count; i++) {
        const skep_pool_task *d = p->frame.tasks[s->task_first + i].task;
        cell_combine(s, t, p->fold, (const uint8_t *)d->output + cell->offset);
    }
    return SKEP_OK;
}

/* Writes a value without what lies in its padding. */
static skep_status resource_write(skep_plan *p, const skep__plan_term *t, const uint8_t *value,
                                  uint32_t bytes)
{
    uint8_t *to = skep__blob_write(&p->world->store, &p->world->resources[t->number].value, bytes);
    if (!to) return SKEP_NO_MEMORY;
    if (bytes == t->info->size) {
        skep__patch_value(to, t->info, value);
    } else {
        memcpy(to, value, bytes);
    }
    return SKEP_OK;
}

static skep_status cell_take(skep_plan *p, const skep__system *s, const skep__plan_term *t,
                             const skep_task_cell *cell)
{
    if (is_reduction(t->mode)) {
        const skep_status status = reduce_term(p, s, t, cell);
        return status == SKEP_OK ? resource_write(p, t, p->fold, cell->bytes) : status;
    }
    if (!s->task_count) return SKEP_OK;
    const skep_pool_task *d = p->frame.tasks[s->task_first].task;
    return resource_write(p, t, (const uint8_t *)d->output + cell->offset, cell->bytes);
}

skep_status skep__system_reduce(skep_plan *p, skep__system *s)
{
    uint32_t cell = 0;
    for (uint32_t i = 0; i < s->access_count; i++) {
        const skep__plan_term *t = &s->terms[i];
        if (t->mode != SKEP_MODE_res_mut && !is_reduction(t->mode)) continue;
        const skep_status status = cell_take(p, s, t, &s->cells[cell++]);
        if (status != SKEP_OK) return status;
    }
    return SKEP_OK;
}
