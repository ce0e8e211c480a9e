/* SPDX-License-Identifier: MIT */
/* Workers that are processes, seen from the process that has them: the zygote, spawners, and what
 * children there are (port_process.h draws them, port_process_linux.h lists the files).
 *
 * What the program around notices: one child process, the zygote, in its own session. SIGCHLD comes
 * once, when that ends, and a wait() for any child may find it; both are harmless here, since the
 * zygote is known by a descriptor. Spawners are the zygote's children, workers the spawners', so
 * none of them is ever seen by wait().
 *
 * Nothing here waits for a child or asks the kernel about one: the spawner writes a status page.
 * The one thing done to a child from here is to kill it. Its number is read from the page, a
 * descriptor opened, and the page read again: a spawner says that a child ended before it reaps it,
 * so if the page still says that it lives, the descriptor is that child's. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "port/port.h"
#include "port/port_process_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

#define PROCESS_CANARY 0x70726f63u
#if defined(__SANITIZE_THREAD__)
#define PROCESS_THREADS_MAX 2u /* ThreadSanitizer may have one of its own */
#else
#define PROCESS_THREADS_MAX 1u
#endif
#define PROCESS_WORKER_BYTES ((size_t)256 << 20)

struct skep_processes {
    skep_processes_desc desc;
    int socket;
    int pidfd;
    pid_t pid;
};

struct skep__port_spawner {
    skep__process_setup setup;
    int socket;
    int pidfd;
    pid_t zygote;
    size_t status_bytes;
    size_t page;
    skep__process_state *status;
    _Atomic uint32_t *bell;
    skep__port_child_memory *memory; /* a child */
    uint32_t *asked;                 /* generations asked for, a child */
    uint32_t questions;              /* where code is */
    bool silent;                     /* it left one of them without an answer */
};

/* ---- memory ---------------------------------------------------------------------------------- */

void skep__port_shared_drop(void *at, size_t bytes)
{
    if (bytes) madvise(at, bytes, MADV_REMOVE);
}

/* ---- the zygote ----------------------------------------------------------------------------- */

static void process_say(char *text, size_t text_bytes, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void process_say(char *text, size_t text_bytes, const char *format, ...)
{
    va_list args;
    if (!text || !text_bytes) return;
    va_start(args, format);
    vsnprintf(text, text_bytes, format, args);
    va_end(args);
}

skep_processes_desc skep_processes_desc_default(void)
{
    return (skep_processes_desc){.canary = PROCESS_CANARY,
                                 .worker_bytes_max = PROCESS_WORKER_BYTES};
}

bool skep_processes_available(void)
{
    int pidfd = skep__process_pidfd(getpid()); /* Linux 5.3; the rest is older */
    const bool available = pidfd >= 0 || (errno != ENOSYS && errno != EPERM);
    skep__process_close(&pidfd);
    return available;
}

/* Ends a process by its descriptor within the time, if it has not ended by itself, and reaps it
 * where it is our child. */
static void process_end(int pidfd)
{
    siginfo_t info;
    if (!skep__process_wait(pidfd, SKEP__PROCESS_LEAVE_MS)) {
        skep__process_pidfd_signal(pidfd, SIGKILL);
        skep__process_wait(pidfd, SKEP__PROCESS_LEAVE_MS);
    }
    waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG);
}

