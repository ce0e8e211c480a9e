/* SPDX-License-Identifier: MIT */
/* ctest: waits timeout=180
 * Children that try to get out: to the region, the host, its spawner, another child, the files and
 * the rest of the system. With the filter of system calls each of these ends the child; without it
 * each fails, or ends it, and leaves the region and everybody else as they were. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "process_lab.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define PAGE ((size_t)4096)
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#endif

/* What a piece of work here gives back. */
enum {
    HELD = 0,    /* the system refused all of it */
    ESCAPED = 1, /* something worked that must not */
};

/* What args[0] is. */
typedef enum target { HOST_PID, SPAWNER_PID, SIBLING_PID, TARGETS } target;

/* Writable memory of the region's bytes: a write there would be the escape itself. */
static void scribble(void *at)
{
    memset(at, 0xEE, PAGE);
}

static uint8_t *region_of(const lab_seen *seen)
{
    return (uint8_t *)(uintptr_t)seen->region;
}

/* ---- plain memory --------------------------------------------------------------------------- */

static int64_t work_write_region(const lab_seen *seen, const int64_t *args)
{
    *(volatile uint8_t *)(region_of(seen) + args[0]) = 0xEE;
    return ESCAPED;
}

static int64_t work_write_order(const lab_seen *seen, const int64_t *args)
{
    (void)args;
    *(volatile uint8_t *)(uintptr_t)seen->view->order = 0xEE;
    return ESCAPED;
}

/* args: which memory (0 own, 1 output), offset from its begin. */
static int64_t work_write_near(const lab_seen *seen, const int64_t *args)
{
    uint8_t *at = args[0] ? seen->view->output : seen->view->own;
    *(volatile uint8_t *)(at + args[1]) = 0xEE;
    return ESCAPED;
}

static int64_t work_write_bell_beside(const lab_seen *seen, const int64_t *args)
{
    (void)args;
    *((volatile uint8_t *)(uintptr_t)seen->view->bell + PAGE) = 0xEE;
    return ESCAPED;
}

static SKEP_NOINLINE int64_t recurse(int64_t depth)
{
    volatile uint8_t frame[512];
    frame[depth & 511] = (uint8_t)depth;
    if (depth < 0) return frame[0];
    return recurse(depth + 1) + frame[depth & 511];
}

static int64_t work_recurse(const lab_seen *seen, const int64_t *args)
{
    (void)seen;
    return recurse(args[0]);
}

/* ---- the region, by system calls ------------------------------------------------------------ */

static int64_t work_mprotect_region(const lab_seen *seen, const int64_t *args)
{
    (void)args;
    if (mprotect(region_of(seen), PAGE, PROT_READ | PROT_WRITE) != 0) return HELD;
    scribble(region_of(seen));
    return ESCAPED;
}

static int64_t work_madvise_remove(const lab_seen *seen, const int64_t *args)
{
    (void)args;
    return madvise(region_of(seen), PAGE, MADV_REMOVE) == 0 ? ESCAPED : HELD;
}

/* mremap of a shared mapping with an old size of 0 makes a second one; it must be read-only, too.
 */
static int64_t work_mremap_region(const lab_seen *seen, const int64_t *args)
{
    uint8_t *copy = mremap(region_of(seen), 0, PAGE, MREMAP_MAYMOVE);
    (void)args;
    if (copy == MAP_FAILED) return HELD;
    *(volatile uint8_t *)copy = 0xEE;
    return ESCAPED;
}

/* Own memory made longer must not reach what is another child's. */
static int64_t work_mremap_longer(const lab_seen *seen, const int64_t *args)
{
    (void)args;
    uint8_t *longer =
        mremap(seen->view->output, LAB_OUTPUT_BYTES, LAB_OUTPUT_BYTES + 16 * PAGE, MREMAP_MAYMOVE);
    if (longer == MAP_FAILED) return HELD;
    *(volatile uint8_t *)(longer + LAB_OUTPUT_BYTES) = 0xEE;
    return ESCAPED;
}

