/* SPDX-License-Identifier: MIT */
/* A scene's declarations for live worlds. Each call checks what it can see by itself; what depends
 * on the rest of the scene is looked at when all of it is known. Published is what was not hidden:
 * the schema lists components in the order in which the world met them, then events and inputs,
 * then resources, then what only declarations name, so that one scene always gives one schema. */
#include "sim/declare.h"

#include "core/base/log.h"
#include "core/replicate/quantum.h"
#include "core/world/world_internal.h"
#include "sim/builder.h"

/* ---- names and memory -------------------------------------------------------------------- */

static void *declare_keep(skep_builder *b, size_t bytes)
{
    void *memory = skep__keep_take(b->kept, bytes);
    if (memory) return memory;
    skep__mistake(&b->mistakes, "out of memory for what is published");
    longjmp(b->leave, 1);
}

static bool declare_same(const skep_component *a, const skep_component *b)
{
    return a == b || (a->kind == b->kind && strcmp(a->name, b->name) == 0);
}

static skep__declared *declare_find(const skep__declares *d, const skep_component *info)
{
    skep__declared *at = d->declared;
    while (at && !declare_same(at->info, info)) at = at->next;
    return at;
}

static bool declare_publishable(uint32_t kind)
{
    return kind != SKEP_KIND_PREFAB && kind != SKEP_KIND_GRID;
}

/* Finds or makes what is known of a component; NULL after a mistake. */
static skep__declared *declare_of(skep_builder *b, const skep_component *info)
{
    if (!info) {
        skep__mistake(&b->mistakes, "publish: a component is missing");
        return NULL;
    }
    if (!declare_publishable(info->kind)) {
        skep__mistake(&b->mistakes, "publish %s: a %s is never published", info->name,
                      info->kind == SKEP_KIND_GRID ? "grid" : "prefab");
        return NULL;
    }
    skep__declared *known = declare_find(b->declares, info);
    if (known) return known;
    skep__declared **end = &b->declares->declared;
    while (*end) end = &(*end)->next;
    known = (skep__declared *)declare_keep(b, sizeof *known);
    known->info = info;
    memset(known->quanta_log2, SKEP_QUANTUM_NONE, sizeof known->quanta_log2);
    *end = known;
    return known;
}

static bool declare_separator(char c)
{
    return c == ',' || c == ' ';
}

/* Says which field a name may have meant. */
static void declare_no_field(skep_builder *b, const skep_component *info, const char *name)
{
    const char *names[SKEP_FIELD_MAX];
    const uint32_t count = skep__min_u32(info->field_count, SKEP_FIELD_MAX);
    for (uint32_t i = 0; i < count; i++) names[i] = info->fields[i].name;
    const char *near = skep__nearest_name(name, names, count);
    if (near)
        skep__mistake(&b->mistakes, "publish %s: it has no field \"%s\" (did you mean \"%s\"?)",
                      info->name, name, near);
    else
        skep__mistake(&b->mistakes, "publish %s: it has no field \"%s\"", info->name, name);
}

/* Finds the fields of a list, at most `max`, all of them f32; returns their number, 0 after a
 * mistake. */
static uint32_t declare_fields(skep_builder *b, const skep_component *info, const char *list,
                               uint32_t *fields, uint32_t max)
{
    const uint32_t mistakes = b->mistakes.count;
    uint32_t count = 0;
    for (const char *at = list; at && *at;) {
        const char *end = at;
        while (*end && !declare_separator(*end)) end++;
        const size_t length = (size_t)(end - at);
        if (length) {
            const char *name = skep__keep_text(&b->temp, at, length);
            uint32_t f = 0;
            while (name && f < info->field_count && strcmp(info->fields[f].name, name) != 0) f++;
            if (f == info->field_count)
                declare_no_field(b, info, name);
            else if (!name || info->fields[f].type != SKEP_TYPE_f32)
                skep__mistake(&b->mistakes, "publish %s.%s: it must be f32 for this", info->name,
                              name ? name : "");
            else if (count < max)
                fields[count++] = f;
            else
                skep__mistake(&b->mistakes, "publish %s: more than %u fields in \"%s\"", info->name,
                              max, list);
        }
        at = *end ? end + 1 : end;
    }
    if (count == 0 && mistakes == b->mistakes.count)
        skep__mistake(&b->mistakes, "publish %s: a field is missing", info->name);
    return mistakes == b->mistakes.count ? count : 0;
}

/* ---- quanta -------------------------------------------------------------------------------- */

