/* SPDX-License-Identifier: MIT */
/* ctest: threads waits timeout=180
 * Workers that are processes, from below: regions, zygote, spawner and children live and die as
 * port_process.h says, whatever ends them, and leave nothing behind. */
#include "process_lab.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- works ---------------------------------------------------------------------------------- */

static int64_t work_sum(const lab_seen *seen, const int64_t *args)
{
    int64_t sum = 0;
    for (int64_t i = 0; i < args[0]; i++) sum += seen->region[i];
    memset(seen->view->output, 7, LAB_OUTPUT_BYTES);
    return sum + args[1];
}

static int64_t work_exit(const lab_seen *seen, const int64_t *args)
{
    (void)seen;
    if (args[1]) exit((int)args[0]);
    _exit((int)args[0]);
}

static int64_t work_raise(const lab_seen *seen, const int64_t *args)
{
    (void)seen;
    return raise((int)args[0]);
}

static int64_t work_abort(const lab_seen *seen, const int64_t *args)
{
    (void)seen;
    (void)args;
    abort();
}

static int64_t work_loop(const lab_seen *seen, const int64_t *args)
{
    (void)args;
    volatile uint32_t *p = (volatile uint32_t *)seen->view->output;
    while (*p < UINT32_MAX) *p = (*p + 1) & 0xffffu;
    return 0;
}

static int64_t work_touch(const lab_seen *seen, const int64_t *args)
{
    volatile uint8_t *p = (volatile uint8_t *)(uintptr_t)args[0];
    (void)seen;
    if (args[1]) *p = 1;
    return *p;
}

static void ends_with(lab *l, lab_work *work, int64_t a, int64_t b, int how, const char *text)
{
    const int64_t args[2] = {a, b};
    const lab_outcome o = lab_run(l, 0, work, args, 2);
    assert_false(o.returned);
    assert_int_equal(o.how & ~0x80, how);
    assert_string_equal(o.text, text);
}

/* ---- tests ---------------------------------------------------------------------------------- */

static void test_work(void **state)
{
    lab l;
    (void)state;
    lab_open(&l, false);
    const int64_t args[2] = {1000, 5};
    int64_t sum = 5;
    for (uint32_t i = 0; i < 1000; i++) sum += ((const uint8_t *)l.region.base)[i];
    for (uint32_t c = 0; c < LAB_CHILDREN; c++) {
        const lab_outcome o = lab_run(&l, c, work_sum, args, 2);
        assert_true(o.returned);
        assert_int_equal(o.result, sum);
        const uint8_t *output = skep__port_child_memory_of(l.spawner, c).output;
        for (size_t i = 0; i < LAB_OUTPUT_BYTES; i++) assert_int_equal(output[i], 7);
    }
    /* What is written here later is seen there. */
    ((uint8_t *)l.region.base)[0]++;
    assert_int_equal(lab_run(&l, 1, work_sum, args, 2).result, sum + 1);
    lab_close(&l);
}

static void test_ends(void **state)
{
    lab l;
    (void)state;
    lab_open(&l, false);
    ends_with(&l, work_exit, 0, 0, 0, "ended itself with exit code 0");
    ends_with(&l, work_exit, 3, 0, 3 << 8, "ended itself with exit code 3");
    ends_with(&l, work_exit, 4, 1, 4 << 8, "ended itself with exit code 4");
    ends_with(&l, work_abort, 0, 0, SIGABRT, "aborted itself (SIGABRT)");
    ends_with(&l, work_raise, SIGKILL, 0, SIGKILL,
              "was killed (by the host's deadline or the system's memory killer)");
    ends_with(&l, work_touch, 0, 1, SIGSEGV, "crashed: SIGSEGV, it wrote to address 0x0");
    ends_with(&l, work_touch, 16, 0, SIGSEGV, "crashed: SIGSEGV, it read address 0x10");
    assert_true(lab_region_intact(&l));
    lab_close(&l);
}

static void test_kill(void **state)
{
    lab l;
    (void)state;
    lab_open(&l, false);
    for (uint32_t i = 0; i < 10; i++) {
        lab_post(&l, 1, work_loop, NULL, 0);
        skep__port_child_kill(l.spawner, 1);
        assert_int_equal(lab_ended(&l, 1), SIGKILL);
    }
    /* One that was asked for a moment ago. */
    assert_true(skep__port_child_fork(l.spawner, 1));
    skep__port_child_kill(l.spawner, 1);
    assert_int_equal(lab_ended(&l, 1), SIGKILL);
    /* One that is gone. */
    skep__port_child_kill(l.spawner, 1);
    lab_close(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_work),
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_kill),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
