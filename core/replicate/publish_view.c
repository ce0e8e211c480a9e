/* SPDX-License-Identifier: MIT */
/* Views: which entity sits in which slot of which class, and what became of it.
 *
 * An update walks over the rows of a snapshot, run by run (a run has one set of components). The
 * codes of a run are made column by column; then each entity is put where it belongs: the class of
 * its components and cell, its slot there. Rows that lie behind each other in slots too, as most
 * do, are compared and copied together, and a block of codes is made the update's own only when one
 * of them differs, so that what does not change is shared with the state before. Whoever was not
 * seen leaves his slot. At the end each class that changed keeps a state in its history.
 *
 * An entity stays in its cell until it is a sixteenth of a cell beyond its edge, so that one on the
 * edge does not go to and fro. A class that is full has others of the same cell beside it. */
#include "core/base/bits.h"
#include "core/data/snapshot_internal.h"
#include "core/replicate/publish_internal.h"

#define VIEW_ROWS 1024u
#define VIEW_SLACK 0.0625f
/* Cells beyond are one. */
#define VIEW_CELL_END 1000000000.0f

/* ---- life ------------------------------------------------------------------------------------ */

static void class_deinit(skep_publisher *p, skep__view_class *c)
{
    for (uint32_t i = 0; i < c->history_count; i++) skep__codes_deinit(&c->history[i], &p->pool);
    skep__codes_deinit(&c->now, &p->pool);
    skep__array_free(&p->allocator, (void **)&c->history, &c->history_cap, sizeof *c->history);
    skep__array_free(&p->allocator, (void **)&c->taken, &c->taken_cap, sizeof *c->taken);
    skep__packets_clear(p, &c->frames);
    skep__array_free(&p->allocator, (void **)&c->frames.at, &c->frames.cap, sizeof *c->frames.at);
}

void skep__view_reset(skep_publisher *p, skep__view_classes *view)
{
    for (uint32_t i = 0; i < view->class_count; i++) class_deinit(p, &view->classes[i]);
    view->class_count = 0;
    if (view->home_cap) memset(view->homes, 0, view->home_cap * sizeof *view->homes);
    view->filled = false;
}

void skep__view_deinit(skep_publisher *p, skep__view_classes *view)
{
    skep__view_reset(p, view);
    for (uint32_t i = 0; i < view->layout_count; i++)
        skep__code_layout_deinit(&view->layouts[i], &p->allocator);
    skep__array_free(&p->allocator, (void **)&view->layouts, &view->layout_cap,
                     sizeof *view->layouts);
    skep__array_free(&p->allocator, (void **)&view->classes, &view->class_cap,
                     sizeof *view->classes);
    skep__array_free(&p->allocator, (void **)&view->homes, &view->home_cap, sizeof *view->homes);
    *view = (skep__view_classes){0};
}

skep__view_classes *skep__view_acquire(skep_publisher *p, uint64_t components)
{
    skep__view_classes *unused = NULL;
    for (uint32_t i = 0; i < SKEP__VIEWS_MAX; i++) {
        skep__view_classes *view = &p->views[i];
        if (view->components == components) {
            view->users++;
            return view;
        }
        if (!unused && view->components == 0) unused = view;
    }
    /* One that nobody uses is only kept for those who come back. */
    for (uint32_t i = 0; i < SKEP__VIEWS_MAX && !unused; i++)
        if (p->views[i].users == 0) unused = &p->views[i];
    if (!unused) return NULL;
    skep__view_deinit(p, unused);
    unused->components = components;
    unused->users = 1;
    return unused;
}

void skep__view_release(skep_publisher *p, skep__view_classes *view)
{
    SKEP_ASSERT(view->users > 0 && view >= p->views && view < p->views + SKEP__VIEWS_MAX);
    (void)p;
    view->users--;
}