/* Splits a number that is above 0 and no NaN: value = fraction * 2^*log2, fraction in [1, 2). */
static float declare_split(float value, int32_t *log2)
{
    int32_t e = 0;
    while (value >= 2.0f && e < 200) {
        value *= 0.5f;
        e++;
    }
    while (value < 1.0f && e > -200) {
        value *= 2.0f;
        e--;
    }
    *log2 = e;
    return value;
}

/* Finds the exponent of a quantum; false, and a mistake, where there is none. */
static bool declare_log2(skep_builder *b, const skep_component *info, float quantum, int32_t *log2)
{
    if (!(quantum > 0.0f) || quantum > 3.4e38f) {
        skep__mistake(&b->mistakes, "publish %s: a quantum of %g is none; it is a power of two",
                      info->name, (double)quantum);
        return false;
    }
    const float fraction = declare_split(quantum, log2);
    int32_t nearest = *log2 + (fraction > 1.5f ? 1 : 0);
    if (nearest < SKEP__QUANTUM_LOG2_MIN) nearest = SKEP__QUANTUM_LOG2_MIN;
    if (nearest > SKEP__QUANTUM_LOG2_MAX) nearest = SKEP__QUANTUM_LOG2_MAX;
    if (fraction == 1.0f && nearest == *log2) return true;
    skep__mistake(&b->mistakes,
                  "publish %s: a quantum is a power of two from 2^%d to 2^%d, which %g is not; the "
                  "nearest is %s%llu",
                  info->name, SKEP__QUANTUM_LOG2_MIN, SKEP__QUANTUM_LOG2_MAX, (double)quantum,
                  nearest < 0 ? "1.0f / " : "",
                  1ull << (uint32_t)(nearest < 0 ? -nearest : nearest));
    return false;
}

void skep_publish(skep_builder *b, const skep_component *component, const char *fields,
                  float quantum)
{
    skep__declared *const known = declare_of(b, component);
    if (!known) return;
    known->wanted = true;
    if (!fields) return;
    uint32_t list[SKEP_FIELD_MAX];
    int32_t log2 = SKEP_QUANTUM_NONE;
    const uint32_t count = declare_fields(b, component, fields, list, SKEP_FIELD_MAX);
    if (quantum != 0.0f && !declare_log2(b, component, quantum, &log2)) return;
    for (uint32_t i = 0; i < count; i++) known->quanta_log2[list[i]] = (int8_t)log2;
}

void skep_publish_hide(skep_builder *b, const skep_component *component)
{
    skep__declared *const known = declare_of(b, component);
    if (known) known->hidden = true;
}

/* ---- places, rates, players, prediction ---------------------------------------------------- */

void skep_publish_place(skep_builder *b, const skep_component *component, const char *fields,
                        float cell)
{
    skep__declares *const d = b->declares;
    skep__declared *const known = declare_of(b, component);
    if (!known) return;
    known->wanted = true;
    if (component->kind != SKEP_KIND_COMPONENT || d->place.component || !(cell > 0.0f)) {
        skep__mistake(&b->mistakes, "publish %s as the place: %s", component->name,
                      d->place.component ? "there is a place already"
                      : cell > 0.0f      ? "only components have places"
                                         : "its cell must be above 0");
        return;
    }
    const uint32_t axes = declare_fields(b, component, fields, d->place.field, 3);
    for (uint32_t i = 0; i < axes; i++)
        if (component->fields[d->place.field[i]].count != 1)
            skep__mistake(&b->mistakes, "publish %s.%s as the place: it is an array",
                          component->name, component->fields[d->place.field[i]].name);
    d->place.component = component;
    d->place.axes = axes;
    d->place.cell = cell;
}

static void declare_rate_add(skep_builder *b, const skep_rate *rate)
{
    skep__declares *const d = b->declares;
    if (d->rate_count == d->rate_cap) {
        const uint32_t cap = d->rate_cap ? d->rate_cap * 2 : 8;
        skep_rate *const more = (skep_rate *)declare_keep(b, cap * sizeof *more);
        if (d->rate_count) memcpy(more, d->rates, d->rate_count * sizeof *more);
        d->rates = more;
        d->rate_cap = cap;
    }
    d->rates[d->rate_count++] = *rate;
}

