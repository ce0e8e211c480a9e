/* SPDX-License-Identifier: MIT */
/* A view's life, and what the program asks of it: wishes, inputs, figures. What it is made of is
 * drawn in view_internal.h; here is nothing that costs time. */
#include "core/replicate/view_internal.h"

/* ---- memory and reasons ---------------------------------------------------------------------- */

void *skep__client_alloc(skep_view *view, size_t bytes)
{
    if (bytes > view->pool.bytes_max - view->pool.bytes_held) return NULL;
    void *memory = skep__alloc(&view->allocator, bytes, 16);
    if (memory) view->pool.bytes_held += bytes;
    return memory;
}

void skep__client_free(skep_view *view, void *memory, size_t bytes)
{
    if (!memory) return;
    view->pool.bytes_held -= bytes;
    skep__free(&view->allocator, memory, bytes, 16);
}

void skep__client_log(const skep_view *view, skep_log_level level, const char *text)
{
    if (view->desc.log.fn) view->desc.log.fn(view->desc.log.ctx, level, text);
}

static void view_say(skep_view *view, const char *reason)
{
    size_t n = 0;
    for (; reason[n] && n + 1u < sizeof view->reason; n++) view->reason[n] = reason[n];
    view->reason[n] = 0;
}

static void view_unplug(skep_view *view)
{
    view->connected = false;
    view->welcomed = false;
    view->stated = false;
    view->hello_waits = view->subscribe_waits = view->resync_waits = false;
    view->pong_waits = view->ping_waits = view->bye_waits = false;
    view->ping_ns = 0;
    view->input_count = 0;
    skep__client_next_drop(view);
}

bool skep__client_break(skep_view *view, const char *reason)
{
    view_unplug(view);
    view_say(view, reason);
    view->phase = view->state_count ? SKEP_VIEW_RECONNECTING : SKEP_VIEW_CONNECTING;
    if (reason[0]) skep__client_log(view, SKEP_LOG_WARN, reason);
    return false;
}

bool skep__client_end(skep_view *view, const char *reason)
{
    view_unplug(view);
    view_say(view, reason);
    view->phase = SKEP_VIEW_CLOSED;
    if (reason[0]) skep__client_log(view, SKEP_LOG_ERROR, reason);
    return false;
}

/* ---- life ------------------------------------------------------------------------------------ */

skep_view_desc skep_view_desc_default(void)
{
    skep_view_desc d;
    memset(&d, 0, sizeof d);
    d.canary = SKEP__CLIENT_CANARY;
    return d;
}

static void view_defaults(skep_view_desc *d)
{
    if (!d->delay_max_ms) d->delay_max_ms = 500;
    if (!d->stale_ms) d->stale_ms = 2000;
    if (!d->silence_ms) d->silence_ms = 45000;
    if (!d->entity_max) d->entity_max = 1048576;
    if (!d->bytes_max) d->bytes_max = (size_t)512 << 20;
    if (d->delay_min_ms > d->delay_max_ms) d->delay_max_ms = d->delay_min_ms;
}

static bool view_box_sound(const skep_box *box)
{
    if (box->axes > 3) return false;
    for (uint32_t i = 0; i < box->axes; i++) {
        const float width = box->high[i] - box->low[i]; /* NaN where an edge is not finite */
        if (!(width >= 0.0f) || width - width != 0.0f) return false;
    }
    return true;
}

static bool view_named(const skep_view_desc *d, const skep_component *component)
{
    if (!d->replica_count) return true;
    for (uint32_t i = 0; i < d->replica_count; i++)
        if (d->replicas[i].info == component) return true;
    return false;
}

