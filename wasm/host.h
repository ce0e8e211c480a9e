/* SPDX-License-Identifier: MIT */
/* One world behind a wasm instance's exports: what the files of wasm/ share.
 *
 * JavaScript owns a host by pointer. Arguments that are not numbers go through `io`, an area of
 * words that both sides read and write; results larger than a number come back in it. What a call
 * returns is a skep_status, unless its comment says otherwise; the reason of a failure is in
 * skep_host_error. Addresses that JavaScript looks through without a call (entity index,
 * directories, epochs) are listed in `io` by skep_host_open. */
#ifndef SKEP_WASM_HOST_H
#define SKEP_WASM_HOST_H

#include "core/base/format.h"
#include "core/base/log.h"
#include "core/trace/trace.h"
#include "core/world/world_internal.h"
#include "sim/builder.h"
#include "skep/plan.h"
#include "skep/save.h"
#include "skep/snapshot.h"
#include "skep/world.h"
#include "wasm/heap.h"
#include "wasm/pool_wasm.h"

#define HOST_EXPORT(name) __attribute__((export_name(#name))) name

/* The version of what JavaScript and the module share: exports, their arguments, and the layouts
 * that core/layout.ts states. One that changes any of it in a way that the other side must know
 * raises it here and there, so that a scene which was linked with an older library is refused. */
#define HOST_INTERFACE 3

#define HOST_IO_WORDS 16384u
#define HOST_LOG_BYTES 16384u
/* Of what skep_host_open lists: words in all, and where the log's are. */
#define HOST_LAYOUT_WORDS 24u
#define HOST_LAYOUT_LOG 21u
/* In place of a job's number: skep_js_job takes bytes, of which `task` is the address and `columns`
 * the number; it returns NULL, or anything else to give up. */
#define HOST_SINK UINT32_MAX
#define HOST_PASSES 8u /* queries iterated within one another */

/* A job whose function is JavaScript. */
typedef struct host_job {
    skep_job job;
    struct host_job *next; /* of those that wait to be used again */
    char name[SKEP_SYSTEM_NAME_BYTES];
    uint32_t id;     /* JavaScript's number of it */
    uint32_t copies; /* columns that hold the old values before the call */
    skep_access access[SKEP_ACCESS_MAX];
    struct {
        uint32_t from; /* byte offsets of two pointers in the column struct */
        uint32_t to;
        uint32_t bytes; /* a row */
    } copy[SKEP_ACCESS_MAX * 4u];
} host_job;

/* A buffer that grows and is kept. */
typedef struct host_buffer {
    void *data;
    uint32_t cap; /* bytes */
    uint32_t used;
} host_buffer;

/* One pass over a query: the iteration that keeps rows where they are, and what was listed. */
typedef struct host_pass {
    skep_query_iter it;
    host_buffer list;
} host_pass;

/* A task that a worker ran by message, to be put into that worker's ring once it writes none
 * itself.
 */
typedef struct host_late {
    uint64_t begin;
    uint64_t end;
    uint64_t what;
    uint64_t thread;
} host_late;

/* What a hook saw, until JavaScript takes it. */
typedef struct host_hook {
    struct host *host;
    uint32_t id;
} host_hook;

typedef struct host {
    uint32_t io[HOST_IO_WORDS];
    skep_allocator allocator;
    heap *heap; /* of the instance: it outlives the host and remembers what was used */
    skep_world *world;
    skep_plan *plan;
    wasm_pool *pool;
    host_job *spare_jobs; /* of systems that were removed */
    skep_plan_host plan_host;
    skep_step step;
    skep_frame_report report;
    uint64_t patches;
    uint64_t dropped; /* commands for entities that were gone */
    host_pass passes[HOST_PASSES];
    uint32_t pass_count;
    host_buffer list; /* of differences, events and the like */
    host_buffer runs; /* short runs of a difference, */
    host_buffer groups;
    host_buffer gathered; /* and what they became */
    bool lacks;           /* a difference found no memory */
    host_buffer bytes;    /* of saves */
    host_buffer hooks;    /* entity low, entity high, hook: what happened */
    skep_trace *trace;    /* or NULL */
    host_buffer late;     /* host_late: of the running frame */
    skep__keep kept;      /* what scenes keep */
    skep__helpers helpers;
    skep__declares declares;         /* of the scene, for live worlds */
    bool predict;                    /* the scene's world is one to predict in */
    skep__asked *asked;              /* parameters that scenes asked for */
    skep_builder *builder;           /* while a scene's function runs */
    struct skep__recorder *recorder; /* of a recording that is being made, or NULL */
    struct skep__replayer *replayer; /* of one that is played, or NULL */
    struct skep__save_steps *steps;  /* of a save that is made in steps, or NULL */
    uint32_t entity_max;
    uint64_t seed;
    uint32_t log_used;
    uint32_t log_lost;
    char log[HOST_LOG_BYTES]; /* level digit, text, line end */
    char error[512];
} host;

