/* SPDX-License-Identifier: MIT */
/* What the files behind port_process.h share on Linux: messages between this process, zygote and
 * spawner, the status page, and what a spawner knows when it forks a child.
 *
 *     port_process_linux.c     this process' side: zygote, spawners, children as seen from here
 *     port_process_region.c    regions that processes share
 *     port_process_spawner.c   the loops of zygote and spawner
 *     port_process_child.c     what a child does with itself before it runs anything
 *     port_process_seccomp.c   which system calls a child may make
 *     port_process_module.c    where code of this process is in a spawner
 *     port_process_message.c   messages with descriptors; small files of /proc
 *     port_process_text.c      how a child ended, in words
 *
 * Messages go over sockets that keep their bounds (SOCK_SEQPACKET), so one send is one message
 * whatever other threads send, and nothing has to be locked. */
#ifndef SKEP_PORT_PORT_PROCESS_LINUX_H
#define SKEP_PORT_PORT_PROCESS_LINUX_H

#include "port/port_process.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/types.h>

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

/* Sanitizers have something to say when a job is wrong: their children keep standard error, and may
 * write to it. Then the report begins there, and ends where it would read files to name lines: the
 * child is reported as killed by SIGSYS. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SKEP__PROCESS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SKEP__PROCESS_SANITIZED 1
#endif
#endif
#ifndef SKEP__PROCESS_SANITIZED
#define SKEP__PROCESS_SANITIZED 0
#endif

/* Between and around what a child may write: what runs past the end of a column by less than this
 * is found. Address space only. */
#define SKEP__PROCESS_GUARD ((size_t)1 << 20)

/* How long this process waits for an answer from zygote or spawner. */
#define SKEP__PROCESS_ANSWER_MS 10000

/* How long an end may take: asked for first, then forced. */
#define SKEP__PROCESS_LEAVE_MS 400

/* ---- regions -------------------------------------------------------------------------------- */

/* Behind skep_region.ctx. */
typedef struct skep__process_region {
    int fd;     /* read-only, of a sealed memfd; what spawners map */
    bool large; /* ask for large pages */
    uint8_t *base;
} skep__process_region;

/* The region's own data; NULL when skep_processes_region_open has not made it. */
const skep__process_region *skep__process_region_of(const skep_region *region);

/* ---- messages ------------------------------------------------------------------------------- */

typedef enum skep__process_kind {
    SKEP__PROCESS_SPAWNER, /* to the zygote, with the spawner's end of a socket: fork one */
    SKEP__PROCESS_SETUP,   /* from here on to the spawner; with region, status and bell */
    SKEP__PROCESS_CHILD,   /* a child's memory, with order and own; the last one is answered */
    SKEP__PROCESS_FORK,    /* no answer but the status page */
    SKEP__PROCESS_KILL,    /* likewise */
    SKEP__PROCESS_ADDRESS, /* where is this piece of code? */
    SKEP__PROCESS_CLOSE,   /* end all children, and yourself */
    SKEP__PROCESS_ANSWER   /* back; to SETUP with a pidfd of the spawner */
} skep__process_kind;

/* All that a spawner has to know. */
typedef struct skep__process_setup {
    void *region_base;
    size_t region_bytes;
    size_t order_bytes;
    size_t own_bytes;
    size_t output_bytes;
    size_t trap_offset;
    size_t worker_bytes_max;
    void (*child_main)(const skep__port_child_view *view);
    uint32_t child_max;
    bool seccomp_off;
} skep__process_setup;

/* A piece of code: which file is mapped there, and what that file looks like by its path. */
typedef struct skep__process_code {
    uintptr_t here;
    uintptr_t base; /* of the module */
    uint64_t map_offset;
    uint64_t map_device;
    uint64_t map_inode;
    int64_t size;
    int64_t mtime_s;
    int64_t mtime_ns;
    char path[PATH_MAX];
} skep__process_code;

typedef struct skep__process_answer {
    skep_status status;
    uintptr_t address;
    bool loaded; /* the code's file was opened for this */
    char text[479];
} skep__process_answer;

typedef struct skep__process_message {
    skep__process_kind kind;
    uint32_t child;
    uint32_t generation; /* of the child; what is answered has a number that the answer repeats */
    uint32_t pad;
    union {
        skep__process_setup setup;
        skep__process_code code;
        skep__process_answer answer;
    } u;
} skep__process_message;

#define SKEP__PROCESS_FDS_MAX 3

/* Sends a message with descriptors, which stay the caller's. False when nobody is there. */
bool skep__process_send(int socket, const skep__process_message *message, const int *fds,
                        uint32_t fd_count);

/* Takes a message. Descriptors that came with it are the caller's; missing ones are -1. False when
 * none is there, nobody can send one any more, or it is none of ours. */