/* What is wrong with a description, or NULL. */
static const char *view_desc_mistake(const skep_view_desc *d)
{
    if (d->replica_count > SKEP_REPLICA_MAX || (d->replica_count && !d->replicas))
        return "view: replica_count is over 64, or there are no replicas";
    for (uint32_t i = 0; i < d->replica_count; i++)
        if (!d->replicas[i].info || d->replicas[i].info->kind > SKEP_KIND_INPUT)
            return "view: replicas are components, events, resources and inputs";
    if (d->predict_count > SKEP_REPLICA_MAX || (d->predict_count && !d->predict))
        return "view: predict_count is over 64, or there is no predict";
    for (uint32_t i = 0; i < d->predict_count; i++)
        if (!d->predict[i] || d->predict[i]->kind != SKEP_KIND_COMPONENT ||
            !view_named(d, d->predict[i]))
            return "view: what is predicted must be a component that replicas name";
    if (!view_box_sound(&d->area)) return "view: the area is no box";
    if (d->token_bytes > SKEP__TOKEN_BYTES_MAX || (d->token_bytes && !d->token))
        return "view: the token is longer than 4,096 bytes, or not there";
    return NULL;
}

skep_status skep_view_open(const skep_view_desc *desc, skep_view **view)
{
    *view = NULL;
    if (desc->canary != SKEP__CLIENT_CANARY || !desc->allocator.alloc || !desc->allocator.free)
        return SKEP_ARGUMENT;
    const char *mistake = view_desc_mistake(desc);
    if (mistake) {
        if (desc->log.fn) desc->log.fn(desc->log.ctx, SKEP_LOG_ERROR, mistake);
        return SKEP_ARGUMENT;
    }
    skep_view *v = skep__alloc(&desc->allocator, sizeof *v, 16);
    if (!v) return SKEP_NO_MEMORY;
    v->desc = *desc;
    v->allocator = desc->allocator;
    view_defaults(&v->desc);
    v->limits = skep__wire_limits_default();
    v->limits.down_bytes_max = SKEP__CLIENT_MESSAGE_MAX;
    v->pool = (skep__code_pool){.allocator = &v->allocator, .bytes_max = v->desc.bytes_max};
    skep__client_clock_reset(v);
    if (desc->token_bytes) {
        v->token = skep__client_alloc(v, desc->token_bytes);
        if (!v->token) {
            skep_view_close(v);
            return SKEP_NO_MEMORY;
        }
        memcpy(v->token, desc->token, desc->token_bytes);
    }
    v->desc.token = v->token;
    *view = v;
    return SKEP_OK;
}

static void view_schema_free(skep_view *v)
{
    for (uint32_t i = 0; i < 2; i++) {
        skep__client_free(v, v->news[i].own_bytes, v->own_bytes_max);
        skep__client_free(v, v->news[i].resources, v->resource_bytes);
    }
    skep__client_free(v, v->input_values, (size_t)v->input_value_max * SKEP__CLIENT_INPUTS_MAX);
    skep__schema_table_deinit(&v->table, &v->allocator);
}

void skep_view_close(skep_view *view)
{
    if (!view) return;
    skep__client_next_drop(view);
    skep__client_states_drop(view);
    skep__client_pair_deinit(view, &view->pair);
    skep__client_pictures_free(view);
    skep__client_layouts_free(view);
    view_schema_free(view);
    skep__client_free(view, view->token, view->desc.token_bytes);
    skep__client_free(view, view->out, view->out_bytes);
    skep__client_free(view, view->events, view->event_cap);
    SKEP_ASSERT(view->pool.bytes_held == 0);
    const skep_allocator allocator = view->allocator;
    skep__free(&allocator, view, sizeof *view, 16);
}

skep_view_phase skep_view_phase_of(const skep_view *view)
{
    return view->phase;
}

const char *skep_view_reason(const skep_view *view)
{
    return view->reason;
}

/* ---- what the server publishes --------------------------------------------------------------- */