/* The layout of a set of components of the view; its index, or UINT32_MAX. */
static uint32_t view_layout(skep_publisher *p, skep__view_classes *view, uint64_t components,
                            skep_status *status)
{
    for (uint32_t i = 0; i < view->layout_count; i++)
        if (view->layouts[i].components == components) return i;
    const skep_publish_desc *d = &p->desc;
    if (!skep__array_grow(&p->allocator, (void **)&view->layouts, &view->layout_cap,
                          view->layout_count + 1u, sizeof *view->layouts)) {
        *status = SKEP_NO_MEMORY;
        return UINT32_MAX;
    }
    const skep__code_terms terms = {.replicas = d->replicas,
                                    .replica_count = d->replica_count,
                                    .rates = d->rates,
                                    .rate_count = d->rate_count,
                                    .tick_hz = d->tick_hz,
                                    .message_down_max = d->message_down_max};
    *status = skep__code_layout_init(&view->layouts[view->layout_count], &terms, components,
                                     &p->allocator);
    return *status == SKEP_OK ? view->layout_count++ : UINT32_MAX;
}

/* ---- slots ----------------------------------------------------------------------------------- */

/* The lowest free slot of a class, or UINT32_MAX when it is full or memory is short. */
static uint32_t class_free_slot(skep_publisher *p, skep__view_class *c, uint32_t slot_max)
{
    const uint32_t words = slot_max / 64u;
    for (uint32_t w = c->free_hint; w < words; w++) {
        if (w >= c->taken_cap && !skep__array_grow(&p->allocator, (void **)&c->taken, &c->taken_cap,
                                                   w + 1u, sizeof *c->taken))
            return UINT32_MAX;
        c->free_hint = w;
        if (c->taken[w] != UINT64_MAX) return w * 64u + skep__bit_lowest(~c->taken[w]);
    }
    return UINT32_MAX;
}

static void class_take(skep__view_class *c, uint32_t slot)
{
    c->taken[slot / 64u] |= (uint64_t)1 << slot % 64u;
    c->used++;
}

/* Empties a slot. False without memory. */
static bool class_vacate(skep_publisher *p, skep__view_classes *view, skep__view_class *c,
                         uint32_t slot)
{
    const uint32_t b = slot / SKEP__COLUMNS_BLOCK;
    const uint32_t i = slot % SKEP__COLUMNS_BLOCK;
    const uint32_t columns = view->layouts[c->layout].column_count;
    uint64_t *ids = skep__codes_own_ids(&c->now, b, &p->pool);
    int32_t *codes = skep__codes_own_codes(&c->now, b, &p->pool);
    if (!ids || !codes) return false;
    ids[i] = 0;
    for (uint32_t k = 0; k < columns; k++) codes[(size_t)k * SKEP__COLUMNS_BLOCK + i] = 0;
    c->taken[slot / 64u] &= ~((uint64_t)1 << slot % 64u);
    c->free_hint = skep__min_u32(c->free_hint, slot / 64u);
    c->used--;
    c->dirty = true;
    return true;
}

/* Lets an entity sit down in a slot; its codes come after. False without memory. */
static bool class_seat(skep_publisher *p, skep__view_classes *view, skep__view_class *c,
                       uint32_t slot, uint64_t id)
{
    const uint32_t b = slot / SKEP__COLUMNS_BLOCK;
    if (slot >= c->now.slot_count &&
        skep__codes_resize(&c->now, &view->layouts[c->layout], slot + 1u, &p->pool) != SKEP_OK)
        return false;
    uint64_t *ids = skep__codes_own_ids(&c->now, b, &p->pool);
    if (!ids) return false;
    ids[slot % SKEP__COLUMNS_BLOCK] = id;
    class_take(c, slot);
    c->dirty = true;
    return true;
}

/* ---- which class ----------------------------------------------------------------------------- */

/* One run of rows on its way into the view. */
typedef struct view_run {
    skep_publisher *p;
    skep__view_classes *view;
    const skep_entity *entity;
    uint32_t count;
    uint32_t layout;
    uint32_t column_count;
    const float *place[3]; /* NULL: everywhere */
    int32_t *codes;        /* column k of row i at [k * VIEW_ROWS + i] */
    uint32_t last;         /* class that was found last, + 1 */
} view_run;

