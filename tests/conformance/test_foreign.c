/* SPDX-License-Identifier: MIT */
/* ctest: threads
 * The suite for a foreign job system: one that starts a thread for each index but the first, which
 * runs within join, and one that runs everything on the caller within fork. */
#include "tests/conformance/conformance.h"

#include "port/port.h"

/* A job system as plain as can be. */
typedef struct plain_jobs {
    void (*work)(void *work_ctx, uint32_t index);
    void *work_ctx;
    uint32_t count;
    struct plain_thread {
        skep__port_thread thread;
        struct plain_jobs *jobs;
        uint32_t index;
    } threads[8];
} plain_jobs;

static void plain_main(void *arg)
{
    const struct plain_thread *t = arg;
    t->jobs->work(t->jobs->work_ctx, t->index);
}

static void plain_fork(void *ctx, void (*work)(void *work_ctx, uint32_t index), void *work_ctx,
                       uint32_t count)
{
    plain_jobs *jobs = ctx;
    if (count > 8) SKEP_TRAP();
    jobs->work = work;
    jobs->work_ctx = work_ctx;
    jobs->count = count;
    for (uint32_t i = 1; i < count; i++) {
        struct plain_thread *t = &jobs->threads[i];
        t->jobs = jobs;
        t->index = i;
        if (!skep__port_thread_create(&t->thread, "plain", plain_main, t)) SKEP_TRAP();
    }
}

static void plain_join(void *ctx)
{
    plain_jobs *jobs = ctx;
    jobs->work(jobs->work_ctx, 0);
    for (uint32_t i = 1; i < jobs->count; i++) skep__port_thread_join(&jobs->threads[i].thread);
}

static void serial_fork(void *ctx, void (*work)(void *work_ctx, uint32_t index), void *work_ctx,
                        uint32_t count)
{
    (void)ctx;
    while (count) work(work_ctx, --count);
}

static void serial_join(void *ctx)
{
    (void)ctx;
}

static skep_pool *make(skep_pool_desc *desc, const conformance_factory *factory,
                       const skep_allocator *allocator, size_t scratch_bytes)
{
    skep_pool *pool = NULL;
    desc->workers = factory->workers;
    desc->allocator = *allocator;
    desc->scratch_bytes = scratch_bytes;
    return skep_pool_create(desc, &pool) == SKEP_OK ? pool : NULL;
}

/* Pools of one suite live one after another, except where a test makes a second one that stays
 * idle. */
static plain_jobs the_jobs;

static skep_pool *make_plain(const conformance_factory *factory, const skep_allocator *allocator,
                             size_t scratch_bytes, const skep_region *region)
{
    skep_pool_desc desc = skep_pool_desc_default();
    (void)region;
    desc.fork = plain_fork;
    desc.join = plain_join;
    desc.ctx = &the_jobs;
    return make(&desc, factory, allocator, scratch_bytes);
}

static skep_pool *make_serial(const conformance_factory *factory, const skep_allocator *allocator,
                              size_t scratch_bytes, const skep_region *region)
{
    skep_pool_desc desc = skep_pool_desc_default();
    (void)region;
    desc.fork = serial_fork;
    desc.join = serial_join;
    return make(&desc, factory, allocator, scratch_bytes);
}

int main(void)
{
    const conformance_factory threads = {.name = "foreign, threads",
                                         .workers = 2,
                                         .rounds = 1000,
                                         .lives = 50,
                                         .create = make_plain};
    const conformance_factory serial = {.name = "foreign, serial",
                                        .workers = 3,
                                        .rounds = 10000,
                                        .lives = 50,
                                        .create = make_serial};
    return conformance_run(&threads) + conformance_run(&serial);
}
