/* SPDX-License-Identifier: MIT */
/* Descriptions of what is published: defaults, and the reasons for which one is refused. */
#include "core/base/format.h"
#include "core/replicate/publish_internal.h"
#include "core/world/world_parts.h"

#define DESC_HZ_MAX 10000u

static uint32_t desc_or(uint32_t value, uint32_t fallback)
{
    return value ? value : fallback;
}

static void desc_defaults(skep_publish_desc *d)
{
    const skep__wire_limits limits = skep__wire_limits_default();
    d->tick_hz = desc_or(d->tick_hz, 60);
    d->every = desc_or(d->every, 3);
    d->ring = desc_or(d->ring, 32);
    d->session_max = desc_or(d->session_max, 1024);
    d->message_up_max = desc_or(d->message_up_max, limits.up_bytes_max);
    d->message_down_max = desc_or(d->message_down_max, limits.down_bytes_max);
    d->input_window = desc_or(d->input_window, 64);
    d->inputs_a_tick = desc_or(d->inputs_a_tick, 2);
    d->event_bytes_max = desc_or(d->event_bytes_max, 262144);
    d->hello_ms = desc_or(d->hello_ms, 5000);
    d->ping_ms = desc_or(d->ping_ms, 15000);
    d->drop_ms = desc_or(d->drop_ms, 45000);
    d->resume_ms = desc_or(d->resume_ms, 30000);
}

skep_publish_desc skep_publish_desc_default(void)
{
    skep_publish_desc d;
    memset(&d, 0, sizeof d);
    d.canary = SKEP__PUBLISH_CANARY;
    desc_defaults(&d);
    return d;
}

static skep_status desc_refuse(const skep_publish_desc *d, const char *why, const char *what)
{
    char text[192];
    (void)skep__format(text, sizeof text, "publish: %s%s%s", what ? what : "", what ? ": " : "",
                       why);
    if (d->log.fn) d->log.fn(d->log.ctx, SKEP_LOG_ERROR, text);
    return SKEP_ARGUMENT;
}

static bool desc_name_fits(const char *name)
{
    size_t n = 0;
    while (name && name[n] && n <= 255) n++;
    return n > 0 && n <= 255;
}

static const char *desc_replica_mistake(const skep_replica *r)
{
    const uint32_t kind = r->info->kind;
    if (!desc_name_fits(r->info->name)) return "a name has 1 to 255 bytes";
    if (kind > SKEP_KIND_INPUT)
        return "only components, events, resources and inputs are published";
    if (kind != SKEP_KIND_COMPONENT && kind != SKEP_KIND_RESOURCE &&
        skep__message_value_bytes(r->info) > 65536u)
        return "a message of it is larger than 64 KiB";
    uint32_t columns = 0;
    for (uint32_t f = 0; f < r->info->field_count; f++) {
        const skep_field *field = &r->info->fields[f];
        columns += field->count * (field->size == 8 ? 2u : 1u);
        if (kind == SKEP_KIND_COMPONENT && columns > SKEP__COLUMNS_MAX)
            return "it has more than 256 elements; do not publish it";
        skep__quantum q;
        if (!desc_name_fits(field->name)) return "a field's name has 1 to 255 bytes";
        if (!skep__quantum_make(field->type, skep__replica_quantum(r, f), &q))
            return "a quantum is 2^-32 to 2^31, and of f32 fields only";
    }
    return NULL;
}

/* Number of a component, or SKEP_REPLICA_MAX. */
static uint32_t desc_find(const skep_publish_desc *d, const skep_component *info)
{
    for (uint32_t r = 0; r < d->replica_count; r++)
        if (d->replicas[r].info == info) return r;
    return SKEP_REPLICA_MAX;
}

static bool desc_is_f32(const skep_component *info, uint32_t field)
{
    return field < info->field_count && info->fields[field].type == SKEP_TYPE_f32 &&
           info->fields[field].count == 1;
}

static const char *desc_place_mistake(const skep_publish_desc *d)
{
    const skep_place *p = &d->place;
    if (!p->component) return NULL;
    if (desc_find(d, p->component) == SKEP_REPLICA_MAX) return "the place is not published";
    if (p->axes < 1 || p->axes > 3) return "a place has 1 to 3 axes";
    if (!(p->cell > 0.0f && p->cell < 3.0e38f)) return "the edge of a cell is a number above 0";
    for (uint32_t a = 0; a < p->axes; a++)
        if (!desc_is_f32(p->component, p->field[a])) return "the axes of a place are f32 fields";
    return NULL;
}

static const char *desc_rates_mistake(const skep_publish_desc *d)
{
    for (uint32_t i = 0; i < d->rate_count; i++) {
        const skep_rate *r = &d->rates[i];
        if (desc_find(d, r->value) == SKEP_REPLICA_MAX ||
            desc_find(d, r->speed) == SKEP_REPLICA_MAX)
            return "a rate names a component that is not published";
        if (!desc_is_f32(r->value, r->value_field) || !desc_is_f32(r->speed, r->speed_field))
            return "a rate is between f32 fields of one element";
    }
    return NULL;
}

static skep_status desc_replicas_check(const skep_publish_desc *d, skep__schema *schema)
{
    for (uint32_t r = 0; r < d->replica_count; r++) {
        const skep_component *info = d->replicas[r].info;
        const char *mistake = desc_replica_mistake(&d->replicas[r]);
        if (mistake) return desc_refuse(d, mistake, info->name);
        for (uint32_t q = 0; q < r; q++)
            if (skep__same_text(d->replicas[q].info->name, info->name))
                return desc_refuse(d, "it is there twice", info->name);
        const uint64_t bit = (uint64_t)1 << r;
        if (info->kind == SKEP_KIND_COMPONENT) schema->components |= bit;
        if (info->kind == SKEP_KIND_RESOURCE) schema->resources |= bit;
        if (info->kind == SKEP_KIND_EVENT) schema->events |= bit;
        if (info->kind == SKEP_KIND_INPUT) schema->inputs |= bit;
    }
    return SKEP_OK;
}

skep_status skep__publish_desc_check(skep_publish_desc *d, skep__schema *schema)
{
    *schema = (skep__schema){0};
    if (d->canary != SKEP__PUBLISH_CANARY)
        return desc_refuse(d, "begin with skep_publish_desc_default()", "description");
    desc_defaults(d);
    if (!d->allocator.alloc || !d->allocator.free)
        return desc_refuse(d, "it is missing", "allocator");
    if (d->replica_count > SKEP_REPLICA_MAX)
        return desc_refuse(d, "more than SKEP_REPLICA_MAX (64)", "replica_count");
    if (d->tick_hz > DESC_HZ_MAX) return desc_refuse(d, "more than 10,000", "tick_hz");
    const skep_status status = desc_replicas_check(d, schema);
    if (status != SKEP_OK) return status;
    if (d->rate_count > SKEP__MESSAGE_RATES_MAX)
        return desc_refuse(d, "more than 64", "rate_count");
    const char *mistake = desc_place_mistake(d);
    if (mistake) return desc_refuse(d, mistake, "place");
    mistake = desc_rates_mistake(d);
    if (mistake) return desc_refuse(d, mistake, "rates");
    schema->place = d->place.component ? desc_find(d, d->place.component) : SKEP_REPLICA_MAX;
    schema->hash = skep__schema_hash_of(d->replicas, d->replica_count);
    return SKEP_OK;
}