void skep_publish_rate(skep_builder *b, const skep_component *value, const char *value_fields,
                       const skep_component *speed, const char *speed_fields)
{
    uint32_t values[SKEP_FIELD_MAX];
    uint32_t speeds[SKEP_FIELD_MAX];
    if (!declare_of(b, value) || !declare_of(b, speed)) return;
    const uint32_t n = declare_fields(b, value, value_fields, values, SKEP_FIELD_MAX);
    const uint32_t m = declare_fields(b, speed, speed_fields, speeds, SKEP_FIELD_MAX);
    if (n != m && n && m)
        skep__mistake(&b->mistakes, "publish %s as the rate of %s: %u fields for %u", speed->name,
                      value->name, m, n);
    for (uint32_t i = 0; i < n && n == m; i++) {
        const skep_rate rate = {value, values[i], speed, speeds[i]};
        declare_rate_add(b, &rate);
    }
}

void skep_publish_join(skep_builder *b, skep_publish_join_fn *join, void *ctx)
{
    b->declares->join = join;
    b->declares->join_ctx = ctx;
}

void skep_publish_leave(skep_builder *b, skep_publish_leave_fn *leave, void *ctx)
{
    b->declares->leave = leave;
    b->declares->leave_ctx = ctx;
}

bool skep__declares_predicts(const skep__declares *d, const char *system)
{
    for (uint32_t i = 0; i < d->predicted_count; i++)
        if (strcmp(d->predicted[i], system) == 0) return true;
    return false;
}

void skep_publish_predict(skep_builder *b, const char *system)
{
    skep__declares *const d = b->declares;
    if (!system || skep__declares_predicts(d, system)) return;
    if (d->predicted_count == SKEP__PREDICTED_MAX) {
        skep__mistake(&b->mistakes, "predict \"%s\": more than %u systems", system,
                      SKEP__PREDICTED_MAX);
        return;
    }
    const size_t bytes = strlen(system) + 1;
    char *const name = (char *)declare_keep(b, bytes);
    memcpy(name, system, bytes);
    d->predicted[d->predicted_count++] = name;
}

/* ---- what the whole scene tells ------------------------------------------------------------ */

static const char *system_name(const skep__building *s)
{
    return s->when.name ? s->when.name : s->job->name;
}

static const skep__building *declare_system(const skep_builder *b, const char *name)
{
    const skep__building *s = b->systems;
    while (s && strcmp(system_name(s), name) != 0) s = s->next;
    return s;
}

static void declare_no_system(skep_builder *b, const char *name)
{
    const char *names[256];
    uint32_t count = 0;
    for (const skep__building *s = b->systems; s && count < 256; s = s->next)
        names[count++] = system_name(s);
    const char *near = skep__nearest_name(name, names, count);
    if (near)
        skep__mistake(&b->mistakes,
                      "predict \"%s\": there is no such system (did you mean \"%s\"?)", name, near);
    else
        skep__mistake(&b->mistakes, "predict \"%s\": there is no such system", name);
}

/* Whether a job of this mode needs the component of its own entity. */
static bool declare_of_rows(uint32_t mode)
{
    return mode == SKEP_MODE_in || mode == SKEP_MODE_mut || mode == SKEP_MODE_out ||
           mode == SKEP_MODE_opt || mode == SKEP_MODE_with || mode == SKEP_MODE_add ||
           mode == SKEP_MODE_remove;
}

/* Notes what one predicted system uses of its entities. */
static void declare_uses(skep_builder *b, const char *system, const skep_access *access,
                         uint32_t count)
{
    skep__declares *const d = b->declares;
    for (uint32_t i = 0; i < count; i++) {
        const skep_component *const info = access[i].component;
        if (!declare_of_rows(access[i].mode)) continue;
        const skep__declared *const known = declare_find(d, info);
        if (known && known->hidden)
            skep__mistake(&b->mistakes,
                          "predict \"%s\": it uses %s, which is hidden from the clients that are "
                          "to run it",
                          system, info->name);
        uint32_t k = 0;
        while (k < d->used_count && !declare_same(d->used[k], info)) k++;
        if (k < d->used_count) continue;
        if (k == SKEP__PREDICTED_MAX) {
            skep__mistake(&b->mistakes, "predict \"%s\": more than %u components", system,
                          SKEP__PREDICTED_MAX);
            return;
        }
        d->used[d->used_count++] = info;
    }
}

static void declare_check_predicted(skep_builder *b)
{
    skep__declares *const d = b->declares;
    d->used_count = 0;
    for (uint32_t i = 0; i < d->predicted_count; i++) {
        const skep__building *const s = declare_system(b, d->predicted[i]);
        if (!s)
            declare_no_system(b, d->predicted[i]);
        else if (s->job)
            declare_uses(b, d->predicted[i], s->job->access, s->job->access_count);
        else
            declare_uses(b, d->predicted[i], s->when.access, s->when.access_count);
    }
}