/* Memory of one's own in the region's place changes what this child sees, and nothing else. */
static int64_t work_map_over(const lab_seen *seen, const int64_t *args)
{
    (void)args;
    void *at = mmap(region_of(seen), PAGE, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    if (at != MAP_FAILED) scribble(at);
    return HELD;
}

static int64_t work_unmap_own(const lab_seen *seen, const int64_t *args)
{
    (void)args;
    munmap(seen->view->output, LAB_OUTPUT_BYTES);
    munmap(seen->view->own, LAB_OWN_BYTES);
    volatile int64_t *result = &seen->own->result;
    *result = 1;
    return ESCAPED;
}

/* Tries all that can be done to a file that is found to be open or opened. */
static int64_t attack_file(int fd)
{
    int64_t result = HELD;
    void *at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (at != MAP_FAILED) {
        scribble(at);
        result = ESCAPED;
    }
    if (pwrite(fd, "\xEE\xEE\xEE\xEE", 4, 0) > 0) result = ESCAPED;
    if (ftruncate(fd, 0) == 0) result = ESCAPED;
    if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, (off_t)PAGE) == 0) {
        result = ESCAPED;
    }
    if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) == 0) result = ESCAPED;
    at = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
    if (at != MAP_FAILED && mprotect(at, PAGE, PROT_READ | PROT_WRITE) == 0) {
        scribble(at);
        result = ESCAPED;
    }
    return result;
}

/* Any descriptor that is open here. */
static int64_t work_own_fds(const lab_seen *seen, const int64_t *args)
{
    int64_t result = HELD;
    (void)seen;
    for (int fd = (int)args[0]; fd < 1024; fd++) {
        if (fcntl(fd, F_GETFD) >= 0) result = ESCAPED;
    }
    return result;
}

/* Whether a name of /proc leads to the region's file. */
static bool is_region_file(const char *name)
{
    char link[256];
    const ssize_t n = readlink(name, link, sizeof link - 1);
    link[n > 0 ? n : 0] = 0;
    return strstr(link, "skep-") != NULL;
}

/* Opens what /proc/PID/`folder` leads to (fd, map_files) and attacks it. */
static int64_t attack_folder(const char *pid, const char *folder)
{
    char name[300];
    int64_t result = HELD;
    snprintf(name, sizeof name, "/proc/%s/%s", pid, folder);
    DIR *dir = opendir(name);
    for (const struct dirent *e = dir ? readdir(dir) : NULL; e; e = readdir(dir)) {
        snprintf(name, sizeof name, "/proc/%s/%s/%.200s", pid, folder, e->d_name);
        if (!is_region_file(name)) continue;
        const int writing = open(name, O_RDWR | O_CLOEXEC);
        if (writing >= 0 && attack_file(writing)) result = ESCAPED;
        const int reading = open(name, O_RDONLY | O_CLOEXEC);
        if (reading >= 0 && attack_file(reading)) result = ESCAPED;
        if (writing >= 0) close(writing);
        if (reading >= 0) close(reading);
    }
    if (dir) closedir(dir);
    return result;
}

static int64_t work_proc_files(const lab_seen *seen, const int64_t *args)
{
    char pid[32];
    int64_t result = attack_folder("self", "map_files") | attack_folder("self", "fd");
    (void)seen;
    for (uint32_t i = 0; i < TARGETS; i++) {
        snprintf(pid, sizeof pid, "%d", (int)args[i]);
        result |= attack_folder(pid, "map_files") | attack_folder(pid, "fd");
    }
    return result;
}

/* /proc/PID/mem of itself and of everybody, at the region's address. */
static int64_t work_proc_mem(const lab_seen *seen, const int64_t *args)
{
    char name[64] = "/proc/self/mem";
    int64_t result = HELD;
    for (uint32_t i = 0; i <= TARGETS; i++) {
        const int fd = open(name, O_RDWR | O_CLOEXEC);
        if (fd >= 0 && pwrite(fd, "\xEE", 1, (off_t)(uintptr_t)seen->region) > 0) result = ESCAPED;
        if (fd >= 0) close(fd);
        if (i < TARGETS) snprintf(name, sizeof name, "/proc/%d/mem", (int)args[i]);
    }
    return result;
}

/* ---- other processes ------------------------------------------------------------------------ */

