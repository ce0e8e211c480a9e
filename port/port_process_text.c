/* SPDX-License-Identifier: MIT */
/* How a child ended, in words. The status is the kernel's and true; what its handler noted was the
 * child's to write, so it only makes a true sentence longer, and nothing of it is a pointer. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "port/port_process_linux.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>

typedef struct text_name {
    int number;
    const char *name;
} text_name;

static const text_name TEXT_CALLS[] = {
#define X(call) {SYS_##call, #call},
#include "port/port_process_calls.inl"
#undef X
};

static const text_name TEXT_SIGNALS[] = {
    {SIGSEGV, "SIGSEGV"}, {SIGBUS, "SIGBUS"},   {SIGFPE, "SIGFPE"},   {SIGILL, "SIGILL"},
    {SIGABRT, "SIGABRT"}, {SIGSYS, "SIGSYS"},   {SIGKILL, "SIGKILL"}, {SIGTERM, "SIGTERM"},
    {SIGINT, "SIGINT"},   {SIGQUIT, "SIGQUIT"}, {SIGHUP, "SIGHUP"},   {SIGPIPE, "SIGPIPE"},
    {SIGALRM, "SIGALRM"}, {SIGUSR1, "SIGUSR1"}, {SIGUSR2, "SIGUSR2"}, {SIGTRAP, "SIGTRAP"},
    {SIGXCPU, "SIGXCPU"}, {SIGXFSZ, "SIGXFSZ"},
};

/* The name of a number; "signal 63" or "system call 999" where it has none. */
static const char *text_find(const text_name *names, size_t count, int number, const char *what,
                             char *out, size_t max)
{
    for (size_t i = 0; i < count; i++) {
        if (names[i].number == number) return names[i].name;
    }
    snprintf(out, max, "%s %d", what, number);
    return out;
}

/* Whether it is a call that printf() makes; few know which. */
static bool text_prints(uint32_t call)
{
#ifdef SYS_newfstatat
    if (call == SYS_newfstatat) return true;
#endif
#ifdef SYS_fstat
    if (call == SYS_fstat) return true;
#endif
    return call == SYS_write;
}

static void text_memory(const char *signal, const skep__port_child_trap *trap, const char *where,
                        char *out, size_t max)
{
    static const char *const did[] = {"touched", "read", "wrote to", "jumped to"};
    const uint32_t access = trap->access;
    if (access == SKEP__CHILD_ACCESS_STACK) {
        snprintf(out, max, "crashed: %s, its stack of 8 MiB overflowed", signal);
    } else if (access == SKEP__CHILD_ACCESS_UNKNOWN && !trap->address) {
        snprintf(out, max, "crashed: %s, it touched an address that cannot be", signal);
    } else {
        snprintf(out, max, "crashed: %s, it %s address 0x%" PRIx64 "%s%s%s", signal,
                 access <= SKEP__CHILD_ACCESS_RUN ? did[access] : did[0], trap->address,
                 where ? " (" : "", where ? where : "", where ? ")" : "");
    }
}

const char *skep__port_child_end_text(int how, const skep__port_child_trap *trap, const char *where,
                                      char *out, size_t max)
{
    char number[40];
    char call[40];
    if (WIFEXITED(how)) {
        snprintf(out, max, "ended itself with exit code %d", WEXITSTATUS(how));
        return out;
    }
    const int signal = WTERMSIG(how);
    const char *name = text_find(TEXT_SIGNALS, sizeof TEXT_SIGNALS / sizeof *TEXT_SIGNALS, signal,
                                 "signal", number, sizeof number);
    const bool noted = trap && atomic_load(&trap->signal) == (uint32_t)signal;
    if (signal == SIGKILL) {
        snprintf(out, max, "was killed (by the host's deadline or the system's memory killer)");
    } else if (signal == SIGSYS && noted) {
        snprintf(out, max, "killed by SIGSYS: jobs may not call %s%s",
                 text_find(TEXT_CALLS, sizeof TEXT_CALLS / sizeof *TEXT_CALLS, (int)trap->syscall,
                           "system call", call, sizeof call),
                 text_prints(trap->syscall) ? " (printing does)" : "");
    } else if (signal == SIGSYS) {
        snprintf(out, max, "killed by SIGSYS: jobs may not make that system call");
    } else if ((signal == SIGSEGV || signal == SIGBUS) && noted) {
        text_memory(name, trap, where, out, max);
    } else if (signal == SIGSEGV || signal == SIGBUS) {
        snprintf(out, max, "crashed: %s, it touched memory that it has not", name);
    } else if (signal == SIGFPE) {
        snprintf(out, max, "crashed: SIGFPE, it divided an integer by zero or overflowed it");
    } else if (signal == SIGILL || signal == SIGTRAP) {
        snprintf(out, max, "crashed: %s, it ran into a trap or no instruction at all", name);
    } else if (signal == SIGABRT) {
        snprintf(out, max, "aborted itself (SIGABRT)");
    } else {
        snprintf(out, max, "was killed by %s", name);
    }
    return out;
}
