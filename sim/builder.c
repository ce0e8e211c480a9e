/* SPDX-License-Identifier: MIT */
/* The builder: collects what a scene's function says, then makes the world's content and the plan
 * from it.
 *
 * Entities, prefabs and resources go into the world at once, since their handles must be real;
 * columns of many entities are staged, because a table's columns are cut into blocks while a
 * scene wants to write pos.x[i] for every i. Systems wait until the function is done, since
 * skep_add_when lets it say more.
 *
 * The function cannot check for memory, and a loop over columns that do not exist would crash:
 * where they cannot be had, the function is left by longjmp, and what was collected is reported. */
#include "sim/builder.h"

/* Of sim/params.c. */
void skep__builder_params_take(skep_builder *b, const char *const *params, uint32_t count);

void skep__builder_init(skep_builder *b, const skep__builder_desc *desc)
{
    memset(b, 0, sizeof *b);
    b->world = desc->world;
    b->plan = desc->plan;
    b->kept = desc->kept;
    b->helpers = desc->helpers;
    b->declares = desc->declares;
    b->predict = desc->predict;
    b->entity_max = desc->entity_max;
    b->temp.allocator = desc->allocator;
    b->mistakes.allocator = desc->allocator;
    b->asked_end = &b->asked;
    b->systems_end = &b->systems;
    b->data = desc->data;
    b->data_bytes = desc->data_bytes;
    b->seed = desc->seed;
    b->draw_key = skep__random_key_make(b->seed, skep__hash_string("skep builder"), 0);
    skep__builder_params_take(b, desc->params, desc->param_count);
}

void skep__builder_deinit(skep_builder *b)
{
    skep__mistakes_deinit(&b->mistakes);
    skep__keep_deinit(&b->temp);
}

void skep__builder_check(skep_builder *b, skep_status status, const char *what, const char *name)
{
    if (status == SKEP_OK) return;
    const char *why = skep_world_error(b->world);
    skep__mistake(&b->mistakes, "%s %s: %s", what, name,
                  why && *why ? why : skep_status_text(status));
}

void *skep__builder_take(skep_builder *b, size_t bytes)
{
    void *memory = skep__keep_take(&b->temp, bytes);
    if (memory) return memory;
    skep__mistake(&b->mistakes, "out of memory: %zu bytes for building the scene", bytes);
    longjmp(b->leave, 1);
}

/* ---- systems ----------------------------------------------------------------------------- */

static skep__building *builder_system(skep_builder *b, const char *stage, const skep_job *job)
{
    skep__building *s = (skep__building *)skep__builder_take(b, sizeof *s);
    s->when.stage = stage;
    s->job = job;
    *b->systems_end = s;
    b->systems_end = &s->next;
    return s;
}

skep_when *skep_add_when(skep_builder *b, const char *stage, const skep_job *job)
{
    if (!job) {
        skep__mistake(&b->mistakes, "a system of stage \"%s\" has no job", stage ? stage : "");
        return &b->spare;
    }
    return &builder_system(b, stage, job)->when;
}

void skep_add(skep_builder *b, const char *stage, const skep_job *job)
{
    (void)skep_add_when(b, stage, job);
}

skep_when *skep_run(skep_builder *b, const char *stage, const char *name, skep_system_run run)
{
    if (!run || !name) {
        skep__mistake(&b->mistakes, "system \"%s\": it has no %s", name ? name : "",
                      run ? "name" : "function");
        return &b->spare;
    }
    skep__building *s = builder_system(b, stage, NULL);
    s->when.name = name;
    s->when.run = run;
    s->everything = true;
    return &s->when;
}

skep_when *skep__builder_run_using(skep_builder *b, const char *stage, const char *name,
                                   skep_system_run run, skep_uses uses)
{
    skep_when *when = skep_run(b, stage, name, run);
    uint32_t count = 0;
    while (count < SKEP_ACCESS_MAX && uses.of[count].component) count++;
    skep_access *access = (skep_access *)skep__builder_take(b, count * sizeof *access);
    memcpy(access, uses.of, count * sizeof *access);
    when->access = access;
    when->access_count = count;
    return when;
}

