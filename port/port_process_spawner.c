/* SPDX-License-Identifier: MIT */
/* The loops of the zygote and of spawners. Both have one thread, allocate next to nothing, and
 * sleep in poll() until a message comes or somebody ends.
 *
 * The zygote stays as it was forked: each spawner begins with the same address space, and maps its
 * region before anything else. It reaps nothing (children of an ignored SIGCHLD vanish), and adopts
 * children whose spawner was killed, so that those vanish as well.
 *
 * A spawner says on the status page what became of a child before it reaps it: as long as the page
 * says LIVES, the child's number means this child and no other, which is what makes killing it from
 * the host safe. It tells the same whether the end is a crash, an exit or a kill.
 *
 * All end with the process above them: by the parent's death signal, and when the socket says that
 * nobody is there. Both have a session of their own, so Ctrl-C in a terminal ends the host alone,
 * which then ends them. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "port/port.h"
#include "port/port_process_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a handler needs at most, with room for what jobs do in handlers of their own. */
#define SPAWNER_SIGNAL_STACK ((size_t)64 << 10)

/* ---- what zygote and spawner have in common ------------------------------------------------- */

/* Ends this process together with its parent, which may be gone already. */
static void spawner_die_with(pid_t parent)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent) _exit(0);
}

/* Puts every signal back to what a fresh program has. */
static void spawner_reset_signals(void)
{
    struct sigaction action = {.sa_handler = SIG_DFL};
    sigset_t none;
    sigemptyset(&action.sa_mask);
    for (int number = 1; number < NSIG; number++) sigaction(number, &action, NULL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* ---- the spawner's children ----------------------------------------------------------------- */

static void spawner_ring(const skep__process_spawner *s)
{
    atomic_fetch_add(s->bell, 1);
    skep__port_shared_wake(s->bell, INT_MAX);
}

static void spawner_say(const skep__process_spawner *s, uint32_t child, int how,
                        skep__port_child_state state)
{
    const skep__process_seat *seat = &s->seats[child];
    atomic_store(&s->status[child].pid, seat->pid);
    atomic_store(&s->status[child].word, skep__process_word(seat->generation, how, state));
    spawner_ring(s);
}

/* A child ended, and is a zombie still. */
static void spawner_ended(skep__process_spawner *s, const siginfo_t *info)
{
    int how = info->si_status & 0x7f;
    if (info->si_code == CLD_EXITED) how = (info->si_status & 0xff) << 8;
    if (info->si_code == CLD_DUMPED) how |= 0x80;
    for (uint32_t i = 0; i < s->seats_given; i++) {
        if (s->seats[i].pid != info->si_pid) continue;
        spawner_say(s, i, how, SKEP__CHILD_ENDED);
        s->seats[i].pid = 0;
    }
    siginfo_t gone;
    while (waitid(P_PID, (id_t)info->si_pid, &gone, WEXITED) < 0 && errno == EINTR) {
    }
}

/* Reports and reaps all that have ended. */
static void spawner_reap(skep__process_spawner *s)
{
    struct signalfd_siginfo drop[4];
    while (read(s->signals, drop, sizeof drop) > 0) {
    }
    for (;;) {
        siginfo_t info;
        memset(&info, 0, sizeof info);
        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || !info.si_pid) return;
        spawner_ended(s, &info);
    }
}

static void spawner_fork(skep__process_spawner *s, uint32_t child)
{
    skep__process_seat *seat = &s->seats[child];
    seat->generation++;
    SKEP_ASSERT(!seat->pid);
    const pid_t pid = fork();
    if (pid == 0) skep__process_child(s, child);
    seat->pid = pid > 0 ? pid : 0;
    spawner_say(s, child, 0, pid > 0 ? SKEP__CHILD_LIVES : SKEP__CHILD_FAILED);
}

/* Kills all, waits until they are gone, and ends. */
static _Noreturn void spawner_leave(skep__process_spawner *s)
{
    for (uint32_t i = 0; i < s->seats_given; i++) {
        if (s->seats[i].pid) kill(s->seats[i].pid, SIGKILL);
    }
    for (;;) {
        siginfo_t info;
        memset(&info, 0, sizeof info);
        if (waitid(P_ALL, 0, &info, WEXITED | WNOWAIT) == 0) {
            spawner_ended(s, &info);
        } else if (errno != EINTR) {
            _exit(0);
        }
    }
}

/* ---- setting up ----------------------------------------------------------------------------- */

/* Reserves addresses for a child's memory of one kind, with guards on both sides. */
static uint8_t *spawner_reserve(size_t bytes)
{
    uint8_t *at = mmap(NULL, bytes + 2 * SKEP__PROCESS_GUARD, PROT_NONE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return at == MAP_FAILED ? NULL : at + SKEP__PROCESS_GUARD;
}

static void *spawner_map(size_t bytes, int flags, int fd)
{
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, fd, 0);
    return at == MAP_FAILED ? NULL : at;
}

/* Maps the region where it is in the host. */
static bool spawner_map_region(const skep__process_setup *setup, int fd, skep__process_answer *a)
{
    void *at = mmap(setup->region_base, setup->region_bytes, PROT_READ,
                    MAP_SHARED | MAP_NORESERVE | MAP_FIXED_NOREPLACE, fd, 0);
    if (at == setup->region_base) return true;
    const bool taken = at != MAP_FAILED || errno == EEXIST;
    if (at != MAP_FAILED) munmap(at, setup->region_bytes);
    a->status = SKEP_NO_MEMORY;
    snprintf(a->text, sizeof a->text, "the region cannot be mapped at %p in the spawner: %s",
             setup->region_base,
             taken ? "something is there since the zygote was forked; open another region, and "
                     "start the zygote early"
                   : strerror(errno));
    return false;
}

/* Finds the stack's end and how much private memory is in use, for the limits of children. */
static void spawner_measure(skep__process_spawner *s)
{
    skep__process_map map;
    const uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    s->stack_end = skep__process_map_at(here, &map) ? map.end : here;
    s->data_bytes = skep__process_status_field("VmData:") << 10;
}

static void spawner_set_up(skep__process_spawner *s, const skep__process_message *m, const int *fds,
                           skep__process_answer *a)
{
    s->setup = m->u.setup;
    if (!spawner_map_region(&s->setup, fds[0], a)) return;
    const size_t page = skep__port_page_bytes();
    const size_t status_bytes = skep__align(s->setup.child_max * sizeof *s->status, page);
    const int shared = MAP_SHARED;
    const int own = MAP_PRIVATE | MAP_ANONYMOUS;
    s->seats = spawner_map(s->setup.child_max * sizeof *s->seats, own, -1);
    s->status = spawner_map(status_bytes, shared, fds[1]);
    s->bell = spawner_map(page, shared, fds[2]);
    s->order = spawner_reserve(s->setup.order_bytes);
    s->own = spawner_reserve(s->setup.own_bytes);
    s->output = spawner_reserve(s->setup.output_bytes);
    s->signal_stack_bytes = SPAWNER_SIGNAL_STACK;
    s->signal_stack = spawner_map(s->signal_stack_bytes + page, own, -1);
    a->status = SKEP_NO_MEMORY;
    snprintf(a->text, sizeof a->text, "the spawner has no memory left");
    if (!s->seats || !s->status || !s->bell || !s->order || !s->own || !s->output) return;
    if (!s->signal_stack) return;
    /* Children never see the page that says who lives. */
    if (madvise(s->status, status_bytes, MADV_DONTFORK) != 0) return;
    a->status = SKEP_UNSUPPORTED;
    snprintf(a->text, sizeof a->text,
             "this kernel has no filter of system calls (seccomp): processes work with seccomp "
             "off, and jobs may then make any");
    if (!s->setup.seccomp_off && !skep__process_seccomp_available()) return;
    if (s->setup.seccomp_off) s->landlock = skep__process_landlock_open();
    a->status = SKEP_OK;
    a->text[0] = 0;
    s->ready = true;
    spawner_measure(s);
}

/* ---- the spawner's loop --------------------------------------------------------------------- */

static void spawner_answer(const skep__process_spawner *s, const skep__process_message *message,
                           bool with_pidfd)
{
    int pidfd = with_pidfd ? skep__process_pidfd(getpid()) : -1;
    skep__process_send(s->socket, message, &pidfd, pidfd >= 0 ? 1 : 0);
    skep__process_close(&pidfd);
}

/* Takes a child's memory; with the last one, says whether all came through. */
static void spawner_take_child(skep__process_spawner *s, uint32_t child, int *fds,
                               skep__process_message *answer)
{
    if (!s->ready || child != s->seats_given || child >= s->setup.child_max) return;
    s->seats[child].order = fds[0];
    s->seats[child].own = fds[1];
    s->short_of_files = s->short_of_files || fds[0] < 0 || fds[1] < 0;
    fds[0] = fds[1] = -1;
    s->seats_given++;
    if (s->seats_given < s->setup.child_max) return;
    if (s->short_of_files) {
        answer->u.answer.status = SKEP_NO_MEMORY;
        snprintf(answer->u.answer.text, sizeof answer->u.answer.text,
                 "the spawner has no descriptors left, two a worker: raise the limit of open "
                 "files (ulimit -Hn)");
    }
    spawner_answer(s, answer, false);
}

/* Does what one message says. */
static void spawner_obey(skep__process_spawner *s, const skep__process_message *m, int *fds)
{
    static const skep__process_message nothing = {.kind = SKEP__PROCESS_ANSWER};
    const bool known = m->child < s->seats_given;
    skep__process_message answer = nothing;
    answer.generation = m->generation;
    switch (m->kind) {
    case SKEP__PROCESS_SETUP:
        spawner_set_up(s, m, fds, &answer.u.answer);
        spawner_answer(s, &answer, true);
        break;
    case SKEP__PROCESS_CHILD:
        spawner_take_child(s, m->child, fds, &answer);
        break;
    case SKEP__PROCESS_FORK:
        if (known) spawner_fork(s, m->child);
        break;
    case SKEP__PROCESS_KILL:
        if (known && s->seats[m->child].pid && s->seats[m->child].generation == m->generation) {
            kill(s->seats[m->child].pid, SIGKILL);
        }
        break;
    case SKEP__PROCESS_ADDRESS:
        skep__process_code_find(&m->u.code, &answer.u.answer);
        spawner_measure(s);
        spawner_answer(s, &answer, false);
        break;
    case SKEP__PROCESS_CLOSE:
        spawner_leave(s);
    default:
        break;
    }
}

static _Noreturn void spawner_loop(int socket, pid_t zygote)
{
    skep__process_spawner s = {.socket = socket, .landlock = -1, .pid = getpid()};
    skep__process_message message;
    int fds[SKEP__PROCESS_FDS_MAX];
    sigset_t child;
    spawner_die_with(zygote);
    prctl(PR_SET_NAME, "skep spawner");
    signal(SIGCHLD, SIG_DFL);
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_SETMASK, &child, NULL);
    s.signals = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    if (s.signals < 0) _exit(1);
    struct pollfd p[2] = {{socket, POLLIN, 0}, {s.signals, POLLIN, 0}};
    for (;;) {
        if (poll(p, 2, -1) < 0 && errno != EINTR) spawner_leave(&s);
        if (p[1].revents) spawner_reap(&s);
        if (!p[0].revents) continue;
        if (!skep__process_receive(socket, &message, fds)) spawner_leave(&s);
        spawner_obey(&s, &message, fds);
        for (int i = 0; i < SKEP__PROCESS_FDS_MAX; i++) skep__process_close(&fds[i]);
    }
}