/* Keeps a formatted reason and returns the status. */
skep_status host_fail(host *h, skep_status status, const char *format, ...) SKEP__PRINTF(3, 4);

/* The world's own reason, where the status is one. */
skep_status host_check(host *h, skep_status status);

/* Makes the host's world, with io[0] the status and the layout behind it; NULL in a module without
 * worlds. */
skep_status host_world_open(host *h, size_t memory_bytes, uint32_t workers_max)
    __attribute__((weak));

/* Registers a component; io[0] is its number. Only where there is a world. */
skep_status host_world_define(host *h, const skep_component *c) __attribute__((weak));

/* What a recording is told around a frame; NULL in modules that record nothing. */
void host_record_before(host *h, float dt, double time) __attribute__((weak));
void host_record_after(host *h) __attribute__((weak));

/* What writes to the host's log. */
skep_log host_logger(host *h);

/* Makes room for `bytes` more and returns where they go, NULL without memory. */
void *host_buffer_push(host *h, host_buffer *buffer, uint32_t bytes);

/* Memory that lives as long as the host, zeroed. */
void *host_keep(host *h, size_t bytes);

/* Copies a text of JavaScript's for as long as the host lives. */
const char *host_keep_text(host *h, const char *text, uint32_t length);

SKEP_INLINE skep_entity host_entity(uint32_t low, uint32_t high)
{
    return (skep_entity){(uint64_t)high << 32 | low};
}

/* Milliseconds of JavaScript's clock as nanoseconds. */
SKEP_INLINE uint64_t host_ns(double ms)
{
    return ms > 0 ? (uint64_t)(ms * 1e6) : 0;
}

/* Puts what workers did by message into their rings, where the frame was not given up; then their
 * work is forgotten. When a frame is over and no worker runs anything. */
void host_trace_settle(host *h, bool over);

/* The component whose address is in io. */
SKEP_INLINE const skep_component *host_component_at(const host *h, uint32_t at)
{
    return (const skep_component *)(uintptr_t)h->io[at];
}

SKEP_INLINE void host_put_entity(host *h, uint32_t at, skep_entity e)
{
    h->io[at] = (uint32_t)e.bits;
    h->io[at + 1] = (uint32_t)(e.bits >> 32);
}

SKEP_INLINE void host_put_u64(host *h, uint32_t at, uint64_t n)
{
    h->io[at] = (uint32_t)n;
    h->io[at + 1] = (uint32_t)(n >> 32);
}

/* What JavaScript gives to the module. `skep_js_guard` runs a task by skep_task_direct and catches
 * what it throws; `skep_js_job` calls JavaScript's function of a number and returns why it failed,
 * or NULL. Both set the stack pointer back to `stack` after a throw; JavaScript reading that global
 * before each call would take longer than all else that they do. `skep_js_clock` is milliseconds of
 * the caller's performance.now(), on every thread. */
__attribute__((import_module("env"), import_name("guard"))) void skep_js_guard(
    const skep_pool_task *task, const skep_job *job, uint32_t flags, const skep_task_room *room,
    skep_pool_result *result, const void *stack);
__attribute__((import_module("env"), import_name("job"))) const char *skep_js_job(
    uint32_t id, const skep_task *task, const void *columns, const void *stack);
__attribute__((import_module("env"), import_name("clock"))) double skep_js_clock(void);

/* The stack pointer in the function that names it. */
#define HOST_STACK() __builtin_frame_address(0)

#endif
