/* SPDX-License-Identifier: MIT */
/* What tests of processes share: a zygote, factories of pools, and a view of this process' children
 * from outside. */
#ifndef SKEP_TESTS_CONFORMANCE_ISOLATED_H
#define SKEP_TESTS_CONFORMANCE_ISOLATED_H

#include "tests/conformance/conformance.h"

#include <sys/types.h>

/* Forks the zygote; first thing in main(). False after saying why not. */
bool isolated_begin(void);
void isolated_end(void);

/* The factory of a pool with so many workers, 1, 2 or 4. */
const conformance_factory *isolated_factory(uint32_t workers);

/* What the log of the last pool said. */
const char *isolated_log(void);

/* As the factory makes it, with a restart budget and a tracer. */
skep_pool *isolated_pool(lab *lab, uint32_t restart_max, skep_trace *trace);

/* Finds processes below this one whose names begin with `name` ("skep worker"); returns their
 * number, at most `most` of which are in `pids`. Zombies do not count. */
uint32_t isolated_find(const char *name, pid_t *pids, uint32_t most);

/* Sends SIGKILL, or SIGSTOP. */
void isolated_kill(pid_t pid);
void isolated_stop(pid_t pid);

/* The message sockets of this process: descriptors below 256 have their flag set. */
typedef struct isolated_fds {
    bool open[256];
} isolated_fds;

isolated_fds isolated_sockets(void);

/* Makes the sockets deaf and mute that are not in `before`; returns their number. */
uint32_t isolated_silence(const isolated_fds *before);

/* Descriptors and mappings of this process. */
uint32_t isolated_descriptors(void);
uint32_t isolated_mappings(void);

#endif
