/* SPDX-License-Identifier: MIT */
/* ctest: threads waits timeout=180
 * Workers that are processes, from below: regions, zygote, spawner and children live and die as
 * port_process.h says, whatever ends them, and leave nothing behind. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "process_lab.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
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

/* The C library says what it found, to a standard error that is closed, and aborts. */
static int64_t work_damage_heap(const lab_seen *seen, const int64_t *args)
{
    volatile uintptr_t memory = (uintptr_t)malloc(2000); /* hidden from compilers */
    (void)seen;
    /* The size that the heap keeps before it. */
    *(volatile uint64_t *)(memory - sizeof(uint64_t)) = (uint64_t)args[0];
    free((void *)memory);
    return 0;
}

static int64_t work_assert(const lab_seen *seen, const int64_t *args)
{
    (void)seen;
    skep_assert_failed("false", "job.c", (int)args[0]);
    abort();
}

static int64_t work_print(const lab_seen *seen, const int64_t *args)
{
    (void)seen;
    return printf("%d\n", (int)args[0]) + fflush(stdout);
}

static int64_t work_loop(const lab_seen *seen, const int64_t *args)
{
    (void)args;
    volatile uint32_t *p = (volatile uint32_t *)seen->view->output;
    while (*p < UINT32_MAX) *p = (*p + 1) & 0xffffu;
    return 0;
}

/* What is no pointer is wanted here. */
__attribute__((no_sanitize("undefined", "address", "thread"))) static int64_t work_touch(
    const lab_seen *seen, const int64_t *args)
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
    ends_with(&l, work_assert, 1, 0, SIGABRT, "aborted itself (SIGABRT)");
    if (!LAB_SANITIZED) {
        ends_with(&l, work_damage_heap, 3, 0, SIGABRT, "aborted itself (SIGABRT)");
        ends_with(&l, work_print, 1, 0, SIGSYS,
                  "killed by SIGSYS: jobs may not call write (printing does)");
    }
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

/* ---- nothing is left ------------------------------------------------------------------------ */

typedef struct counts {
    uint32_t host_fds, host_maps, zygote_fds, zygote_maps, spawner_fds, spawner_maps, children;
} counts;

static counts count_all(void)
{
    const pid_t zygote = lab_zygote();
    const pid_t spawner = lab_spawner_pid(0);
    return (counts){.host_fds = lab_fd_count(getpid()),
                    .host_maps = lab_map_count(getpid()),
                    .zygote_fds = lab_fd_count(zygote),
                    .zygote_maps = lab_map_count(zygote),
                    .spawner_fds = lab_fd_count(spawner),
                    .spawner_maps = lab_map_count(spawner),
                    .children = lab_children_settle(spawner, 0)};
}

static void assert_same_counts(const counts *a, const counts *b)
{
    assert_int_equal(a->host_fds, b->host_fds);
    assert_int_equal(a->host_maps, b->host_maps);
    assert_int_equal(a->zygote_fds, b->zygote_fds);
    assert_int_equal(a->zygote_maps, b->zygote_maps);
    assert_int_equal(a->spawner_fds, b->spawner_fds);
    assert_int_equal(a->spawner_maps, b->spawner_maps);
    assert_int_equal(a->children, b->children);
}

/* One child after the other, ended in each way. */
static void end_somehow(lab *l, uint32_t child, uint32_t n)
{
    const int64_t code[2] = {7, 0};
    const int64_t wrong[2] = {(int64_t)(uintptr_t)l->region.base, 1};
    if (n % 4 == 0) lab_post(l, child, work_exit, code, 2);
    if (n % 4 == 1) lab_post(l, child, work_touch, wrong, 2);
    if (n % 4 == 2) lab_post(l, child, work_abort, NULL, 0);
    if (n % 4 == 3) {
        lab_post(l, child, work_loop, NULL, 0);
        skep__port_child_kill(l->spawner, child);
    }
    lab_ended(l, child);
}

static void test_leaks(void **state)
{
    lab l;
    (void)state;
    lab_open(&l, false);
    for (uint32_t n = 0; n < 40; n++) end_somehow(&l, n % LAB_CHILDREN, n / 4 + n);
    const counts before = count_all();
    for (uint32_t n = 0; n < 200; n++) end_somehow(&l, n % LAB_CHILDREN, n / 4 + n);
    const counts after = count_all();
    assert_same_counts(&before, &after);
    assert_int_equal(after.children, 0); /* nor zombies */
    lab_close(&l);
}

