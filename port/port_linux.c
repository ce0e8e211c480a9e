/* SPDX-License-Identifier: MIT */
/* Linux: pthreads, futex(2), CLOCK_MONOTONIC, mmap.
 *
 * Regions are reserved with PROT_NONE and MAP_NORESERVE, aligned by mapping too much and giving the
 * ends back, and committed by mprotect, with a hint for transparent huge pages: that hint alone is
 * worth 1.1 to 1.25 of a streaming pass over a world (interleaved columns more). A region's ctx is
 * its base, so that nothing has to be allocated for it.
 *
 * The processor count honours the affinity mask and the CPU quota of control groups, version 2
 * (every group from ours up to the root may have one) and version 1: in a container with a quota of
 * two, sixteen spinning workers would use up the period's time and then all stand still. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "port/port.h"
#include "port/port_process.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

/* ---- threads -------------------------------------------------------------------------------- */

/* A worker's stack: as large as what a main thread has by default, since one and the same job runs
 * on both. Only what is touched takes memory. */
#define PORT_STACK_BYTES ((size_t)8 << 20)

static void *port_thread_main(void *arg)
{
    const skep__port_thread *thread = arg;
    void (*fn)(void *) = thread->fn;
    fn(thread->arg);
    return NULL;
}

bool skep__port_thread_create(skep__port_thread *thread, const char *name, void (*fn)(void *arg),
                              void *arg)
{
    pthread_attr_t attr;
    pthread_t handle;
    SKEP_ASSERT(sizeof handle <= sizeof thread->handle);
    thread->fn = fn;
    thread->arg = arg;
    if (pthread_attr_init(&attr) != 0) return false;
    bool ok = pthread_attr_setstacksize(&attr, PORT_STACK_BYTES) == 0 &&
              pthread_create(&handle, &attr, port_thread_main, thread) == 0;
    pthread_attr_destroy(&attr);
    if (!ok) return false;
    pthread_setname_np(handle, name); /* a thread without its name works as well */
    thread->handle = 0;
    memcpy(&thread->handle, &handle, sizeof handle);
    return true;
}

static pthread_t port_thread_handle(const skep__port_thread *thread)
{
    pthread_t handle;
    memcpy(&handle, &thread->handle, sizeof handle);
    return handle;
}

void skep__port_thread_join(skep__port_thread *thread)
{
    pthread_join(port_thread_handle(thread), NULL);
}

void skep__port_thread_detach(skep__port_thread *thread)
{
    pthread_detach(port_thread_handle(thread));
}

void skep__port_yield(void)
{
    sched_yield();
}

/* Nice and not SCHED_IDLE, under which a machine that is busy for good would never let it end. */
void skep__port_thread_idle(void)
{
    (void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), 19);
}

void skep__port_thread_quiet(void)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
}

void skep__port_on_user_signal(void (*handler)(int number))
{
    /* Not signal(), which in standard C is over after the first one. */
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGUSR1, &action, NULL);
}

/* ---- futex ---------------------------------------------------------------------------------- */

/* `operation` is private to this process, or not. */
static bool port_futex_wait(_Atomic uint32_t *word, int operation, uint32_t expected,
                            uint64_t timeout_ns)
{
    struct timespec limit;
    struct timespec *at = NULL;
    if (timeout_ns != SKEP__PORT_FOREVER) {
        limit.tv_sec = (time_t)(timeout_ns / 1000000000u);
        limit.tv_nsec = (long)(timeout_ns % 1000000000u);
        at = &limit;
    }
    const long r = syscall(SYS_futex, word, operation, expected, at, NULL, 0);
    return r == 0 || errno != ETIMEDOUT;
}

static void port_futex_wake(_Atomic uint32_t *word, int operation, uint32_t count)
{
    const int n = count > (uint32_t)INT_MAX ? INT_MAX : (int)count;
    syscall(SYS_futex, word, operation, n, NULL, NULL, 0);
}

bool skep__port_futex_wait(_Atomic uint32_t *word, uint32_t expected, uint64_t timeout_ns)
{
    return port_futex_wait(word, FUTEX_WAIT_PRIVATE, expected, timeout_ns);
}