static bool view_same_text(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

uint32_t skep__client_number(const skep_view *view, const skep_component *component)
{
    char text[8];
    for (uint32_t i = 0; i < view->replica_count; i++)
        if (view->replicas[i].info == component) return i;
    for (uint32_t i = 0; component && i < view->replica_count; i++) {
        const skep_component *info = view->replicas[i].info;
        if (info->kind == component->kind && view_same_text(info->name, component->name) &&
            !skep__schema_mismatch(component, info, text, sizeof text))
            return i;
    }
    return SKEP_REPLICA_MAX;
}

const skep_component *skep_view_component(const skep_view *view, const char *name)
{
    for (uint32_t i = 0; i < view->replica_count; i++)
        if (view_same_text(view->replicas[i].info->name, name)) return view->replicas[i].info;
    return NULL;
}

const skep_replica *skep_view_schema(const skep_view *view, uint32_t *count)
{
    *count = view->replica_count;
    return view->replicas;
}

/* ---- wishes ---------------------------------------------------------------------------------- */

void skep_view_area(skep_view *view, const skep_box *area)
{
    if (!view_box_sound(area)) {
        skep__client_log(view, SKEP_LOG_ERROR, "view: the area is no box, so it stays as it was");
        return;
    }
    view->desc.area = *area;
    view->subscribe_waits = view->welcomed;
}

/* The tick that the server will be in when something that is sent now arrives. */
static uint32_t view_arrival_tick(const skep_view *view, uint64_t now_ns)
{
    const double way = view->clock.rtt_ns * 0.5e-9 * view->welcome.tick_hz;
    const double tick = skep__client_clock_server(view, now_ns) + way + 1.0;
    return tick > 0.0 && tick < 4294967295.0 ? (uint32_t)tick : 0;
}

uint64_t skep_view_send(skep_view *view, const skep_component *input, const void *value,
                        uint32_t tick, uint64_t now_ns)
{
    const uint32_t replica = skep__client_number(view, input);
    if (!view->welcomed || !view->stated || view->input_count == SKEP__CLIENT_INPUTS_MAX) return 0;
    if (replica == SKEP_REPLICA_MAX || input->kind != SKEP_KIND_INPUT) return 0;
    const uint32_t at = (view->input_first + view->input_count) % SKEP__CLIENT_INPUTS_MAX;
    skep__client_input *in = &view->inputs[at];
    skep__wire_writer w = {.bytes = view->input_values + (size_t)at * view->input_value_max,
                           .bytes_max = view->input_value_max};
    skep__message_put_value(&w, input, value);
    SKEP_ASSERT(w.need <= w.bytes_max);
    *in = (skep__client_input){.number = ++view->input_number,
                               .tick = tick ? tick : view_arrival_tick(view, now_ns),
                               .replica = replica,
                               .size = skep__u32(w.need)};
    view->input_count++;
    return in->number;
}

/* ---- what is known --------------------------------------------------------------------------- */

const void *skep_view_resource(const skep_view *view, const skep_component *resource)
{
    const uint32_t number = skep__client_number(view, resource);
    if (number == SKEP_REPLICA_MAX || resource->kind != SKEP_KIND_RESOURCE) return NULL;
    if (!(view->news[0].resource_has >> number & 1u)) return NULL;
    return view->news[0].resources + view->resource_at[number];
}

uint32_t skep_view_player(const skep_view *view)
{
    return view->welcome.player;
}

skep_view_own skep_view_own_state(const skep_view *view)
{
    const skep__client_news *news = &view->news[0];
    skep_view_own own = {0};
    if (!view->state_count) return own;
    own.entity = news->entity;
    own.tick = skep__client_newest(view)->tick;
    own.number = news->number;
    own.slack = news->slack;
    own.has = news->own_has;
    own.bytes = news->own_bytes;
    own.size = news->own_size;
    return own;
}

skep_view_stats skep_view_stats_of(const skep_view *view, uint64_t now_ns)
{
    const skep__client_clock *clock = &view->clock;
    skep_view_stats s = view->stats;
    s.bytes_held = view->pool.bytes_held;
    s.tick = view->state_count ? skep__client_newest(view)->tick : 0;
    s.entity_count = view->pictures[view->shown].entity_count;
    s.tick_hz = view->welcome.tick_hz;
    s.every = view->welcome.every;
    s.rtt_ms = (float)(clock->rtt_ns * 1e-6);
    if (!clock->started) return s;
    const double tick_ms = 1000.0 / view->welcome.tick_hz;
    const double passed = (double)(int64_t)(now_ns - clock->zero_ns) * 1e-6 / tick_ms;
    s.jitter_ms = (float)(clock->jitter * tick_ms);
    s.shown_tick = clock->shown;
    s.server_tick = skep__client_clock_server(view, now_ns);
    s.delay_ms = (float)((passed - clock->late_least - clock->shown) * tick_ms);
    return s;
}
