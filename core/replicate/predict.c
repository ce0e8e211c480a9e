/* SPDX-License-Identifier: MIT */
/* Prediction (skep/predict.h). A ring holds, for each tick that was predicted, a snapshot of the
 * small world and the own entity's predicted components as on the wire; so what the server says of
 * a tick is compared byte by byte with what was believed of it.
 *
 *     ring      ... S-1 | S | S+1 ... tick        S: the tick of the server's newest state
 *     inputs    of the ticks behind S, and those that the server did not apply yet
 *
 * A difference: restore S, write what the server says, step again to where it was (`goal`). What
 * the server says of components that are not predicted is written at the same place, and is a
 * reason to go back as well, but no correction. What was shown before and what is now of the same
 * tick differ by an offset a float, which fades.
 *
 * The small world runs ahead of the server by the way of an input and `lead` more, which follows
 * the slack that the server tells: up at once when an input came late, down slowly. */
#include "core/replicate/view_internal.h"

#include "skep/predict.h"
#include "skep/snapshot.h"

#define PREDICT_CANARY 0x70726431u
#define PREDICT_INPUTS_MAX 256u
/* Ticks of the ring beyond ahead_max. */
#define PREDICT_RING_MORE 8u
/* Ticks by which inputs should come early, and by which it is too early. */
#define PREDICT_SLACK_LEAST 1
#define PREDICT_SLACK_MOST 3
/* The lead that it begins with, in ticks. */
#define PREDICT_LEAD 2.0

typedef struct predict_input {
    uint64_t number;
    uint32_t tick;
    uint32_t replica;
    uint8_t *value; /* C struct, in p->input_values */
} predict_input;

/* What was predicted of a tick. */
typedef struct predict_tick {
    uint32_t tick; /* 0: nothing */
    uint64_t has;
    skep_snapshot *snapshot; /* NULL: there was no memory for it */
    uint8_t *bytes;          /* own_bytes: components by their place in desc.predict, those that are
                                there one behind the other */
} predict_tick;

struct skep_predict {
    skep_predict_desc desc;
    skep_allocator allocator;
    skep_view *view;
    skep_world *world;

    skep_entity own;   /* the server's; null: there is none */
    skep_entity local; /* the small world's */
    uint32_t tick;     /* of the small world */
    uint32_t goal;     /* where it was before it went back; tick where it did not */
    uint32_t seen;     /* tick of the state that was looked at last */
    uint32_t run;      /* steps since skep_predict_next last said no */
    double lead;
    uint64_t lead_number; /* inputs up to this one were sent with another lead */
    uint64_t now_ns;

    uint32_t ring_cap;
    predict_tick *ring; /* by tick % ring_cap */
    uint32_t own_bytes;
    uint8_t *ring_bytes;

    uint32_t input_first;
    uint32_t input_count;
    uint32_t input_size; /* of the largest C struct */
    uint64_t input_number;
    predict_input inputs[PREDICT_INPUTS_MAX];
    uint8_t *input_values;

    uint32_t value_size; /* of the largest C struct of a component */
    uint8_t *value;      /* one */
    uint64_t synced;     /* components that are not predicted, by number, */
    uint32_t synced_at[SKEP_REPLICA_MAX];
    uint32_t synced_bytes;
    uint8_t *synced_values; /* as the server said last; */
    uint8_t *fresh_values;  /* and as it says now */

    uint32_t float_count;
    float *offsets;     /* what was shown more than is, when it was corrected, */
    uint64_t offset_ns; /* and when that was */
    uint64_t old_has;
    uint8_t *old_bytes; /* as of `goal`, before it went back */
    uint64_t shown_has; /* scratch of skep_predict_show */
    uint8_t *shown_from;
    uint8_t *shown_to;

    skep_predict_stats stats;
};

/* ---- life ------------------------------------------------------------------------------------ */

skep_predict_desc skep_predict_desc_default(void)
{
    skep_predict_desc d;
    memset(&d, 0, sizeof d);
    d.canary = PREDICT_CANARY;
    return d;
}