static void test_leaks_of_spawners(void **state)
{
    lab l;
    (void)state;
    lab_open(&l, false);
    skep__port_spawner_close(lab_spawner(&l));
    const counts before = count_all();
    for (uint32_t n = 0; n < 20; n++) {
        skep__port_spawner *s = lab_spawner(&l);
        assert_true(skep__port_child_fork(s, n % LAB_CHILDREN));
        skep__port_spawner_close(s); /* that child may just be forked */
    }
    const counts after = count_all();
    assert_same_counts(&before, &after);
    assert_int_equal(lab_children_settle(lab_zygote(), 1), 1);
    lab_close(&l);
}

static void test_leaks_of_zygotes(void **state)
{
    lab l;
    pid_t pid = 0;
    (void)state;
    lab_open(&l, false);
    lab_close(&l);
    const uint32_t fds = lab_fd_count(getpid());
    const uint32_t maps = lab_map_count(getpid());
    for (uint32_t n = 0; n < 10; n++) {
        lab_open(&l, n % 2);
        lab_fork(&l, 1);
        lab_close(&l);
    }
    assert_int_equal(lab_children_of(getpid(), &pid, 1), 0);
    assert_int_equal(lab_fd_count(getpid()), fds);
    /* The heap may do as it likes, and what sanitizers map for each region stays. */
    if (!LAB_SANITIZED) assert_in_range(lab_map_count(getpid()), maps - 2, maps + 2);
}

/* ---- what ends others ----------------------------------------------------------------------- */

/* All processes behind a lab: zygote, spawner, children. */
static uint32_t all_behind(lab *l, pid_t *pids)
{
    for (uint32_t c = 0; c < LAB_CHILDREN; c++) lab_fork(l, c);
    pids[0] = lab_zygote();
    pids[1] = lab_spawner_pid(0);
    assert_int_equal(lab_children_of(pids[1], pids + 2, LAB_CHILDREN), LAB_CHILDREN);
    return 2 + LAB_CHILDREN;
}

/* Kills or stops the zygote or the spawner; then calls fail cleanly, and closing takes its time,
 * but no more. */
static void disturb(uint32_t whom, int number)
{
    lab l;
    pid_t pids[2 + LAB_CHILDREN];
    setenv("CMOCKA_TEST_ABORT", "1", 1); /* what fails here is not to go on in the runner's copy */
    lab_open(&l, false);
    const uint32_t count = all_behind(&l, pids);
    assert_true(skep__port_spawner_lives(l.spawner));
    kill(pids[whom], number);
    if (number == SIGKILL) {
        assert_true(lab_all_gone(pids + 1, count - 1));
        for (uint32_t i = 0; i < 5000 && skep__port_spawner_lives(l.spawner); i++) lab_nap();
        assert_false(skep__port_spawner_lives(l.spawner));
        assert_false(skep__port_child_fork(l.spawner, 0));
        skep__port_child_kill(l.spawner, 0);
        char text[256] = "";
        bool loaded = true;
        assert_null(skep__port_spawner_address(l.spawner, (const void *)(uintptr_t)test_kill,
                                               &loaded, text, sizeof text));
        assert_false(loaded);
        assert_string_not_equal(text, "");
    }
    const uint64_t begin = skep__port_clock_ns();
    lab_close(&l);
    const uint64_t took = skep__port_clock_ns() - begin;
    assert_true(lab_all_gone(pids, count));
    if (took > (uint64_t)30 * 1000000000u)
        fail_msg("closing took %u ms", (uint32_t)(took / 1000000u));
}

static void test_spawner_killed(void **state)
{
    (void)state;
    disturb(1, SIGKILL);
}

static void test_spawner_stopped(void **state)
{
    (void)state;
    disturb(1, SIGSTOP);
}

static void test_zygote_killed(void **state)
{
    (void)state;
    disturb(0, SIGKILL);
}

static void test_zygote_stopped(void **state)
{
    (void)state;
    disturb(0, SIGSTOP);
}

static void test_children_stopped(void **state)
{
    (void)state;
    disturb(2, SIGSTOP);
}