void skep__port_futex_wake(_Atomic uint32_t *word, uint32_t count)
{
    port_futex_wake(word, FUTEX_WAKE_PRIVATE, count);
}

bool skep__port_shared_wait(_Atomic uint32_t *word, uint32_t expected, uint64_t timeout_ns)
{
    return port_futex_wait(word, FUTEX_WAIT, expected, timeout_ns);
}

void skep__port_shared_wake(_Atomic uint32_t *word, uint32_t count)
{
    port_futex_wake(word, FUTEX_WAKE, count);
}

/* ---- clock and processors ------------------------------------------------------------------- */

#if defined(__x86_64__)
static uint64_t ticks_tsc(void)
{
    return __builtin_ia32_rdtsc();
}

skep__port_ticks *skep__port_ticks_best(void)
{
    /* Intel SDM 18.17.1, AMD APM 3, CPUID 8000_0007h: bit 8 of EDX, the counter is invariant. */
    unsigned a = 0, b = 0, c = 0, d = 0;
    const bool steady = __get_cpuid(0x80000007u, &a, &b, &c, &d) && (d & 0x100u);
    return steady ? ticks_tsc : skep__port_clock_ns;
}
#elif defined(__aarch64__)
static uint64_t ticks_virtual(void)
{
    uint64_t count = 0;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(count));
    return count;
}

skep__port_ticks *skep__port_ticks_best(void)
{
    return ticks_virtual; /* Arm ARM D11: counts at a constant rate on all cores */
}
#else
skep__port_ticks *skep__port_ticks_best(void)
{
    return skep__port_clock_ns;
}
#endif

uint64_t skep__port_unix_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t skep__port_clock_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t skep__port_thread_cpu_ns(void)
{
    struct timespec t;
    if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) != 0) return 0;
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t skep__port_process_cpu_ns(void)
{
    struct timespec t;
    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) != 0) return 0;
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* The first line of a small file without its line end; false when there is none. */
static bool port_read_line(const char *path, char *line, size_t max)
{
    FILE *f = fopen(path, "re");
    if (!f) return false;
    const bool ok = fgets(line, (int)max, f) != NULL;
    fclose(f);
    if (ok) line[strcspn(line, "\n")] = 0;
    return ok;
}

/* How many processors a quota of `quota` microseconds in a period pays for, rounded up. */
static uint32_t port_quota_cpus(long long quota, long long period, uint32_t most)
{
    if (quota <= 0 || period <= 0) return most;
    const long long cpus = (quota + period - 1) / period;
    return cpus < (long long)most ? (uint32_t)cpus : most;
}

/* Our group's path in the version 2 hierarchy ("/" in most containers); false without one. */
static bool port_cgroup_path(char *path, size_t max)
{
    FILE *f = fopen("/proc/self/cgroup", "re");
    if (!f) return false;
    bool found = false;
    while (!found && fgets(path, (int)max, f)) {
        if (strncmp(path, "0::", 3) != 0) continue;
        memmove(path, path + 3, strlen(path + 3) + 1);
        path[strcspn(path, "\n")] = 0;
        found = true;
    }
    fclose(f);
    return found;
}

/* The tightest quota among our version 2 group and those it lies in. */
static uint32_t port_cgroup2_cpus(uint32_t most)
{
    char path[1024];
    char file[1200];
    char line[64];
    if (!port_cgroup_path(path, sizeof path)) return most;
    for (;;) {
        long long quota = 0;
        long long period = 0;
        snprintf(file, sizeof file, "/sys/fs/cgroup%s/cpu.max", path);
        if (port_read_line(file, line, sizeof line) &&
            sscanf(line, "%lld %lld", &quota, &period) == 2) {
            most = port_quota_cpus(quota, period, most); /* "max" is no number: no quota */
        }
        char *slash = strrchr(path, '/');
        if (!slash) return most;
        *slash = 0;
    }
}

