/* SPDX-License-Identifier: MIT */
/* Which tables a system sees, and which of their columns its column struct points to. Worked out
 * once and kept until tables are made or change; a frame then only follows the lists.
 *
 * The tables come in the order of their identity, a hash of names and layouts, and not of their
 * numbers: those depend on which table was made first, which a saved and loaded world may not
 * repeat, while the order of blocks decides the bits of reductions and the order of patches. */
#include "core/plan/plan_internal.h"

#include "core/base/sort.h"

static bool mode_needs(uint32_t mode)
{
    return mode == SKEP_MODE_in || mode == SKEP_MODE_mut || mode == SKEP_MODE_out ||
           mode == SKEP_MODE_with || mode == SKEP_MODE_changed;
}

static bool match_table(const skep__system *s, const skep__layout *l)
{
    for (uint32_t i = 0; i < s->access_count; i++) {
        const skep__plan_term *t = &s->terms[i];
        const bool needs = mode_needs(t->mode);
        if (!needs && t->mode != SKEP_MODE_not) continue;
        if ((skep__layout_find(l, t->number) >= 0) != needs) return false;
    }
    return true;
}

/* Appends the columns of one term: a pointer a field behind each other in the column struct. */
static bool match_columns(skep_plan *p, skep__system *s, uint32_t access, const skep__layout *l,
                          int32_t at)
{
    const skep__plan_term *t = &s->terms[access];
    const uint32_t count = t->info->field_count;
    if (!skep__plan_grow(p, &s->cols, &s->col_cap, s->col_count + count, sizeof *s->cols))
        return false;
    for (uint32_t f = 0; f < count; f++) {
        const uint32_t column = l->first[at] + f;
        s->cols[s->col_count++] = (skep__plan_col){
            .offset = t->offset + f * (uint32_t)sizeof(void *),
            .column = skep__u16(column),
            .bytes = l->columns[column].bytes,
            .access = skep__u16(access),
            .fresh = t->mode == SKEP_MODE_out,
        };
    }
    return true;
}

/* Appends the stamp column of one term. */
static bool match_stamps(skep_plan *p, skep__system *s, uint32_t access, const skep__layout *l,
                         int32_t at)
{
    if (l->stamps[at] == SKEP__NO_COLUMN) return true;
    if (!skep__plan_grow(p, &s->cols, &s->col_cap, s->col_count + 1, sizeof *s->cols)) return false;
    s->cols[s->col_count++] = (skep__plan_col){
        .offset = s->terms[access].offset,
        .column = l->stamps[at],
        .bytes = sizeof(uint64_t),
        .access = skep__u16(access),
    };
    return true;
}

/* What of a table's columns a term takes part in, in the order in which they are appended. */
typedef enum match_pass { MATCH_READS, MATCH_WRITES, MATCH_STAMPS } match_pass;

static bool match_term(skep_plan *p, skep__system *s, uint32_t access, const skep__layout *l,
                       match_pass pass)
{
    const skep__plan_term *t = &s->terms[access];
    const uint32_t mode = t->mode;
    const bool reads = mode == SKEP_MODE_in || mode == SKEP_MODE_opt;
    const bool writes = mode == SKEP_MODE_mut || mode == SKEP_MODE_out;
    if (!reads && !writes && mode != SKEP_MODE_changed) return true;
    const int32_t at = skep__layout_find(l, t->number);
    if (at < 0) return true;
    switch (pass) {
    case MATCH_READS:
        if (mode == SKEP_MODE_changed) return match_stamps(p, s, access, l, at);
        return !reads || match_columns(p, s, access, l, at);
    case MATCH_WRITES:
        return !writes || match_columns(p, s, access, l, at);
    case MATCH_STAMPS:
        return !writes || match_stamps(p, s, access, l, at);
    }
    return true;
}

static bool match_add(skep_plan *p, skep__system *s, const skep__table *t)
{
    uint32_t ends[3];
    const uint32_t first = s->col_count;
    for (uint32_t pass = 0; pass < 3; pass++) {
        for (uint32_t i = 0; i < s->access_count; i++) {
            if (!match_term(p, s, i, t->layout, (match_pass)pass)) return false;
        }
        ends[pass] = s->col_count;
    }
    if (!skep__plan_grow(p, &s->matches, &s->match_cap, s->match_count + 1, sizeof *s->matches)) {
        return false;
    }
    s->stamped |= ends[2] > ends[1];
    s->matches[s->match_count++] = (skep__plan_match){
        .table = t->id,
        .reads = first,
        .read_count = skep__u16(ends[0] - first),
        .write_count = skep__u16(ends[1] - ends[0]),
        .stamp_count = skep__u16(ends[2] - ends[1]),
    };
    return true;
}

static int match_compare(const void *a, const void *b, void *ctx)
{
    const skep__store *store = ctx;
    const skep__plan_match *x = a, *y = b;
    const uint64_t p = store->tables[x->table]->layout->identity;
    const uint64_t q = store->tables[y->table]->layout->identity;
    if (p != q) return p < q ? -1 : 1;
    return x->table < y->table ? -1 : x->table > y->table;
}

skep_status skep__system_match(skep_plan *p, skep__system *s)
{
    skep__store *store = &p->world->store;
    if (SKEP_LIKELY(s->generation == store->table_generation + 1)) return SKEP_OK;
    s->match_count = 0;
    s->col_count = 0;
    s->generation = 0;
    s->stamped = false;
    for (uint32_t i = 1; i < store->table_count; i++) {
        const skep__table *t = store->tables[i];
        if (!t || !match_table(s, t->layout)) continue;
        if (!match_add(p, s, t)) return SKEP_NO_MEMORY;
    }
    skep__sort_items(s->matches, s->match_count, sizeof *s->matches, match_compare, store);
    s->generation = store->table_generation + 1;
    return SKEP_OK;
}

bool skep__system_matches_rows(skep_plan *p, skep__system *s)
{
    if (skep__system_match(p, s) != SKEP_OK) return true;
    for (uint32_t i = 0; i < s->match_count; i++) {
        if (p->world->store.tables[s->matches[i].table]->row_count) return true;
    }
    return false;
}