/* With the zygote gone before, a spawner cannot be opened, and says so. */
static void test_no_zygote(void **state)
{
    lab l;
    char text[256] = "";
    skep__port_spawner *s = NULL;
    (void)state;
    lab_open(&l, false);
    const pid_t zygote = lab_zygote();
    kill(zygote, SIGKILL);
    assert_true(lab_all_gone(&zygote, 1));
    skep__port_spawner_desc d = lab_desc(&l);
    assert_int_equal(skep__port_spawner_open(&d, &s, text, sizeof text), SKEP_CLOSED);
    assert_null(s);
    assert_non_null(strstr(text, " is gone"));
    lab_close(&l);
}

/* A host of its own, which tells its parent what it has and waits for its end. */
static void be_host(int out)
{
    lab l;
    pid_t pids[2 + LAB_CHILDREN];
    lab_open(&l, false);
    const uint32_t count = all_behind(&l, pids);
    if (write(out, pids, count * sizeof *pids) < 0) _exit(1);
    for (;;) pause();
}

static void host_dies_by(int number)
{
    pid_t pids[2 + LAB_CHILDREN];
    int ends[2];
    int how = 0;
    assert_int_equal(pipe(ends), 0);
    const pid_t host = fork();
    if (host == 0) be_host(ends[1]);
    assert_int_equal(read(ends[0], pids, sizeof pids), sizeof pids);
    for (uint32_t i = 0; i < 2 + LAB_CHILDREN; i++) assert_true(lab_alive(pids[i]));
    kill(host, number);
    assert_int_equal(waitpid(host, &how, 0), host);
    assert_true(lab_all_gone(pids, 2 + LAB_CHILDREN));
    close(ends[0]);
    close(ends[1]);
}

static void test_host_dies(void **state)
{
    (void)state;
    host_dies_by(SIGKILL);
    host_dies_by(SIGTERM);
}

/* A host that was started without standard streams has its sockets there. */
static void test_no_streams(void **state)
{
    int how = 0;
    (void)state;
    const pid_t host = fork();
    if (host == 0) {
        lab l;
        setenv("CMOCKA_TEST_ABORT", "1", 1);
        for (int fd = 0; fd < 3; fd++) close(fd);
        lab_open(&l, false);
        lab_fork(&l, 0);
        lab_close(&l);
        _exit(0);
    }
    assert_int_equal(waitpid(host, &how, 0), host);
    assert_int_equal(how, 0);
}

static void child_exits(const skep__port_child_view *view)
{
    _exit((int)view->child & 0x7f);
}

/* Forks as many as there may be, which end at once. */
static void many(lab *l, uint32_t count)
{
    char text[256] = "";
    skep__port_spawner *s = NULL;
    skep__port_spawner_desc d = lab_desc(l);
    d.child_max = count;
    d.child_main = child_exits;
    if (skep__port_spawner_open(&d, &s, text, sizeof text) != SKEP_OK) fail_msg("%s", text);
    _Atomic uint32_t *bell = skep__port_spawner_bell(s);
    for (uint32_t c = 0; c < count; c++) assert_true(skep__port_child_fork(s, c));
    for (uint32_t c = 0; c < count; c++) {
        uint32_t generation = 0;
        int how = 0;
        for (;;) {
            const uint32_t heard = atomic_load(bell);
            if (skep__port_child_look(s, c, &generation, &how) == SKEP__CHILD_ENDED) break;
            skep__port_shared_wait(bell, heard, (uint64_t)100 * 1000000u);
        }
        assert_int_equal(generation, 1);
        assert_int_equal(how, (int)(c & 0x7f) << 8);
    }
    skep__port_spawner_close(s);
}

/* Two descriptors a child in the spawner: a host's soft limit is no limit for it, the hard one is,
 * and then opening says so. */
static void test_many(void **state)
{
    lab l;
    struct rlimit files;
    (void)state;
    lab_open(&l, false);
    many(&l, 100);
    lab_close(&l);
    int how = 0;
    const pid_t host = fork();
    if (host == 0) {
        setenv("CMOCKA_TEST_ABORT", "1", 1);
        getrlimit(RLIMIT_NOFILE, &files);
        files.rlim_cur = 32;
        setrlimit(RLIMIT_NOFILE, &files);
        lab_open(&l, false);
        many(&l, 100);
        lab_close(&l);
        files.rlim_max = 32;
        setrlimit(RLIMIT_NOFILE, &files);
        lab_open(&l, false);
        char text[256] = "";
        skep__port_spawner *s = NULL;
        skep__port_spawner_desc d = lab_desc(&l);
        d.child_max = 100;
        d.child_main = child_exits;
        assert_int_equal(skep__port_spawner_open(&d, &s, text, sizeof text), SKEP_NO_MEMORY);
        assert_non_null(strstr(text, "ulimit -Hn"));
        lab_close(&l);
        _exit(0);
    }
    assert_int_equal(waitpid(host, &how, 0), host);
    assert_int_equal(how, 0);
}

