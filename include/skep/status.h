/* SPDX-License-Identifier: MIT */
/* Status codes, errors of hostile bytes, allocators and regions: what every other header leans on.
 */
#ifndef SKEP_STATUS_H
#define SKEP_STATUS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Every status: name, value and the sentence skep_status_text gives. Values are part of the wire
 * and never change. */
#define SKEP_STATUS_TABLE(X)                                                                       \
    X(OK, 0, "no error")                                                                           \
    X(NO_MEMORY, 1, "out of memory: the host allocator or the region refused")                     \
    X(LIMIT, 2, "a named limit was reached; the error text names the knob")                        \
    X(ARGUMENT, 3, "an argument is invalid")                                                       \
    X(NOT_FOUND, 4, "there is no such thing")                                                      \
    X(GONE, 5, "the entity is gone")                                                               \
    X(EXISTS, 6, "the thing exists already")                                                       \
    X(CORRUPT, 7, "the bytes are damaged")                                                         \
    X(FOREIGN, 8, "the bytes were not written by skep, or by another kind of writer")              \
    X(VERSION, 9, "the bytes have a format version that this build does not know")                 \
    X(SCHEMA, 10, "a component has another layout here than there")                                \
    X(BUSY, 11, "a frame is running; the call is allowed between frames only")                     \
    X(PLAN, 12, "the plan has mistakes; the log lists them all")                                   \
    X(FAULT, 13, "a job failed")                                                                   \
    X(CLOSED, 14, "the thing is closed")                                                           \
    X(ACCESS, 15, "a system touched what it did not declare")                                      \
    X(IO, 16, "the file could not be read or written")                                             \
    X(UNSUPPORTED, 17, "this host cannot do that")

/* The result of a call that can fail. SKEP_OK is zero. */
typedef enum skep_status {
#define SKEP_STATUS_ROW(name, value, text) SKEP_##name = value,
    SKEP_STATUS_TABLE(SKEP_STATUS_ROW)
#undef SKEP_STATUS_ROW
} skep_status;

#if defined(__GNUC__) || defined(__clang__)
/* Marks a result that must be looked at. */
#define SKEP_NODISCARD __attribute__((warn_unused_result))
#else
#define SKEP_NODISCARD
#endif

#ifndef SKEP_API
#if defined(_WIN32) && defined(SKEP_SHARED)
#define SKEP_API __declspec(dllexport)
#elif defined(__GNUC__) || defined(__clang__)
/* Marks a function of the public interface. */
#define SKEP_API __attribute__((visibility("default")))
#else
#define SKEP_API
#endif
#endif

/* Returns the sentence of a status, a static string; never NULL. Any thread. */
SKEP_API const char *skep_status_text(skep_status status);

/* What was wrong with bytes that came from outside. */
typedef struct skep_error {
    skep_status code;    /* SKEP_OK when nothing was wrong */
    const char *message; /* static text that names the thing and the fix, or NULL */
    size_t offset;       /* byte offset at which reading stopped */
} skep_error;

/* Memory that only the host reads: callbacks with size and alignment passed both ways. `alloc`
 * returns NULL when it has none; `align` is a power of two. Called by the owner's thread only. */
typedef struct skep_allocator {
    void *(*alloc)(void *ctx, size_t bytes, size_t align);
    void (*free)(void *ctx, void *memory, size_t bytes, size_t align);
    void *ctx;
} skep_allocator;

/* The one contiguous range that holds all that jobs may read: columns, ids, the entity index,
 * resources, events, inputs and task tables. `base` is aligned to 2 MiB, `bytes_max` is a multiple
 * of 2 MiB. `commit` makes [offset, offset + bytes) readable, writable and zeroed; it is called
 * once a range, in multiples of 2 MiB, and returns SKEP_OK or SKEP_NO_MEMORY. Every worker must see
 * the range at the same address. The region outlives the world made on it. */
typedef struct skep_region {
    void *base;
    size_t bytes_max;
    skep_status (*commit)(void *ctx, size_t offset, size_t bytes);
    void *ctx;
} skep_region;

#ifdef __cplusplus
}
#endif

#endif