static bool declare_has_quantum(const skep__declares *d, const skep_component *info, uint32_t field)
{
    const skep__declared *const known = declare_find(d, info);
    return known && known->quanta_log2[field] != SKEP_QUANTUM_NONE;
}

static void declare_check_rates(skep_builder *b)
{
    const skep__declares *const d = b->declares;
    for (uint32_t i = 0; i < d->rate_count; i++) {
        const skep_rate *const r = &d->rates[i];
        const bool value = declare_has_quantum(d, r->value, r->value_field);
        if (value && declare_has_quantum(d, r->speed, r->speed_field)) continue;
        skep__mistake(&b->mistakes, "publish %s.%s as the rate of %s.%s: %s has no quantum",
                      r->speed->name, r->speed->fields[r->speed_field].name, r->value->name,
                      r->value->fields[r->value_field].name, value ? "the rate" : "the value");
    }
}

void skep__declares_check(skep_builder *b)
{
    declare_check_predicted(b);
    declare_check_rates(b);
    for (const skep__declared *k = b->declares->declared; k; k = k->next)
        if (k->hidden && k->wanted)
            skep__mistake(&b->mistakes, "publish %s: it is hidden as well", k->info->name);
}

/* ---- the description ----------------------------------------------------------------------- */

/* Adds one replica, once and unless it is hidden; only counted where there is no room. */
static void declare_replica(skep__declares *d, const skep_component *info)
{
    const skep__declared *const known = declare_find(d, info);
    if (!declare_publishable(info->kind) || (known && known->hidden)) return;
    const uint32_t have = skep__min_u32(d->replica_count, SKEP_REPLICA_MAX);
    for (uint32_t i = 0; i < have; i++)
        if (declare_same(d->replicas[i].info, info)) return;
    if (d->replica_count < SKEP_REPLICA_MAX) {
        skep_replica *const r = &d->replicas[d->replica_count];
        bool quanta = false;
        for (uint32_t f = 0; known && f < info->field_count; f++)
            quanta |= known->quanta_log2[f] != SKEP_QUANTUM_NONE;
        r->info = info;
        r->quanta_log2 = quanta ? known->quanta_log2 : NULL;
    }
    d->replica_count++;
}

static void declare_replicas(skep__declares *d, const skep_world *w)
{
    d->replica_count = 0;
    for (uint32_t i = 0; i < w->store.type_count; i++) declare_replica(d, w->store.types[i].info);
    for (uint32_t i = 0; i < w->channel_count; i++)
        if (!w->channels[i].removed) declare_replica(d, w->channels[i].info);
    for (uint32_t i = 0; i < w->resource_count; i++) declare_replica(d, w->resources[i].info);
    for (const skep__declared *k = d->declared; k; k = k->next) declare_replica(d, k->info);
}

skep_status skep__declares_fill(skep__declares *d, skep__keep *keep, skep_world *world,
                                const skep_log *log, skep_publish_desc *desc)
{
    if (!d->replicas) {
        d->replicas = (skep_replica *)skep__keep_take(keep, SKEP_REPLICA_MAX * sizeof *d->replicas);
        if (!d->replicas) return SKEP_NO_MEMORY;
        declare_replicas(d, world);
    }
    if (d->replica_count > SKEP_REPLICA_MAX) {
        skep__logf(log, SKEP_LOG_ERROR,
                   "%u components, events, resources and inputs are published, at most %u can be: "
                   "hide some by skep_publish_hide, beginning with what no client needs",
                   d->replica_count, SKEP_REPLICA_MAX);
        return SKEP_LIMIT;
    }
    desc->replicas = d->replicas;
    desc->replica_count = d->replica_count;
    desc->rates = d->rates;
    desc->rate_count = d->rate_count;
    desc->place = d->place;
    return SKEP_OK;
}

skep_entity skep__declares_join(const skep__declares *d, skep_world *world, uint32_t player)
{
    return d->join ? d->join(world, player, d->join_ctx) : skep_entity_null();
}

void skep__declares_leave(const skep__declares *d, skep_world *world, uint32_t player,
                          skep_entity own)
{
    if (d->leave) {
        d->leave(world, player, own, d->leave_ctx);
        return;
    }
    /* Between frames it can only fail for one that is gone, which is as good as destroyed. */
    const skep_status status = skep_entity_destroy(world, own);
    (void)status;
}
