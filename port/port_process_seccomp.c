/* SPDX-License-Identifier: MIT */
/* Which system calls a child may make, as a filter that the kernel runs (seccomp). Two of them:
 *
 *     the short list   memory of its own, futexes, the clock, its end. Anything else raises SIGSYS,
 *                      whose handler notes the call's number before the process dies of it
 *     open             every call but those that reach into other processes' memory or sleep, make
 *                      new processes or threads, or outlive the spawner: these fail with EPERM.
 *                      What makes the region safe and an end final does not hang on an option.
 *
 * With the open one a child could still open /proc/PID/mem of a process of the same user, which no
 * filter of numbers can tell from another file. Where the host is root, a child that has no
 * privileges may not; elsewhere Landlock forbids it, or Yama where that is on.
 *
 * Calls in another convention (32 bits, x32) have other numbers, so they end the process at once in
 * both. mprotect is not on the short list: a child has one thread, and malloc needs it for others'
 * arenas alone. Arguments are compared by their lower half where the kernel looks at no more. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "port/port_process_linux.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define FILTER_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define FILTER_ARCH AUDIT_ARCH_AARCH64
#else
#define FILTER_ARCH 0 /* no filter: see skep__process_seccomp_available */
#endif

#ifndef SECCOMP_RET_KILL_PROCESS
#define SECCOMP_RET_KILL_PROCESS 0x80000000u
#endif

/* Of linux/landlock.h, which is younger than some systems that this is built on. */
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_restrict_self 446
#endif
#define FILTER_LANDLOCK_MAKE_BLOCK ((uint64_t)1 << 11)

/* Younger than most systems' headers (Linux 6.7), and the same number everywhere. */
#define FILTER_FUTEX_REQUEUE 456

#define FILTER_X32_BIT 0x40000000u
#define FILTER_MAX 160
#define FILTER_SPEC_ALLOW ((unsigned)1 << 2)
#define FILTER_NO_FILE (SECCOMP_RET_ERRNO | EBADF)

/* A filter while it is written. Between its rules the accumulator holds the call's number: a rule
 * that loads something else always ends in a return. */
typedef struct filter {
    struct sock_filter at[FILTER_MAX];
    uint16_t count;
} filter;

static void filter_put(filter *f, uint16_t code, uint32_t value, uint8_t yes, uint8_t no)
{
    SKEP_ASSERT(f->count < FILTER_MAX);
    f->at[f->count++] = (struct sock_filter){code, yes, no, value};
}