static int32_t view_cell_of(const skep_publisher *p, float x)
{
    const float cell = x / p->desc.place.cell;
    if (!(cell > -VIEW_CELL_END)) return -(int32_t)VIEW_CELL_END; /* NaN too */
    if (!(cell < VIEW_CELL_END)) return (int32_t)VIEW_CELL_END;
    const int32_t whole = (int32_t)cell;
    return whole - ((float)whole > cell);
}

/* Whether row `i` may stay in a class: within its cell, and a little beyond. */
static bool view_stays(const view_run *run, const skep__view_class *c, uint32_t i)
{
    const float edge = run->p->desc.place.cell;
    if (c->layout != run->layout) return false;
    if (!run->place[0]) return true;
    for (uint32_t a = 0; a < run->p->desc.place.axes; a++) {
        const float x = run->place[a][i] / edge - (float)c->cell[a];
        if (!(x >= -VIEW_SLACK && x <= 1.0f + VIEW_SLACK)) return false;
    }
    return true;
}

static bool view_cell_is(const skep__view_class *c, uint32_t layout, const int32_t cell[3])
{
    return c->layout == layout && c->cell[0] == cell[0] && c->cell[1] == cell[1] &&
           c->cell[2] == cell[2];
}

/* A class with a free slot for row `i`; NULL with *status where there is none and can be none. */
static skep__view_class *view_class_for(view_run *run, uint32_t i, uint32_t *slot,
                                        skep_status *status)
{
    skep__view_classes *view = run->view;
    int32_t cell[3] = {SKEP__CELL_NONE, SKEP__CELL_NONE, SKEP__CELL_NONE};
    const uint32_t slot_max = view->layouts[run->layout].slot_max;
    for (uint32_t a = 0; run->place[0] && a < run->p->desc.place.axes; a++)
        cell[a] = view_cell_of(run->p, run->place[a][i]);
    for (uint32_t n = 0; n <= view->class_count; n++) {
        const uint32_t at = n == 0 ? run->last - 1u : n - 1u;
        if (at >= view->class_count || !view_cell_is(&view->classes[at], run->layout, cell))
            continue;
        *slot = class_free_slot(run->p, &view->classes[at], slot_max);
        if (*slot == UINT32_MAX) continue;
        run->last = at + 1u;
        return &view->classes[at];
    }
    *status = SKEP_NO_MEMORY;
    if (!skep__array_grow(&run->p->allocator, (void **)&view->classes, &view->class_cap,
                          view->class_count + 1u, sizeof *view->classes))
        return NULL;
    skep__view_class *c = &view->classes[view->class_count++];
    *c = (skep__view_class){
        .id = run->p->class_id_next++, .layout = run->layout, .cell = {cell[0], cell[1], cell[2]}};
    run->last = view->class_count;
    *slot = class_free_slot(run->p, c, slot_max);
    return *slot == UINT32_MAX ? NULL : c;
}

/* Finds or makes the place of row `i`; false without memory. */
static bool view_seat(view_run *run, uint32_t i, skep__home **home, skep_status *status)
{
    const uint32_t index = skep_entity_index(run->entity[i]);
    const uint32_t generation = skep_entity_generation(run->entity[i]);
    skep__home *h = &run->view->homes[index];
    skep__view_class *c = h->class ? &run->view->classes[h->class - 1u] : NULL;
    *home = h;
    h->seen = run->p->round;
    if (c && h->generation == generation && view_stays(run, c, i)) return true;
    if (c && !class_vacate(run->p, run->view, c, h->slot)) return false;
    h->class = 0;
    uint32_t slot = 0;
    c = view_class_for(run, i, &slot, status);
    if (!c || !class_seat(run->p, run->view, c, slot, run->entity[i].bits)) return false;
    *h = (skep__home){.generation = generation,
                      .class = (uint32_t)(c - run->view->classes) + 1u,
                      .slot = slot,
                      .seen = run->p->round};
    return true;
}