/* Forks, with all signals held back so that no handler of the program runs in the zygote. */
static pid_t process_fork_zygote(int own, int host)
{
    sigset_t all;
    sigset_t before;
    const pid_t self = getpid();
    sigfillset(&all);
    fflush(NULL); /* else a job that ends by exit() would write what is buffered once more */
    sigprocmask(SIG_SETMASK, &all, &before);
    const pid_t pid = fork();
    if (pid == 0) {
        close(host);
        skep__process_zygote(own, self);
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    return pid;
}

skep_status skep_processes_start(const skep_processes_desc *desc, skep_processes **processes,
                                 char *text, size_t text_bytes)
{
    const skep_processes_desc d = desc ? *desc : skep_processes_desc_default();
    int ends[2];
    SKEP_ASSERT(d.canary == PROCESS_CANARY);
    process_say(text, text_bytes, "%s", "");
    *processes = NULL;
    if (!skep_processes_available()) {
        process_say(text, text_bytes,
                    "workers that are processes need Linux 5.3 or later: use "
                    "threads");
        return SKEP_UNSUPPORTED;
    }
    const uint32_t threads = skep__port_thread_count();
    if (threads > PROCESS_THREADS_MAX) {
        process_say(text, text_bytes,
                    "this process has %u threads already, and a fork copies only one: call "
                    "skep_processes_start first thing in main()",
                    threads);
        return SKEP_BUSY;
    }
    skep_processes *p = calloc(1, sizeof *p);
    if (!p || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        process_say(text, text_bytes, "no socket for the zygote: %s", strerror(errno));
        free(p);
        return SKEP_NO_MEMORY;
    }
    p->desc = d;
    if (!p->desc.worker_bytes_max) p->desc.worker_bytes_max = PROCESS_WORKER_BYTES;
    p->socket = ends[0];
    p->pid = process_fork_zygote(ends[1], ends[0]);
    close(ends[1]);
    p->pidfd = p->pid > 0 ? skep__process_pidfd(p->pid) : -1;
    if (p->pidfd < 0) {
        process_say(text, text_bytes, "the system has no process left for the zygote: %s",
                    strerror(errno));
        close(p->socket); /* the zygote, if there is one, ends by that */
        free(p);
        return SKEP_NO_MEMORY;
    }
    *processes = p;
    return SKEP_OK;
}

void skep_processes_end(skep_processes *processes)
{
    if (!processes) return;
    close(processes->socket);
    process_end(processes->pidfd);
    close(processes->pidfd);
    free(processes);
}

/* ---- opening a spawner ---------------------------------------------------------------------- */

/* Makes memory that processes share and maps it here; its size can never change. With `seal` no
 * later mapping can be written to. NULL when the system has none; else *fd is the caller's. */
static void *process_share(const char *name, size_t bytes, bool seal, int *fd)
{
    const int seals = F_SEAL_SHRINK | F_SEAL_GROW | (seal ? F_SEAL_FUTURE_WRITE : 0);
    *fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (*fd < 0) return NULL;
    void *at = MAP_FAILED;
    if (ftruncate(*fd, (off_t)bytes) == 0) {
        at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, *fd, 0);
    }
    /* What belongs to one child, another one that is forked of a later zygote shall not have. */
    if (at != MAP_FAILED && madvise(at, bytes, MADV_DONTFORK) == 0 &&
        fcntl(*fd, F_ADD_SEALS, seals | F_SEAL_SEAL) == 0)
        return at;
    if (at != MAP_FAILED) munmap(at, bytes);
    skep__process_close(fd);
    return NULL;
}

/* Sends a message that has descriptors and closes them. */
static bool process_hand_over(int socket, const skep__process_message *m, int *fds, uint32_t count)
{
    const bool sent = skep__process_send(socket, m, fds, count);
    for (uint32_t i = 0; i < count; i++) skep__process_close(&fds[i]);
    return sent;
}

/* Gives child `number` its memory, here and there. */
static skep_status process_give_child(skep__port_spawner *s, uint32_t number)
{
    const skep__process_message m = {.kind = SKEP__PROCESS_CHILD, .child = number};
    skep__port_child_memory *memory = &s->memory[number];
    int fds[2] = {-1, -1};
    const size_t both = s->setup.own_bytes + s->setup.output_bytes;
    memory->order = process_share("skep-order", s->setup.order_bytes, true, &fds[0]);
    memory->own = process_share("skep-own", both, false, &fds[1]);
    const bool shared = memory->order && memory->own;
    if (memory->own) memory->output = (uint8_t *)memory->own + s->setup.own_bytes;
    if (shared) return process_hand_over(s->socket, &m, fds, 2) ? SKEP_OK : SKEP_CLOSED;
    for (uint32_t i = 0; i < 2; i++) skep__process_close(&fds[i]);
    return SKEP_NO_MEMORY;
}

