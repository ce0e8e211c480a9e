/* SPDX-License-Identifier: MIT */
/* Fixed steps. The clock's time is gathered in `backlog_ns`; a frame is run for each whole step
 * of it.
 *
 *     |--step--|--step--|--backlog--|           two frames run, alpha = backlog / step
 *
 * A machine that needs longer than a step for a frame would gather more and more of it, so at
 * most catch_up_max frames are run at once and the rest of the time is given up.
 *
 * The ring holds a snapshot of the world before each of the last rewind_max frames: going back n
 * frames is restoring the n-th newest. A frame that failed to be snapshot is not run, so that the
 * ring never has a hole. */
#include "sim/sim_internal.h"

#include "skep/snapshot.h"

struct skep_loop {
    skep_sim *sim;
    skep_snapshot **ring; /* ring_cap; entry `at - 1` (wrapping) is the newest */
    uint32_t ring_cap;
    uint32_t at;
    uint32_t kept;
    uint32_t catch_up_max;
    uint64_t step_ns;
    uint64_t backlog_ns;
    uint64_t lost_ns;
    uint64_t now_ns; /* of the last skep_loop_advance_to */
    float dt;
    bool paused;
    bool clock_set;
};

skep_loop_desc skep_loop_desc_default(void)
{
    skep_loop_desc d;
    memset(&d, 0, sizeof d);
    d.canary = SKEP__LOOP_CANARY;
    d.catch_up_max = 5;
    d.hz = 60.0;
    return d;
}

skep_status skep_loop_create(skep_sim *sim, const skep_loop_desc *desc, skep_loop **loop)
{
    *loop = NULL;
    if (desc->canary != SKEP__LOOP_CANARY || !(desc->hz >= 0.001) || desc->hz > 100000.0)
        return SKEP_ARGUMENT;
    skep_loop *l = (skep_loop *)skep__alloc(&sim->allocator, sizeof *l, 16);
    if (!l) return SKEP_NO_MEMORY;
    l->sim = sim;
    l->catch_up_max = skep__max_u32(desc->catch_up_max, 1);
    l->step_ns = (uint64_t)(1e9 / desc->hz + 0.5);
    l->dt = (float)(1.0 / desc->hz);
    l->ring_cap = desc->rewind_max;
    if (l->ring_cap) {
        l->ring = (skep_snapshot **)skep__alloc(&sim->allocator, l->ring_cap * sizeof *l->ring, 16);
        if (!l->ring) {
            skep__free(&sim->allocator, l, sizeof *l, 16);
            return SKEP_NO_MEMORY;
        }
    }
    *loop = l;
    return SKEP_OK;
}

/* Where the n-th newest snapshot is, from 1. */
static uint32_t loop_place(const skep_loop *l, uint32_t n)
{
    return (l->at + l->ring_cap - n) % l->ring_cap;
}

/* Forgets the newest snapshot. */
static void loop_drop_newest(skep_loop *l)
{
    const uint32_t newest = loop_place(l, 1);
    skep_snapshot_release(l->ring[newest]);
    l->ring[newest] = NULL;
    l->at = newest;
    l->kept--;
}

void skep_loop_destroy(skep_loop *loop)
{
    if (!loop) return;
    while (loop->kept) loop_drop_newest(loop);
    const skep_allocator *a = &loop->sim->allocator;
    skep__free(a, loop->ring, loop->ring_cap * sizeof *loop->ring, 16);
    skep__free(a, loop, sizeof *loop, 16);
}

skep_status skep_loop_step(skep_loop *loop)
{
    if (loop->ring_cap == 0) return skep_sim_step(loop->sim, loop->dt);
    if (skep_frame_running(loop->sim->plan)) return skep_sim_step(loop->sim, loop->dt);
    skep_snapshot *before = NULL;
    skep_status status = skep_snapshot_take(loop->sim->world, &before);
    if (status != SKEP_OK) return status;
    /* The oldest makes room; releasing it before the frame lets the frame use its blocks. */
    if (loop->kept == loop->ring_cap) {
        skep_snapshot_release(loop->ring[loop->at]);
        loop->kept--;
    }
    loop->ring[loop->at] = before;
    loop->at = (loop->at + 1) % loop->ring_cap;
    loop->kept++;
    status = skep_sim_step(loop->sim, loop->dt);
    /* A frame that ended early counts as none. */
    if (status != SKEP_OK) loop_drop_newest(loop);
    return status;
}

skep_status skep_loop_advance(skep_loop *loop, uint64_t elapsed_ns, uint32_t *frames)
{
    uint32_t run = 0;
    skep_status status = SKEP_OK;
    if (!loop->paused) {
        const uint64_t room = UINT64_MAX - loop->backlog_ns;
        loop->backlog_ns += elapsed_ns < room ? elapsed_ns : room;
        for (; status == SKEP_OK && run < loop->catch_up_max && loop->backlog_ns >= loop->step_ns;
             run += status == SKEP_OK) {
            loop->backlog_ns -= loop->step_ns;
            status = skep_loop_step(loop);
        }
        const uint64_t whole = loop->backlog_ns / loop->step_ns * loop->step_ns;
        loop->lost_ns += whole;
        loop->backlog_ns -= whole;
    }
    if (frames) *frames = run;
    return status;
}

skep_status skep_loop_advance_to(skep_loop *loop, uint64_t now_ns, uint32_t *frames)
{
    const bool forward = loop->clock_set && now_ns > loop->now_ns;
    const uint64_t elapsed = forward ? now_ns - loop->now_ns : 0;
    if (!loop->clock_set || forward) loop->now_ns = now_ns;
    loop->clock_set = true;
    return skep_loop_advance(loop, elapsed, frames);
}

void skep_loop_pause(skep_loop *loop, bool paused)
{
    loop->paused = paused;
}

bool skep_loop_paused(const skep_loop *loop)
{
    return loop->paused;
}

skep_status skep_loop_rewind(skep_loop *loop, uint32_t frames)
{
    if (frames > loop->kept) {
        skep__logf(&loop->sim->log, SKEP_LOG_ERROR,
                   "%s: rewinding %u frames, %u are kept (knob rewind_max is %u)", loop->sim->title,
                   frames, loop->kept, loop->ring_cap);
        return SKEP_LIMIT;
    }
    if (frames == 0) return SKEP_OK;
    const skep_status status =
        skep_world_restore(loop->sim->world, loop->ring[loop_place(loop, frames)]);
    if (status != SKEP_OK) return status;
    for (uint32_t i = 0; i < frames; i++) loop_drop_newest(loop);
    return SKEP_OK;
}

uint32_t skep_loop_rewindable(const skep_loop *loop)
{
    return loop->kept;
}

const skep_snapshot *skep_loop_previous(const skep_loop *loop)
{
    return loop->kept ? loop->ring[loop_place(loop, 1)] : NULL;
}

double skep_loop_alpha(const skep_loop *loop)
{
    return (double)loop->backlog_ns / (double)loop->step_ns;
}

float skep_loop_dt(const skep_loop *loop)
{
    return loop->dt;
}

uint64_t skep_loop_lost_ns(const skep_loop *loop)
{
    return loop->lost_ns;
}
