/* SPDX-License-Identifier: MIT */
/* Snapshots and hashes of a million entities. */
#include "bench/bench_limit.h"
#include "bench/bench_row.h"
#include "bench/bench_sim.h"
#include "core/world/world_internal.h"

#include <stdlib.h>

#define SNAPSHOTS 16u

typedef struct state_row {
    bench_sim b;
    skep_entity *ids;
    uint64_t *plain; /* as many bytes as the world's columns and handles have */
    uint32_t n;
    uint32_t lap;
} state_row;

static void state_close(void *state)
{
    state_row *s = state;
    skep__bench_sim_close(&s->b);
    skep__bench_give(s->plain, s->n * (size_t)24u);
    free(s->ids);
    free(s);
}

static void *state_open(const bench_row *row)
{
    state_row *s = calloc(1, sizeof *s);
    if (!s) return NULL;
    s->n = row->n;
    s->ids = calloc(row->n, sizeof *s->ids);
    s->plain = skep__bench_take(row->n * (size_t)24u);
    bool made = s->ids && s->plain && skep__bench_sim_open(&s->b, 0, row->n) &&
                skep__bench_fill(s->b.world, row->n, true, s->ids);
    for (size_t i = 0; made && i < row->n * (size_t)3u; i++) s->plain[i] = i;
    if (made) return s;
    state_close(s);
    return NULL;
}

/* ---- snapshots ------------------------------------------------------------------------------- */

static bool snapshot_ours(void *state, bench_lap *lap)
{
    state_row *s = state;
    bool done = true;
    const uint64_t start = skep__port_clock_ns();
    for (uint32_t i = 0; i < SNAPSHOTS; i++) {
        skep_snapshot *snapshot = NULL;
        done &= skep_snapshot_take(s->b.world, &snapshot) == SKEP_OK;
        skep_snapshot_release(snapshot);
    }
    lap->time_ns = skep__port_clock_ns() - start;
    lap->ops = SNAPSHOTS;
    return done;
}

/* ---- hashes ---------------------------------------------------------------------------------- */

/* Forgets every cached hash, as if all blocks had been written. */
static void hashes_forget(skep_world *world)
{
    skep__arena *a = &world->store.arena;
    for (uint32_t i = 0; i < a->page_count; i++) {
        skep__page *p = &a->pages[i];
        if (p->slot_count && p->hashes) memset(p->hashes, 0, p->slot_count * sizeof *p->hashes);
    }
    for (uint32_t i = 0; i < world->store.queue.index_count; i += 1u << SKEP__INDEX_PAGE_SHIFT)
        world->store.index_epoch[i >> SKEP__INDEX_PAGE_SHIFT] = 0;
}

static bool hash_cold_ours(void *state, bench_lap *lap)
{
    state_row *s = state;
    hashes_forget(s->b.world);
    const uint64_t start = skep__port_clock_ns();
    const uint64_t hash = skep_world_hash(s->b.world);
    lap->time_ns = skep__port_clock_ns() - start;
    lap->ops = 1;
    hashes_forget(s->b.world);
    return hash == skep_world_hash(s->b.world);
}

static bool hash_cold_limit(void *state, bench_lap *lap)
{
    const state_row *s = state;
    uint64_t sum = 0;
    const uint64_t start = skep__port_clock_ns();
    for (size_t i = 0; i < s->n * (size_t)3u; i++) sum += s->plain[i];
    lap->time_ns = skep__port_clock_ns() - start;
    lap->ops = 1;
    /* Both sides answer for themselves: ours gives one hash twice, this the sum of what was put in.
     */
    const uint64_t n = s->n * (uint64_t)3u;
    return sum == n * (n - 1u) / 2u;
}

/* Writes Pos and Vel of every hundredth block of 1,024 entities, so that their hashes are gone. */
static bool hash_some_ours(void *state, bench_lap *lap)
{
    state_row *s = state;
    bool done = true;
    s->lap++;
    for (uint32_t i = 0; i < s->n; i++) {
        if ((i >> 10) % 100u != 0) continue;
        done &= Pos_set(s->b.world, s->ids[i], SKEP_LIT(Pos, (float)s->lap, 1)) == SKEP_OK;
        done &= Vel_set(s->b.world, s->ids[i], SKEP_LIT(Vel, (float)s->lap, 2)) == SKEP_OK;
    }
    const uint64_t start = skep__port_clock_ns();
    const uint64_t hash = skep_world_hash(s->b.world);
    lap->time_ns = skep__port_clock_ns() - start;
    lap->ops = 1;
    hashes_forget(s->b.world);
    return done && hash == skep_world_hash(s->b.world);
}

const bench_row skep__bench_snapshot_rows[] = {
    {.name = "snapshot_1m",
     .about = "take a snapshot of a million entities and release it",
     .unit = "us",
     .unit_ns = 1000,
     .bar = BENCH_BAR_VALUE,
     .bar_at = 20,
     .n = 1000000,
     .open = state_open,
     .close = state_close,
     .ours = snapshot_ours},
    {.name = "hash_1m_cold",
     .about = "hash a million entities, nothing cached; a plain sum of as many bytes",
     .unit = "us",
     .unit_ns = 1000,
     .bar = BENCH_BAR_RATIO,
     .bar_at = 2.5,
     .n = 1000000,
     .open = state_open,
     .close = state_close,
     .ours = hash_cold_ours,
     .limit = hash_cold_limit},
    {.name = "hash_1m_1pct",
     .about = "hash a million entities of which 1% changed",
     .unit = "us",
     .unit_ns = 1000,
     .bar = BENCH_BAR_VALUE,
     .bar_at = 100,
     .n = 1000000,
     .open = state_open,
     .close = state_close,
     .ours = hash_some_ours},
    {.name = NULL},
};
