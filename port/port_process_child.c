/* SPDX-License-Identifier: MIT */
/* What a child does with itself before it runs anything: its own memory to fixed places between
 * guards, every descriptor closed, limits, no privileges, handlers that note what the last signal
 * was about, the filter of system calls. From then on it can reach
 *
 *     the region        read-only, of a mapping that cannot become anything else
 *     order             read-only, likewise
 *     own, output       its own
 *     bell              one word that only says "look"
 *     private memory    what the zygote had of the host, copied when written
 *
 * A handler's data lies behind the stack that it runs on, whose address the kernel tells it, since
 * there is no global it could ask. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "port/port_process_linux.h"

#include <errno.h>
#include <fenv.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

/* What the main thread of a program has by default, and workers that are threads have. */
#define CHILD_STACK_BYTES ((uintptr_t)8 << 20)

#define CHILD_HANDLER_FLAGS ((int)(SA_SIGINFO | SA_ONSTACK | SA_RESETHAND | SA_NODEFER))

/* ---- the last signal ------------------------------------------------------------------------ */

#if defined(__aarch64__)
/* The syndrome register, from among the records behind the registers; 0 where it is missing. */
static uint64_t child_syndrome(const ucontext_t *uc)
{
    const uint8_t *at = uc->uc_mcontext.__reserved;
    for (size_t left = sizeof uc->uc_mcontext.__reserved; left >= 16;) {
        uint32_t head[2];
        uint64_t value = 0;
        memcpy(head, at, sizeof head);
        memcpy(&value, at + 8, sizeof value);
        if (head[0] == 0x45535201u) return value;
        if (!head[0] || head[1] < 16 || head[1] > left) break;
        at += head[1];
        left -= head[1];
    }
    return 0;
}
#endif

/* Whether the access that failed was a read, a write or a jump. */
static skep__port_child_access child_access(const ucontext_t *uc)
{
#if defined(__x86_64__)
    const uint64_t error = (uint64_t)uc->uc_mcontext.gregs[REG_ERR]; /* Intel SDM 3A, 4.7 */
    if (error & 0x10u) return SKEP__CHILD_ACCESS_RUN;
    return error & 2u ? SKEP__CHILD_ACCESS_WRITE : SKEP__CHILD_ACCESS_READ;
#elif defined(__aarch64__)
    const uint64_t esr = child_syndrome(uc); /* Arm ARM D17.2.37: EC, then WnR of data aborts */
    const uint64_t class = esr >> 26 & 0x3fu;
    if (class == 0x20u) return SKEP__CHILD_ACCESS_RUN;
    if (class != 0x24u) return SKEP__CHILD_ACCESS_UNKNOWN;
    return esr & 0x40u ? SKEP__CHILD_ACCESS_WRITE : SKEP__CHILD_ACCESS_READ;
#else
    (void)uc;
    return SKEP__CHILD_ACCESS_UNKNOWN;
#endif
}

static void child_note(const skep__process_signal_page *page, int number, const siginfo_t *info,
                       const ucontext_t *uc)
{
    skep__port_child_trap *trap = page->trap;
    trap->address = 0;
    trap->syscall = 0;
    trap->access = SKEP__CHILD_ACCESS_UNKNOWN;
    if (number == SIGSYS) trap->syscall = (uint32_t)info->si_syscall;
    if ((number == SIGSEGV || number == SIGBUS) && info->si_code > 0 && info->si_code < SI_KERNEL) {
        const uintptr_t address = (uintptr_t)info->si_addr;
        trap->address = address;
        trap->access = child_access(uc);
        /* A frame may be large: what lies a little below counts, too. */
        if (address < page->stack_low + 65536 && address >= page->stack_low - CHILD_STACK_BYTES / 8)
            trap->access = SKEP__CHILD_ACCESS_STACK;
    }
    atomic_store(&trap->signal, (uint32_t)number);
}

/* Notes what the signal is about, and lets the process die of it. The handler is gone once it runs,
 * so a fault that is returned to kills; what would go on behind the call dies here. */
static void child_on_signal(int number, siginfo_t *info, void *context)
{
    const ucontext_t *uc = context;
    const uint8_t *behind = (const uint8_t *)uc->uc_stack.ss_sp + uc->uc_stack.ss_size;
    skep__process_signal_page page;
    memcpy(&page, behind, sizeof page);
    child_note(&page, number, info, uc);
    /* Dying takes the system half a millisecond; whoever waits may go on without this one. */
    atomic_fetch_add(page.bell, 1);
    skep__port_shared_wake(page.bell, 1);
    if (number != SIGSYS && number != SIGABRT && info->si_code > 0) return;
    syscall(SYS_tgkill, getpid(), (pid_t)syscall(SYS_gettid), number);
}

