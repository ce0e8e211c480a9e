/* SPDX-License-Identifier: MIT */
/* Who is whose child: a cache beside the Parent columns, which alone are the truth.
 *
 * Each index has a node; the nodes of one parent's children make a list:
 *
 *     nodes[parent].first -> child <-> child <-> child        nodes[child].parent == parent's index
 *
 * A node may be out of date: the child died, or lost or changed its Parent without a word. So every
 * list is checked against the columns as it is read, and what does not fit is unlinked. What is
 * missing is worse than what is too much, so each Parent that is added or set is noted in `touched`
 * and linked before the next question; where values changed in ways that nobody can list (a job
 * wrote the column, a restore), all is built anew from the columns. The answer is ordered by index,
 * so it does not depend on any of this. */
#include "core/world/world_parts.h"

#include "core/base/sort.h"

typedef struct skep__child_node {
    uint32_t first; /* all four: index + 1, 0: none */
    uint32_t next;
    uint32_t previous;
    uint32_t parent;
    uint32_t seen; /* number of the walk that has this entity already */
} skep__child_node;

struct skep__children {
    skep__child_node *nodes; /* by index */
    uint32_t node_count, node_cap;
    skep_entity *touched;
    uint32_t touched_count, touched_cap;
    skep_entity *found; /* the last answer */
    uint32_t found_count, found_cap;
    uint32_t walk;
    bool stale;
};

/* A world that never had a Parent has no cache. */
static struct skep__children *children_get(skep_world *w)
{
    if (w->children) return w->children;
    w->children = skep__alloc(&w->store.allocator, sizeof *w->children, 16);
    if (w->children) w->children->stale = true;
    return w->children;
}

void skep__children_free(skep_world *w)
{
    struct skep__children *c = w->children;
    if (!c) return;
    const skep_allocator *a = &w->store.allocator;
    skep__array_free(a, (void **)&c->nodes, &c->node_cap, sizeof *c->nodes);
    skep__array_free(a, (void **)&c->touched, &c->touched_cap, sizeof *c->touched);
    skep__array_free(a, (void **)&c->found, &c->found_cap, sizeof *c->found);
    skep__free(a, c, sizeof *c, 16);
    w->children = NULL;
}

void skep__children_forget(skep_world *w)
{
    if (w->children) w->children->stale = true;
}

bool skep__children_expect(skep_world *w)
{
    return w->parent_type == SKEP__NO_TYPE || children_get(w);
}

void skep__children_touch(skep_world *w, skep_entity child)
{
    struct skep__children *c = children_get(w);
    if (!c || c->stale) return; /* the cache is built anew when first asked for */
    if (skep__array_grow(&w->store.allocator, (void **)&c->touched, &c->touched_cap,
                         c->touched_count + 1, sizeof *c->touched))
        c->touched[c->touched_count++] = child;
    else
        c->stale = true;
}

/* ---- lists ----------------------------------------------------------------------------------- */

static void node_unlink(struct skep__children *c, uint32_t index)
{
    skep__child_node *n = &c->nodes[index];
    if (!n->parent) return;
    if (n->previous)
        c->nodes[n->previous - 1].next = n->next;
    else
        c->nodes[n->parent - 1].first = n->next;
    if (n->next) c->nodes[n->next - 1].previous = n->previous;
    n->parent = n->next = n->previous = 0;
}

static void node_link(struct skep__children *c, uint32_t index, uint32_t parent)
{
    node_unlink(c, index);
    skep__child_node *n = &c->nodes[index];
    n->parent = parent + 1;
    n->next = c->nodes[parent].first;
    if (n->next) c->nodes[n->next - 1].previous = index + 1;
    c->nodes[parent].first = index + 1;
}

/* The Parent of a living entity, or null. */
static skep_entity parent_of(const skep_world *w, skep_entity child)
{
    uint32_t row = 0;
    skep_entity of = skep_entity_null();
    const skep__cell *cell = skep__value_find(&w->store, child, w->parent_type, &row);
    if (cell) memcpy(&of, cell->data + (size_t)row * sizeof of, sizeof of);
    return of;
}

static void child_link(const skep_world *w, struct skep__children *c, skep_entity child)
{
    const skep_entity of = parent_of(w, child);
    if (skep_entity_is_null(of) || skep_entity_index(of) >= c->node_count) return;
    node_link(c, skep_entity_index(child), skep_entity_index(of));
}

static void children_build(const skep_world *w, struct skep__children *c)
{
    const skep__store *s = &w->store;
    for (uint32_t i = 0; i < c->node_count; i++) {
        skep__child_node *n = &c->nodes[i];
        n->first = n->next = n->previous = n->parent = 0;
    }
    for (uint32_t i = 1; i < s->table_count; i++) {
        const skep__table *t = s->tables[i];
        if (skep__layout_find(t->layout, w->parent_type) < 0) continue;
        for (uint32_t b = 0; b < skep__table_blocks(t); b++) {
            const void *ids = skep__line_of(t, b)->cells[0].data;
            for (uint32_t row = 0; row < skep__block_rows(t, b); row++)
                child_link(w, c, ((const skep_entity *)ids)[row]);
        }
    }
    c->stale = false;
    c->touched_count = 0;
}