/* ---- codes ----------------------------------------------------------------------------------- */

/* Whether a short run of codes differs; memcmp costs more than that for a few of them. */
SKEP_INLINE bool view_differs(const int32_t *a, const int32_t *b, uint32_t n)
{
    int32_t differs = 0;
    if (n > 16) return memcmp(a, b, n * sizeof *a) != 0;
    for (uint32_t i = 0; i < n; i++) differs |= a[i] ^ b[i];
    return differs != 0;
}

/* Puts the codes of rows first to first + n - 1 into slots from `slot` on, all of one block. A
 * block that this update made its own already is written without looking. */
static bool view_put(const view_run *run, skep__view_class *c, uint32_t slot, uint32_t first,
                     uint32_t n)
{
    const uint32_t b = slot / SKEP__COLUMNS_BLOCK;
    const uint32_t at = slot % SKEP__COLUMNS_BLOCK;
    const int32_t *from = run->codes + first;
    int32_t *codes = skep__block_codes(c->now.codes[b]);
    if (c->now.codes[b]->refs > 1) {
        uint32_t k = 0;
        while (k < run->column_count && !view_differs(codes + (size_t)k * SKEP__COLUMNS_BLOCK + at,
                                                      from + (size_t)k * VIEW_ROWS, n))
            k++;
        if (k == run->column_count) return true;
        codes = skep__codes_own_codes(&c->now, b, &run->p->pool);
        if (!codes) return false;
    }
    for (uint32_t k = 0; k < run->column_count; k++) {
        int32_t *to = codes + (size_t)k * SKEP__COLUMNS_BLOCK + at;
        for (uint32_t i = 0; i < n; i++) to[i] = from[(size_t)k * VIEW_ROWS + i];
    }
    c->dirty = true;
    return true;
}

/* Seats all rows of a run and hands on their codes, as many at once as lie together. */
static skep_status view_take_rows(view_run *run)
{
    skep_status status = SKEP_NO_MEMORY;
    uint32_t first = 0;
    uint32_t class = 0;
    uint32_t slot = 0;
    for (uint32_t i = 0; i < run->count; i++) {
        skep__home *home = NULL;
        if (!view_seat(run, i, &home, &status)) return status;
        const uint32_t n = i - first;
        if (n && home->class == class && home->slot == slot + n &&
            home->slot % SKEP__COLUMNS_BLOCK != 0)
            continue;
        if (n && !view_put(run, &run->view->classes[class - 1u], slot, first, n)) return status;
        first = i;
        class = home->class;
        slot = home->slot;
    }
    if (run->count &&
        !view_put(run, &run->view->classes[class - 1u], slot, first, run->count - first))
        return SKEP_NO_MEMORY;
    return SKEP_OK;
}

/* The components of a run's table that are published, by number. */
static uint64_t view_components(const skep_publisher *p, const skep_snapshot *s, uint32_t table)
{
    const skep__layout *layout = s->tables[table].layout;
    uint64_t components = 0;
    for (uint32_t r = 0; r < p->desc.replica_count; r++) {
        if (!(p->schema.components >> r & 1u)) continue;
        const uint32_t type = skep__snap_type_find(s, p->desc.replicas[r].info);
        if (type != SKEP__NO_TYPE && skep__layout_find(layout, type) >= 0)
            components |= (uint64_t)1 << r;
    }
    return components;
}

