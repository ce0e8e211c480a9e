/* SPDX-License-Identifier: MIT */
/* The client's half of a live world. A view needs no world: a host without one serves it, in a
 * module instance of its own whose memory is all heap. Where something is predicted the host has
 * the small world, and the view lies beside it.
 *
 * JavaScript brings time and the transport; the rest is skep/view.h. Times are milliseconds. What
 * a call lists is the view's until its next list. */
#include "wasm/host.h"

#include "skep/view.h"

/* A view, and the lists that it was asked for. */
typedef struct host_view {
    host *host;
    skep_view *view;
    host_buffer list;
    uint32_t replica_count;
    uint32_t predict_count;
    skep_replica replicas[SKEP_REPLICA_MAX];
    const skep_component *predict[SKEP_REPLICA_MAX];
} host_view;

/* Where numbers stand in io for skep_host_view_open; as VIEW of core/live.ts. */
enum {
    AT_REPLICAS = 0,
    AT_PREDICT,
    AT_TOKEN,
    AT_TOKEN_BYTES,
    AT_DELAY_MIN,
    AT_DELAY_MAX,
    AT_STALE,
    AT_SILENCE,
    AT_ENTITY_MAX,
    AT_BYTES_MAX,
    AT_AXES,
    AT_LOW,
    AT_HIGH = AT_LOW + 3,
    AT_LISTS = AT_HIGH + 3 /* components, then those that are predicted */
};

/* The box whose axes and edges begin at a word of io. */
static skep_box box_at(const host *h, uint32_t at)
{
    skep_box box;
    memset(&box, 0, sizeof box);
    box.axes = h->io[at];
    memcpy(box.low, h->io + at + 1, sizeof box.low);
    memcpy(box.high, h->io + at + 4, sizeof box.high);
    return box;
}

static skep_view_desc view_desc(host_view *v, host *h)
{
    skep_view_desc d = skep_view_desc_default();
    const uint32_t *io = h->io;
    d.replica_count = v->replica_count;
    d.replicas = v->replica_count ? v->replicas : NULL;
    d.predict_count = v->predict_count;
    d.predict = v->predict;
    d.area = box_at(h, AT_AXES);
    d.token = (const void *)(uintptr_t)io[AT_TOKEN];
    d.token_bytes = io[AT_TOKEN_BYTES];
    d.delay_min_ms = io[AT_DELAY_MIN];
    d.delay_max_ms = io[AT_DELAY_MAX];
    d.stale_ms = io[AT_STALE];
    d.silence_ms = io[AT_SILENCE];
    d.entity_max = io[AT_ENTITY_MAX];
    d.bytes_max = io[AT_BYTES_MAX];
    d.allocator = h->allocator;
    d.log = host_logger(h);
    return d;
}

/* Ends a view. */
void HOST_EXPORT(skep_host_view_close)(host_view *v)
{
    host *h = v->host;
    skep_view_close(v->view);
    skep__free(&h->allocator, v->list.data, v->list.cap, 64);
    skep__free(&h->allocator, v, sizeof *v, 64);
}

/* Opens a view as io says; NULL on failure: then io[0] is the status, and the reason in the log. */
host_view *HOST_EXPORT(skep_host_view_open)(host *h)
{
    host_view *v = NULL;
    skep_status status = SKEP_ARGUMENT;
    if (h->io[AT_REPLICAS] <= SKEP_REPLICA_MAX && h->io[AT_PREDICT] <= SKEP_REPLICA_MAX) {
        v = skep__alloc(&h->allocator, sizeof *v, 64);
        status = v ? SKEP_OK : SKEP_NO_MEMORY;
    }
    if (v) {
        v->host = h;
        v->replica_count = h->io[AT_REPLICAS];
        v->predict_count = h->io[AT_PREDICT];
        uint32_t at = AT_LISTS;
        for (uint32_t i = 0; i < v->replica_count; i++)
            v->replicas[i] = (skep_replica){host_component_at(h, at++), NULL};
        for (uint32_t i = 0; i < v->predict_count; i++) v->predict[i] = host_component_at(h, at++);
        const skep_view_desc d = view_desc(v, h);
        status = skep_view_open(&d, &v->view);
    }
    h->io[0] = (uint32_t)status;
    if (status == SKEP_OK) return v;
    (void)host_fail(h, status, "view: %s", skep_status_text(status));
    if (v) skep_host_view_close(v);
    return NULL;
}