/* Brings the lists up to date; NULL without memory. */
static struct skep__children *children_ready(skep_world *w)
{
    struct skep__children *c = children_get(w);
    if (!c) return NULL;
    const uint32_t count = w->store.queue.index_count;
    if (!skep__array_grow(&w->store.allocator, (void **)&c->nodes, &c->node_cap, count,
                          sizeof *c->nodes))
        return NULL;
    /* After a restore there may be fewer; the nodes above stay, unlinked by the rebuild. */
    if (count > c->node_count) c->node_count = count;
    if (c->stale) children_build(w, c);
    for (uint32_t i = 0; i < c->touched_count; i++) child_link(w, c, c->touched[i]);
    c->touched_count = 0;
    return c;
}

/* ---- questions ------------------------------------------------------------------------------- */

static int by_index(const void *a, const void *b, void *ctx)
{
    (void)ctx;
    const uint32_t x = skep_entity_index(*(const skep_entity *)a);
    const uint32_t y = skep_entity_index(*(const skep_entity *)b);
    return x < y ? -1 : x > y;
}

/* The living entity that has this index. */
static skep_entity entity_at(const skep_world *w, uint32_t index)
{
    return skep_entity_make(index, skep__record_generation(w->store.index[index]));
}

/* Appends the children of one entity that this walk has not met, by index. */
static bool children_append(skep_world *w, struct skep__children *c, skep_entity parent)
{
    const uint32_t before = c->found_count;
    if (skep_entity_index(parent) >= c->node_count) return true;
    uint32_t next = 0;
    for (uint32_t at = c->nodes[skep_entity_index(parent)].first; at; at = next) {
        skep__child_node *n = &c->nodes[at - 1];
        next = n->next;
        const skep_entity child = entity_at(w, at - 1);
        if (!skep_entity_equal(parent_of(w, child), parent)) {
            node_unlink(c, at - 1);
            continue;
        }
        if (n->seen == c->walk) continue;
        if (!skep__array_grow(&w->store.allocator, (void **)&c->found, &c->found_cap,
                              c->found_count + 1, sizeof *c->found))
            return false;
        n->seen = c->walk;
        c->found[c->found_count++] = child;
    }
    if (c->found_count - before > 1)
        skep__sort_items(c->found + before, c->found_count - before, sizeof *c->found, by_index,
                         NULL);
    return true;
}

bool skep__children_any(const skep_world *w, skep_entity e)
{
    const struct skep__children *c = w->children;
    if (!c) return false;
    if (c->stale || c->touched_count) return true;
    return skep_entity_index(e) < c->node_count && c->nodes[skep_entity_index(e)].first;
}

skep_status skep__children_of(skep_world *w, skep_entity e, const skep_entity **children,
                              uint32_t *count)
{
    *children = NULL;
    *count = 0;
    if (!skep__children_any(w, e)) return SKEP_OK;
    struct skep__children *c = children_ready(w);
    if (!c) return skep__store_fail(w, SKEP_NO_MEMORY);
    c->walk++;
    c->found_count = 0;
    if (!children_append(w, c, e)) return skep__store_fail(w, SKEP_NO_MEMORY);
    *children = c->found;
    *count = c->found_count;
    return SKEP_OK;
}

skep_status skep__children_below(skep_world *w, const skep_entity *roots, uint32_t root_count,
                                 const skep_entity **all, uint32_t *count)
{
    struct skep__children *c = children_ready(w);
    bool good = c && skep__array_grow(&w->store.allocator, (void **)&c->found, &c->found_cap,
                                      root_count, sizeof *c->found);
    if (!good) return skep__store_fail(w, SKEP_NO_MEMORY);
    c->walk++;
    c->found_count = 0;
    for (uint32_t i = 0; i < root_count; i++) {
        if (!skep__alive(&w->store, roots[i])) continue;
        skep__child_node *n = &c->nodes[skep_entity_index(roots[i])];
        if (n->seen == c->walk) continue;
        n->seen = c->walk;
        c->found[c->found_count++] = roots[i];
    }
    for (uint32_t i = 0; good && i < c->found_count; i++) good = children_append(w, c, c->found[i]);
    if (!good) return skep__store_fail(w, SKEP_NO_MEMORY);
    *all = c->found;
    *count = c->found_count;
    return SKEP_OK;
}

skep_status skep_world_children(skep_world *world, skep_entity parent, const skep_entity **children,
                                uint32_t *count)
{
    *children = NULL;
    *count = 0;
    if (world->parent_type == SKEP__NO_TYPE) return SKEP_OK;
    if (world->running) {
        const struct skep__system_access *a = world->running;
        const skep_status status =
            skep__access_check(world, a->read, a->type_words, world->parent_type, "read", "Parent");
        if (status != SKEP_OK) return status;
    }
    return skep__children_of(world, parent, children, count);
}