static void filter_load(filter *f, size_t offset)
{
    filter_put(f, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void filter_return(filter *f, uint32_t action)
{
    filter_put(f, BPF_RET | BPF_K, action, 0, 0);
}

/* The lower half of an argument; both processors have it first. */
static size_t filter_argument(uint32_t number)
{
    return offsetof(struct seccomp_data, args) + number * sizeof(uint64_t);
}

/* If it is this call, then `action`. */
static void filter_call(filter *f, long call, uint32_t action)
{
    filter_put(f, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call, 0, 1);
    filter_return(f, action);
}

/* If it is this call and the argument is `value`, then `yes`, else, of this call, `no`. */
static void filter_call_if(filter *f, long call, uint32_t argument, uint32_t value, uint32_t yes,
                           uint32_t no)
{
    filter_put(f, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call, 0, 4);
    filter_load(f, filter_argument(argument));
    filter_put(f, BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1);
    filter_return(f, yes);
    filter_return(f, no);
}

#if !defined(__GLIBC__)
/* mprotect, which musl's malloc needs: never to code. */
static void filter_mprotect(filter *f)
{
    filter_put(f, BPF_JMP | BPF_JEQ | BPF_K, SYS_mprotect, 0, 4);
    filter_load(f, filter_argument(2));
    filter_put(f, BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 1, 0);
    filter_return(f, SECCOMP_RET_ALLOW);
    filter_return(f, SECCOMP_RET_TRAP);
}
#endif

/* futex: waiting and waking. A waiter that was moved from the bell to another word would sleep on
 * when it rings, so that is the one thing that a child could do to the host. */
static void filter_futex(filter *f, uint32_t no)
{
    filter_put(f, BPF_JMP | BPF_JEQ | BPF_K, SYS_futex, 0, 8);
    filter_load(f, filter_argument(1));
    filter_put(f, BPF_ALU | BPF_AND | BPF_K, (uint32_t)FUTEX_CMD_MASK, 0, 0);
    filter_put(f, BPF_JMP | BPF_JEQ | BPF_K, FUTEX_WAIT, 3, 0);
    filter_put(f, BPF_JMP | BPF_JEQ | BPF_K, FUTEX_WAKE, 2, 0);
    filter_put(f, BPF_JMP | BPF_JEQ | BPF_K, FUTEX_WAIT_BITSET, 1, 0);
    filter_put(f, BPF_JMP | BPF_JEQ | BPF_K, FUTEX_WAKE_BITSET, 0, 1);
    filter_return(f, SECCOMP_RET_ALLOW);
    filter_return(f, no);
}

static void filter_begin(filter *f)
{
    filter_load(f, offsetof(struct seccomp_data, arch));
    filter_put(f, BPF_JMP | BPF_JEQ | BPF_K, FILTER_ARCH, 1, 0);
    filter_return(f, SECCOMP_RET_KILL_PROCESS);
    filter_load(f, offsetof(struct seccomp_data, nr));
#if defined(__x86_64__)
    filter_put(f, BPF_JMP | BPF_JGE | BPF_K, FILTER_X32_BIT, 0, 1);
    filter_return(f, SECCOMP_RET_KILL_PROCESS);
#endif
}

/* mmap: private memory without a file, that holds no code. */
static void filter_mmap(filter *f)
{
    const uint32_t kind = MAP_ANONYMOUS | 0x0fu; /* and MAP_SHARED, MAP_PRIVATE and their like */
    filter_put(f, BPF_JMP | BPF_JEQ | BPF_K, SYS_mmap, 0, 7);
    filter_load(f, filter_argument(2));
    filter_put(f, BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 4, 0);
    filter_load(f, filter_argument(3));
    filter_put(f, BPF_ALU | BPF_AND | BPF_K, kind, 0, 0);
    filter_put(f, BPF_JMP | BPF_JEQ | BPF_K, MAP_ANONYMOUS | MAP_PRIVATE, 0, 1);
    filter_return(f, SECCOMP_RET_ALLOW);
    filter_return(f, SECCOMP_RET_TRAP);
}

static void filter_short_list(filter *f)
{
    static const uint16_t calls[] = {
        SYS_sched_yield,     SYS_exit_group,   SYS_exit,      SYS_rt_sigreturn,
        SYS_clock_gettime,   SYS_gettimeofday, SYS_nanosleep, SYS_clock_nanosleep,
        SYS_restart_syscall, SYS_brk,          SYS_munmap,    SYS_mremap,
        SYS_madvise,         SYS_getrandom,    SYS_gettid,    SYS_getpid,
        SYS_rt_sigprocmask,
    };
    static const uint16_t sanitizers[] = {SYS_write, SYS_ioctl, SYS_getrusage, SYS_sigaltstack};
    const uint32_t self = (uint32_t)getpid();
    filter_futex(f, SECCOMP_RET_TRAP);
    for (size_t i = 0; SKEP__PROCESS_SANITIZED && i < sizeof sanitizers / sizeof *sanitizers; i++) {
        filter_call(f, sanitizers[i], SECCOMP_RET_ALLOW);
    }
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        filter_call(f, calls[i], SECCOMP_RET_ALLOW);
    }
    filter_mmap(f);
#if !defined(__GLIBC__)
    filter_mprotect(f);
#endif
    /* What aborts says why first: the C library of a damaged heap, asserts. That is lost here,
     * since standard error is closed; but the end should be called by its name. */
    filter_call_if(f, SYS_write, 0, STDERR_FILENO, FILTER_NO_FILE, SECCOMP_RET_TRAP);
    filter_call_if(f, SYS_writev, 0, STDERR_FILENO, FILTER_NO_FILE, SECCOMP_RET_TRAP);
    /* abort() raises SIGABRT, and sets the signal back before it does so again. */
    filter_call_if(f, SYS_tgkill, 0, self, SECCOMP_RET_ALLOW, SECCOMP_RET_TRAP);
    filter_call_if(f, SYS_tkill, 0, self, SECCOMP_RET_ALLOW, SECCOMP_RET_TRAP);
    filter_call_if(f, SYS_rt_sigaction, 0, SIGSYS, SECCOMP_RET_TRAP, SECCOMP_RET_ALLOW);
    filter_return(f, SECCOMP_RET_TRAP);
}

static void filter_open(filter *f)
{
    const uint32_t no = SECCOMP_RET_ERRNO | EPERM;
    static const uint16_t calls[] = {
        SYS_ptrace,
        SYS_process_vm_readv,
        SYS_process_vm_writev,
        SYS_clone,
#ifdef SYS_fork
        SYS_fork,
#endif
#ifdef SYS_vfork
        SYS_vfork,
#endif
#ifdef SYS_pidfd_getfd
        SYS_pidfd_getfd,
#endif
#ifdef SYS_process_madvise
        SYS_process_madvise,
#endif
    };
    filter_futex(f, no);
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) filter_call(f, calls[i], no);
    filter_call(f, FILTER_FUTEX_REQUEUE, no);
#ifdef SYS_clone3
    filter_call(f, SYS_clone3, no);
#endif
    filter_call_if(f, SYS_prctl, 0, PR_SET_PDEATHSIG, no, SECCOMP_RET_ALLOW);
    filter_return(f, SECCOMP_RET_ALLOW);
}

bool skep__process_seccomp_available(void)
{
    const uint32_t action = SECCOMP_RET_TRAP;
    if (!FILTER_ARCH) return false;
    return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

bool skep__process_seccomp(bool open)
{
    filter f;
    f.count = 0;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return open;
    if (!FILTER_ARCH) return open;
    filter_begin(&f);
    if (open) {
        filter_open(&f);
    } else {
        filter_short_list(&f);
    }
    const struct sock_fprog program = {f.count, f.at};
    /* Kernels before 5.16 would slow the process down against Spectre, of which a job that reads
     * the whole world anyway makes little. */
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, FILTER_SPEC_ALLOW, &program) == 0 || open;
}

int skep__process_landlock_open(void)
{
    /* A set of rules has to forbid something: making block devices, which nobody may anyway. What
     * counts is that whoever is under any rules reaches no process that is not. */
    const struct {
        uint64_t handled_access_fs;
    } rules = {FILTER_LANDLOCK_MAKE_BLOCK};
    return (int)syscall(SYS_landlock_create_ruleset, &rules, sizeof rules, 0);
}

void skep__process_landlock(int rules)
{
    if (rules < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return;
    syscall(SYS_landlock_restrict_self, rules, 0);
}
