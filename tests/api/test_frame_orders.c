/* SPDX-License-Identifier: MIT */
/* Frames give the same bits whatever order their tasks end in, wherever tasks write, whether blocks
 * are written in place or copied, and whether snapshots are kept. */
#include "support/plan_lab.h"
#include "support/zoo.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FRAMES 8u
#define ANIMALS 2600u
#define ORDERS 200u

/* How a run differs from the plain one. */
typedef struct way {
    uint64_t order; /* 0: the order of the batch */
    bool elsewhere;
    bool early;
    bool keep; /* the last frame's snapshot */
    uint32_t flags;
} way;

/* Runs the zoo for FRAMES frames and gives each frame's hash. */
static void zoo_way(const way *w, uint64_t *hashes, zoo_totals *totals)
{
    plan_lab *l = malloc(sizeof *l);
    assert_non_null(l);
    plan_lab_open(l, 20000, NULL);
    l->shuffled = w->order != 0;
    l->random = w->order;
    l->early = w->early;
    l->host.elsewhere = w->elsewhere;
    l->host.batch_flags = w->flags;
    zoo_fill(l, ANIMALS, 7);
    zoo_systems(l, false);
    skep_snapshot *kept = NULL;
    for (uint32_t f = 0; f < FRAMES; f++) {
        skep_snapshot *now = NULL;
        if (w->keep) assert_int_equal(skep_snapshot_take(l->world, &now), SKEP_OK);
        skep_snapshot_release(kept);
        kept = now;
        zoo_disturb(l, f);
        plan_lab_frame(l, 0.016f);
        if (l->report.fault_count) print_message("%s", l->text);
        assert_int_equal(l->report.fault_count, 0);
        hashes[f] = skep_world_hash(l->world);
    }
    skep_snapshot_release(kept);
    zoo_read(l, totals);
    assert_int_equal(skep_world_check(l->world), SKEP_OK);
    plan_lab_close(l);
    free(l);
}

static void expect_same(const way *w, const uint64_t *plain, const zoo_totals *totals)
{
    uint64_t hashes[FRAMES];
    zoo_totals mine;
    zoo_way(w, hashes, &mine);
    for (uint32_t f = 0; f < FRAMES; f++) {
        if (hashes[f] == plain[f]) continue;
        print_message("order %llu, elsewhere %d, early %d, keep %d, flags %u: frame %u differs\n",
                      (unsigned long long)w->order, w->elsewhere, w->early, w->keep, w->flags, f);
        fail();
    }
    assert_memory_equal(&mine, totals, sizeof mine);
}

static void the_zoo_lives(void **state)
{
    (void)state;
    uint64_t hashes[FRAMES];
    zoo_totals totals;
    const way plain = {0};
    zoo_way(&plain, hashes, &totals);
    for (uint32_t f = 1; f < FRAMES; f++) assert_true(hashes[f] != hashes[f - 1]);
    assert_true(totals.count > ANIMALS); /* young were born and counted */
    assert_true(totals.heard > 0 && totals.changed > 0 && totals.folds > 3);
    assert_true(totals.least < -40 && totals.most == 50 && totals.steers != 0);
    assert_true(totals.changed < totals.count);
}

static void every_order_gives_the_same_hash(void **state)
{
    (void)state;
    uint64_t plain[FRAMES];
    zoo_totals totals;
    way w = {0};
    zoo_way(&w, plain, &totals);
    for (uint64_t order = 1; order <= ORDERS; order++) {
        w = (way){.order = order,
                  .elsewhere = order % 3 == 1,
                  .early = order % 2,
                  .keep = order % 5 == 2};
        if (order % 7 == 3) w.flags = SKEP_BATCH_CHECK;
        expect_same(&w, plain, &totals);
    }
}

static void copying_and_keeping_change_nothing(void **state)
{
    (void)state;
    uint64_t plain[FRAMES];
    zoo_totals totals;
    way w = {0};
    zoo_way(&w, plain, &totals);
    w.keep = true;
    expect_same(&w, plain, &totals);
    w.elsewhere = true;
    expect_same(&w, plain, &totals);
    w.flags = SKEP_BATCH_CHECK | SKEP_BATCH_FORCE;
    expect_same(&w, plain, &totals);
    w = (way){.early = true, .flags = SKEP_BATCH_CHECK};
    expect_same(&w, plain, &totals);
}

/* Going back to a snapshot and running again gives the same frames: systems' records, events and
 * stamps are part of it. */
static void restoring_repeats_the_frames(void **state)
{
    (void)state;
    plan_lab *l = malloc(sizeof *l);
    assert_non_null(l);
    plan_lab_open(l, 20000, NULL);
    zoo_fill(l, 1200, 3);
    zoo_systems(l, false);
    uint64_t hashes[2][6];
    zoo_totals totals[2];
    skep_snapshot *start = NULL;
    plan_lab_frame(l, 0.016f);
    assert_int_equal(skep_snapshot_take(l->world, &start), SKEP_OK);
    for (uint32_t time = 0; time < 2; time++) {
        for (uint32_t f = 0; f < 6; f++) {
            zoo_disturb(l, 100 + f);
            plan_lab_frame(l, 0.016f);
            hashes[time][f] = skep_world_hash(l->world);
        }
        zoo_read(l, &totals[time]);
        assert_int_equal(skep_world_restore(l->world, start), SKEP_OK);
        l->shuffled = true;
    }
    assert_memory_equal(hashes[0], hashes[1], sizeof hashes[0]);
    assert_memory_equal(&totals[0], &totals[1], sizeof totals[0]);
    skep_snapshot_release(start);
    plan_lab_close(l);
    free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_zoo_lives),
        cmocka_unit_test(every_order_gives_the_same_hash),
        cmocka_unit_test(copying_and_keeping_change_nothing),
        cmocka_unit_test(restoring_repeats_the_frames),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
