/* SPDX-License-Identifier: MIT */
/* Two states, put together so that pictures between them are loops over plain arrays: for each
 * block of the first, a block of codes that says where its entities are at the second.
 *
 *     same block of ids in both     the second's block of codes, shared
 *     nobody of it is elsewhere     the first's, shared: nothing moves
 *     else                          a block of its own, made slot by slot: from the same slot where
 *                                   the occupant is the same, from where he went where he is found,
 *                                   else as he was
 *
 * So who crosses from class to class, for a cell of the grid or a component, is never missing for a
 * moment. Only those who sit in another slot than before are looked up, by a map of just them. */
#include "core/replicate/view_internal.h"

/* Walks two lists of classes by id; either of a and b may be NULL. */
typedef struct pair_walk {
    const skep__client_state *from;
    const skep__client_state *to;
    uint32_t i;
    uint32_t j;
    const skep__client_class *a;
    const skep__client_class *b;
} pair_walk;

static bool pair_next(pair_walk *w)
{
    const bool in_from = w->i < w->from->count;
    const bool in_to = w->j < w->to->count;
    const uint64_t a = in_from ? w->from->entries[w->i].id : UINT64_MAX;
    const uint64_t b = in_to ? w->to->entries[w->j].id : UINT64_MAX;
    w->a = in_from && a <= b ? w->from->entries[w->i++].class : NULL;
    w->b = in_to && b <= a ? w->to->entries[w->j++].class : NULL;
    return w->a || w->b;
}

/* Whether block `block` of two classes may have other entities. */
static bool pair_ids_differ(const skep__client_class *a, const skep__client_class *b,
                            uint32_t block)
{
    if (!a || !b || a->layout != b->layout) return true;
    if (block >= a->codes.block_count || block >= b->codes.block_count) return true;
    return a->codes.ids[block] != b->codes.ids[block];
}

/* The handles of a block, or NULL where the class has no such block for the other's slots. */
static const uint64_t *pair_ids(const skep__client_class *class, const skep__client_class *other,
                                uint32_t block)
{
    if (!class || (other && other->layout != class->layout)) return NULL;
    return block < class->codes.block_count ? skep__block_ids(class->codes.ids[block]) : NULL;
}

/* ---- who sits elsewhere ---------------------------------------------------------------------- */

/* Tells those of a block of `b` who do not sit there in `a`. */
static uint32_t pair_block_moved(const skep__client_class *a, const skep__client_class *b,
                                 uint32_t entry, uint32_t block, skep__client_moved_fn *fn,
                                 void *ctx)
{
    const uint64_t *ids = skep__block_ids(b->codes.ids[block]);
    const uint64_t *was = pair_ids(a, b, block);
    uint32_t count = 0;
    for (uint32_t i = 0; i < SKEP__COLUMNS_BLOCK; i++) {
        if (!ids[i] || (was && was[i] == ids[i])) continue;
        if (fn) fn(ctx, ids[i], entry, block * SKEP__COLUMNS_BLOCK + i);
        count++;
    }
    return count;
}

uint32_t skep__client_moved(const skep__client_state *from, const skep__client_state *to,
                            skep__client_moved_fn *fn, void *ctx)
{
    pair_walk w = {.from = from, .to = to};
    uint32_t count = 0;
    while (pair_next(&w)) {
        if (!w.b) continue;
        for (uint32_t block = 0; block < w.b->codes.block_count; block++)
            if (pair_ids_differ(w.a, w.b, block))
                count += pair_block_moved(w.a, w.b, w.j - 1u, block, fn, ctx);
    }
    return count;
}

static void pair_add_moved(void *ctx, uint64_t entity, uint32_t entry, uint32_t slot)
{
    skep__view_map_add(ctx, entity, entry, slot);
}

/* ---- blocks ---------------------------------------------------------------------------------- */

/* Codes of one slot, for all columns that both layouts have. Both list them in the same order. */
static void pair_copy_slot(const skep__code_layout *to, int32_t *codes, uint32_t slot,
                           const skep__code_layout *from, const int32_t *source, uint32_t at)
{
    uint32_t j = 0;
    for (uint32_t i = 0; i < to->field_count; i++) {
        const skep__code_field *f = &to->fields[i];
        while (j < from->field_count && from->fields[j].replica < f->replica) j++;
        if (j == from->field_count) return;
        if (from->fields[j].replica != f->replica) continue;
        for (uint32_t k = 0; k < f->quantum.code_count; k++)
            codes[(f->column + k) * SKEP__COLUMNS_BLOCK + slot] =
                source[(from->fields[j].column + k) * SKEP__COLUMNS_BLOCK + at];
        j++;
    }
}