static bool builder_separator(char c)
{
    return c == ',' || c == ' ';
}

/* Whether a system of the scene is left out of a world to predict in. */
static bool builder_leaves_out(const skep_builder *b, const char *name)
{
    if (!b->predict || skep__declares_predicts(b->declares, name)) return false;
    for (const skep__building *s = b->systems; s; s = s->next)
        if (strcmp(s->when.name ? s->when.name : s->job->name, name) == 0) return true;
    return false;
}

/* Cuts "move, shoot" into the names of an edge list. */
static void builder_names(skep_builder *b, const char *system, const char *list,
                          const char *names[SKEP_SYSTEM_EDGE_MAX])
{
    uint32_t count = 0;
    for (const char *at = list; at && *at;) {
        const char *end = at;
        while (*end && !builder_separator(*end)) end++;
        if (end > at) {
            if (count == SKEP_SYSTEM_EDGE_MAX) {
                skep__mistake(&b->mistakes, "system \"%s\": more than %u names in \"%s\"", system,
                              SKEP_SYSTEM_EDGE_MAX, list);
                return;
            }
            names[count] = skep__keep_text(&b->temp, at, (size_t)(end - at));
            if (!names[count])
                skep__mistake(&b->mistakes, "out of memory for names of systems");
            else if (!builder_leaves_out(b, names[count]))
                count++;
            else
                names[count] = NULL;
        }
        at = *end ? end + 1 : end;
    }
}

static void builder_plan_add(skep_builder *b, const skep__building *s)
{
    skep_system_desc d = skep_system_desc_default();
    d.flags = s->when.flags;
    d.name = s->when.name ? s->when.name : s->job->name;
    if (builder_leaves_out(b, d.name)) return;
    d.stage = s->when.stage;
    d.every = s->when.every;
    d.deadline_ms = s->when.deadline_ms;
    d.job = s->job;
    d.run = s->when.run;
    d.ctx = s->when.ctx;
    d.access = s->when.access;
    d.access_count = s->when.access_count;
    d.fold = s->when.fold;
    builder_names(b, d.name, s->when.after, d.after);
    builder_names(b, d.name, s->when.before, d.before);
    const skep_status status = skep_plan_add(b->plan, &d);
    if (status != SKEP_OK)
        skep__mistake(&b->mistakes, "system \"%s\": %s", d.name, skep_status_text(status));
}

/* ---- entities ---------------------------------------------------------------------------- */

static uint32_t builder_parts(const skep_part_list *list)
{
    uint32_t count = 0;
    while (count < SKEP_LIST_MAX && list->of[count].component) count++;
    return count;
}

skep_entity skep__builder_create(skep_builder *b, skep_part_list list)
{
    const uint32_t count = builder_parts(&list);
    skep_entity e = skep_entity_null();
    for (uint32_t i = 0; i < count; i++) {
        if (!list.of[i].columns) continue;
        skep__mistake(&b->mistakes, "columns of %s: for one entity give its values",
                      list.of[i].component->name);
        return e;
    }
    const skep_status status = skep_entity_create_many(b->world, 1, list.of, count, &e);
    if (status == SKEP_OK) return e;
    skep__builder_check(b, status, "an entity with",
                        count ? list.of[0].component->name : "nothing");
    return skep_entity_null();
}

void skep__builder_prefab(skep_builder *b, const skep_component *prefab, skep_part_list list)
{
    const uint32_t count = builder_parts(&list);
    skep_part parts[SKEP_LIST_MAX];
    uint32_t part_count = 0;
    memset(parts, 0, sizeof parts);
    for (uint32_t i = 0; i < count; i++)
        if (list.of[i].component->kind != SKEP_KIND_PREFAB) parts[part_count++] = list.of[i];
    skep_status status = skep_world_prefab_define(b->world, prefab, parts, part_count);
    for (uint32_t i = 0; i < count && status == SKEP_OK; i++)
        if (list.of[i].component->kind == SKEP_KIND_PREFAB)
            status = skep_world_prefab_child(b->world, prefab, list.of[i].component);
    skep__builder_check(b, status, "prefab", prefab->name);
}