static void view_quantise(const view_run *run, const skep_snapshot *s,
                          const skep_snapshot_rows *rows)
{
    const skep__code_layout *layout = &run->view->layouts[run->layout];
    const skep_replica *replicas = run->p->desc.replicas;
    for (uint32_t f = 0; f < layout->field_count; f++) {
        const skep__code_field *field = &layout->fields[f];
        const skep_component *info = replicas[field->replica].info;
        const skep__quantum_span span = {.elements = info->fields[field->field].count,
                                         .element = field->element,
                                         .row_count = rows->count,
                                         .stride = VIEW_ROWS};
        skep__quantum_codes(&field->quantum, &span,
                            skep_snapshot_column(s, rows, info, field->field),
                            run->codes + (size_t)field->column * VIEW_ROWS);
    }
}

/* Room for the codes of one run. */
static bool view_room(skep_publisher *p, uint32_t column_count)
{
    const size_t need = (size_t)column_count * VIEW_ROWS * sizeof(int32_t);
    if (need <= p->rows_bytes) return true;
    uint8_t *rows = skep__alloc(&p->allocator, need, 64);
    if (!rows) return false;
    skep__free(&p->allocator, p->rows, p->rows_bytes, 64);
    p->rows = rows;
    p->rows_bytes = need;
    return true;
}

static skep_status view_take_run(skep_publisher *p, skep__view_classes *view,
                                 const skep_snapshot *s, const skep_snapshot_rows *rows,
                                 uint64_t components)
{
    skep_status status = SKEP_NO_MEMORY;
    view_run run = {.p = p, .view = view, .entity = rows->entity, .count = rows->count};
    run.layout = view_layout(p, view, components, &status);
    if (run.layout == UINT32_MAX) return status;
    run.column_count = view->layouts[run.layout].column_count;
    if (!view_room(p, run.column_count)) return SKEP_NO_MEMORY;
    run.codes = (int32_t *)(void *)p->rows;
    const skep_place *place = &p->desc.place;
    const bool placed = p->schema.place < SKEP_REPLICA_MAX && components >> p->schema.place & 1u;
    for (uint32_t a = 0; placed && a < place->axes; a++)
        run.place[a] = skep_snapshot_column(s, rows, place->component, place->field[a]);
    view_quantise(&run, s, rows);
    return view_take_rows(&run);
}

/* ---- who left, and history ------------------------------------------------------------------- */

/* Empties the slots of those whom this round did not see. */
static bool view_sweep_block(skep_publisher *p, skep__view_classes *view, skep__view_class *c,
                             uint32_t b)
{
    for (uint32_t i = 0; i < SKEP__COLUMNS_BLOCK; i++) {
        const uint64_t id = skep__block_ids(c->now.ids[b])[i];
        skep__home *home = &view->homes[(uint32_t)id];
        if (!id || home->seen == p->round) continue;
        if (!class_vacate(p, view, c, b * SKEP__COLUMNS_BLOCK + i)) return false;
        *home = (skep__home){0};
    }
    return true;
}

/* The number of slots up to the last that is taken. */
static uint32_t class_slots(const skep__view_class *c)
{
    for (uint32_t w = (c->now.slot_count + 63u) / 64u; w > 0; w--)
        if (c->taken[w - 1u]) return (w - 1u) * 64u + skep__bit_highest(c->taken[w - 1u]) + 1u;
    return 0;
}

/* Drops states that no base can be any more: all but one of those that are as old as the oldest. */
static void class_forget(skep_publisher *p, skep__view_class *c)
{
    uint32_t n = 0;
    while (n + 1u < c->history_count && c->history[n + 1u].tick <= p->tick_oldest) n++;
    for (uint32_t i = 0; i < n; i++) skep__codes_deinit(&c->history[i], &p->pool);
    if (n) memmove(c->history, c->history + n, (c->history_count - n) * sizeof *c->history);
    c->history_count -= n;
}