/* Waits for the answer to what was asked by this number, which is not always the first to come: one
 * may have been too late. SKEP_CLOSED when none will come. */
static skep_status process_answer(const skep__port_spawner *s, uint32_t number,
                                  skep__process_message *m, int *fds)
{
    while (skep__process_wait(s->socket, SKEP__PROCESS_ANSWER_MS) &&
           skep__process_receive(s->socket, m, fds) && m->kind == SKEP__PROCESS_ANSWER) {
        if (m->generation == number) return m->u.answer.status;
        for (int i = 0; i < SKEP__PROCESS_FDS_MAX; i++) skep__process_close(&fds[i]);
    }
    m->u.answer.address = 0;
    m->u.answer.loaded = false;
    snprintf(m->u.answer.text, sizeof m->u.answer.text,
             "the process that forks workers is gone or does not answer");
    for (int i = 0; i < SKEP__PROCESS_FDS_MAX; i++) fds[i] = -1;
    return SKEP_CLOSED;
}

/* Has the zygote fork a spawner that talks to us over s->socket. */
static skep_status process_ask_zygote(skep__port_spawner *s, const skep_processes *processes)
{
    const skep__process_message m = {.kind = SKEP__PROCESS_SPAWNER};
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return SKEP_NO_MEMORY;
    s->socket = ends[0];
    return process_hand_over(processes->socket, &m, &ends[1], 1) ? SKEP_OK : SKEP_CLOSED;
}

/* Tells the spawner all that it has to know, and learns whether it got that far. */
static skep_status process_set_up(skep__port_spawner *s, const skep__process_region *region,
                                  char *text, size_t text_bytes)
{
    skep__process_message m = {.kind = SKEP__PROCESS_SETUP};
    int fds[SKEP__PROCESS_FDS_MAX] = {region->fd, -1, -1};
    s->status = process_share("skep-status", s->status_bytes, false, &fds[1]);
    s->bell = process_share("skep-bell", s->page, false, &fds[2]);
    const bool shared = s->status && s->bell;
    m.u.setup = s->setup;
    const bool sent = shared && skep__process_send(s->socket, &m, fds, 3);
    skep__process_close(&fds[1]);
    skep__process_close(&fds[2]);
    if (!shared) return SKEP_NO_MEMORY;
    if (!sent) return SKEP_CLOSED;
    skep_status status = process_answer(s, 0, &m, fds);
    s->pidfd = fds[0];
    for (uint32_t i = 0; status == SKEP_OK && i < s->setup.child_max; i++) {
        status = process_give_child(s, i);
        if (status != SKEP_OK) return status;
    }
    if (status == SKEP_OK) status = process_answer(s, 0, &m, fds);
    process_say(text, text_bytes, "%s", m.u.answer.text);
    return status;
}

static skep__port_spawner *process_spawner_new(const skep__port_spawner_desc *desc)
{
    skep__port_spawner *s = calloc(1, sizeof *s);
    if (!s) return NULL;
    s->socket = s->pidfd = -1;
    s->page = skep__port_page_bytes();
    s->status_bytes = skep__align(desc->child_max * sizeof *s->status, s->page);
    s->setup = (skep__process_setup){.region_base = desc->region->base,
                                     .region_bytes = desc->region->bytes_max,
                                     .order_bytes = desc->order_bytes,
                                     .own_bytes = desc->own_bytes,
                                     .output_bytes = desc->output_bytes,
                                     .trap_offset = desc->trap_offset,
                                     .worker_bytes_max = desc->processes->desc.worker_bytes_max,
                                     .child_main = desc->child_main,
                                     .child_max = desc->child_max,
                                     .seccomp_off = desc->processes->desc.seccomp_off};
    s->zygote = desc->processes->pid;
    s->memory = calloc(desc->child_max, sizeof *s->memory);
    s->asked = calloc(desc->child_max, sizeof *s->asked);
    if (s->memory && s->asked) return s;
    free(s->memory);
    free(s->asked);
    free(s);
    return NULL;
}