/* The core's own view. */
skep_view *host_view_of(host_view *v)
{
    return v->view;
}

/* ---- the connection -------------------------------------------------------------------------- */

/* Says that the transport is there (up 1) or gone (0). */
void HOST_EXPORT(skep_host_view_link)(host_view *v, uint32_t up, double now_ms)
{
    if (up)
        skep_view_connected(v->view, host_ns(now_ms));
    else
        skep_view_disconnected(v->view, host_ns(now_ms));
}

/* Takes a message; 0: the connection is to be closed. */
uint32_t HOST_EXPORT(skep_host_view_receive)(host_view *v, const void *bytes, uint32_t size,
                                             double now_ms)
{
    return skep_view_receive(v->view, bytes, size, host_ns(now_ms)) ? 1 : 0;
}

/* Gives the next message: its bytes, and where in io[0]; 0: there is none. */
uint32_t HOST_EXPORT(skep_host_view_next)(host_view *v, double now_ms)
{
    const void *bytes = NULL;
    size_t size = 0;
    if (!skep_view_next(v->view, host_ns(now_ms), &bytes, &size)) return 0;
    v->host->io[0] = (uint32_t)(uintptr_t)bytes;
    return skep__u32(size);
}

/* Pings and silence; 0: the connection is to be closed. */
uint32_t HOST_EXPORT(skep_host_view_tick)(host_view *v, double now_ms)
{
    return skep_view_tick(v->view, host_ns(now_ms)) ? 1 : 0;
}

/* Ends it: a BYE waits to be sent. */
void HOST_EXPORT(skep_host_view_leave)(host_view *v)
{
    skep_view_leave(v->view);
}

/* Where it stands; io[0] the text that says why. */
uint32_t HOST_EXPORT(skep_host_view_phase)(host_view *v)
{
    v->host->io[0] = (uint32_t)(uintptr_t)skep_view_reason(v->view);
    return (uint32_t)skep_view_phase_of(v->view);
}

/* Asks for the area in io. */
void HOST_EXPORT(skep_host_view_area)(host_view *v)
{
    const skep_box box = box_at(v->host, 0);
    skep_view_area(v->view, &box);
}

/* Sends an input; io[0] and io[1] are its number, 0 when it could not be sent. */
void HOST_EXPORT(skep_host_view_send)(host_view *v, const skep_component *input, const void *value,
                                      double now_ms)
{
    host_put_u64(v->host, 0, skep_view_send(v->view, input, value, 0, host_ns(now_ms)));
}

/* The server's schema: its size, 0 before it is known; io[i] is the i-th description. */
uint32_t HOST_EXPORT(skep_host_view_schema)(host_view *v)
{
    uint32_t count = 0;
    const skep_replica *replicas = skep_view_schema(v->view, &count);
    for (uint32_t i = 0; i < count; i++) v->host->io[i] = (uint32_t)(uintptr_t)replicas[i].info;
    return count;
}

/* ---- what is shown --------------------------------------------------------------------------- */

/* Moves the moment that is shown. */
uint32_t HOST_EXPORT(skep_host_view_frame)(host_view *v, double now_ms)
{
    const skep_status status = skep_view_frame(v->view, host_ns(now_ms));
    if (status == SKEP_OK) return SKEP_OK;
    return (uint32_t)host_fail(v->host, status, "no memory for the picture: raise memoryMax");
}

static bool view_run(host_view *v, const skep_view_rows *rows, const skep_component *const *all,
                     uint32_t count)
{
    uint32_t words = 2;
    for (uint32_t i = 0; i < count; i++) words += all[i]->field_count;
    uint32_t *w = host_buffer_push(v->host, &v->list, words * (uint32_t)sizeof *w);
    if (!w) return false;
    *w++ = rows->count;
    *w++ = (uint32_t)(uintptr_t)rows->entity;
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t f = 0; f < all[i]->field_count; f++)
            *w++ = (uint32_t)(uintptr_t)skep_view_column(v->view, rows, all[i], f);
    return true;
}

