/* SPDX-License-Identifier: MIT */
/* Opens, fills and sums the simulations of bench_sim.h. */
#include "bench/bench_sim.h"

#include "bench/bench_row.h"

#include <stdlib.h>

static void *heap_alloc(void *ctx, size_t bytes, size_t align)
{
    bench_heap *h = ctx;
    h->takes++;
    h->bytes += bytes;
    return h->below.alloc(h->below.ctx, bytes, align);
}

static void heap_free(void *ctx, void *memory, size_t bytes, size_t align)
{
    bench_heap *h = ctx;
    h->bytes -= bytes;
    h->below.free(h->below.ctx, memory, bytes, align);
}

static skep_status region_commit(void *ctx, size_t offset, size_t bytes)
{
    bench_heap *h = ctx;
    h->takes++;
    return h->region.commit(h->region.ctx, offset, bytes);
}

bool skep__bench_sim_open(bench_sim *b, uint32_t workers, uint32_t entity_max)
{
    memset(b, 0, sizeof *b);
    b->heap.below = skep__port_allocator();
    if (skep__port_region_open((size_t)1 << 30, &b->heap.region) != SKEP_OK) return false;
    b->region = b->heap.region;
    b->region.commit = region_commit;
    b->region.ctx = &b->heap;
    skep_sim_desc d = skep_sim_desc_default();
    d.workers = workers;
    d.entity_max = entity_max;
    d.region = &b->region;
    d.title = "skep bench";
    d.trace_off = true; /* rows with a tracer have another row that says what it costs */
    d.allocator.alloc = heap_alloc;
    d.allocator.free = heap_free;
    d.allocator.ctx = &b->heap;
    if (skep_sim_open(NULL, &d, &b->sim) != SKEP_OK) {
        skep__port_region_close(&b->heap.region);
        b->sim = NULL;
        return false;
    }
    b->world = skep_sim_world(b->sim);
    return true;
}

void skep__bench_sim_close(bench_sim *b)
{
    if (!b->sim) return;
    skep_sim_close(b->sim);
    skep__port_region_close(&b->heap.region);
    b->sim = NULL;
}

bool skep__bench_sim_add(bench_sim *b, const skep_job *job, const char *name)
{
    skep_system_desc d = skep_system_desc_default();
    d.job = job;
    d.name = name;
    return skep_plan_add(skep_sim_plan(b->sim), &d) == SKEP_OK;
}

bool skep__bench_sim_run(bench_sim *b, const char *name, skep_system_run run, void *ctx)
{
    skep_system_desc d = skep_system_desc_default();
    d.run = run;
    d.ctx = ctx;
    d.name = name;
    return skep_plan_add(skep_sim_plan(b->sim), &d) == SKEP_OK;
}

bool skep__bench_fill(skep_world *world, uint32_t n, bool vel, skep_entity *ids)
{
    float *values = calloc((size_t)n * 3u, sizeof *values);
    if (!values) return false;
    for (uint32_t i = 0; i < n; i++) {
        values[i] = (float)(i & 1023u);
        values[2u * n + i] = 1.0f;
    }
    Pos_mut pos = {values, values + n};
    Vel_mut speed = {values + 2u * n, values + 2u * n};
    const skep_part parts[2] = {Pos_columns(&pos), Vel_columns(&speed)};
    const skep_status status = skep_entity_create_many(world, n, parts, vel ? 2 : 1, ids);
    free(values);
    return status == SKEP_OK;
}

double skep__bench_pos_sum(skep_world *world, uint64_t *count)
{
    skep_query_desc d = skep_query_desc_default();
    d.terms[0] = SKEP_ALL(Pos);
    skep_query *query = NULL;
    if (skep_query_create(world, &d, &query) != SKEP_OK) return 0;
    double sum = 0;
    uint64_t rows = 0;
    skep_query_iter it = skep_query_begin(query);
    while (skep_query_next(&it)) {
        const Pos_in pos = Pos_read(&it, 0);
        if (!pos.x) continue; /* cannot be: only optional terms have no columns */
        for (uint32_t i = 0; i < it.n; i++) sum += (double)pos.x[i] * 3.0 + (double)pos.y[i];
        rows += it.n;
    }
    skep_query_destroy(query);
    if (count) *count = rows;
    return sum;
}

uint64_t skep__bench_pos_check(skep_world *world)
{
    uint64_t count = 0;
    const double sum = skep__bench_pos_sum(world, &count);
    return (uint64_t)sum + count;
}

/* Nobody wakes this sleeper: it is a clock that does not spin. */
void skep__bench_sleep_ns(uint64_t time_ns)
{
    _Atomic uint32_t word;
    atomic_init(&word, 0);
    const uint64_t end = skep__port_clock_ns() + time_ns;
    for (uint64_t now = skep__port_clock_ns(); now < end; now = skep__port_clock_ns())
        (void)skep__port_futex_wait(&word, 0, end - now);
}