/* The quota of version 1, which containers mount at this place. */
static uint32_t port_cgroup1_cpus(uint32_t most)
{
    char quota[64];
    char period[64];
    if (!port_read_line("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", quota, sizeof quota)) return most;
    if (!port_read_line("/sys/fs/cgroup/cpu/cpu.cfs_period_us", period, sizeof period)) return most;
    return port_quota_cpus(strtoll(quota, NULL, 10), strtoll(period, NULL, 10), most);
}

uint32_t skep__port_cpu_count(void)
{
    cpu_set_t set;
    uint32_t count = 0;
    if (sched_getaffinity(0, sizeof set, &set) == 0) {
        count = (uint32_t)CPU_COUNT(&set);
    } else {
        /* More processors than cpu_set_t has bits. */
        const long online = sysconf(_SC_NPROCESSORS_ONLN);
        count = online > 0 ? (uint32_t)online : 1;
    }
    count = port_cgroup1_cpus(port_cgroup2_cpus(count));
    return count ? count : 1;
}

uint32_t skep__port_cpu_current(void)
{
    const int cpu = sched_getcpu();
    return cpu < 0 ? UINT32_MAX : (uint32_t)cpu;
}

/* ---- memory --------------------------------------------------------------------------------- */

static void *port_heap_alloc(void *ctx, size_t bytes, size_t align)
{
    (void)ctx;
    const size_t a = align < sizeof(void *) ? sizeof(void *) : align;
    if (bytes > SIZE_MAX - a) return NULL;
    return aligned_alloc(a, skep__align(bytes ? bytes : 1, a));
}

static void port_heap_free(void *ctx, void *memory, size_t bytes, size_t align)
{
    (void)ctx;
    (void)bytes;
    (void)align;
    free(memory);
}

skep_allocator skep__port_allocator(void)
{
    return (skep_allocator){port_heap_alloc, port_heap_free, NULL};
}