static int64_t work_ptrace(const lab_seen *seen, const int64_t *args)
{
    int64_t result = HELD;
    (void)seen;
    for (uint32_t i = 0; i < TARGETS; i++) {
        if (ptrace(PTRACE_SEIZE, (pid_t)args[i], 0, 0) == 0) result = ESCAPED;
    }
    return result;
}

static int64_t work_vm_writev(const lab_seen *seen, const int64_t *args)
{
    uint8_t byte = 0xEE;
    int64_t result = HELD;
    const struct iovec from = {&byte, 1};
    const struct iovec to = {region_of(seen), 1};
    for (uint32_t i = 0; i < TARGETS; i++) {
        if (process_vm_writev((pid_t)args[i], &from, 1, &to, 1, 0) > 0) result = ESCAPED;
    }
    return result;
}

static int64_t work_vm_readv(const lab_seen *seen, const int64_t *args)
{
    uint8_t byte = 0;
    int64_t result = HELD;
    const struct iovec to = {&byte, 1};
    const struct iovec from = {region_of(seen), 1};
    for (uint32_t i = 0; i < TARGETS; i++) {
        if (process_vm_readv((pid_t)args[i], &to, 1, &from, 1, 0) > 0) result = ESCAPED;
    }
    return result;
}

static int64_t work_fork(const lab_seen *seen, const int64_t *args)
{
    int64_t result = HELD;
    (void)seen;
    (void)args;
    for (uint32_t i = 0; i < 100; i++) {
        const pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
        if (pid == 0) _exit(0);
        if (pid > 0) result = ESCAPED;
    }
    return result;
}

/* Moves whoever waits for the bell to a word of one's own. */
static int64_t work_steal_waiter(const lab_seen *seen, const int64_t *args)
{
    (void)args;
    long r = syscall(SYS_futex, seen->view->bell, FUTEX_REQUEUE, 0, (long)INT_MAX,
                     &seen->own->result, 0);
    if (r < 0 && errno == EPERM) {
        r = syscall(SYS_futex, seen->view->bell, FUTEX_WAKE_OP, 0, 0L, &seen->own->result, 0);
    }
    return r < 0 && errno == EPERM ? HELD : ESCAPED;
}

/* Only asked with the filter: what signals another process. */
static int64_t work_kill(const lab_seen *seen, const int64_t *args)
{
    int64_t result = HELD;
    (void)seen;
    for (uint32_t i = 0; i < TARGETS; i++) {
        if (kill((pid_t)args[i], 0) == 0) result = ESCAPED;
    }
    return result;
}

static int64_t work_tgkill(const lab_seen *seen, const int64_t *args)
{
    (void)seen;
    return syscall(SYS_tgkill, args[0], args[0], 0) == 0 ? ESCAPED : HELD;
}

static int64_t work_outlive(const lab_seen *seen, const int64_t *args)
{
    (void)seen;
    (void)args;
    return prctl(PR_SET_PDEATHSIG, 0) == 0 ? ESCAPED : HELD;
}

/* ---- the rest of the system: asked with the filter only ------------------------------------- */

static int64_t work_open(const lab_seen *seen, const int64_t *args)
{
    (void)seen;
    (void)args;
    return open("/etc/passwd", O_RDONLY | O_CLOEXEC) >= 0 ? ESCAPED : HELD;
}

static int64_t work_socket(const lab_seen *seen, const int64_t *args)
{
    (void)seen;
    (void)args;
    return socket(AF_INET, SOCK_STREAM, 0) >= 0 ? ESCAPED : HELD;
}

static int64_t work_exec(const lab_seen *seen, const int64_t *args)
{
    char name[] = "/bin/true";
    char *argv[] = {name, NULL};
    (void)seen;
    (void)args;
    execv(name, argv);
    return HELD;
}

static int64_t work_map_shared(const lab_seen *seen, const int64_t *args)
{
    (void)seen;
    const int flags = (int)args[0];
    return mmap(NULL, PAGE, (int)args[1], flags, -1, 0) != MAP_FAILED ? ESCAPED : HELD;
}

