/* SPDX-License-Identifier: MIT */
/* The life of one seat, step by step, as an OS layer meets it; tests/sim/test_supervise.c does all
 * of it from seeds. */
#include "core/supervise/supervise.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define MS 1000000ull

static skep__supervisor *make(const skep__super_rules *rules)
{
    void *memory = malloc(skep__supervisor_bytes(rules));
    assert_non_null(memory);
    skep__supervisor *s = skep__supervisor_init(memory, rules);
    skep__super_begin(s, 0);
    return s;
}

static void expect(skep__supervisor *s, skep__super_do kind, uint32_t seat, uint32_t generation)
{
    skep__super_action action;
    assert_true(skep__super_next(s, &action));
    assert_int_equal(action.kind, kind);
    assert_int_equal(action.seat, seat);
    assert_int_equal(action.generation, generation);
}

static void expect_lost(skep__supervisor *s, uint32_t seat, uint64_t work, skep__super_cause cause)
{
    skep__super_action action;
    assert_true(skep__super_next(s, &action));
    assert_int_equal(action.kind, SKEP__SUPER_LOST);
    assert_int_equal(action.seat, seat);
    assert_int_equal(action.work, work);
    assert_int_equal(action.cause, cause);
}

static void expect_nothing(skep__supervisor *s)
{
    skep__super_action action;
    assert_false(skep__super_next(s, &action));
}

static void start(skep__supervisor *s, uint32_t seat, uint32_t generation, uint64_t now_ns)
{
    expect(s, SKEP__SUPER_START, seat, generation);
    assert_true(skep__super_up(s, seat, generation, now_ns));
    assert_int_equal(skep__super_seat(s, seat), SKEP__SEAT_IDLE);
}

static void test_work(void **state)
{
    (void)state;
    const skep__super_rules rules = skep__super_rules_default(1);
    skep__supervisor *s = make(&rules);
    assert_false(skep__super_give(s, 1, 7, 0, false, 0));
    start(s, 1, 1, 0);
    assert_false(skep__super_up(s, 1, 1, 0));
    assert_true(skep__super_due(s) == UINT64_MAX);
    assert_true(skep__super_give(s, 1, 7, 0, false, 1));
    assert_false(skep__super_give(s, 1, 8, 0, false, 1));
    assert_int_equal(skep__super_work(s, 1), 7);
    assert_int_equal(skep__super_done(s, 1, 1, 7, 2), SKEP__SUPER_TAKE);
    assert_int_equal(skep__super_done(s, 1, 1, 7, 2), SKEP__SUPER_DUPLICATE);
    assert_true(skep__super_give(s, 1, 8, 0, false, 3));
    assert_int_equal(skep__super_done(s, 1, 0, 8, 3), SKEP__SUPER_STALE);
    expect_nothing(s);
    assert_int_equal(skep__super_done(s, 1, 1, 9, 4), SKEP__SUPER_FORGED);
    assert_int_equal(skep__super_done(s, 1, 1, 8, 4), SKEP__SUPER_STALE);
    expect_lost(s, 1, 8, SKEP__SUPER_LIED);
    expect(s, SKEP__SUPER_KILL, 1, 1);
    expect_nothing(s);
    skep__super_exited(s, 1, 1, 5);
    start(s, 1, 2, 6);
    assert_int_equal(skep__super_restarts(s), 1);
    assert_true(skep__super_give(s, 1, 9, 0, false, 7));
    skep__super_close(s, 8);
    expect_lost(s, 1, 9, SKEP__SUPER_ABORTED);
    expect(s, SKEP__SUPER_KILL, 1, 2);
    assert_int_equal(skep__super_live(s), 1);
    skep__super_exited(s, 1, 2, 9);
    assert_int_equal(skep__super_live(s), 0);
    expect_nothing(s);
    free(s);
}

/* Only skep__super_time expires, and a host that slept too long takes nothing from the job. */
static void test_deadline(void **state)
{
    (void)state;
    const skep__super_rules rules = skep__super_rules_default(1);
    skep__supervisor *s = make(&rules);
    start(s, 1, 1, 0);
    assert_true(skep__super_give(s, 1, 1, 40 * MS, false, 1000 * MS));
    assert_true(skep__super_due(s) <= 1010 * MS + 1);
    skep__super_time(s, 5000 * MS, 10 * MS); /* counts for 14.5 ms */
    expect_nothing(s);
    skep__super_time(s, 5025 * MS, 25 * MS);
    expect_nothing(s);
    assert_true(skep__super_due(s) <= 5025 * MS + MS / 2);
    skep__super_hold(s, true);
    skep__super_time(s, 5026 * MS, MS);
    skep__super_hold(s, false);
    skep__super_time(s, 5065 * MS, 39 * MS); /* anew since then */
    expect_nothing(s);
    skep__super_progress(s, 1, 1, 5065 * MS);
    skep__super_time(s, 5104 * MS, UINT64_MAX);
    expect_nothing(s);
    skep__super_time(s, 5105 * MS, UINT64_MAX);
    expect_lost(s, 1, 1, SKEP__SUPER_DEADLINE);
    expect(s, SKEP__SUPER_KILL, 1, 1);
    free(s);
}