skep_status skep_predict_open(const skep_predict_desc *desc, skep_predict **predict)
{
    *predict = NULL;
    if (desc->canary != PREDICT_CANARY || !desc->view || !desc->world || !desc->allocator.alloc ||
        !desc->allocator.free)
        return SKEP_ARGUMENT;
    if (!desc->view->desc.predict_count) {
        if (desc->log.fn)
            desc->log.fn(desc->log.ctx, SKEP_LOG_ERROR,
                         "predict: the view's desc.predict names no components");
        return SKEP_ARGUMENT;
    }
    skep_predict *p = skep__alloc(&desc->allocator, sizeof *p, 16);
    if (!p) return SKEP_NO_MEMORY;
    p->desc = *desc;
    p->allocator = desc->allocator;
    p->view = desc->view;
    p->world = desc->world;
    if (!p->desc.replay_max) p->desc.replay_max = 12;
    if (!p->desc.ahead_max) p->desc.ahead_max = 60;
    if (!p->desc.smooth_ms) p->desc.smooth_ms = 120;
    p->lead = PREDICT_LEAD;
    *predict = p;
    return SKEP_OK;
}

static void *predict_alloc(skep_predict *p, size_t bytes)
{
    return skep__alloc(&p->allocator, bytes + 16u, 16);
}

static void predict_free(skep_predict *p, void *memory, size_t bytes)
{
    skep__free(&p->allocator, memory, bytes + 16u, 16);
}

static void predict_forget_tick(predict_tick *t)
{
    skep_snapshot_release(t->snapshot);
    t->snapshot = NULL;
    t->tick = 0;
}

static void predict_forget_all(skep_predict *p)
{
    for (uint32_t i = 0; p->ring && i < p->ring_cap; i++) predict_forget_tick(&p->ring[i]);
}

static void predict_rooms_free(skep_predict *p)
{
    predict_forget_all(p);
    predict_free(p, p->ring, p->ring_cap * sizeof *p->ring);
    predict_free(p, p->ring_bytes, (size_t)p->own_bytes * p->ring_cap);
    predict_free(p, p->input_values, (size_t)p->input_size * PREDICT_INPUTS_MAX);
    predict_free(p, p->value, p->value_size);
    predict_free(p, p->synced_values, p->synced_bytes);
    predict_free(p, p->fresh_values, p->synced_bytes);
    predict_free(p, p->offsets, p->float_count * sizeof *p->offsets);
    predict_free(p, p->old_bytes, p->own_bytes);
    predict_free(p, p->shown_from, p->own_bytes);
    predict_free(p, p->shown_to, p->own_bytes);
    p->ring = NULL;
    p->ring_bytes = p->input_values = p->value = p->synced_values = p->fresh_values = NULL;
    p->old_bytes = p->shown_from = p->shown_to = NULL;
    p->offsets = NULL;
}

void skep_predict_close(skep_predict *predict)
{
    if (!predict) return;
    predict_rooms_free(predict);
    const skep_allocator allocator = predict->allocator;
    skep__free(&allocator, predict, sizeof *predict, 16);
}

static const skep_component *predict_component(const skep_predict *p, uint32_t place)
{
    return p->view->desc.predict[place];
}

static bool predict_is_predicted(const skep_predict *p, uint32_t number)
{
    for (uint32_t i = 0; i < p->view->desc.predict_count; i++)
        if (p->view->predict[i] == number) return true;
    return false;
}

static void predict_measure(skep_predict *p)
{
    const skep_view *view = p->view;
    p->input_size = p->value_size = 1;
    p->synced_bytes = p->float_count = 0;
    for (uint32_t i = 0; i < view->replica_count; i++) {
        const skep_component *info = view->replicas[i].info;
        if (info->kind == SKEP_KIND_INPUT) p->input_size = skep__max_u32(p->input_size, info->size);
        if (info->kind != SKEP_KIND_COMPONENT) continue;
        p->value_size = skep__max_u32(p->value_size, info->size);
        p->synced_at[i] = p->synced_bytes;
        p->synced_bytes += skep__u32(skep__align(info->size, 16));
    }
    p->input_size = skep__u32(skep__align(p->input_size, 16));
    for (uint32_t i = 0; i < view->desc.predict_count; i++) {
        const skep_component *info = predict_component(p, i);
        p->value_size = skep__max_u32(p->value_size, info->size);
        for (uint32_t f = 0; f < info->field_count; f++)
            if (info->fields[f].type == SKEP_TYPE_f32) p->float_count += info->fields[f].count;
    }
    p->own_bytes = view->own_bytes_max;
    p->ring_cap = p->desc.ahead_max + PREDICT_RING_MORE;
}

