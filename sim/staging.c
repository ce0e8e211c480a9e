/* SPDX-License-Identifier: MIT */
/* Columns that a scene fills after it created the entities.
 *
 *     staged -> component Vel, ids[n], columns x[n], y[n]  -> component Pos, ... -> NULL
 *
 * The entities are made at once with zeros, so that their handles are real; the arrays are copied
 * in when the scene's function is done, value by value through the world's own calls: about 20 ns
 * an entity and component, once in the life of a world, without knowing how it stores them. */
#include "sim/builder.h"

/* Gives a part its arrays: the column struct of the caller gets a pointer a field. */
static void staging_columns(skep_builder *b, const skep_part *part, const skep_entity *ids,
                            uint32_t n)
{
    const skep_component *c = part->component;
    skep__staged *s = (skep__staged *)skep__builder_take(b, sizeof *s);
    void **pointers = (void **)part->columns;
    for (uint32_t f = 0; f < c->field_count; f++) {
        const size_t row = (size_t)c->fields[f].size * c->fields[f].count;
        uint8_t *column = (uint8_t *)skep__builder_take(b, row * ((size_t)n + 1));
        pointers[f] = column;
        s->columns[f] = column;
    }
    s->component = c;
    s->ids = ids;
    s->n = n;
    s->next = b->staged;
    b->staged = s;
}

static skep_status staging_make(skep_builder *b, uint32_t n, const skep_component *prefab,
                                const skep_part *parts, uint32_t count, skep_entity *ids)
{
    if (prefab) return skep_world_spawn_many(b->world, prefab, n, parts, count, ids);
    return skep_entity_create_many(b->world, n, parts, count, ids);
}

/* Creates n entities, of a prefab where one is given, and stages their columns. */
static const skep_entity *staging_create(skep_builder *b, uint32_t n, const skep_component *prefab,
                                         const skep_part_list *list)
{
    skep_part parts[SKEP_LIST_MAX];
    uint32_t count = 0;
    for (; count < SKEP_LIST_MAX && list->of[count].component; count++) {
        parts[count] = list->of[count];
        parts[count].columns = NULL;
    }
    /* One more than n: an array of no entities is a pointer too. What the world will refuse
     * anyway is not asked memory for, so that the message names the world's limit. */
    skep_entity *ids = NULL;
    if (n <= b->entity_max)
        ids = (skep_entity *)skep__builder_take(b, ((size_t)n + 1) * sizeof *ids);
    const skep_status status = staging_make(b, n, prefab, parts, count, ids);
    if (status != SKEP_OK) {
        const char *first = count ? parts[0].component->name : "nothing";
        char what[64];
        skep__format(what, sizeof what, "%u entities with", n);
        skep__builder_check(b, status, what, prefab ? prefab->name : first);
        /* Filling columns of what was refused may take more memory than there is. */
        longjmp(b->leave, 1);
    }
    for (uint32_t i = 0; i < count; i++)
        if (list->of[i].columns) staging_columns(b, &list->of[i], ids, n);
    return ids;
}

const skep_entity *skep__builder_create_many(skep_builder *b, uint32_t n, skep_part_list list)
{
    return staging_create(b, n, NULL, &list);
}

const skep_entity *skep__builder_spawn(skep_builder *b, uint32_t n, const skep_component *prefab,
                                       skep_part_list list)
{
    return staging_create(b, n, prefab, &list);
}

/* Copies one entity's fields from the arrays into the component's C struct. */
static void staging_gather(const skep__staged *s, uint32_t row, uint8_t *value)
{
    const skep_component *c = s->component;
    for (uint32_t f = 0; f < c->field_count; f++) {
        const size_t bytes = (size_t)c->fields[f].size * c->fields[f].count;
        memcpy(value + c->fields[f].offset, s->columns[f] + row * bytes, bytes);
    }
}

static skep_status staging_copy(skep_builder *b, const skep__staged *s, uint8_t *value)
{
    for (uint32_t i = 0; i < s->n; i++) {
        staging_gather(s, i, value);
        const skep_status status = skep_world_set(b->world, s->ids[i], s->component, value);
        if (status != SKEP_OK) return status;
    }
    return SKEP_OK;
}

void skep__builder_flush(skep_builder *b)
{
    /* Newest first is fine: no two stagings name the same value. */
    for (const skep__staged *s = b->staged; s; s = s->next) {
        uint8_t *value = (uint8_t *)skep__keep_take(&b->temp, s->component->size);
        if (!value) {
            skep__mistake(&b->mistakes, "out of memory for values of %s", s->component->name);
            break;
        }
        skep__builder_check(b, staging_copy(b, s, value), "values of", s->component->name);
    }
    b->staged = NULL;
}