/* ---- the zygote ----------------------------------------------------------------------------- */

/* Forks a spawner that talks over `socket`; where that fails, says so there. */
static void zygote_fork(int own_socket, int host_pidfd, int socket)
{
    const pid_t zygote = getpid();
    const pid_t pid = fork();
    if (pid == 0) {
        close(own_socket);
        close(host_pidfd);
        spawner_loop(socket, zygote);
    }
    if (pid > 0) return;
    skep__process_message answer = {.kind = SKEP__PROCESS_ANSWER};
    answer.u.answer.status = SKEP_NO_MEMORY;
    snprintf(answer.u.answer.text, sizeof answer.u.answer.text,
             "the system has no process left for a spawner: %s", strerror(errno));
    skep__process_send(socket, &answer, NULL, 0);
}

#if defined(__GLIBC__)
/* What the host registered with atexit() is none of a child's business: a job that calls exit()
 * ends here, before those. */
static void zygote_exit(int code, void *arg)
{
    (void)arg;
    _exit(code);
}
#endif

/* Gives up what the host had: files, handlers, terminal, and being looked into by other processes
 * of the same user. Returns the socket's new number. */
static int zygote_strip(int socket)
{
    struct rlimit files;
    socket = fcntl(socket, F_DUPFD_CLOEXEC, 4); /* a host without standard streams has it at 0 */
    const int null = open("/dev/null", O_RDWR);
    if (null >= 0) {
        dup2(null, STDIN_FILENO);
        dup2(null, STDOUT_FILENO);
        if (fcntl(STDERR_FILENO, F_GETFD) < 0) dup2(null, STDERR_FILENO);
    }
    if (dup3(socket, 3, O_CLOEXEC) != 3) _exit(1);
    skep__process_close_from(4);
    spawner_reset_signals();
    setsid();
    prctl(PR_SET_DUMPABLE, 0);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
#if defined(__GLIBC__)
    on_exit(zygote_exit, NULL);
#endif
    return 3;
}

_Noreturn void skep__process_zygote(int socket, pid_t host)
{
    skep__process_message message;
    int fds[SKEP__PROCESS_FDS_MAX];
    spawner_die_with(host);
    socket = zygote_strip(socket);
    prctl(PR_SET_NAME, "skep zygote");
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    signal(SIGCHLD, SIG_IGN);
    int host_pidfd = skep__process_pidfd(host);
    struct pollfd p[2] = {{socket, POLLIN, 0}, {host_pidfd, POLLIN, 0}};
    for (;;) {
        const int n = poll(p, 2, -1);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 || p[1].revents) _exit(0);
        if (!skep__process_receive(socket, &message, fds)) _exit(0);
        if (message.kind == SKEP__PROCESS_SPAWNER && fds[0] >= 0) {
            zygote_fork(socket, host_pidfd, fds[0]);
        }
        for (int i = 0; i < SKEP__PROCESS_FDS_MAX; i++) skep__process_close(&fds[i]);
    }
}