static void child_handle_signals(const skep__process_spawner *s)
{
    static const int numbers[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS};
    const stack_t stack = {.ss_sp = s->signal_stack, .ss_size = s->signal_stack_bytes};
    const uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    skep__process_signal_page page = {
        .trap = (skep__port_child_trap *)(void *)(s->own + s->setup.trap_offset),
        .bell = s->bell,
        .stack_low = here - CHILD_STACK_BYTES};
    struct rlimit limit;
    struct sigaction action = {.sa_flags = CHILD_HANDLER_FLAGS};
    sigset_t none;
    /* The limit counts from the stack's end. */
    if (s->stack_end > here && getrlimit(RLIMIT_STACK, &limit) == 0) {
        const rlim_t want = (rlim_t)(s->stack_end - here + CHILD_STACK_BYTES);
        if (limit.rlim_max == RLIM_INFINITY || limit.rlim_max >= want) {
            limit.rlim_cur = limit.rlim_max = want;
            setrlimit(RLIMIT_STACK, &limit);
        }
        page.stack_low = s->stack_end - (uintptr_t)limit.rlim_cur;
    }
    memcpy(s->signal_stack + s->signal_stack_bytes, &page, sizeof page);
    sigaltstack(&stack, NULL);
    action.sa_sigaction = child_on_signal;
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        sigaction(numbers[i], &action, NULL);
    }
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* ---- the rest ------------------------------------------------------------------------------- */

static void child_limit(int what, rlim_t value)
{
    struct rlimit limit;
    if (getrlimit((__rlimit_resource_t)what, &limit) != 0) return;
    if (limit.rlim_max != RLIM_INFINITY && limit.rlim_max < value) value = limit.rlim_max;
    limit.rlim_cur = limit.rlim_max = value;
    setrlimit((__rlimit_resource_t)what, &limit);
}

static void child_limits(const skep__process_spawner *s)
{
    child_limit(RLIMIT_CORE, 0);
    child_limit(RLIMIT_NPROC, 0);
    child_limit(RLIMIT_MEMLOCK, 0);
    child_limit(RLIMIT_DATA, (rlim_t)(s->data_bytes + s->setup.worker_bytes_max));
    if (!s->setup.seccomp_off && !SKEP__PROCESS_SANITIZED) child_limit(RLIMIT_FSIZE, 0);
}

/* Maps the child's own memory between the guards. */
static bool child_map(const skep__process_spawner *s, const skep__process_seat *seat)
{
    const skep__process_setup *d = &s->setup;
    const int flags = MAP_SHARED | MAP_FIXED;
    return mmap(s->order, d->order_bytes, PROT_READ, flags, seat->order, 0) == s->order &&
           mmap(s->own, d->own_bytes, PROT_READ | PROT_WRITE, flags, seat->own, 0) == s->own &&
           mmap(s->output, d->output_bytes, PROT_READ | PROT_WRITE, flags, seat->own,
                (off_t)d->own_bytes) == s->output;
}

/* Closes all descriptors; without the short list of calls, and where sanitizers have something to
 * say, standard error stays. */
static void child_close_all(const skep__process_spawner *s)
{
    const bool keep = SKEP__PROCESS_SANITIZED || s->setup.seccomp_off;
    const int first = keep ? STDERR_FILENO + 1 : 0;
    if (keep) {
        close(STDIN_FILENO);
        close(STDOUT_FILENO);
    }
    skep__process_close_from(first);
}

/* Gives up the privileges of a host that runs as root: then nothing of the host can be traced or
 * written to by a child, which has fewer. */
static void child_drop_capabilities(void)
{
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct none[2];
    memset(none, 0, sizeof none);
    syscall(SYS_capset, &head, none);
}

_Noreturn void skep__process_child(const skep__process_spawner *s, uint32_t child)
{
    const skep__process_seat *seat = &s->seats[child];
    const skep__port_child_view view = {
        .child = child, .order = s->order, .own = s->own, .output = s->output, .bell = s->bell};
    char name[16];
    snprintf(name, sizeof name, "skep worker %u", child);
    prctl(PR_SET_NAME, name);
    if (!child_map(s, seat)) _exit(1);
    skep__process_landlock(s->landlock);
    child_close_all(s);
    fesetenv(FE_DFL_ENV);
    child_limits(s);
    child_drop_capabilities();
    child_handle_signals(s);
    /* Last of what touches privileges, since losing some takes this back. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != s->pid) _exit(1);
    if (!skep__process_seccomp(s->setup.seccomp_off)) _exit(1);
    s->setup.child_main(&view);
    _exit(1);
}
