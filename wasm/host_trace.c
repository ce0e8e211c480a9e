/* SPDX-License-Identifier: MIT */
/* The tracer of a host: rings in the instance's heap, one for the caller and one a worker. Plan and
 * pool write to them by themselves; here is what JavaScript does to them: making and switching
 * them, zones of its own and of tasks that it ran or had run by message, and the file. Times from
 * JavaScript are milliseconds of the caller's performance.now(); ticks are nanoseconds of it. */
#include "pool/pool_common.h"
#include "wasm/host.h"

/* The name of zones in which tasks are copied and sent to workers; the first after the library's
 * own. JavaScript's names follow. */
#define TRACE_NAME_SENT 2u

/* To the nearest, so that multiples of the clock's step stay that. */
static uint64_t trace_ns(double ms)
{
    return ms > 0 ? (uint64_t)(ms * 1e6 + 0.5) : 0;
}

static uint64_t trace_clock(void)
{
    return trace_ns(skep_js_clock());
}

/* ---- life ----------------------------------------------------------------------------------- */

static void trace_give(host *h, skep_trace *trace)
{
    h->plan_host.trace = trace;
    skep_plan_host_set(h->plan, &h->plan_host);
    wasm_pool_trace(h->pool, trace);
    skep_trace_destroy(h->trace);
    h->trace = trace;
}

/* Makes rings of so many records for the caller and so many workers, in place of those that there
 * are. They are on. Between frames, when no worker runs anything. */
uint32_t HOST_EXPORT(skep_host_trace_open)(host *h, uint32_t workers, uint32_t records)
{
    skep_trace *trace = NULL;
    skep_trace_desc d = skep_trace_desc_default();
    d.workers = workers;
    d.records = records;
    d.clock = trace_clock;
    d.allocator = h->allocator;
    trace_give(h, NULL);
    const skep_status status = skep_trace_create(&d, &trace);
    if (status != SKEP_OK)
        return (uint32_t)host_fail(h, status,
                                   "%u rings of %u records: fewer trace_records, or more memoryMax",
                                   workers + 1, records);
    if (skep_trace_name(trace, "send task") != TRACE_NAME_SENT) {
        skep_trace_destroy(trace);
        return (uint32_t)host_fail(h, SKEP_NO_MEMORY, "no memory for the tracer's names");
    }
    trace_give(h, trace);
    return SKEP_OK;
}

/* Frees the rings. Between frames, when no worker's thread can write to them any more. */
void HOST_EXPORT(skep_host_trace_close)(host *h)
{
    trace_give(h, NULL);
}

/* Switches the rings on or off. */
void HOST_EXPORT(skep_host_trace_enable)(host *h, uint32_t on)
{
    skep_trace_enable(h->trace, on != 0);
}

/* ---- what JavaScript writes ----------------------------------------------------------------- */

/* The number of a name for zones; 0: there is no room. */
uint32_t HOST_EXPORT(skep_host_trace_name)(host *h, const char *name)
{
    return skep_trace_name(h->trace, name);
}

/* Keeps a pair of texts for the file. */
uint32_t HOST_EXPORT(skep_host_trace_note)(host *h, const char *key, const char *value)
{
    const skep_status status = skep_trace_note(h->trace, key, value);
    return status == SKEP_OK ? SKEP_OK
                             : (uint32_t)host_fail(h, status, "no room for a note of the trace");
}

/* Writes a zone of the caller's with a name's number. */
void HOST_EXPORT(skep_host_trace_zone)(host *h, uint32_t name, double begin, double end)
{
    skep__trace_put(skep__trace_ring_of(h->trace, 0), SKEP__TRACE_HOST, trace_ns(begin),
                    trace_ns(end), name);
}

/* Writes a task that ran on the caller (0), or on a worker that says so by message. A worker that
 * has the rings as well may be at one at this moment: then it waits for the end of the frame. */
void HOST_EXPORT(skep_host_trace_block)(host *h, uint32_t thread, const skep_pool_task *task,
                                        double begin, double end)
{
    skep__trace_ring *ring = skep__trace_ring_of(h->trace, thread);
    if (!ring) return;
    const uint64_t first = wasm_pool_within(h->pool, trace_ns(begin));
    const uint64_t last = wasm_pool_within(h->pool, trace_ns(end));
    const host_late late = {first, last < first ? first : last, skep__pool_traced(task), thread};
    if (thread) wasm_pool_filled(h->pool, thread, first);
    if (!thread || h->pool->handed) {
        skep__trace_put(ring, SKEP__TRACE_BLOCK, late.begin, late.end, late.what);
        return;
    }
    host_late *to = host_buffer_push(h, &h->late, sizeof *to);
    if (to) *to = late;
}

void host_trace_settle(host *h, bool over)
{
    const host_late *late = h->late.data;
    for (uint32_t i = 0; over && i < h->late.used / sizeof *late; i++) {
        skep__trace_put(skep__trace_ring_of(h->trace, (uint32_t)late[i].thread), SKEP__TRACE_BLOCK,
                        late[i].begin, late[i].end, late[i].what);
    }
    h->late.used = 0;
}

/* Writes that a task which was sent to a worker at `began` was lost with it. */
void HOST_EXPORT(skep_host_trace_lost)(host *h, uint32_t worker, const skep_pool_task *task,
                                       double began)
{
    wasm_pool_lost(h->pool, task, worker, wasm_pool_within(h->pool, trace_ns(began)));
}

/* Says that a worker is gone (0), or that there is another in its place. */
void HOST_EXPORT(skep_host_trace_worker)(host *h, uint32_t worker, uint32_t up)
{
    if (up) {
        wasm_pool_filled(h->pool, worker, 0);
    } else {
        wasm_pool_empty(h->pool, worker);
    }
}

/* ---- the file ------------------------------------------------------------------------------- */

static bool trace_bytes(void *ctx, const void *bytes, size_t count)
{
    host *h = ctx;
    void *to = host_buffer_push(h, &h->bytes, skep__u32(count));
    if (!to) return false;
    memcpy(to, bytes, count);
    return true;
}

/* Writes the last `frames` frames (0: all) as a file: io[0] its address, io[1] its bytes, io[2] the
 * frames in it. `unix_ms` is the time since 1970 now, the others are as in skep_trace_time. */
uint32_t HOST_EXPORT(skep_host_trace_write)(host *h, uint32_t frames, double unix_ms,
                                            double step_ms, double budget_ms)
{
    const skep_trace_time time = {.base = trace_clock(),
                                  .ns_per_tick = 1.0,
                                  .unix_ns = trace_ns(unix_ms),
                                  .step_ns = trace_ns(step_ms),
                                  .budget_ns = trace_ns(budget_ms)};
    h->bytes.used = 0;
    const skep_status status = skep_trace_write(h->trace, &time, frames, trace_bytes, h, &h->io[2]);
    if (status != SKEP_OK)
        return (uint32_t)host_fail(h, SKEP_NO_MEMORY, "no memory for the trace: raise memoryMax");
    h->io[0] = (uint32_t)(uintptr_t)h->bytes.data;
    h->io[1] = h->bytes.used;
    return SKEP_OK;
}