/* Makes what is sized by the schema, once there is one. */
static bool predict_rooms_make(skep_predict *p)
{
    if (p->ring) return true;
    predict_measure(p);
    p->ring = predict_alloc(p, p->ring_cap * sizeof *p->ring);
    p->ring_bytes = predict_alloc(p, (size_t)p->own_bytes * p->ring_cap);
    p->input_values = predict_alloc(p, (size_t)p->input_size * PREDICT_INPUTS_MAX);
    p->value = predict_alloc(p, p->value_size);
    p->synced_values = predict_alloc(p, p->synced_bytes);
    p->fresh_values = predict_alloc(p, p->synced_bytes);
    p->offsets = predict_alloc(p, p->float_count * sizeof *p->offsets);
    p->old_bytes = predict_alloc(p, p->own_bytes);
    p->shown_from = predict_alloc(p, p->own_bytes);
    p->shown_to = predict_alloc(p, p->own_bytes);
    if (!p->ring || !p->ring_bytes || !p->input_values || !p->value || !p->synced_values ||
        !p->fresh_values || !p->offsets || !p->old_bytes || !p->shown_from || !p->shown_to) {
        predict_rooms_free(p);
        return false;
    }
    for (uint32_t i = 0; i < p->ring_cap; i++)
        p->ring[i].bytes = p->ring_bytes + (size_t)i * p->own_bytes;
    for (uint32_t i = 0; i < PREDICT_INPUTS_MAX; i++)
        p->inputs[i].value = p->input_values + (size_t)i * p->input_size;
    return true;
}

skep_entity skep_predict_local(const skep_predict *predict)
{
    return predict->local;
}

/* ---- ticks ----------------------------------------------------------------------------------- */

static predict_tick *predict_tick_of(const skep_predict *p, uint32_t tick)
{
    predict_tick *t = &p->ring[tick % p->ring_cap];
    return t->tick == tick ? t : NULL;
}

/* The own entity's predicted components as they are now, as on the wire. */
static uint64_t predict_read(skep_predict *p, uint8_t *bytes)
{
    skep__wire_writer w = {.bytes = bytes, .bytes_max = p->own_bytes};
    uint64_t has = 0;
    for (uint32_t i = 0; i < p->view->desc.predict_count; i++) {
        const skep_component *info = predict_component(p, i);
        if (!skep_world_get(p->world, p->local, info, p->value)) continue;
        skep__message_put_value(&w, info, p->value);
        has |= (uint64_t)1 << i;
    }
    SKEP_ASSERT(w.need <= w.bytes_max);
    return has;
}

static uint32_t predict_size(const skep_predict *p, uint64_t has)
{
    uint32_t size = 0;
    for (uint32_t i = 0; i < p->view->desc.predict_count; i++)
        if (has >> i & 1u) size += skep__message_value_bytes(predict_component(p, i));
    return size;
}

/* Keeps the small world as it is, as that of p->tick. */
static void predict_keep(skep_predict *p)
{
    predict_tick *t = &p->ring[p->tick % p->ring_cap];
    predict_forget_tick(t);
    t->tick = p->tick;
    t->has = predict_read(p, t->bytes);
    if (skep_snapshot_take(p->world, &t->snapshot) != SKEP_OK) t->snapshot = NULL;
}

/* Makes the own entity's predicted components what the server says. */
static bool predict_write(skep_predict *p, const skep_view_own *own)
{
    skep__wire_reader r = {.bytes = own->bytes, .end = own->size};
    for (uint32_t i = 0; i < p->view->desc.predict_count; i++) {
        const skep_component *info = predict_component(p, i);
        skep_status status = SKEP_OK;
        if (own->has >> i & 1u) {
            memset(p->value, 0, p->value_size);
            if (!skep__message_get_value(&r, info, p->value))
                return false; /* was checked: cannot be */
            status = skep_world_add(p->world, p->local, info, info->size ? p->value : NULL);
        } else {
            status = skep_world_remove(p->world, p->local, info);
        }
        if (status != SKEP_OK) return false;
    }
    return true;
}

/* ---- components that are not predicted ------------------------------------------------------- */

