/* SPDX-License-Identifier: MIT */
/* The seam to the operating system: threads, futexes, the clock, processor count, memory mapping,
 * files. One file an OS implements it (port_linux.c); nothing else of skep has a platform #ifdef.
 * What can fail says so by its result; nothing here allocates except where the name says it. */
#ifndef SKEP_PORT_PORT_H
#define SKEP_PORT_PORT_H

#include "core/base/base.h"
#include "skep/status.h"

#include <stdatomic.h>

/* ---- asserts -------------------------------------------------------------------------------- */

/* Called when SKEP_ASSERT fails, before the trap. The library's own prints the expression and its
 * place to standard error and aborts; a program that defines a function of this name replaces it.
 */
SKEP_API void skep_assert_failed(const char *expression, const char *file, int line);

/* ---- threads -------------------------------------------------------------------------------- */

/* A thread. The struct must stay where it is until the thread was joined, or has begun to run `fn`.
 */
typedef struct skep__port_thread {
    uint64_t handle; /* what the OS gave */
    void (*fn)(void *arg);
    void *arg;
} skep__port_thread;

/* Starts fn(arg) on a new thread; `name` (at most 15 bytes) is what debuggers show. False when the
 * OS has no thread left. */
bool skep__port_thread_create(skep__port_thread *thread, const char *name, void (*fn)(void *arg),
                              void *arg);

/* Waits until the thread has ended, and frees what the OS keeps of it. */
void skep__port_thread_join(skep__port_thread *thread);

/* Lets the thread end by itself: nobody will join it. */
void skep__port_thread_detach(skep__port_thread *thread);

/* Gives the rest of this thread's slice of time away. */
void skep__port_yield(void);

/* Gives this thread the least share of a processor that others want. */
void skep__port_thread_idle(void);

/* Keeps the process' signals from being taken by this thread: other threads get them, and what the
 * thread itself brings about by writing to a closed pipe is an error and no signal. */
void skep__port_thread_quiet(void);

/* Has `handler` called each time that somebody outside asks for something (SIGUSR1, where there are
 * such signals), on any thread at any moment: it may set an atomic flag and no more. */
void skep__port_on_user_signal(void (*handler)(int number));

/* ---- futex ---------------------------------------------------------------------------------- */

/* No time limit. */
#define SKEP__PORT_FOREVER UINT64_MAX

/* Sleeps while *word == expected, until woken or `timeout_ns` is over. May return for no reason:
 * callers look at their condition again. False when the time was over. */
bool skep__port_futex_wait(_Atomic uint32_t *word, uint32_t expected, uint64_t timeout_ns);

/* Wakes at most `count` of those that sleep on the word. */
void skep__port_futex_wake(_Atomic uint32_t *word, uint32_t count);

/* ---- clock and processors ------------------------------------------------------------------- */

/* Nanoseconds of a clock that never goes back and stands still while the machine sleeps. */
uint64_t skep__port_clock_ns(void);

/* A count that grows evenly and is the same on all threads, for the tracer: the processor's own
 * counter where it has one that neither stops nor changes its rate, which takes 10 ns or so, else
 * skep__port_clock_ns. What a tick is, one measures against skep__port_clock_ns. */
typedef uint64_t skep__port_ticks(void);
skep__port_ticks *skep__port_ticks_best(void);

/* Nanoseconds since 1970, which whoever sets the clock may move. */
uint64_t skep__port_unix_ns(void);

/* Nanoseconds of processor time that this thread has used. */
uint64_t skep__port_thread_cpu_ns(void);

/* Nanoseconds of processor time that all threads of this process have used. */
uint64_t skep__port_process_cpu_ns(void);

/* The processors that this process may use at the same time: those its affinity allows, and no more
 * than its group's quota pays for. At least 1. Reads files: call it at creation, not in a frame. */
uint32_t skep__port_cpu_count(void);

/* The number of the processor that this thread runs on just now; UINT32_MAX where that is unknown.
 */
uint32_t skep__port_cpu_current(void);

/* Tells the processor that this is a spinning loop. */
SKEP_INLINE void skep__port_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__) && (defined(__GNUC__) || defined(__clang__))
    __asm__ volatile("isb" ::: "memory"); /* `yield` does nothing on the cores of today */
#else
    atomic_signal_fence(memory_order_seq_cst);
#endif
}

/* ---- memory --------------------------------------------------------------------------------- */

/* The page size of regions: all ranges below are multiples of it where they are said to be. */
#define SKEP__PORT_PAGE ((size_t)2 << 20)

/* The host's default allocator: the C heap. Any thread. */
skep_allocator skep__port_allocator(void);

/* Reserves `bytes` of address space, a multiple of 2 MiB and aligned to it, not accessible yet.
 * NULL when there is none. */
void *skep__port_reserve(size_t bytes);

/* Makes a range of a reservation readable and writable; it reads as zeros, and is backed by large
 * pages where the OS likes. `base` and `bytes` are multiples of 2 MiB. */
skep_status skep__port_commit(void *base, size_t bytes);

/* Gives a whole reservation back. */
void skep__port_release(void *base, size_t bytes);

/* Makes committed memory read-only, or writable again. Both are multiples of the OS' page size, 2
 * MiB at most. False when the OS refuses. */
bool skep__port_protect(void *base, size_t bytes, bool writable);

