/* SPDX-License-Identifier: MIT */
/* Children that do what a test tells them; and counting what a process has, in /proc. */
#include "process_lab.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define LAB_PATTERN_BYTES ((size_t)4 << 20)
#define LAB_WAIT_NS ((uint64_t)100 * 1000000u)
#define LAB_PATIENCE_NS ((uint64_t)60 * 1000000000u)

/* ---- children ------------------------------------------------------------------------------- */

static void lab_child_main(const skep__port_child_view *view)
{
    const lab_order *order = view->order;
    lab_own *own = view->own;
    for (uint32_t done = 0;; done++) {
        while (atomic_load(&own->turn) == done) {
            skep__port_shared_wait(&own->turn, done, SKEP__PORT_FOREVER);
        }
        const lab_seen seen = {view, order, own, order->region};
        own->result = order->work(&seen, order->args);
        atomic_store(&own->done, done + 1);
        atomic_fetch_add(view->bell, 1);
        skep__port_shared_wake(view->bell, UINT32_MAX);
    }
}

static uint8_t lab_pattern(size_t at)
{
    return (uint8_t)(at * 2654435761u >> 13);
}

void lab_open(lab *l, bool seccomp_off)
{
    char text[512] = "";
    skep_processes_desc d = skep_processes_desc_default();
    d.seccomp_off = seccomp_off;
    d.worker_bytes_max = (size_t)64 << 20;
    memset(l, 0, sizeof *l);
    if (skep_processes_start(&d, &l->processes, text, sizeof text) != SKEP_OK) fail_msg("%s", text);
    assert_int_equal(skep_processes_region_open(LAB_REGION_BYTES, &l->region), SKEP_OK);
    uint8_t *bytes = l->region.base;
    assert_int_equal(l->region.commit(l->region.ctx, 0, LAB_PATTERN_BYTES + SKEP__PORT_PAGE),
                     SKEP_OK);
    for (size_t i = 0; i < LAB_PATTERN_BYTES; i++) bytes[i] = lab_pattern(i);
    l->spawner = lab_spawner(l);
}

void lab_close(lab *l)
{
    skep__port_spawner_close(l->spawner);
    skep_processes_region_close(&l->region);
    skep_processes_end(l->processes);
    memset(l, 0, sizeof *l);
}

skep__port_spawner_desc lab_desc(const lab *l)
{
    return (skep__port_spawner_desc){.processes = l->processes,
                                     .region = &l->region,
                                     .order_bytes = LAB_ORDER_BYTES,
                                     .own_bytes = LAB_OWN_BYTES,
                                     .output_bytes = LAB_OUTPUT_BYTES,
                                     .trap_offset = offsetof(lab_own, trap),
                                     .child_max = LAB_CHILDREN,
                                     .child_main = lab_child_main};
}

skep__port_spawner *lab_spawner(const lab *l)
{
    char text[512] = "";
    skep__port_spawner *s = NULL;
    const skep__port_spawner_desc d = lab_desc(l);
    if (skep__port_spawner_open(&d, &s, text, sizeof text) != SKEP_OK) fail_msg("%s", text);
    return s;
}

skep__port_child_state lab_settle(lab *l, uint32_t child, skep__port_child_state not_this, int *how)
{
    const uint64_t end = skep__port_clock_ns() + LAB_PATIENCE_NS;
    _Atomic uint32_t *bell = skep__port_spawner_bell(l->spawner);
    for (;;) {
        uint32_t generation = 0;
        const uint32_t heard = atomic_load(bell);
        const skep__port_child_state s = skep__port_child_look(l->spawner, child, &generation, how);
        if (s != SKEP__CHILD_FORKING && s != not_this) return s;
        if (skep__port_clock_ns() > end) fail_msg("child %u stays in state %d", child, (int)s);
        skep__port_shared_wait(bell, heard, LAB_WAIT_NS);
    }
}

void lab_fork(lab *l, uint32_t child)
{
    lab_own *own = skep__port_child_memory_of(l->spawner, child).own;
    memset(own, 0, sizeof *own);
    assert_true(skep__port_child_fork(l->spawner, child));
    assert_int_equal(lab_settle(l, child, SKEP__CHILD_NONE, NULL), SKEP__CHILD_LIVES);
}

int lab_ended(lab *l, uint32_t child)
{
    int how = 0;
    assert_int_equal(lab_settle(l, child, SKEP__CHILD_LIVES, &how), SKEP__CHILD_ENDED);
    return how;
}

void lab_post(lab *l, uint32_t child, lab_work *work, const int64_t *args, uint32_t arg_count)
{
    uint32_t generation = 0;
    const skep__port_child_memory m = skep__port_child_memory_of(l->spawner, child);
    lab_order *order = m.order;
    lab_own *own = m.own;
    if (skep__port_child_look(l->spawner, child, &generation, NULL) != SKEP__CHILD_LIVES) {
        lab_fork(l, child);
    }
    order->work = work;
    order->region = l->region.base;
    for (uint32_t i = 0; i < arg_count; i++) order->args[i] = args[i];
    atomic_fetch_add(&own->turn, 1);
    skep__port_shared_wake(&own->turn, 1);
}