static skep_status class_keep(skep_publisher *p, const skep__view_classes *view,
                              skep__view_class *c)
{
    skep__packets_clear(p, &c->frames);
    class_forget(p, c);
    if (!c->dirty) return SKEP_OK;
    skep_status status =
        skep__codes_resize(&c->now, &view->layouts[c->layout], class_slots(c), &p->pool);
    if (status != SKEP_OK) return status;
    if (!skep__array_grow(&p->allocator, (void **)&c->history, &c->history_cap,
                          c->history_count + 1u, sizeof *c->history))
        return SKEP_NO_MEMORY;
    c->now.tick = p->tick;
    status = skep__codes_share(&c->now, &p->pool, &c->history[c->history_count]);
    if (status != SKEP_OK) return status;
    c->history_count++;
    c->dirty = false;
    if (c->used) c->empty_tick = 0;
    if (!c->used && !c->empty_tick) c->empty_tick = p->tick;
    return SKEP_OK;
}

/* Ends classes that were empty for as long as any base reaches back. */
static void view_bury(skep_publisher *p, skep__view_classes *view)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < view->class_count; i++) {
        skep__view_class *c = &view->classes[i];
        if (c->empty_tick && c->empty_tick < p->tick_oldest) {
            class_deinit(p, c);
            continue;
        }
        if (kept != i) view->classes[kept] = *c;
        kept++;
    }
    const bool moved = kept != view->class_count;
    view->class_count = kept;
    for (uint32_t i = 0; moved && i < kept; i++)
        for (uint32_t slot = 0; slot < view->classes[i].now.slot_count; slot++) {
            const skep__codes *now = &view->classes[i].now;
            const uint64_t id =
                skep__block_ids(now->ids[slot / SKEP__COLUMNS_BLOCK])[slot % SKEP__COLUMNS_BLOCK];
            if (id) view->homes[(uint32_t)id].class = i + 1u;
        }
}

static skep_status view_rows(skep_publisher *p, skep__view_classes *view, const skep_snapshot *s)
{
    skep_snapshot_rows rows = {0};
    uint32_t table = 0;
    uint64_t components = 0;
    while (skep_snapshot_next(s, NULL, 0, &rows)) {
        if (rows.table != table) components = view_components(p, s, rows.table) & view->components;
        table = rows.table;
        if (!components) continue;
        const skep_status status = view_take_run(p, view, s, &rows, components);
        if (status != SKEP_OK) return status;
    }
    return SKEP_OK;
}

skep_status skep__view_update(skep_publisher *p, skep__view_classes *view, const skep_snapshot *s)
{
    if (!skep__array_grow(&p->allocator, (void **)&view->homes, &view->home_cap,
                          s->queue.index_count + 1u, sizeof *view->homes))
        return SKEP_NO_MEMORY;
    skep_status status = view_rows(p, view, s);
    if (status != SKEP_OK) return status;
    for (uint32_t i = 0; i < view->class_count; i++)
        for (uint32_t b = 0; b < view->classes[i].now.block_count; b++)
            if (!view_sweep_block(p, view, &view->classes[i], b)) return SKEP_NO_MEMORY;
    for (uint32_t i = 0; i < view->class_count; i++) {
        status = class_keep(p, view, &view->classes[i]);
        if (status != SKEP_OK) return status;
    }
    view_bury(p, view);
    view->filled = true;
    return SKEP_OK;
}

/* ---- what sessions ask ----------------------------------------------------------------------- */

const skep__codes *skep__class_at(const skep__view_class *c, uint32_t tick)
{
    for (uint32_t i = c->history_count; i > 0; i--)
        if (c->history[i - 1u].tick <= tick) return &c->history[i - 1u];
    return NULL;
}

bool skep__class_meets(const skep_publisher *p, const skep__view_class *c, const skep_box *area)
{
    const float edge = p->desc.place.cell;
    if (area->axes == 0 || c->cell[0] == SKEP__CELL_NONE) return true;
    for (uint32_t a = 0; a < area->axes && a < p->desc.place.axes; a++) {
        const float low = ((float)c->cell[a] - VIEW_SLACK) * edge;
        const float high = ((float)c->cell[a] + 1.0f + VIEW_SLACK) * edge;
        if (!(area->low[a] <= high && area->high[a] >= low)) return false;
    }
    return true;
}