/* What making a pair needs at every block. */
typedef struct pair_making {
    skep_view *view;
    const skep__client_state *to;
    const skep__client_class *a;
    const skep__client_class *b;
} pair_making;

/* Fills a copy of a block of `a` with where its entities are. */
static void pair_fill(const pair_making *m, uint32_t block, int32_t *codes)
{
    const skep__code_layout *layout = &m->view->layouts[m->a->layout].code;
    const uint64_t *ids = skep__block_ids(m->a->codes.ids[block]);
    const uint64_t *now = pair_ids(m->b, m->a, block);
    for (uint32_t i = 0; i < SKEP__COLUMNS_BLOCK; i++) {
        if (!ids[i]) continue;
        const skep__client_class *class = m->b;
        uint32_t slot = block * SKEP__COLUMNS_BLOCK + i;
        if (!now || now[i] != ids[i]) {
            const skep__view_place *place = skep__view_map_find(&m->view->moved, ids[i]);
            if (!place) continue;
            class = m->to->entries[place->a].class;
            slot = place->b;
        }
        pair_copy_slot(layout, codes, i, &m->view->layouts[class->layout].code,
                       skep__block_codes(class->codes.codes[slot / SKEP__COLUMNS_BLOCK]),
                       slot % SKEP__COLUMNS_BLOCK);
    }
}

static skep__code_block *pair_block(const pair_making *m, uint32_t block)
{
    skep__code_block *own = m->a->codes.codes[block];
    if (!pair_ids_differ(m->a, m->b, block)) return skep__block_hold(m->b->codes.codes[block]);
    if (!m->view->moved.count && !pair_ids(m->b, m->a, block)) return skep__block_hold(own);
    skep__code_block *made = skep__block_make(&m->view->pool, own->bytes);
    if (!made) return NULL;
    memcpy(made + 1, own + 1, own->bytes);
    pair_fill(m, block, skep__block_codes(made));
    return made;
}

static bool pair_blocks(skep_view *view, const skep__client_state *from,
                        const skep__client_state *to, skep__client_pair *pair)
{
    pair_walk w = {.from = from, .to = to};
    while (pair_next(&w)) {
        if (!w.a) continue;
        const pair_making m = {view, to, w.a, w.b};
        for (uint32_t block = 0; block < w.a->codes.block_count; block++) {
            skep__code_block *made = pair_block(&m, block);
            if (!made) return false;
            pair->to[pair->block_count++] = made;
        }
    }
    return true;
}

static uint32_t pair_count_blocks(const skep__client_state *state)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < state->count; i++) count += state->entries[i].class->codes.block_count;
    return count;
}

bool skep__client_pair_make(skep_view *view, const skep__client_state *from,
                            const skep__client_state *to, skep__client_pair *pair)
{
    *pair = (skep__client_pair){.made = true, .tick_from = from->tick, .tick_to = to->tick};
    const uint32_t moved = from == to ? 0 : skep__client_moved(from, to, NULL, NULL);
    pair->block_cap = pair_count_blocks(from) + 1u;
    pair->to = skep__client_alloc(view, pair->block_cap * sizeof *pair->to);
    if (!pair->to) {
        *pair = (skep__client_pair){0};
        return false;
    }
    if (skep__view_map_begin(&view->moved, moved, &view->allocator) &&
        skep__client_state_copy(view, from, &pair->from)) {
        if (moved) (void)skep__client_moved(from, to, pair_add_moved, &view->moved);
        if (pair_blocks(view, from, to, pair)) return true;
    }
    skep__client_pair_deinit(view, pair);
    return false;
}

void skep__client_pair_deinit(skep_view *view, skep__client_pair *pair)
{
    for (uint32_t i = 0; i < pair->block_count; i++) skep__block_drop(&view->pool, pair->to[i]);
    skep__client_free(view, pair->to, pair->block_cap * sizeof *pair->to);
    skep__client_state_deinit(view, &pair->from);
    *pair = (skep__client_pair){0};
}