/* Not by signal(), which ThreadSanitizer keeps to itself. */
static int64_t work_catch_sigsys(const lab_seen *seen, const int64_t *args)
{
    uint64_t action[4] = {(uintptr_t)SIG_IGN, 0, 0, 0};
    (void)seen;
    (void)args;
    return syscall(SYS_rt_sigaction, SIGSYS, action, NULL, sizeof(uint64_t)) == 0 ? ESCAPED : HELD;
}

static int64_t work_limits(const lab_seen *seen, const int64_t *args)
{
    const struct rlimit most = {RLIM_INFINITY, RLIM_INFINITY};
    (void)seen;
    (void)args;
    return setrlimit(RLIMIT_DATA, &most) == 0 ? ESCAPED : HELD;
}

/* A call of 32 bits: getpid there is number 20, which here is writev. */
static int64_t work_foreign(const lab_seen *seen, const int64_t *args)
{
    (void)seen;
    (void)args;
#if defined(__x86_64__)
    long r = 20;
    __asm__ volatile("int $0x80" : "+a"(r) : : "memory");
    return r > 0 ? ESCAPED : HELD;
#else
    return ESCAPED;
#endif
}

#if defined(__x86_64__)
static int64_t work_x32(const lab_seen *seen, const int64_t *args)
{
    (void)seen;
    (void)args;
    return syscall(0x40000000L + SYS_getpid) > 0 ? ESCAPED : HELD;
}
#endif

/* ---- memory --------------------------------------------------------------------------------- */

/* Allocates until there is no more, touching all; the result is how many MiB there were. */
static int64_t work_allocate(const lab_seen *seen, const int64_t *args)
{
    int64_t got = 0;
    (void)seen;
    for (; got < args[0]; got++) {
        uint8_t *p = malloc((size_t)1 << 20);
        if (!p) break;
        for (size_t i = 0; i < (size_t)1 << 20; i += PAGE) ((volatile uint8_t *)p)[i] = 1;
    }
    return got;
}

/* ---- the tests ------------------------------------------------------------------------------ */

static void targets(lab *l, int64_t *args)
{
    pid_t siblings[2] = {0, 0};
    lab_fork(l, 3);
    args[HOST_PID] = getpid();
    args[SPAWNER_PID] = lab_spawner_pid(0);
    assert_int_equal(lab_children_of((pid_t)args[SPAWNER_PID], siblings, 2), 1);
    args[SIBLING_PID] = siblings[0];
}

static void unharmed(lab *l, const int64_t *args, const char *what)
{
    if (!lab_region_intact(l)) fail_msg("%s: the region changed", what);
    for (uint32_t i = 0; i < TARGETS; i++) {
        if (!lab_alive((pid_t)args[i])) fail_msg("%s: process %u is gone", what, i);
    }
}

/* One way out: what it is, and what must happen to it with and without the filter. */
typedef struct escape {
    const char *name;
    lab_work *work;
    int64_t a, b;
    int how_filtered; /* signal; 0: it is refused, and the child lives */
    int how_open;     /* likewise; -1: not asked */
    const char *call; /* with SIGSYS: the name in the text */
    bool to_targets;  /* the arguments are the processes around */
} escape;

#define REGION_LAST ((int64_t)LAB_REGION_BYTES - 1)
#define BEHIND_OUTPUT ((int64_t)LAB_OUTPUT_BYTES)
#define BEHIND_OWN ((int64_t)LAB_OWN_BYTES)