/* Starts that fail are tried again, later and later, and then no more. */
static void test_give_up(void **state)
{
    (void)state;
    skep__super_rules rules = skep__super_rules_default(2);
    rules.start_tries = 3;
    skep__supervisor *s = make(&rules);
    expect(s, SKEP__SUPER_START, 1, 1);
    start(s, 2, 1, 0);
    skep__super_start_failed(s, 1, 1, false, 0);
    expect_nothing(s);
    assert_true(skep__super_due(s) == 10 * MS);
    skep__super_time(s, 10 * MS, UINT64_MAX);
    expect(s, SKEP__SUPER_START, 1, 2);
    skep__super_time(s, 10010 * MS, UINT64_MAX);
    expect(s, SKEP__SUPER_KILL, 1, 2);
    assert_false(skep__super_up(s, 1, 2, 10010 * MS));
    skep__super_exited(s, 1, 2, 10010 * MS);
    assert_true(skep__super_due(s) == 10030 * MS);
    skep__super_time(s, 10030 * MS, UINT64_MAX);
    start(s, 1, 3, 10030 * MS);
    skep__super_exited(s, 1, 3, 10031 * MS); /* without having done anything */
    expect(s, SKEP__SUPER_GIVE_UP, 1, 3);
    expect_nothing(s);
    assert_int_equal(skep__super_seat(s, 1), SKEP__SEAT_GIVEN_UP);
    assert_false(skep__super_broken(s));
    skep__super_worked(s, 2, 1);
    skep__super_exited(s, 2, 1, 10031 * MS);
    expect(s, SKEP__SUPER_START, 2, 2);
    skep__super_start_failed(s, 2, 2, true, 10031 * MS);
    expect(s, SKEP__SUPER_GIVE_UP, 2, 2);
    expect(s, SKEP__SUPER_BROKEN, 0, 0);
    expect_nothing(s);
    assert_true(skep__super_broken(s));
    free(s);
}

/* One replaced worker more than the budget within its window, and all are given up. */
static void test_budget(void **state)
{
    (void)state;
    skep__super_rules rules = skep__super_rules_default(2);
    rules.restart_max = 2;
    skep__supervisor *s = make(&rules);
    start(s, 1, 1, 0);
    start(s, 2, 1, 0);
    for (uint32_t g = 1; g <= 4; g++) { /* two a minute */
        assert_true(skep__super_give(s, 1, g, 0, false, g * 30000 * MS));
        skep__super_exited(s, 1, g, g * 30000 * MS);
        expect_lost(s, 1, g, SKEP__SUPER_CRASHED);
        start(s, 1, g + 1, g * 30000 * MS);
    }
    assert_true(skep__super_give(s, 1, 5, 0, false, 149999 * MS));
    assert_true(skep__super_give(s, 2, 6, 0, false, 149999 * MS));
    skep__super_replace(s, 1, 5, SKEP__SUPER_BAD_OUTPUT, 149999 * MS);
    expect_lost(s, 1, 5, SKEP__SUPER_BAD_OUTPUT);
    expect(s, SKEP__SUPER_KILL, 1, 5);
    skep__super_exited(s, 1, 5, 149999 * MS);
    expect(s, SKEP__SUPER_GIVE_UP, 1, 5);
    expect_lost(s, 2, 6, SKEP__SUPER_BUDGET);
    expect(s, SKEP__SUPER_KILL, 2, 1);
    expect(s, SKEP__SUPER_GIVE_UP, 2, 1);
    expect(s, SKEP__SUPER_BROKEN, 0, 0);
    assert_int_equal(skep__super_seat(s, 2), SKEP__SEAT_LEAVING);
    skep__super_exited(s, 2, 1, 200000 * MS);
    assert_int_equal(skep__super_seat(s, 2), SKEP__SEAT_GIVEN_UP);
    expect_nothing(s);
    free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_work),
        cmocka_unit_test(test_deadline),
        cmocka_unit_test(test_give_up),
        cmocka_unit_test(test_budget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