/* Where an entity sits in the newest state. */
static const skep__client_class *predict_locate(const skep_view *view, uint64_t entity,
                                                uint32_t *slot)
{
    const skep__client_state *state = skep__client_newest(view);
    for (uint32_t i = 0; i < state->count; i++) {
        const skep__client_class *class = state->entries[i].class;
        for (uint32_t b = 0; b < class->codes.block_count; b++) {
            const uint64_t *ids = skep__block_ids(class->codes.ids[b]);
            for (uint32_t k = 0; k < SKEP__COLUMNS_BLOCK; k++) {
                if (ids[k] != entity) continue;
                *slot = b * SKEP__COLUMNS_BLOCK + k;
                return class;
            }
        }
    }
    return NULL;
}

/* Reads the values of a slot into fresh_values; returns which components there are. */
static uint64_t predict_fresh(skep_predict *p)
{
    const skep_view *view = p->view;
    uint32_t slot = 0;
    uint64_t set = 0;
    const skep__client_class *class = predict_locate(view, p->own.bits, &slot);
    if (!class) { /* out of the area: as it was */
        memcpy(p->fresh_values, p->synced_values, p->synced_bytes);
        return p->synced;
    }
    memset(p->fresh_values, 0, p->synced_bytes);
    const skep__code_layout *layout = &view->layouts[class->layout].code;
    const int32_t *codes = skep__block_codes(class->codes.codes[slot / SKEP__COLUMNS_BLOCK]) +
                           slot % SKEP__COLUMNS_BLOCK;
    for (uint32_t i = 0; i < view->replica_count; i++)
        if (layout->components >> i & 1u && !predict_is_predicted(p, i)) set |= (uint64_t)1 << i;
    for (uint32_t i = 0; i < layout->field_count; i++) {
        const skep__code_field *f = &layout->fields[i];
        if (!(set >> f->replica & 1u)) continue;
        const skep_field *field = &view->replicas[f->replica].info->fields[f->field];
        const skep__quantum_span span = {.elements = field->count,
                                         .element = f->element,
                                         .row_count = 1,
                                         .stride = SKEP__COLUMNS_BLOCK};
        skep__quantum_values(&f->quantum, &span, codes + (size_t)f->column * SKEP__COLUMNS_BLOCK,
                             p->fresh_values + p->synced_at[f->replica] + field->offset);
    }
    return set;
}

static bool predict_sync(skep_predict *p, uint64_t set)
{
    uint8_t *values = p->fresh_values;
    for (uint32_t i = 0; i < p->view->replica_count; i++) {
        const skep_component *info = p->view->replicas[i].info;
        const bool is = set >> i & 1u;
        const bool was = p->synced >> i & 1u;
        skep_status status = SKEP_OK;
        if (is)
            status = skep_world_add(p->world, p->local, info,
                                    info->size ? values + p->synced_at[i] : NULL);
        else if (was)
            status = skep_world_remove(p->world, p->local, info);
        if (status != SKEP_OK) return false;
    }
    p->synced = set;
    p->fresh_values = p->synced_values;
    p->synced_values = values;
    return true;
}

/* ---- floats ---------------------------------------------------------------------------------- */

/* How much of the offsets is still to be made good, 1 to 0. */
static float predict_fade(const skep_predict *p, uint64_t now_ns)
{
    const double passed = (double)(int64_t)(now_ns - p->offset_ns) * 1e-6 / p->desc.smooth_ms;
    if (passed >= 1.0) return 0.0f;
    const double left = passed > 0.0 ? 1.0 - passed : 1.0;
    return (float)(left * left * (3.0 - 2.0 * left));
}