skep_status skep__port_spawner_open(const skep__port_spawner_desc *desc,
                                    skep__port_spawner **spawner, char *text, size_t text_bytes)
{
    const skep__process_region *region = skep__process_region_of(desc->region);
    const size_t page = skep__port_page_bytes();
    *spawner = NULL;
    process_say(text, text_bytes, "%s", "");
    SKEP_ASSERT(desc->child_max && desc->child_main);
    SKEP_ASSERT(desc->order_bytes && desc->order_bytes % page == 0);
    SKEP_ASSERT(desc->own_bytes && desc->own_bytes % page == 0);
    SKEP_ASSERT(desc->output_bytes && desc->output_bytes % page == 0);
    SKEP_ASSERT(desc->trap_offset + sizeof(skep__port_child_trap) <= desc->own_bytes);
    (void)page;
    if (!region) {
        process_say(text, text_bytes, "the region is none of skep_processes_region_open");
        return SKEP_ARGUMENT;
    }
    skep__port_spawner *s = process_spawner_new(desc);
    if (!s) return SKEP_NO_MEMORY;
    skep_status status = process_ask_zygote(s, desc->processes);
    if (status == SKEP_OK) status = process_set_up(s, region, text, text_bytes);
    if (status == SKEP_OK) {
        *spawner = s;
        return SKEP_OK;
    }
    if (text && text_bytes && !text[0]) {
        process_say(text, text_bytes, "%s",
                    status == SKEP_CLOSED ? "the zygote is gone"
                                          : "the system has no memory or descriptors left");
    }
    skep__port_spawner_close(s);
    return status;
}

/* ---- children ------------------------------------------------------------------------------- */

_Atomic uint32_t *skep__port_spawner_bell(skep__port_spawner *spawner)
{
    return spawner->bell;
}

skep__port_child_memory skep__port_child_memory_of(const skep__port_spawner *spawner,
                                                   uint32_t child)
{
    SKEP_ASSERT(child < spawner->setup.child_max);
    return spawner->memory[child];
}

bool skep__port_child_fork(skep__port_spawner *spawner, uint32_t child)
{
    const skep__process_message m = {.kind = SKEP__PROCESS_FORK, .child = child};
    SKEP_ASSERT(child < spawner->setup.child_max);
    if (!skep__process_send(spawner->socket, &m, NULL, 0)) return false;
    spawner->asked[child]++;
    return true;
}

skep__port_child_state skep__port_child_look(skep__port_spawner *spawner, uint32_t child,
                                             uint32_t *generation, int *how)
{
    SKEP_ASSERT(child < spawner->setup.child_max);
    const uint64_t word = atomic_load(&spawner->status[child].word);
    *generation = spawner->asked[child];
    if (how) *how = skep__process_word_how(word);
    if (skep__process_word_generation(word) != *generation) return SKEP__CHILD_FORKING;
    return skep__process_word_state(word);
}

/* Opens a descriptor of a child that lives; -1 where it does not (any more). */
static int process_child_pidfd(const skep__port_spawner *s, uint32_t child)
{
    const skep__process_state *state = &s->status[child];
    const uint64_t word = atomic_load(&state->word);
    if (skep__process_word_state(word) != SKEP__CHILD_LIVES) return -1;
    int pidfd = skep__process_pidfd(atomic_load(&state->pid));
    if (atomic_load(&state->word) != word) skep__process_close(&pidfd);
    return pidfd;
}

void skep__port_child_kill(skep__port_spawner *spawner, uint32_t child)
{
    SKEP_ASSERT(child < spawner->setup.child_max);
    int pidfd = process_child_pidfd(spawner, child);
    if (pidfd >= 0) {
        skep__process_pidfd_signal(pidfd, SIGKILL);
        skep__process_close(&pidfd);
        return;
    }
    const skep__process_message m = {
        .kind = SKEP__PROCESS_KILL, .child = child, .generation = spawner->asked[child]};
    skep__process_send(spawner->socket, &m, NULL, 0);
}