static const escape ESCAPES[] = {
    {"write to the region", work_write_region, 0, 0, SIGSEGV, SIGSEGV, 0, 0},
    {"write to the region's end", work_write_region, REGION_LAST, 0, SIGSEGV, SIGSEGV, 0, 0},
    {"write to the order", work_write_order, 0, 0, SIGSEGV, SIGSEGV, 0, 0},
    {"write behind output", work_write_near, 1, BEHIND_OUTPUT, SIGSEGV, SIGSEGV, 0, 0},
    {"write a page behind output", work_write_near, 1, BEHIND_OUTPUT + 4095, SIGSEGV, SIGSEGV, 0,
     0},
    {"write before output", work_write_near, 1, -1, SIGSEGV, SIGSEGV, 0, 0},
    {"write behind own", work_write_near, 0, BEHIND_OWN, SIGSEGV, SIGSEGV, 0, 0},
    {"write before own", work_write_near, 0, -1, SIGSEGV, SIGSEGV, 0, 0},
    {"write beside the bell", work_write_bell_beside, 0, 0, SIGSEGV, SIGSEGV, 0, 0},
    {"overflow the stack", work_recurse, 0, 0, SIGSEGV, SIGSEGV, 0, 0},
    {"mprotect the region", work_mprotect_region, 0, 0, SIGSYS, 0, "mprotect", 0},
    {"remove pages", work_madvise_remove, 0, 0, 0, 0, 0, 0},
    {"map the region twice", work_mremap_region, 0, 0, SIGSEGV, SIGSEGV, 0, 0},
    {"map more of the own file", work_mremap_longer, 0, 0, SIGBUS, SIGBUS, 0, 0},
    {"map over the region", work_map_over, 0, 0, 0, 0, 0, 0},
    {"unmap the own memory", work_unmap_own, 0, 0, SIGSEGV, SIGSEGV, 0, 0},
    {"use open descriptors", work_own_fds, 3, 0, SIGSYS, 0, "fcntl", 0},
    {"open files of /proc", work_proc_files, 0, 0, SIGSYS, 0, "openat", 1},
    {"open mem of /proc", work_proc_mem, 0, 0, SIGSYS, 0, "openat", 1},
    {"trace others", work_ptrace, 0, 0, SIGSYS, 0, "ptrace", 1},
    {"write to others", work_vm_writev, 0, 0, SIGSYS, 0, "process_vm_writev", 1},
    {"read from others", work_vm_readv, 0, 0, SIGSYS, 0, "process_vm_readv", 1},
    {"fork", work_fork, 0, 0, SIGSYS, 0, "clone", 0},
    {"steal who waits for the bell", work_steal_waiter, 0, 0, SIGSYS, 0, "futex", 0},
    {"outlive the spawner", work_outlive, 0, 0, SIGSYS, 0, "prctl", 0},
    {"raise limits", work_limits, 0, 0, SIGSYS, 0, NULL, 0},
    {"signal others", work_kill, 0, 0, SIGSYS, -1, "kill", 1},
    {"signal others' threads", work_tgkill, 0, 0, SIGSYS, -1, "tgkill", 1},
    {"open a file", work_open, 0, 0, SIGSYS, -1, "openat", 0},
    {"open a socket", work_socket, 0, 0, SIGSYS, -1, "socket", 0},
    {"run a program", work_exec, 0, 0, SIGSYS, -1, "execve", 0},
    {"map shared memory", work_map_shared, MAP_SHARED | MAP_ANONYMOUS, PROT_READ | PROT_WRITE,
     SIGSYS, -1, "mmap", 0},
    {"map code", work_map_shared, MAP_PRIVATE | MAP_ANONYMOUS, PROT_READ | PROT_EXEC, SIGSYS, -1,
     "mmap", 0},
    {"ignore SIGSYS", work_catch_sigsys, 0, 0, SIGSYS, -1, "rt_sigaction", 0},
#if defined(__x86_64__)
    {"call as 32 bits do", work_foreign, 0, 0, SIGSYS, SIGSYS, NULL, 0},
    {"call as x32 does", work_x32, 0, 0, SIGSYS, SIGSYS, NULL, 0},
#endif
};

static void try_escape(lab *l, const escape *e, int how, const int64_t *processes)
{
    char want[128];
    const int64_t own[2] = {e->a, e->b};
    const lab_outcome o =
        e->to_targets ? lab_run(l, 0, e->work, processes, TARGETS) : lab_run(l, 0, e->work, own, 2);
    unharmed(l, processes, e->name);
    if (how == 0) {
        if (!o.returned) fail_msg("%s: %s", e->name, o.text);
        if (o.result != HELD) fail_msg("%s: escaped", e->name);
        return;
    }
    if (o.returned) fail_msg("%s: came back with %d", e->name, (int)o.result);
    /* A kernel without calls of 32 bits has no such instruction. */
    if (e->work == work_foreign && (o.how & 0x7f) == SIGSEGV) return;
    if ((o.how & 0x7f) != how) fail_msg("%s: %s", e->name, o.text);
    if (how != SIGSYS || !e->call) return;
    snprintf(want, sizeof want, "killed by SIGSYS: jobs may not call %s", e->call);
    assert_string_equal(o.text, want);
}