static float predict_f32(const uint8_t *at)
{
    uint32_t bits = 0;
    for (uint32_t b = 0; b < 4; b++) bits |= (uint32_t)at[b] << (8 * b);
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* Adds to each offset the difference of two values as on the wire, of a field. */
static void predict_offset_field(const skep_field *field, const uint8_t *old, const uint8_t *now,
                                 float *offsets)
{
    for (uint32_t e = 0; e < field->count; e++) {
        const float x = offsets[e] + predict_f32(old + 4u * e) - predict_f32(now + 4u * e);
        offsets[e] = x - x == 0.0f ? x : 0.0f;
    }
}

/* It is where it was before it went back: what it shows differs by this much. */
static void predict_offset(skep_predict *p, const predict_tick *now)
{
    const float fade = predict_fade(p, p->now_ns);
    const uint8_t *a = p->old_bytes;
    const uint8_t *b = now->bytes;
    float *offsets = p->offsets;
    for (uint32_t k = 0; k < p->float_count; k++) offsets[k] *= fade;
    for (uint32_t i = 0; i < p->view->desc.predict_count; i++) {
        const skep_component *info = predict_component(p, i);
        const bool in_a = p->old_has >> i & 1u;
        const bool in_b = now->has >> i & 1u;
        for (uint32_t f = 0; f < info->field_count; f++) {
            const skep_field *field = &info->fields[f];
            const uint32_t bytes = (uint32_t)field->size * field->count;
            const bool floats = field->type == SKEP_TYPE_f32;
            if (floats && in_a && in_b) predict_offset_field(field, a, b, offsets);
            if (floats) offsets += field->count;
            if (in_a) a += bytes;
            if (in_b) b += bytes;
        }
    }
    p->offset_ns = p->now_ns;
}

/* ---- beginning and going back ---------------------------------------------------------------- */

static void predict_end(skep_predict *p)
{
    if (!skep_entity_is_null(p->local) && skep_entity_alive(p->world, p->local))
        (void)!skep_entity_destroy(p->world, p->local);
    predict_forget_all(p);
    p->local = p->own = skep_entity_null();
    p->tick = p->goal = 0;
    p->synced = 0;
    p->input_count = 0;
}

/* The own entity as the server says it is; the world goes on from here as from that tick. */
static bool predict_adopt(skep_predict *p, const skep_view_own *own, uint64_t set)
{
    if (skep_entity_is_null(p->local) || !skep_entity_alive(p->world, p->local)) {
        p->synced = 0;
        if (skep_entity_create(p->world, &p->local) != SKEP_OK) return false;
    }
    if (!predict_write(p, own) || !predict_sync(p, set)) return false;
    p->tick = own->tick;
    predict_keep(p);
    return true;
}

static void predict_begin(skep_predict *p, const skep_view_own *own)
{
    predict_end(p);
    p->own = own->entity;
    if (!predict_adopt(p, own, predict_fresh(p))) {
        predict_end(p);
        return;
    }
    p->goal = p->tick;
    memset(p->offsets, 0, p->float_count * sizeof *p->offsets);
}

/* Inputs that the server has are of no use any more; those that came late are still to be applied,
 * as soon as can be. */
static void predict_inputs_done(skep_predict *p, const skep_view_own *own, bool back)
{
    while (p->input_count) {
        const predict_input *in = &p->inputs[p->input_first];
        if (in->number > own->number) break;
        p->input_first = (p->input_first + 1u) % PREDICT_INPUTS_MAX;
        p->input_count--;
    }
    for (uint32_t i = 0; back && i < p->input_count; i++) {
        predict_input *in = &p->inputs[(p->input_first + i) % PREDICT_INPUTS_MAX];
        if (in->tick <= own->tick) in->tick = own->tick + 1u;
    }
}

/* Goes back to the tick of the server's state. */
static void predict_back(skep_predict *p, const skep_view_own *own, predict_tick *at, uint64_t set)
{
    const predict_tick *last = predict_tick_of(p, p->tick);
    if (p->goal == p->tick && last) {
        p->old_has = last->has;
        memcpy(p->old_bytes, last->bytes, p->own_bytes);
    }
    if (at->snapshot && skep_world_restore(p->world, at->snapshot) != SKEP_OK)
        skep__client_log(p->view, SKEP_LOG_WARN, "predict: no memory to go back");
    for (uint32_t tick = own->tick + 1u; tick <= p->tick; tick++) {
        predict_tick *t = predict_tick_of(p, tick);
        if (t) predict_forget_tick(t);
    }
    if (!predict_adopt(p, own, set)) predict_end(p);
}

static bool predict_equals(const skep_predict *p, const skep_view_own *own, const predict_tick *at)
{
    return own->has == at->has && own->size == predict_size(p, at->has) &&
           (!own->size || memcmp(own->bytes, at->bytes, own->size) == 0);
}

/* A state that is not in the ring: older than all of it, or ahead of it. */
static void predict_skip(skep_predict *p, const skep_view_own *own)
{
    p->stats.skipped++;
    if (own->tick <= p->tick) return;
    predict_inputs_done(p, own, true);
    if (!predict_adopt(p, own, predict_fresh(p))) {
        predict_end(p);
        return;
    }
    p->goal = skep__max_u32(p->goal, p->tick);
}

/* Forgets ticks before the one that the server confirmed. */
static void predict_confirmed(skep_predict *p, uint32_t tick)
{
    for (uint32_t i = 0; i < p->ring_cap; i++)
        if (p->ring[i].tick && p->ring[i].tick < tick) predict_forget_tick(&p->ring[i]);
}

static void predict_compare(skep_predict *p, const skep_view_own *own)
{
    predict_tick *at = predict_tick_of(p, own->tick);
    if (!at) {
        predict_skip(p, own);
        return;
    }
    const uint64_t set = predict_fresh(p);
    const bool equal = predict_equals(p, own, at);
    const bool stale =
        set != p->synced || memcmp(p->fresh_values, p->synced_values, p->synced_bytes) != 0;
    p->stats.compared++;
    p->stats.corrections += !equal;
    predict_inputs_done(p, own, !equal || stale);
    if (!equal || stale) predict_back(p, own, at, set);
    if (p->tick) predict_confirmed(p, own->tick);
}

/* ---- the lead -------------------------------------------------------------------------------- */

static void predict_lead(skep_predict *p, const skep_view_own *own)
{
    if (own->number <= p->lead_number) return;
    if (own->slack < PREDICT_SLACK_LEAST)
        p->lead += PREDICT_SLACK_LEAST - own->slack;
    else if (own->slack > PREDICT_SLACK_MOST)
        p->lead -= 0.25;
    else
        return;
    const double most = p->desc.ahead_max * 0.5;
    p->lead = p->lead < 0.0 ? 0.0 : p->lead > most ? most : p->lead;
    p->lead_number = p->input_number;
}

/* Where the small world should be, in ticks. */
static double predict_target(const skep_predict *p, uint64_t now_ns)
{
    const skep_view *view = p->view;
    const double way = view->clock.rtt_ns * 0.5e-9 * view->welcome.tick_hz;
    return skep__client_clock_server(view, now_ns) + way + p->lead;
}

/* ---- calls ----------------------------------------------------------------------------------- */

static void predict_look(skep_predict *p)
{
    const skep_view_own own = skep_view_own_state(p->view);
    if (!own.tick || own.tick == p->seen) return;
    p->seen = own.tick;
    predict_lead(p, &own);
    if (skep_entity_is_null(own.entity)) {
        if (!skep_entity_is_null(p->own)) predict_end(p);
        return;
    }
    if (!skep_entity_equal(own.entity, p->own) || own.tick + p->ring_cap < p->tick)
        predict_begin(p, &own);
    else
        predict_compare(p, &own);
}

/* Gives the small world the inputs of the tick that comes next. */
static void predict_give(skep_predict *p)
{
    for (uint32_t i = 0; i < p->input_count; i++) {
        const predict_input *in = &p->inputs[(p->input_first + i) % PREDICT_INPUTS_MAX];
        if (in->tick != p->tick + 1u) continue;
        const skep_component *info = p->view->replicas[in->replica].info;
        if (skep_world_input(p->world, p->view->welcome.player, in->number, p->local, info,
                             info->size ? in->value : NULL) != SKEP_OK)
            skep__client_log(p->view, SKEP_LOG_WARN, "predict: an input got lost");
    }
}

bool skep_predict_next(skep_predict *p, uint64_t now_ns)
{
    p->now_ns = now_ns;
    if (!p->view->state_count || !predict_rooms_make(p)) return false;
    predict_look(p);
    bool due = false;
    if (p->tick && p->run < p->desc.replay_max) {
        const double last = (double)p->seen + p->desc.ahead_max;
        const double target = predict_target(p, now_ns);
        due = p->tick < p->goal || (p->tick + 1.0 <= target && p->tick + 1.0 <= last);
    }
    if (due)
        predict_give(p);
    else
        p->run = 0;
    return due;
}

void skep_predict_stepped(skep_predict *p)
{
    const bool again = p->tick < p->goal;
    SKEP_ASSERT(p->tick != 0);
    p->tick++;
    p->run++;
    p->stats.ticks++;
    p->stats.replayed += again;
    predict_keep(p);
    if (again && p->tick == p->goal) predict_offset(p, predict_tick_of(p, p->tick));
    if (!again) p->goal = p->tick;
}

uint64_t skep_predict_send(skep_predict *p, const skep_component *input, const void *value,
                           uint64_t now_ns)
{
    const uint32_t tick = p->tick ? skep__max_u32(p->tick, p->goal) + 1u : 0;
    const uint64_t number = skep_view_send(p->view, input, value, tick, now_ns);
    if (!number) return 0;
    p->input_number = number;
    if (!p->tick) return number;
    if (p->input_count == PREDICT_INPUTS_MAX) {
        p->input_first = (p->input_first + 1u) % PREDICT_INPUTS_MAX;
        p->input_count--;
    }
    predict_input *in = &p->inputs[(p->input_first + p->input_count++) % PREDICT_INPUTS_MAX];
    in->number = number;
    in->tick = tick;
    in->replica = skep__client_number(p->view, input);
    if (input->size) memcpy(in->value, value, input->size);
    return number;
}

/* ---- showing --------------------------------------------------------------------------------- */

/* One field of both ticks, and what is added to it. */
typedef struct predict_field {
    const skep_field *field;
    const uint8_t *from;
    const uint8_t *to;
    float part;
    const float *offsets;
    float fade;
} predict_field;

/* Writes one field over the one that is shown. */
static void predict_show_field(const predict_field *v, uint8_t *shown)
{
    const uint32_t size = v->field->size;
    for (uint32_t e = 0; e < v->field->count; e++) {
        uint8_t *at = shown + (size_t)e * size;
        if (v->field->type == SKEP_TYPE_f32) {
            const float a = predict_f32(v->from + 4u * e);
            const float b = predict_f32(v->to + 4u * e);
            const float x = a + (b - a) * v->part;
            const float y = (x - x == 0.0f ? x : b) + v->offsets[e] * v->fade;
            memcpy(at, &y, sizeof y);
        } else {
            memcpy(at, v->to + (size_t)e * size, size);
        }
    }
}

/* The values of two ticks, and how far the moment is between them. */
static bool predict_moment(skep_predict *p, uint64_t now_ns, float *part)
{
    const predict_tick *last = predict_tick_of(p, p->tick);
    const predict_tick *before = predict_tick_of(p, p->tick - 1u);
    *part = 1.0f;
    if (p->tick < p->goal) { /* still on its way to where it was */
        p->shown_has = p->old_has;
        memcpy(p->shown_from, p->old_bytes, p->own_bytes);
        memcpy(p->shown_to, p->old_bytes, p->own_bytes);
        return true;
    }
    if (!last) return false;
    p->shown_has = last->has;
    memcpy(p->shown_to, last->bytes, p->own_bytes);
    memcpy(p->shown_from, last->bytes, p->own_bytes);
    if (!before || before->has != last->has) return true;
    memcpy(p->shown_from, before->bytes, p->own_bytes);
    const double along = predict_target(p, now_ns) - p->tick;
    *part = along < 0.0 ? 0.0f : along > 1.0 ? 1.0f : (float)along;
    return true;
}

void skep_predict_show(skep_predict *p, uint64_t now_ns)
{
    predict_field v = {.offsets = p->offsets, .fade = predict_fade(p, now_ns)};
    uint32_t at = 0;
    if (!p->ring || !p->tick || !predict_moment(p, now_ns, &v.part)) return;
    for (uint32_t i = 0; i < p->view->desc.predict_count; i++) {
        const skep_component *info = predict_component(p, i);
        const bool has = p->shown_has >> i & 1u;
        for (uint32_t f = 0; f < info->field_count; f++) {
            v.field = &info->fields[f];
            v.from = p->shown_from + at;
            v.to = p->shown_to + at;
            uint8_t *shown =
                has ? skep__client_shown(p->view, p->own, p->view->predict[i], f) : NULL;
            if (shown) predict_show_field(&v, shown);
            if (v.field->type == SKEP_TYPE_f32) v.offsets += v.field->count;
            if (has) at += (uint32_t)v.field->size * v.field->count;
        }
    }
}

skep_predict_stats skep_predict_stats_of(const skep_predict *p)
{
    skep_predict_stats s = p->stats;
    const float fade = p->ring ? predict_fade(p, p->now_ns) : 0.0f;
    s.tick = p->tick;
    if (!p->ring || !p->tick) return s;
    s.lead = (int32_t)((double)p->tick - skep__client_clock_server(p->view, p->now_ns));
    for (uint32_t k = 0; k < p->float_count; k++) {
        const float x = p->offsets[k] * fade;
        const float size = x < 0.0f ? -x : x;
        if (size > s.error) s.error = size;
    }
    return s;
}