/* ---- starting ------------------------------------------------------------------------------- */

static void wait_for(void *arg)
{
    _Atomic uint32_t *word = arg;
    while (!atomic_load(word)) skep__port_futex_wait(word, 0, SKEP__PORT_FOREVER);
}

/* Two threads, since ThreadSanitizer may have one of its own, which is no reason to refuse. */
static void test_busy(void **state)
{
    _Atomic uint32_t word = 0;
    skep__port_thread threads[2];
    skep_processes *p = NULL;
    char text[256] = "";
    (void)state;
    assert_in_range(skep__port_thread_count(), 1, LAB_SANITIZED ? 2 : 1);
    for (uint32_t i = 0; i < 2; i++) {
        assert_true(skep__port_thread_create(&threads[i], "waits", wait_for, &word));
    }
    assert_in_range(skep__port_thread_count(), 3, LAB_SANITIZED ? 4 : 3);
    assert_int_equal(skep_processes_start(NULL, &p, text, sizeof text), SKEP_BUSY);
    assert_null(p);
    assert_non_null(strstr(text, "skep_processes_start first thing in main()"));
    atomic_store(&word, 1);
    skep__port_futex_wake(&word, 2);
    for (uint32_t i = 0; i < 2; i++) skep__port_thread_join(&threads[i]);
    assert_false(skep__port_traced());
}

static int64_t work_read(const lab_seen *seen, const int64_t *args)
{
    (void)seen;
    return *(const volatile uint8_t *)(uintptr_t)args[0];
}

/* A zygote that is younger than a region has nothing of it, and serves it like any other. A region
 * of malloc is refused. */
static void test_regions(void **state)
{
    lab l;
    char text[256] = "";
    skep__port_spawner *s = NULL;
    skep_region other;
    (void)state;
    assert_int_equal(skep_processes_region_open(0, &other), SKEP_ARGUMENT);
    assert_int_equal(skep_processes_region_open(SIZE_MAX, &other), SKEP_NO_MEMORY);
    assert_int_equal(skep_processes_region_open((size_t)1 << 33, &other), SKEP_OK);
    assert_int_equal((uintptr_t)other.base % SKEP__PORT_PAGE, 0);
    const size_t last = other.bytes_max - SKEP__PORT_PAGE;
    assert_int_equal(other.commit(other.ctx, last, SKEP__PORT_PAGE), SKEP_OK);
    ((uint8_t *)other.base)[other.bytes_max - 1] = 1;
    lab_open(&l, false);
    lab_fork(&l, 0);
    const int64_t at = (int64_t)(uintptr_t)other.base;
    const lab_outcome outcome = lab_run(&l, 0, work_read, &at, 1);
    assert_false(outcome.returned);
    assert_non_null(strstr(outcome.text, "SIGSEGV"));
    skep__port_spawner_desc d = lab_desc(&l);
    d.region = &other;
    assert_int_equal(skep__port_spawner_open(&d, &s, text, sizeof text), SKEP_OK);
    skep__port_spawner_close(s);
    skep_processes_region_close(&other);
    assert_int_equal(skep__port_region_open(1 << 21, &other), SKEP_OK);
    assert_int_equal(skep__port_spawner_open(&d, &s, text, sizeof text), SKEP_ARGUMENT);
    skep__port_region_close(&other);
    lab_close(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_work),
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_kill),
        cmocka_unit_test(test_leaks),
        cmocka_unit_test(test_leaks_of_spawners),
        cmocka_unit_test(test_leaks_of_zygotes),
        cmocka_unit_test(test_spawner_killed),
        cmocka_unit_test(test_spawner_stopped),
        cmocka_unit_test(test_zygote_killed),
        cmocka_unit_test(test_zygote_stopped),
        cmocka_unit_test(test_children_stopped),
        cmocka_unit_test(test_no_zygote),
        cmocka_unit_test(test_host_dies),
        cmocka_unit_test(test_no_streams),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_busy),
        cmocka_unit_test(test_regions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
