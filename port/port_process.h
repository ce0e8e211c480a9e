/* SPDX-License-Identifier: MIT */
/* The seam to the operating system for workers that are processes (Linux: port_process_linux.c;
 * elsewhere port_process_none.c, where everything says SKEP_UNSUPPORTED).
 *
 *     this process ----socket----> zygote          forked while there was one thread; does nothing
 *          |                          | fork        but fork a spawner a pool
 *          +-----------socket----> spawner         maps the region read-only, opens modules, forks
 *          |                          | fork        and reaps children; one thread
 *          +--- shared memory ---> child c         runs child_main under seccomp
 *
 * What each may write:
 *     region   this process alone. A memfd sealed with F_SEAL_FUTURE_WRITE after it was mapped here
 *     order    this process; the child reads it
 *     own      the child and this process: control words, result records, output. Each child has
 *              its own, with guard pages around `own` and around `output`
 *     bell     everybody: one futex word that means nothing but "look"
 *     status   the spawner; this process reads it
 * A child has nothing else of this: no descriptor, none of the other children's memory, no memory
 * of the host's heap that the zygote had not when it was forked. */
#ifndef SKEP_PORT_PORT_PROCESS_H
#define SKEP_PORT_PORT_PROCESS_H

#include "core/base/base.h"
#include "skep/processes.h"
#include "skep/status.h"

#include <stdatomic.h>

/* Returns how many threads this process has; 0 where that is unknown. */
uint32_t skep__port_thread_count(void);

/* Returns whether a debugger is attached to this process. Reads a file. */
bool skep__port_traced(void);

/* ---- futexes between processes -------------------------------------------------------------- */

/* As skep__port_futex_wait and skep__port_futex_wake, beside which they are implemented, for words
 * in memory that processes share. */
bool skep__port_shared_wait(_Atomic uint32_t *word, uint32_t expected, uint64_t timeout_ns);
void skep__port_shared_wake(_Atomic uint32_t *word, uint32_t count);

/* Gives memory of a child back to the system; it reads as zeros then. Both are multiples of the OS'
 * page size. */
void skep__port_shared_drop(void *at, size_t bytes);

/* ---- the spawner ---------------------------------------------------------------------------- */

/* What a child sees of itself. All pointers are of its own address space. */
typedef struct skep__port_child_view {
    uint32_t child;         /* its number, from 0 */
    const void *order;      /* order_bytes */
    void *own;              /* own_bytes */
    void *output;           /* output_bytes */
    _Atomic uint32_t *bell; /* to be changed and woken when this process should look */
} skep__port_child_view;

/* What was tried at an address. */
typedef enum skep__port_child_access {
    SKEP__CHILD_ACCESS_UNKNOWN,
    SKEP__CHILD_ACCESS_READ,
    SKEP__CHILD_ACCESS_WRITE,
    SKEP__CHILD_ACCESS_RUN,  /* to execute what is there */
    SKEP__CHILD_ACCESS_STACK /* the stack's end: it overflowed */
} skep__port_child_access;

/* What a child's last signal was about, written into its own memory by a handler in the child,
 * which then rings the bell and dies: for texts, and to go on before it is gone. The child may
 * write there what it likes. */
typedef struct skep__port_child_trap {
    _Atomic uint32_t signal; /* 0: none */
    uint32_t syscall;        /* SIGSYS: the number of the call that is not allowed */
    uint64_t address;        /* SIGSEGV, SIGBUS: what was touched */
    uint32_t access;         /* a skep__port_child_access */
    uint32_t pad;
} skep__port_child_trap;

typedef struct skep__port_spawner_desc {
    skep_processes *processes;
    const skep_region *region; /* made by skep_processes_region_open */
    size_t order_bytes;        /* multiples of the OS' page size */
    size_t own_bytes;
    size_t output_bytes;
    size_t trap_offset;                                    /* of a skep__port_child_trap in `own` */
    uint32_t child_max;                                    /* children have numbers below this */
    void (*child_main)(const skep__port_child_view *view); /* must not return */
} skep__port_spawner_desc;

typedef struct skep__port_spawner skep__port_spawner;

/* One child's memory, from here; stays the same whatever process is in it. */
typedef struct skep__port_child_memory {
    void *order;
    void *own;
    void *output;
} skep__port_child_memory;

/* Opens a spawner. SKEP_NO_MEMORY, SKEP_UNSUPPORTED, SKEP_CLOSED (the zygote is gone); a line that
 * says why is in `text`. */
SKEP_NODISCARD skep_status skep__port_spawner_open(const skep__port_spawner_desc *desc,
                                                   skep__port_spawner **spawner, char *text,
                                                   size_t text_bytes);

/* Kills all children and ends the spawner, in bounded time; all of it is reaped. NULL is fine. */
void skep__port_spawner_close(skep__port_spawner *spawner);

/* The bell, from here. */
_Atomic uint32_t *skep__port_spawner_bell(skep__port_spawner *spawner);

/* Where a child's memory is. Written by child c, if at all, only from its fork to its end. */
skep__port_child_memory skep__port_child_memory_of(const skep__port_spawner *spawner,
                                                   uint32_t child);

/* Asks for a child with this number; the one before it was reported ended. Returns at once; false
 * when the spawner is gone. */
bool skep__port_child_fork(skep__port_spawner *spawner, uint32_t child);

typedef enum skep__port_child_state {
    SKEP__CHILD_NONE,    /* never forked */
    SKEP__CHILD_FORKING, /* asked for */
    SKEP__CHILD_LIVES,
    SKEP__CHILD_ENDED, /* surely gone: nothing of it writes any more */
    SKEP__CHILD_FAILED /* the system had no process left */
} skep__port_child_state;

/* Says what is known of a child, from memory that it cannot write: no system call. `how` gets the
 * wait status of one that ended (may be NULL). The spawner rings the bell on each change. */
skep__port_child_state skep__port_child_look(skep__port_spawner *spawner, uint32_t child,
                                             uint32_t *generation, int *how);

/* Kills a child; its end is reported like any other. */
void skep__port_child_kill(skep__port_spawner *spawner, uint32_t child);

/* Says in words how a child ended ("killed by SIGSEGV: it wrote to 0x0", "ended with exit code 3",
 * "killed by SIGSYS: jobs may not call openat"), from wait status and trap (NULL: none). `where`
 * names an address that the caller knows (NULL: nothing is known of it). Returns `out`. */
const char *skep__port_child_end_text(int how, const skep__port_child_trap *trap, const char *where,
                                      char *out, size_t max);

/* Returns whether the spawner is there and answers. One system call. */
bool skep__port_spawner_lives(skep__port_spawner *spawner);

/* Finds where something of this process' code is in children: `here` points into a module. What was
 * there when the zygote was forked is at the same address; another module's file is opened by the
 * spawner, and children that are forked afterwards have it. NULL with a line in `text` when its
 * file cannot be opened there or is another one than here. `loaded` says whether it was opened just
 * now, so that children that live do not have it. Blocks. */
const void *skep__port_spawner_address(skep__port_spawner *spawner, const void *here, bool *loaded,
                                       char *text, size_t text_bytes);

#endif