void *skep__port_reserve(size_t bytes)
{
    SKEP_ASSERT(bytes && bytes % SKEP__PORT_PAGE == 0);
    if (bytes > SIZE_MAX - SKEP__PORT_PAGE) return NULL;
    const size_t wide = bytes + SKEP__PORT_PAGE;
    void *raw = mmap(NULL, wide, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (raw == MAP_FAILED) return NULL;
    uint8_t *first = raw;
    const size_t before = (SKEP__PORT_PAGE - (uintptr_t)first % SKEP__PORT_PAGE) % SKEP__PORT_PAGE;
    uint8_t *base = first + before;
    const size_t after = wide - before - bytes;
    if (before) munmap(first, before);
    if (after) munmap(base + bytes, after);
    return base;
}

skep_status skep__port_commit(void *base, size_t bytes)
{
    SKEP_ASSERT((uintptr_t)base % SKEP__PORT_PAGE == 0 && bytes % SKEP__PORT_PAGE == 0);
    if (mprotect(base, bytes, PROT_READ | PROT_WRITE) != 0) return SKEP_NO_MEMORY;
    madvise(base, bytes, MADV_HUGEPAGE); /* a hint: small pages work, only slower */
    return SKEP_OK;
}

void skep__port_release(void *base, size_t bytes)
{
    if (base) munmap(base, bytes);
}

bool skep__port_protect(void *base, size_t bytes, bool writable)
{
    return mprotect(base, bytes, writable ? PROT_READ | PROT_WRITE : PROT_READ) == 0;
}

static skep_status port_region_commit(void *ctx, size_t offset, size_t bytes)
{
    return skep__port_commit((uint8_t *)ctx + offset, bytes);
}

skep_status skep__port_region_open(size_t bytes_max, skep_region *region)
{
    memset(region, 0, sizeof *region);
    if (!bytes_max) return SKEP_ARGUMENT;
    if (bytes_max > SIZE_MAX - SKEP__PORT_PAGE) return SKEP_NO_MEMORY;
    const size_t bytes = skep__align(bytes_max, SKEP__PORT_PAGE);
    void *base = skep__port_reserve(bytes);
    if (!base) return SKEP_NO_MEMORY;
    region->base = base;
    region->bytes_max = bytes;
    region->commit = port_region_commit;
    region->ctx = base;
    return SKEP_OK;
}

void skep__port_region_close(skep_region *region)
{
    skep__port_release(region->base, region->bytes_max);
    memset(region, 0, sizeof *region);
}

size_t skep__port_page_bytes(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

bool skep__port_map_at(uint64_t address, size_t bytes)
{
    const uint64_t page = skep__port_page_bytes();
    const uint64_t from = address / page * page;
    const uint64_t end = (address + bytes + page - 1) / page * page;
    void *wanted = (void *)(uintptr_t)from;
    if (end <= from) return false;
    void *at = mmap(wanted, end - from, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (at == MAP_FAILED) return false;
    if (at == wanted) return true;
    munmap(at, end - from); /* a kernel that does not know the flag takes the address for a hint */
    errno = EEXIST;
    return false;
}

/* ---- trying something in a child ------------------------------------------------------------ */

#define TRY_STACK_BYTES ((size_t)64 << 10)
#define TRY_POLL_NS 500000

/* What parent and child share, in front of what the caller asked for. */
typedef struct try_page {
    skep__port_try_end end;
    uint8_t rest[];
} try_page;

/* Notes what was touched. The handler is gone by now, so the same happens again and is the end. Its
 * way to the page is its own stack, at whose far end a pointer lies. */
static void try_on_trap(int number, siginfo_t *info, void *context)
{
    const ucontext_t *u = context;
    try_page *page = NULL;
    if (!u->uc_stack.ss_sp) return;
    memcpy(&page, u->uc_stack.ss_sp, sizeof page);
    page->end.signal = number;
    page->end.touched = number == SIGSEGV || number == SIGBUS;
    page->end.address = (uint64_t)(uintptr_t)info->si_addr;
}

static _Noreturn void try_child(void (*fn)(void *ctx, void *shared), void *ctx, try_page *page)
{
    static const int traps[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};
    const struct rlimit none = {0, 0};
    stack_t stack = {.ss_size = TRY_STACK_BYTES};
    struct sigaction action = {.sa_sigaction = try_on_trap};
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | (int)SA_RESETHAND;
    sigemptyset(&action.sa_mask);
    stack.ss_sp = malloc(TRY_STACK_BYTES);
    (void)setrlimit(RLIMIT_CORE, &none);
    if (stack.ss_sp) memcpy(stack.ss_sp, &page, sizeof page);
    const bool noted = stack.ss_sp && sigaltstack(&stack, NULL) == 0;
    for (size_t i = 0; i < sizeof traps / sizeof traps[0] && noted; i++)
        (void)sigaction(traps[i], &action, NULL);
    fn(ctx, page->rest);
    page->end.returned = true;
    _exit(0);
}

static void try_wait(pid_t pid, uint64_t timeout_ns, skep__port_try_end *end)
{
    const struct timespec nap = {0, TRY_POLL_NS};
    const uint64_t begin = skep__port_clock_ns();
    int how = 0;
    for (;;) {
        const pid_t got = waitpid(pid, &how, WNOHANG);
        if (got == pid || (got < 0 && errno != EINTR)) break;
        if (!end->late && skep__port_clock_ns() - begin >= timeout_ns) {
            end->late = true;
            (void)kill(pid, SIGKILL);
        }
        (void)nanosleep(&nap, NULL);
    }
    end->signal = WIFSIGNALED(how) ? WTERMSIG(how) : 0;
    end->code = WIFEXITED(how) ? WEXITSTATUS(how) : 0;
}

bool skep__port_try(void (*fn)(void *ctx, void *shared), void *ctx, void *out, size_t shared_bytes,
                    uint64_t timeout_ns, skep__port_try_end *end)
{
    const size_t bytes = sizeof(try_page) + shared_bytes;
    memset(end, 0, sizeof *end);
    try_page *page = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) return false;
    const pid_t pid = fork();
    if (pid == 0) try_child(fn, ctx, page);
    if (pid > 0) {
        try_wait(pid, timeout_ns, end);
        end->returned = page->end.returned && !end->signal;
        end->touched = page->end.touched && page->end.signal == end->signal;
        end->address = page->end.address;
        memcpy(out, page->rest, shared_bytes);
    }
    munmap(page, bytes);
    return pid > 0;
}

void skep__port_try_text(const skep__port_try_end *end, char *out, size_t max)
{
    const char *name = end->signal == SIGSEGV   ? "SIGSEGV"
                       : end->signal == SIGBUS  ? "SIGBUS"
                       : end->signal == SIGFPE  ? "SIGFPE"
                       : end->signal == SIGILL  ? "SIGILL"
                       : end->signal == SIGTRAP ? "SIGTRAP"
                                                : NULL;
    if (end->late)
        snprintf(out, max, "it did not come to an end");
    else if (!end->signal)
        snprintf(out, max, "ended itself with exit code %d", end->code);
    else if (end->signal == SIGABRT)
        snprintf(out, max, "aborted itself (SIGABRT)");
    else if (!name)
        snprintf(out, max, "was killed by signal %d", end->signal);
    else if (end->touched)
        snprintf(out, max, "crashed: %s, it touched 0x%llx", name,
                 (unsigned long long)end->address);
    else
        snprintf(out, max, "crashed: %s", name);
}

/* ---- files ---------------------------------------------------------------------------------- */

/* Opens a regular file for reading and gives its size. */
static skep_status port_file_open(const char *path, int *fd, size_t *bytes)
{
    struct stat st;
    *fd = open(path, O_RDONLY | O_CLOEXEC);
    if (*fd < 0) return errno == ENOENT || errno == ENOTDIR ? SKEP_NOT_FOUND : SKEP_IO;
    if (fstat(*fd, &st) == 0 && S_ISREG(st.st_mode)) {
        *bytes = (size_t)st.st_size;
        return SKEP_OK;
    }
    close(*fd);
    return SKEP_IO;
}

skep_status skep__port_file_map(const char *path, const uint8_t **bytes, size_t *byte_count)
{
    int fd = -1;
    *bytes = NULL;
    *byte_count = 0;
    size_t size = 0;
    const skep_status status = port_file_open(path, &fd, &size);
    if (status != SKEP_OK) return status;
    if (size == 0) {
        close(fd);
        *bytes = (const uint8_t *)"";
        return SKEP_OK;
    }
    void *at = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    if (at == MAP_FAILED) return SKEP_IO;
    *bytes = at;
    *byte_count = size;
    return SKEP_OK;
}

void skep__port_file_unmap(const uint8_t *bytes, size_t byte_count)
{
    if (byte_count) munmap((void *)(uintptr_t)bytes, byte_count);
}

/* Reads exactly `count` bytes; false for an error or a file that became shorter. */
static bool port_read_all(int fd, uint8_t *out, size_t count)
{
    for (size_t at = 0; at < count;) {
        const ssize_t got = read(fd, out + at, count - at);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return false;
        at += (size_t)got;
    }
    return true;
}

skep_status skep__port_file_read(const char *path, const skep_allocator *allocator, uint8_t **bytes,
                                 size_t *byte_count)
{
    int fd = -1;
    *bytes = NULL;
    *byte_count = 0;
    size_t size = 0;
    const skep_status status = port_file_open(path, &fd, &size);
    if (status != SKEP_OK) return status;
    uint8_t *memory = allocator->alloc(allocator->ctx, size + 1, 16);
    const bool ok = memory && port_read_all(fd, memory, size);
    close(fd);
    if (!memory) return SKEP_NO_MEMORY;
    if (!ok) {
        allocator->free(allocator->ctx, memory, size + 1, 16);
        return SKEP_IO;
    }
    memory[size] = 0;
    *bytes = memory;
    *byte_count = size;
    return SKEP_OK;
}

static bool port_write_all(int fd, const uint8_t *bytes, size_t count)
{
    for (size_t at = 0; at < count;) {
        const ssize_t put = write(fd, bytes + at, count - at);
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0) return false;
        at += (size_t)put;
    }
    return true;
}

skep_status skep__port_file_write(const char *path, const void *bytes, size_t byte_count)
{
    char name[PATH_MAX];
    const int length = snprintf(name, sizeof name, "%s.tmp", path);
    if (length < 0 || (size_t)length >= sizeof name) return SKEP_IO;
    const int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) return SKEP_IO;
    bool ok = port_write_all(fd, bytes, byte_count) && fsync(fd) == 0;
    ok = close(fd) == 0 && ok;
    ok = ok && rename(name, path) == 0;
    if (!ok) unlink(name);
    return ok ? SKEP_OK : SKEP_IO;
}

