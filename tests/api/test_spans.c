/* SPDX-License-Identifier: MIT */
/* ctest: threads
 * Many blocks in one task, blocks at once on the caller, and a task a block: a job must not be able
 * to tell them apart. It writes down all the numbers it sees, and the worlds must be the same. */
#include "log_lines.h"
#include "skep/sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

SKEP_COMPONENT(Seen, (u32, block), (u32, row), (u32, part), (u32, parts), (u64, tick),
               (f32, random));
SKEP_COMPONENT(Load, (f32, x), (u8, k));
SKEP_COMPONENT(Extra, (u8, k));
SKEP_TAG(Odd);
SKEP_TAG(Rare);

SKEP_JOB(note, (mut, Seen, seen), (in, Load, load), (opt, Extra, extra))
{
    for (uint32_t i = 0; i < task->n; i++) {
        c->seen.block[i] += task->block;
        c->seen.row[i] += task->row + i;
        c->seen.part[i] += task->part;
        c->seen.parts[i] += task->parts;
        c->seen.tick[i] = task->tick + c->load.k[i] + (c->extra.k ? c->extra.k[i] : 100u);
        c->seen.random[i] = skep_rand_f32(task, task->entity[i], 1) * c->load.x[i];
    }
}

SKEP_JOB(grow, (mut, Load, load))
{
    SKEP_ROWS (i, task) {
        c->load.x[i] += task->dt;
        c->load.k[i] = (uint8_t)(c->load.k[i] + 1);
    }
}

/* Tables of many full blocks and a tail, of one block, and of a few rows: what comes between two
 * long tables shares its tasks with their tails. */
SKEP_SCENE(rows, "Tables of all sizes")
{
    skep_add(b, "update", &note);
    skep_add(b, "update", &grow);
    skep_create_many(b, 70000, SKEP_OF(Seen), SKEP_WITH(Load, 1.0f, 1));
    skep_create_many(b, 300, SKEP_OF(Seen), SKEP_WITH(Load, 2.0f, 2), SKEP_OF(Odd));
    skep_create_many(b, 3, SKEP_OF(Seen), SKEP_WITH(Load, 3.0f, 3), SKEP_OF(Rare));
    skep_create_many(b, 40960, SKEP_OF(Seen), SKEP_WITH(Load, 4.0f, 4), SKEP_WITH(Extra, 9),
                     SKEP_OF(Rare));
}

static uint64_t hash_of(uint32_t workers, uint32_t grain, bool check, bool keep)
{
    log_lines lines;
    skep_sim_desc d = skep_sim_desc_default();
    d.workers = workers;
    d.grain = grain;
    d.check = check;
    d.log = log_lines_open(&lines);
    skep_sim *sim = NULL;
    assert_int_equal(skep_sim_open(&skep_scene_rows, &d, &sim), SKEP_OK);
    skep_snapshot *kept = NULL;
    for (uint32_t i = 0; i < 12; i++) {
        /* A snapshot in the middle: some blocks are not the table's alone for a frame. */
        if (keep && i == 5)
            assert_int_equal(skep_snapshot_take(skep_sim_world(sim), &kept), SKEP_OK);
        assert_int_equal(skep_sim_step(sim, 0.25f), SKEP_OK);
        assert_int_equal(skep_sim_report(sim)->fault_count, 0);
    }
    if (kept) skep_snapshot_release(kept);
    const uint64_t hash = skep_sim_hash(sim);
    skep_sim_close(sim);
    return hash;
}

static void blocks_at_once_show_a_job_the_same_numbers(void **state)
{
    (void)state;
    const uint64_t hash = hash_of(0, SKEP_GRAIN_AUTO, true, false); /* checked: a part a block */
    assert_true(hash == hash_of(0, SKEP_GRAIN_AUTO, false, false)); /* at once, on the caller */
    assert_true(hash == hash_of(1, SKEP_GRAIN_AUTO, false, false)); /* spans */
    assert_true(hash == hash_of(3, 0, false, false));
    assert_true(hash == hash_of(8, 0, false, false));
    assert_true(hash == hash_of(0, SKEP_GRAIN_AUTO, false, true));
    assert_true(hash == hash_of(2, 0, false, true));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_at_once_show_a_job_the_same_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