static void escapes(bool seccomp_off)
{
    int64_t processes[TARGETS];
    lab l;
    lab_open(&l, seccomp_off);
    targets(&l, processes);
    for (size_t i = 0; i < sizeof ESCAPES / sizeof *ESCAPES; i++) {
        const int how = seccomp_off ? ESCAPES[i].how_open : ESCAPES[i].how_filtered;
        if (how >= 0) try_escape(&l, &ESCAPES[i], how, processes);
    }
    lab_close(&l);
}

static void test_filtered(void **state)
{
    (void)state;
    escapes(false);
}

static void test_open(void **state)
{
    (void)state;
    escapes(true);
}

/* Runs a test as a user without privileges; in a process of its own. */
static void as_nobody(void (*test)(void))
{
    int how = 0;
    if (getuid() != 0) {
        test();
        return;
    }
    const pid_t pid = fork();
    if (pid == 0) {
        setenv("CMOCKA_TEST_ABORT", "1", 1); /* not the runner's jump, which is the parent's */
        if (setresgid(65534, 65534, 65534) != 0 || setresuid(65534, 65534, 65534) != 0) _exit(9);
        test();
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &how, 0), pid);
    assert_int_equal(how, 0);
}

static void all_as_nobody(void)
{
    escapes(false);
    /* Without the filter it takes Landlock. */
    if (syscall(SYS_landlock_create_ruleset, NULL, 0, 1) >= 1) escapes(true);
}

static void test_nobody(void **state)
{
    (void)state;
    as_nobody(all_as_nobody);
}

static void no_process_left(void)
{
    lab l;
    const struct rlimit one = {1, 1};
    uint32_t generation = 0;
    lab_open(&l, false);
    lab_fork(&l, 0);
    assert_int_equal(prlimit(lab_spawner_pid(0), RLIMIT_NPROC, &one, NULL), 0);
    assert_true(skep__port_child_fork(l.spawner, 1));
    assert_int_equal(lab_settle(&l, 1, SKEP__CHILD_NONE, NULL), SKEP__CHILD_FAILED);
    assert_int_equal(skep__port_child_look(l.spawner, 1, &generation, NULL), SKEP__CHILD_FAILED);
    assert_int_equal(generation, 1);
    skep__port_child_kill(l.spawner, 1);
    skep__port_child_kill(l.spawner, 0);
    assert_int_equal(lab_ended(&l, 0), SIGKILL);
    lab_close(&l);
}

static void test_no_process_left(void **state)
{
    (void)state;
    as_nobody(no_process_left);
}

static void test_stack_text(void **state)
{
    lab l;
    (void)state;
    lab_open(&l, false);
    const int64_t none = 0;
    const lab_outcome o = lab_run(&l, 0, work_recurse, &none, 1);
    assert_string_equal(o.text, "crashed: SIGSEGV, its stack of 8 MiB overflowed");
    lab_close(&l);
}

static void test_memory(void **state)
{
    (void)state;
    if (LAB_SANITIZED) skip(); /* sanitizers end a process that has no memory left, at length */
    for (uint32_t off = 0; off < 2; off++) {
        lab l;
        lab_open(&l, off);
        const int64_t most = 4096;
        const lab_outcome o = lab_run(&l, 0, work_allocate, &most, 1);
        if (!o.returned) fail_msg("%s", o.text);
        assert_in_range(o.result, 30, 64);
        /* The others have theirs. */
        const int64_t few = 10;
        assert_int_equal(lab_run(&l, 1, work_allocate, &few, 1).result, few);
        lab_close(&l);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_filtered),   cmocka_unit_test(test_open),
        cmocka_unit_test(test_nobody),     cmocka_unit_test(test_no_process_left),
        cmocka_unit_test(test_stack_text), cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
