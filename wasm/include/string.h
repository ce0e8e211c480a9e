/* SPDX-License-Identifier: MIT */
/* All of <string.h> that skep and its scenes use, for freestanding wasm. wasm/libc.c has the
 * functions. */
#ifndef SKEP_WASM_STRING_H
#define SKEP_WASM_STRING_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

void *memcpy(void *to, const void *from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
void *memset(void *to, int value, size_t bytes);
void *memchr(const void *bytes, int value, size_t count);
int memcmp(const void *a, const void *b, size_t bytes);
size_t strlen(const char *text);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t most);
char *strchr(const char *text, int letter);

/* A few bytes, known when compiling, are loads and stores: the compiler, told that there is no
 * library (-ffreestanding), would call a function for four of them. */
#define SKEP__FEW(bytes) (__builtin_constant_p(bytes) && (bytes) <= 64)
#define memcpy(to, from, bytes)                                                                    \
    (SKEP__FEW(bytes) ? __builtin_memcpy(to, from, bytes) : (memcpy)(to, from, bytes))
#define memset(to, value, bytes)                                                                   \
    (SKEP__FEW(bytes) ? __builtin_memset(to, value, bytes) : (memset)(to, value, bytes))

#ifdef __cplusplus
}
#endif

#endif