bool skep__process_receive(int socket, skep__process_message *message,
                           int fds[SKEP__PROCESS_FDS_MAX]);

/* Waits until a descriptor can be read or has ended. False when the time is over. */
bool skep__process_wait(int fd, int timeout_ms);

/* close() for descriptors that may be -1. */
void skep__process_close(int *fd);

/* Closes all descriptors from `first` on. */
void skep__process_close_from(int first);

/* Opens a descriptor of a process; -1 where there is none. */
int skep__process_pidfd(pid_t pid);

/* Sends a signal by such a descriptor. */
void skep__process_pidfd_signal(int pidfd, int number);

/* ---- /proc ---------------------------------------------------------------------------------- */

/* A line of /proc/self/maps. */
typedef struct skep__process_map {
    uintptr_t first;
    uintptr_t end;
    uint64_t offset;
    uint64_t device;
    uint64_t inode;
    char path[PATH_MAX]; /* empty: no file */
} skep__process_map;

/* Finds what is mapped at an address. */
bool skep__process_map_at(uintptr_t address, skep__process_map *map);

/* Reads a number of /proc/self/status, such as "VmData:"; 0 when there is none. */
uint64_t skep__process_status_field(const char *name);

/* ---- the status page ------------------------------------------------------------------------ */

/* What the spawner says of a child, in one word: generation, wait status, state. */
typedef struct skep__process_state {
    _Atomic uint64_t word;
    _Atomic int32_t pid; /* valid while the word says LIVES */
    uint32_t pad;
} skep__process_state;

SKEP_INLINE uint64_t skep__process_word(uint32_t generation, int how, skep__port_child_state state)
{
    return (uint64_t)generation << 32 | (uint64_t)((unsigned)how & 0xffffu) << 8 | (uint64_t)state;
}

SKEP_INLINE uint32_t skep__process_word_generation(uint64_t word)
{
    return (uint32_t)(word >> 32);
}

SKEP_INLINE int skep__process_word_how(uint64_t word)
{
    return (int)(word >> 8 & 0xffffu);
}

SKEP_INLINE skep__port_child_state skep__process_word_state(uint64_t word)
{
    return (skep__port_child_state)(word & 0xffu);
}

/* ---- zygote, spawner, child ----------------------------------------------------------------- */

/* What a spawner holds for one child. */
typedef struct skep__process_seat {
    int order; /* descriptors; own holds `own` and `output` */
    int own;
    pid_t pid; /* 0: none */
    uint32_t generation;
} skep__process_seat;

/* A spawner, seen from inside. Its children see it as it was when they were forked. */
typedef struct skep__process_spawner {
    int socket;
    int signals;  /* signalfd of SIGCHLD */
    int landlock; /* rules for children without the short list of calls; -1: none */
    uint32_t seats_given;
    bool ready;          /* everything is mapped */
    bool short_of_files; /* some descriptor did not arrive */
    skep__process_setup setup;
    skep__process_seat *seats;
    skep__process_state *status;
    _Atomic uint32_t *bell;
    uint8_t *order; /* reserved addresses, where a child maps its memory */
    uint8_t *own;
    uint8_t *output;
    uint8_t *signal_stack; /* and behind it, in a page of its own, where the handler finds things */
    size_t signal_stack_bytes;
    uintptr_t stack_end;
    uint64_t data_bytes; /* private memory that the spawner has */
    pid_t pid;
} skep__process_spawner;

/* Where a child's signal handler finds what it needs: right behind the stack it runs on. */
typedef struct skep__process_signal_page {
    skep__port_child_trap *trap;
    _Atomic uint32_t *bell;
    uintptr_t stack_low; /* the stack may not grow below */
} skep__process_signal_page;

/* Runs the zygote; `host` is the process that forked it. */
_Noreturn void skep__process_zygote(int socket, pid_t host);

/* Turns a process that was just forked into a child and runs it. */
_Noreturn void skep__process_child(const skep__process_spawner *spawner, uint32_t child);

/* Returns whether children can have a filter of system calls here. */
bool skep__process_seccomp_available(void);

/* Gives this process its filter: the short list of calls, or with `open` everything but what
 * reaches other processes and what makes new ones. False when the kernel refuses. */
bool skep__process_seccomp(bool open);

/* Opens rules under which a process reaches no process without them; -1 where the kernel has no
 * such thing. */
int skep__process_landlock_open(void);

/* Puts this process under the rules. */
void skep__process_landlock(int rules);

/* Says what this process has at an address. False with a line in `text` where that is no file. */
bool skep__process_code_of(const void *here, skep__process_code *code, char *text,
                           size_t text_bytes);

/* Finds, or loads, the same piece of code in this process. */
void skep__process_code_find(const skep__process_code *code, skep__process_answer *answer);

#endif