bool skep__port_spawner_lives(skep__port_spawner *spawner)
{
    /* A process that was killed is there for as long as it takes to be scheduled once more. */
    return !spawner->silent && !skep__process_wait(spawner->pidfd, 0);
}

const void *skep__port_spawner_address(skep__port_spawner *spawner, const void *here, bool *loaded,
                                       char *text, size_t text_bytes)
{
    *loaded = false;
    skep__process_message m = {.kind = SKEP__PROCESS_ADDRESS};
    int fds[SKEP__PROCESS_FDS_MAX];
    process_say(text, text_bytes, "%s", "");
    m.generation = ++spawner->questions;
    if (!skep__process_code_of(here, &m.u.code, text, text_bytes)) return NULL;
    if (!skep__process_send(spawner->socket, &m, NULL, 0)) {
        spawner->silent = true;
        process_say(text, text_bytes, "the process that forks workers is gone");
        return NULL;
    }
    const skep_status status = process_answer(spawner, m.generation, &m, fds);
    spawner->silent = status == SKEP_CLOSED;
    for (int i = 0; status == SKEP_OK && i < SKEP__PROCESS_FDS_MAX; i++) {
        skep__process_close(&fds[i]);
    }
    *loaded = status == SKEP_OK && m.u.answer.loaded;
    if (status == SKEP_OK) return (const void *)m.u.answer.address;
    process_say(text, text_bytes, "%s", m.u.answer.text);
    return NULL;
}

/* ---- closing -------------------------------------------------------------------------------- */

/* Whether the process behind a number is a worker that the zygote took over from a spawner that is
 * gone. The caller has a descriptor of it, and looks whether it lives afterwards: then it did. */
static bool process_is_orphan(const skep__port_spawner *s, pid_t pid)
{
    char name[32];
    char line[512];
    int parent = 0;
    snprintf(name, sizeof name, "/proc/%d/stat", (int)pid);
    FILE *f = fopen(name, "re");
    if (!f) return false;
    const bool read = fgets(line, sizeof line, f) != NULL;
    fclose(f);
    const char *behind = read ? strrchr(line, ')') : NULL;
    return behind && strstr(line, "(skep worker ") && sscanf(behind, ") %*c %d", &parent) == 1 &&
           parent == s->zygote;
}

/* The spawner ended without its children: they have got the signal for that, so this helps where
 * one does without, and waits a little until all are gone. */
static void process_end_orphans(const skep__port_spawner *s)
{
    int wait_ms = SKEP__PROCESS_LEAVE_MS / 2;
    for (uint32_t i = 0; s->status && i < s->setup.child_max; i++) {
        int pidfd = process_child_pidfd(s, i);
        const pid_t pid = atomic_load(&s->status[i].pid);
        if (pidfd >= 0 && process_is_orphan(s, pid) && !skep__process_wait(pidfd, 0)) {
            skep__process_pidfd_signal(pidfd, SIGKILL);
            if (!skep__process_wait(pidfd, wait_ms)) wait_ms = 0;
        }
        skep__process_close(&pidfd);
    }
}

void skep__port_spawner_close(skep__port_spawner *spawner)
{
    skep__port_spawner *s = spawner;
    if (!s) return;
    if (s->pidfd >= 0) {
        const skep__process_message m = {.kind = SKEP__PROCESS_CLOSE};
        skep__process_send(s->socket, &m, NULL, 0);
        process_end(s->pidfd);
        process_end_orphans(s);
    }
    skep__process_close(&s->socket);
    skep__process_close(&s->pidfd);
    for (uint32_t i = 0; i < s->setup.child_max; i++) {
        if (s->memory[i].order) munmap(s->memory[i].order, s->setup.order_bytes);
        if (s->memory[i].own) {
            munmap(s->memory[i].own, s->setup.own_bytes + s->setup.output_bytes);
        }
    }
    if (s->status) munmap(s->status, s->status_bytes);
    if (s->bell) munmap((void *)(uintptr_t)s->bell, s->page);
    free(s->memory);
    free(s->asked);
    free(s);
}
