/* SPDX-License-Identifier: MIT */
/* What every file of the core leans on: asserts, branch hints, casts that cannot be silent, and the
 * host allocator's two-way calls. Nothing here knows what an entity is. */
#ifndef SKEP_CORE_BASE_BASE_H
#define SKEP_CORE_BASE_BASE_H

#include "skep/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__GNUC__) || defined(__clang__)
#define SKEP_LIKELY(x) (__builtin_expect(!!(x), 1))
#define SKEP_UNLIKELY(x) (__builtin_expect(!!(x), 0))
#define SKEP_NOINLINE __attribute__((noinline))
#if defined(SKEP_SMALL) /* where size counts more than speed, the compiler decides */
#define SKEP_INLINE static inline
#else
#define SKEP_INLINE static inline __attribute__((always_inline))
#endif
#define SKEP_PREFETCH(p) __builtin_prefetch(p)
#define SKEP_TRAP() __builtin_trap()
#else
#define SKEP_LIKELY(x) (x)
#define SKEP_UNLIKELY(x) (x)
#define SKEP_NOINLINE
#define SKEP_INLINE static inline
#define SKEP_PREFETCH(p) ((void)(p))
#define SKEP_TRAP() (*(volatile int *)0 = 0)
#endif

/* SKEP_ASSERT states what a bug of ours or of the caller would break. It is on when SKEP_ASSERTS
 * is 1. SKEP_ASSERT_HANDLER, given when the library is built, names a function (expression, file,
 * line) that is called before the trap; the native builds use the replaceable one of port/. */
#ifndef SKEP_ASSERTS
#define SKEP_ASSERTS 0
#endif
#if SKEP_ASSERTS
#ifdef SKEP_ASSERT_HANDLER
void SKEP_ASSERT_HANDLER(const char *expression, const char *file, int line);
#define SKEP_ASSERT(x) ((x) ? (void)0 : (SKEP_ASSERT_HANDLER(#x, __FILE__, __LINE__), SKEP_TRAP()))
#else
#define SKEP_ASSERT(x) ((x) ? (void)0 : SKEP_TRAP())
#endif
#else
#define SKEP_ASSERT(x) ((void)sizeof(!(x)))
#endif

/* Casts with a name, so that no conversion is silent. */
SKEP_INLINE uint32_t skep__u32(size_t n)
{
    SKEP_ASSERT(n <= UINT32_MAX);
    return (uint32_t)n;
}

SKEP_INLINE uint16_t skep__u16(size_t n)
{
    SKEP_ASSERT(n <= UINT16_MAX);
    return (uint16_t)n;
}

SKEP_INLINE uint8_t skep__u8(size_t n)
{
    SKEP_ASSERT(n <= UINT8_MAX);
    return (uint8_t)n;
}

/* Rounds up to a multiple of `to`, a power of two. */
SKEP_INLINE size_t skep__align(size_t n, size_t to)
{
    return (n + to - 1) & ~(to - 1);
}

SKEP_INLINE uint32_t skep__min_u32(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

SKEP_INLINE uint32_t skep__max_u32(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* Host-private memory, zeroed; NULL when there is none. */
SKEP_INLINE void *skep__alloc(const skep_allocator *a, size_t bytes, size_t align)
{
    void *p = a->alloc(a->ctx, bytes, align);
    if (p) memset(p, 0, bytes);
    return p;
}

SKEP_INLINE void skep__free(const skep_allocator *a, void *p, size_t bytes, size_t align)
{
    if (p) a->free(a->ctx, p, bytes, align);
}

/* Grows an array of host-private memory to at least `need` elements, doubling; new elements are
 * zero. Returns false, with nothing changed, when there is no memory. */
bool skep__array_grow(const skep_allocator *a, void **array, uint32_t *cap, uint32_t need,
                      size_t element_bytes);

/* Frees an array that skep__array_grow made. */
SKEP_INLINE void skep__array_free(const skep_allocator *a, void **array, uint32_t *cap,
                                  size_t element_bytes)
{
    skep__free(a, *array, *cap * element_bytes, 16);
    *array = NULL;
    *cap = 0;
}

#endif