bool skep__port_out_open(skep__port_out *out, const char *path)
{
    out->direct = false;
    out->handle = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    return out->handle >= 0;
}

bool skep__port_out_open_direct(skep__port_out *out, const char *path)
{
    out->handle = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_DIRECT, 0666);
    out->direct = out->handle >= 0;
    return out->direct || skep__port_out_open(out, path);
}

bool skep__port_out_write_at(skep__port_out *out, uint64_t offset, const void *bytes,
                             size_t byte_count)
{
    const uint8_t *from = bytes;
    for (size_t at = 0; at < byte_count;) {
        const ssize_t put =
            pwrite((int)out->handle, from + at, byte_count - at, (off_t)(offset + at));
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0) return false;
        at += (size_t)put;
    }
    return true;
}

bool skep__port_out_cut(skep__port_out *out, uint64_t byte_count)
{
    return ftruncate((int)out->handle, (off_t)byte_count) == 0;
}

bool skep__port_out_write(skep__port_out *out, const void *bytes, size_t byte_count)
{
    return port_write_all((int)out->handle, bytes, byte_count);
}

bool skep__port_out_sync(skep__port_out *out)
{
    /* Pipes and the like have nothing to be synced. */
    return fsync((int)out->handle) == 0 || errno == EINVAL || errno == EROFS;
}

