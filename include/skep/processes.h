/* SPDX-License-Identifier: MIT */
/* Workers that are processes, for jobs that are not trusted: a host that runs mods and plug-ins, a
 * server that must not fall.
 *
 * What a job does in such a worker reaches neither the world nor another job: the world's memory
 * is mapped read-only there and cannot be made writable, output goes to the worker's own memory,
 * and what comes out of it is copied before it is verified, and verified before it is committed.
 * A worker that crashes, ends, hangs or lies is replaced, and its block tried once more.
 *
 * Workers are forked from a process that was itself forked before this one had any thread, the
 * zygote. So begin with it:
 *
 *     int main(void) {
 *         skep_processes *processes = NULL;
 *         if (skep_processes_start(NULL, &processes, why, sizeof why) != SKEP_OK) return 1;
 *         skep_sim_desc d = skep_sim_desc_default();
 *         d.executor = SKEP_EXECUTOR_PROCESSES;
 *         d.processes = processes;
 *
 * A program that has one thread when it opens its simulation may leave that out. Linux only (5.3 or
 * later): elsewhere all calls say SKEP_UNSUPPORTED, and `threads` serves.
 *
 * What the program notices: one child process, the zygote. A wait() for any child may find it, and
 * SIGCHLD comes when it ends; workers are children of others and never seen. All of them end with
 * the thread that started the zygote, however that ends, and Ctrl-C reaches this process alone.
 *
 * What a job has in a worker: the world's memory to read, its own output, a stack of 8 MiB, private
 * memory up to a limit, and what the program had in memory when the zygote was forked, as a copy.
 * It has no file, no thread and no process to make, no privileges, and nobody without them may look
 * into it, so a debugger takes root. exit() in a job runs nothing that the program registered. */
#ifndef SKEP_PROCESSES_H
#define SKEP_PROCESSES_H

#include "skep/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The zygote, seen from here; see skep_processes_start. */
typedef struct skep_processes skep_processes;

/* What workers may do; begin with skep_processes_desc_default().
 *
 * With seccomp off, jobs may make system calls: open files and sockets, send signals, print to
 * standard error. Still not: reach other processes' memory, make threads or processes. (That rests
 * on Landlock, Linux 5.13, or on Yama, where the program is not root: with neither, a job that may
 * open files may open /proc/PID/mem of a process of the same user.) */
typedef struct skep_processes_desc {
    uint32_t canary;  /* set by skep_processes_desc_default */
    bool seccomp_off; /* false: no calls but for memory, futexes, the clock and the end */
    bool pad[3];
    size_t worker_bytes_max; /* private memory that a job may allocate, a worker; 256 MiB */
} skep_processes_desc;

/* Returns the defaults: no system calls but for memory, futexes, the clock and the end. */
SKEP_API skep_processes_desc skep_processes_desc_default(void);

/* Returns whether this host can have workers that are processes. */
SKEP_API bool skep_processes_available(void);

/* Forks the zygote. This process must have one thread, since a fork copies only that one: SKEP_BUSY
 * where there are more. `desc` NULL: the defaults. SKEP_UNSUPPORTED on hosts that cannot;
 * SKEP_NO_MEMORY when the system has no process left. A line that says why and what to do is in
 * `text` (may be NULL). The zygote ends by itself when this process does, however that ends. */
SKEP_API SKEP_NODISCARD skep_status skep_processes_start(const skep_processes_desc *desc,
                                                         skep_processes **processes, char *text,
                                                         size_t text_bytes);

/* Ends the zygote, in bounded time; every pool that uses it was destroyed before. NULL is fine. */
SKEP_API void skep_processes_end(skep_processes *processes);

/* Opens a region that processes can share: for skep_pool_desc.region and skep_world_desc.region.
 * `bytes_max` is reserved as a sparse file and used as needed. Any thread. SKEP_NO_MEMORY. */
SKEP_API SKEP_NODISCARD skep_status skep_processes_region_open(size_t bytes_max,
                                                               skep_region *region);

/* Gives such a region back; no world and no pool uses it any more. */
SKEP_API void skep_processes_region_close(skep_region *region);

#ifdef __cplusplus
}
#endif

#endif