/* Opens a region of at least `bytes_max` bytes, rounded up to 2 MiB. Nothing is committed yet. */
SKEP_NODISCARD skep_status skep__port_region_open(size_t bytes_max, skep_region *region);

/* Gives the region's memory back; no world, task or worker uses it any more. */
void skep__port_region_close(skep_region *region);

/* Makes memory at exactly this address readable and writable; it reads as zeros. Whole pages of the
 * OS around the range. False when something else lies there. */
bool skep__port_map_at(uint64_t address, size_t bytes);

/* The page size of the OS. */
size_t skep__port_page_bytes(void);

/* ---- trying something in a child ------------------------------------------------------------ */

/* How a child ended. */
typedef struct skep__port_try_end {
    bool returned;    /* fn returned */
    bool late;        /* it was killed when its time was over */
    int signal;       /* that killed it; 0: none */
    int code;         /* with which it ended itself */
    bool touched;     /* `address` is what it touched */
    uint64_t address; /* with SIGSEGV and SIGBUS */
} skep__port_try_end;

/* Calls fn(ctx, shared) in a child process, a copy of this one with this thread alone, and waits
 * for its end, at most `timeout_ns`. `shared` is memory that both see, shared_bytes of zeros at
 * first, copied to `out` at the end. False when the system has no process or memory left. */
bool skep__port_try(void (*fn)(void *ctx, void *shared), void *ctx, void *out, size_t shared_bytes,
                    uint64_t timeout_ns, skep__port_try_end *end);

/* Says in words how it ended, where it did not return: "crashed: SIGSEGV, it touched 0x10". */
void skep__port_try_text(const skep__port_try_end *end, char *out, size_t max);

/* ---- files ---------------------------------------------------------------------------------- */

/* Maps a whole file, read-only. An empty file gives a valid pointer and 0 bytes. SKEP_NOT_FOUND
 * when there is no such file, SKEP_IO for any other trouble. */
SKEP_NODISCARD skep_status skep__port_file_map(const char *path, const uint8_t **bytes,
                                               size_t *byte_count);

/* Ends a mapping. */
void skep__port_file_unmap(const uint8_t *bytes, size_t byte_count);

/* Reads a whole file into memory of the allocator, `byte_count` bytes and a zero behind them, to be
 * freed with byte_count + 1 bytes of alignment 16. As skep__port_file_map, or SKEP_NO_MEMORY. */
SKEP_NODISCARD skep_status skep__port_file_read(const char *path, const skep_allocator *allocator,
                                                uint8_t **bytes, size_t *byte_count);

/* Writes a file whole or not at all: into `path`.tmp first, which then takes the name's place, so a
 * crash leaves the old file or the new one. */
SKEP_NODISCARD skep_status skep__port_file_write(const char *path, const void *bytes,
                                                 size_t byte_count);

/* A file that is written piece by piece. */
typedef struct skep__port_out {
    int64_t handle; /* what the OS gave */
    bool direct;    /* see skep__port_out_open_direct */
} skep__port_out;

/* What a file that is written past the OS' cache wants: memory, places and lengths in multiples. */
#define SKEP__PORT_DIRECT ((size_t)4096)

/* Makes a file, or empties the one that is there. Of all calls below: false for trouble, and then
 * skep__port_why says what it was. */
bool skep__port_out_open(skep__port_out *out, const char *path);
/* The same, past the OS' cache where the file's place can do that (then out->direct is set), which
 * copies nothing: then all that is written begins at a multiple of SKEP__PORT_DIRECT, in memory and
 * in the file, and is as long as one. */
bool skep__port_out_open_direct(skep__port_out *out, const char *path);
/* Appends; a write that fails midway may leave a part. */
bool skep__port_out_write(skep__port_out *out, const void *bytes, size_t byte_count);
/* Writes over what is there. */
bool skep__port_out_write_at(skep__port_out *out, uint64_t offset, const void *bytes,
                             size_t byte_count);
/* Cuts the file to a length. */
bool skep__port_out_cut(skep__port_out *out, uint64_t byte_count);
/* Returns when all of it is where a loss of power does not reach it. */
bool skep__port_out_sync(skep__port_out *out);
bool skep__port_out_close(skep__port_out *out);

/* Writes what the last call of this thread that went wrong was refused for: "No space left on
 * device". */
void skep__port_why(char *out, size_t max);

/* Lets a file take another's name, which is replaced. */
bool skep__port_file_rename(const char *from, const char *to);
bool skep__port_file_remove(const char *path);

/* Makes a folder, whose parent is there; one that exists is fine. */
bool skep__port_folder_make(const char *path);
/* Makes sure that names that were given or taken in the folder stay so. */
bool skep__port_folder_sync(const char *path);
/* Calls `each` with the name of everything in the folder, in no order. */
bool skep__port_folder_list(const char *path, void (*each)(void *ctx, const char *name), void *ctx);

/* ---- modules -------------------------------------------------------------------------------- */

/* Loads a module by the path of its file, never by searching. NULL when it cannot be loaded; then a
 * line that says why is in `text`, at most `text_bytes` with the ending zero. */
void *skep__port_module_open(const char *path, char *text, size_t text_bytes);

/* Finds a function that the module exports; NULL when it exports none of this name. */
void (*skep__port_module_function(void *module, const char *name))(void);

/* Unloads the module. */
void skep__port_module_close(void *module);

#endif