/* Lists the runs of shown entities that have the `count` components in io: rows, handles, then the
 * columns' addresses. io[0] the address, io[1] the number of runs. */
uint32_t HOST_EXPORT(skep_host_view_rows)(host_view *v, uint32_t count)
{
    const skep_component *all[SKEP_TERM_MAX];
    skep_view_rows rows;
    host *h = v->host;
    uint32_t runs = 0;
    if (count > SKEP_TERM_MAX)
        return (uint32_t)host_fail(h, SKEP_LIMIT, "each: %u components are too many", count);
    for (uint32_t i = 0; i < count; i++) all[i] = host_component_at(h, i);
    memset(&rows, 0, sizeof rows);
    v->list.used = 0;
    for (; skep_view_each(v->view, all, count, &rows); runs++)
        if (!view_run(v, &rows, all, count))
            return (uint32_t)host_fail(h, SKEP_NO_MEMORY, "no memory: raise memoryMax");
    h->io[0] = (uint32_t)(uintptr_t)v->list.data;
    h->io[1] = runs;
    return SKEP_OK;
}

/* Copies an entity's shown value; 0: it is not shown or has none. */
uint32_t HOST_EXPORT(skep_host_view_get)(host_view *v, uint32_t low, uint32_t high,
                                         const skep_component *component, void *value)
{
    return skep_view_get(v->view, host_entity(low, high), component, value) ? 1 : 0;
}

/* What the last frame changed: their number; io[0] the address (entity 2, before 2, after 2). */
uint32_t HOST_EXPORT(skep_host_view_changes)(host_view *v)
{
    uint32_t count = 0;
    v->host->io[0] = (uint32_t)(uintptr_t)skep_view_changes(v->view, &count);
    return count;
}

/* Whose values of a component the last frame changed: their number; io[0] the handles' address. */
uint32_t HOST_EXPORT(skep_host_view_changed)(host_view *v, const skep_component *component)
{
    uint32_t count = 0;
    v->host->io[0] = (uint32_t)(uintptr_t)skep_view_changed(v->view, component, &count);
    return count;
}

/* Takes an event: the address of its type, 0 when there is none. io[0] its tick, io[1..2] whom it
 * is for, io[3] the address of its C struct. */
const skep_component *HOST_EXPORT(skep_host_view_poll)(host_view *v)
{
    skep_view_event event;
    if (!skep_view_poll(v->view, &event)) return NULL;
    v->host->io[0] = event.tick;
    host_put_entity(v->host, 1, event.to);
    v->host->io[3] = (uint32_t)(uintptr_t)event.value;
    return event.info;
}

/* The address of a resource's C struct; NULL before it came. */
const void *HOST_EXPORT(skep_host_view_resource)(host_view *v, const skep_component *resource)
{
    return skep_view_resource(v->view, resource);
}

/* The player, and in io the own entity (2), its state's tick, the last input applied (2) and its
 * slack. */
uint32_t HOST_EXPORT(skep_host_view_own)(host_view *v)
{
    const skep_view_own own = skep_view_own_state(v->view);
    host_put_entity(v->host, 0, own.entity);
    v->host->io[2] = own.tick;
    host_put_u64(v->host, 3, own.number);
    v->host->io[5] = (uint32_t)own.slack;
    return skep_view_player(v->view);
}

/* The figures as doubles from io[0] on, in the order of skep_view_stats. */
void HOST_EXPORT(skep_host_view_stats)(host_view *v, double now_ms)
{
    const skep_view_stats s = skep_view_stats_of(v->view, host_ns(now_ms));
    const double all[] = {(double)s.bytes_received,
                          (double)s.messages_received,
                          (double)s.states,
                          (double)s.resyncs,
                          (double)s.reconnects,
                          (double)s.bytes_held,
                          s.tick,
                          s.entity_count,
                          s.tick_hz,
                          s.every,
                          (double)s.delay_ms,
                          (double)s.jitter_ms,
                          (double)s.rtt_ms,
                          s.shown_tick,
                          s.server_tick};
    memcpy(v->host->io, all, sizeof all);
}
