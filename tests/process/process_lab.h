/* SPDX-License-Identifier: MIT */
/* A zygote, a region, a spawner and children that do what a test tells them, one piece of work at a
 * time: the test's own functions, which are at the same addresses in children. */
#ifndef SKEP_TESTS_PROCESS_LAB_H
#define SKEP_TESTS_PROCESS_LAB_H

#include "port/port.h"
#include "port/port_process.h"

#include <sys/types.h>

#define LAB_CHILDREN 4u
#define LAB_REGION_BYTES ((size_t)64 << 20)
#define LAB_ORDER_BYTES ((size_t)4096)
#define LAB_OWN_BYTES ((size_t)8192)
#define LAB_OUTPUT_BYTES ((size_t)65536)
#define LAB_ARGS 6

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define LAB_SANITIZED 1
#else
#define LAB_SANITIZED 0
#endif

typedef struct lab_seen lab_seen;

/* What a child may be told to do. The result goes back to the test. */
typedef int64_t lab_work(const lab_seen *seen, const int64_t *args);

/* What is in a child's order. */
typedef struct lab_order {
    lab_work *work;
    int64_t args[LAB_ARGS];
    const uint8_t *region;
} lab_order;

/* What is in a child's own memory. */
typedef struct lab_own {
    skep__port_child_trap trap;
    _Atomic uint32_t turn; /* counted up by the test: there is work */
    _Atomic uint32_t done; /* counted up by the child */
    int64_t result;
    char text[512];
} lab_own;

/* What a piece of work sees. */
struct lab_seen {
    const skep__port_child_view *view;
    const lab_order *order;
    lab_own *own;
    const uint8_t *region;
};

typedef struct lab {
    skep_processes *processes;
    skep_region region;
    skep__port_spawner *spawner;
} lab;

/* How a piece of work ended. */
typedef struct lab_outcome {
    bool returned;
    int how;        /* the wait status, where it did not */
    int64_t result; /* where it did */
    char text[256]; /* the end in words */
} lab_outcome;

/* Opens and closes all of it; `region` is filled with a pattern. */
void lab_open(lab *l, bool seccomp_off);
void lab_close(lab *l);

/* What such spawners are opened with. */
skep__port_spawner_desc lab_desc(const lab *l);

/* A spawner more, of the same zygote and region. */
skep__port_spawner *lab_spawner(const lab *l);

/* Forks a child and waits until it lives. */
void lab_fork(lab *l, uint32_t child);

/* Waits until a child's state is neither FORKING nor this one; fails the test after a while. */
skep__port_child_state lab_settle(lab *l, uint32_t child, skep__port_child_state not_this,
                                  int *how);

/* Waits until a child has ended; its wait status. Fails the test after a while. */
int lab_ended(lab *l, uint32_t child);

/* Gives a living child work, or one that lives no more a successor, without waiting. */
void lab_post(lab *l, uint32_t child, lab_work *work, const int64_t *args, uint32_t arg_count);

/* Waits for the work's end. */
lab_outcome lab_join(lab *l, uint32_t child);

/* Both. */
lab_outcome lab_run(lab *l, uint32_t child, lab_work *work, const int64_t *args,
                    uint32_t arg_count);

/* Whether the region holds its pattern still, the part behind it zeros. */
bool lab_region_intact(const lab *l);

/* Numbers of the processes whose parent is `pid`, at most `max`; their count. */
uint32_t lab_children_of(pid_t pid, pid_t *found, uint32_t max);

/* Sleeps a millisecond. */
void lab_nap(void);

/* Waits a while for a process to have this many children; how many it has then. An end is reported
 * before the process is reaped, so zombies may be seen for a moment. */
uint32_t lab_children_settle(pid_t pid, uint32_t count);

/* The only child of this process: the zygote. And the zygote's nth: a spawner. */
pid_t lab_zygote(void);
pid_t lab_spawner_pid(uint32_t n);

/* Descriptors and mappings of a process. */
uint32_t lab_fd_count(pid_t pid);
uint32_t lab_map_count(pid_t pid);

/* Whether a process is there and no zombie. */
bool lab_alive(pid_t pid);

/* Waits until none of these is alive. */
bool lab_all_gone(const pid_t *pids, uint32_t count);

#endif