void skep_resource(skep_builder *b, skep_part part)
{
    skep__builder_check(
        b, skep_world_resource_set(b->world, part.component, part.value, part.component->size),
        "resource", part.component->name);
}

skep_world *skep_builder_world(skep_builder *b)
{
    skep__builder_flush(b);
    return b->world;
}

/* ---- data, random numbers, mistakes ------------------------------------------------------ */

const char *skep_data(skep_builder *b, size_t *bytes)
{
    if (bytes) *bytes = b->data ? b->data_bytes : 0;
    return b->data;
}

uint64_t skep_init_seed(const skep_builder *b)
{
    return b->seed;
}

void *skep_init_memory(skep_builder *b, size_t bytes)
{
    return skep__builder_take(b, bytes);
}

/* The builder draws for a system of its own in tick 0, so that its numbers are none of those that
 * jobs get; the entity counts the rounds of 2^32 draws. */
static uint64_t builder_draw(skep_builder *b)
{
    const uint64_t draw = b->draws++;
    return skep__random_at(b->draw_key, draw >> 32, (uint32_t)draw);
}

float skep_init_rand(skep_builder *b)
{
    return skep__random_f32(builder_draw(b));
}

double skep_init_rand_f64(skep_builder *b)
{
    return skep__random_f64(builder_draw(b));
}

uint32_t skep_init_rand_u32(skep_builder *b, uint32_t below)
{
    return skep__random_below(builder_draw(b), below);
}

void skep_scene_fail(skep_builder *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    skep__vmistake(&b->mistakes, format, args);
    va_end(args);
}

bool skep_scene_failed(const skep_builder *b)
{
    return b->mistakes.count != 0;
}

/* ---- building ---------------------------------------------------------------------------- */

/* A function of its own, because setjmp makes a caller's variables unreliable. */
static void builder_call(skep_builder *b, const skep_scene *scene)
{
    if (setjmp(b->leave) == 0) scene->build(b);
}

/* A world to predict in keeps the resources of what the scene made, and no entities. */
static void builder_empty(skep_builder *b)
{
    skep_query_desc all = skep_query_desc_default();
    skep_query *query = NULL;
    skep_status status = skep_query_create(b->world, &all, &query);
    if (status == SKEP_OK) {
        skep_query_iter it = skep_query_begin(query);
        while (status == SKEP_OK && skep_query_next(&it))
            for (uint32_t i = 0; i < it.n && status == SKEP_OK; i++)
                status = skep_entity_destroy(b->world, it.entity[i]);
        skep_query_end(&it);
    }
    skep_query_destroy(query);
    if (status != SKEP_OK)
        skep__mistake(&b->mistakes, "emptying the world: %s", skep_status_text(status));
}

skep_status skep__builder_build(skep_builder *b, const skep_scene *scene)
{
    if (scene) builder_call(b, scene);
    skep__builder_flush(b);
    skep__builder_params_check(b);
    skep__declares_check(b);
    if (b->predict) builder_empty(b);
    for (const skep__building *s = b->systems; s; s = s->next) builder_plan_add(b, s);
    const skep_status status = skep_plan_build(b->plan);
    const uint32_t mistakes = skep_plan_mistake_count(b->plan);
    for (uint32_t i = 0; i < mistakes; i++)
        skep__mistake(&b->mistakes, "%s", skep_plan_mistake(b->plan, i));
    if (status != SKEP_OK && mistakes == 0)
        skep__mistake(&b->mistakes, "building the plan: %s", skep_status_text(status));
    return b->mistakes.count ? SKEP_PLAN : SKEP_OK;
}