bool skep__port_out_close(skep__port_out *out)
{
    const int fd = (int)out->handle;
    out->handle = -1;
    return close(fd) == 0;
}

void skep__port_why(char *out, size_t max)
{
    char text[128];
    snprintf(out, max, "%s", strerror_r(errno, text, sizeof text));
}

bool skep__port_file_rename(const char *from, const char *to)
{
    return rename(from, to) == 0;
}

bool skep__port_file_remove(const char *path)
{
    return unlink(path) == 0;
}

bool skep__port_folder_make(const char *path)
{
    struct stat st;
    if (mkdir(path, 0777) == 0) return true;
    if (errno != EEXIST || stat(path, &st) != 0) return false;
    if (S_ISDIR(st.st_mode)) return true;
    errno = ENOTDIR;
    return false;
}

bool skep__port_folder_sync(const char *path)
{
    const int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return false;
    /* Some file systems have no such thing for folders. */
    const bool ok = fsync(fd) == 0 || errno == EINVAL;
    return close(fd) == 0 && ok;
}

bool skep__port_folder_list(const char *path, void (*each)(void *ctx, const char *name), void *ctx)
{
    DIR *folder = opendir(path);
    if (!folder) return false;
    errno = 0;
    for (const struct dirent *e = readdir(folder); e; e = readdir(folder)) each(ctx, e->d_name);
    const bool ok = errno == 0;
    return closedir(folder) == 0 && ok;
}

/* ---- modules -------------------------------------------------------------------------------- */

void *skep__port_module_open(const char *path, char *text, size_t text_bytes)
{
    char name[PATH_MAX];
    /* Without a slash the loader would search the system's folders instead. */
    const int length = snprintf(name, sizeof name, "%s%s", strchr(path, '/') ? "" : "./", path);
    if (length < 0 || (size_t)length >= sizeof name) {
        snprintf(text, text_bytes, "the path is too long");
        return NULL;
    }
    void *module = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (module) return module;
    const char *why = dlerror();
    snprintf(text, text_bytes, "%s", why ? why : "it cannot be loaded");
    return NULL;
}

void (*skep__port_module_function(void *module, const char *name))(void)
{
    void *symbol = dlsym(module, name);
    void (*function)(void) = NULL;
    /* C has no conversion between the two kinds of pointer; POSIX promises that they are alike. */
    memcpy(&function, &symbol, sizeof function);
    return function;
}

void skep__port_module_close(void *module)
{
    dlclose(module);
}