lab_outcome lab_join(lab *l, uint32_t child)
{
    const uint64_t end = skep__port_clock_ns() + LAB_PATIENCE_NS;
    _Atomic uint32_t *bell = skep__port_spawner_bell(l->spawner);
    const lab_own *own = skep__port_child_memory_of(l->spawner, child).own;
    lab_outcome o = {0};
    for (;;) {
        uint32_t generation = 0;
        const uint32_t heard = atomic_load(bell);
        o.returned = atomic_load(&own->done) == atomic_load(&own->turn);
        o.result = own->result;
        if (o.returned) return o;
        if (skep__port_child_look(l->spawner, child, &generation, &o.how) == SKEP__CHILD_ENDED) {
            skep__port_child_end_text(o.how, &own->trap, NULL, o.text, sizeof o.text);
            return o;
        }
        if (skep__port_clock_ns() > end) fail_msg("child %u does not come back", child);
        skep__port_shared_wait(bell, heard, LAB_WAIT_NS);
    }
}

lab_outcome lab_run(lab *l, uint32_t child, lab_work *work, const int64_t *args, uint32_t arg_count)
{
    lab_post(l, child, work, args, arg_count);
    return lab_join(l, child);
}

bool lab_region_intact(const lab *l)
{
    const uint8_t *bytes = l->region.base;
    bool intact = true;
    for (size_t i = 0; i < LAB_PATTERN_BYTES; i++) intact = intact && bytes[i] == lab_pattern(i);
    for (size_t i = LAB_PATTERN_BYTES; i < LAB_PATTERN_BYTES + 4096; i++) {
        intact = intact && !bytes[i];
    }
    return intact;
}

/* ---- /proc ---------------------------------------------------------------------------------- */

/* State and parent of a process; false when there is none. */
static bool lab_stat(pid_t pid, char *process_state, pid_t *parent)
{
    char name[64];
    char line[512];
    snprintf(name, sizeof name, "/proc/%d/stat", (int)pid);
    FILE *f = fopen(name, "re");
    if (!f) return false;
    const bool ok = fgets(line, sizeof line, f) != NULL;
    (void)fclose(f);
    const char *behind = ok ? strrchr(line, ')') : NULL;
    return behind && sscanf(behind, ") %c %d", process_state, parent) == 2;
}

uint32_t lab_children_of(pid_t pid, pid_t *found, uint32_t max)
{
    uint32_t count = 0;
    DIR *dir = opendir("/proc");
    assert_non_null(dir);
    for (const struct dirent *e = readdir(dir); e; e = readdir(dir)) {
        const pid_t other = (pid_t)strtol(e->d_name, NULL, 10);
        char process_state = 0;
        pid_t parent = 0;
        if (other <= 0 || !lab_stat(other, &process_state, &parent) || parent != pid) continue;
        if (count < max) found[count] = other;
        count++;
    }
    closedir(dir);
    return count;
}

void lab_nap(void)
{
    _Atomic uint32_t word = 0;
    skep__port_futex_wait(&word, 0, 1000000u);
}

uint32_t lab_children_settle(pid_t pid, uint32_t count)
{
    const uint64_t end = skep__port_clock_ns() + LAB_PATIENCE_NS / 6;
    pid_t found[1];
    for (;;) {
        const uint32_t n = lab_children_of(pid, found, 1);
        if (n == count || skep__port_clock_ns() > end) return n;
        lab_nap();
    }
}

pid_t lab_zygote(void)
{
    pid_t pid = 0;
    assert_int_equal(lab_children_of(getpid(), &pid, 1), 1);
    return pid;
}

pid_t lab_spawner_pid(uint32_t n)
{
    pid_t pids[8];
    assert_true(n < 8 && lab_children_of(lab_zygote(), pids, 8) > n);
    return pids[n];
}

uint32_t lab_fd_count(pid_t pid)
{
    char name[64];
    uint32_t count = 0;
    snprintf(name, sizeof name, "/proc/%d/fd", (int)pid);
    DIR *dir = opendir(name);
    if (!dir) return 0;
    for (const struct dirent *e = readdir(dir); e; e = readdir(dir)) count += e->d_name[0] != '.';
    closedir(dir);
    return count;
}

uint32_t lab_map_count(pid_t pid)
{
    char name[64];
    char line[1024];
    uint32_t count = 0;
    snprintf(name, sizeof name, "/proc/%d/maps", (int)pid);
    FILE *f = fopen(name, "re");
    if (!f) return 0;
    while (fgets(line, sizeof line, f)) count++;
    (void)fclose(f);
    return count;
}

bool lab_alive(pid_t pid)
{
    char process_state = 0;
    pid_t parent = 0;
    return lab_stat(pid, &process_state, &parent) && process_state != 'Z' && process_state != 'X';
}

bool lab_all_gone(const pid_t *pids, uint32_t count)
{
    const uint64_t end = skep__port_clock_ns() + LAB_PATIENCE_NS;
    for (;;) {
        uint32_t alive = 0;
        for (uint32_t i = 0; i < count; i++) alive += lab_alive(pids[i]);
        if (!alive) return true;
        if (skep__port_clock_ns() > end) return false;
        lab_nap();
    }
}
