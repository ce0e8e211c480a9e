/* SPDX-License-Identifier: MIT */
/* All of <string.h> that the core may use; the freestanding build has no other. */
#ifndef SKEP_WASM_LINK_STRING_H
#define SKEP_WASM_LINK_STRING_H

#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
void *memset(void *to, int value, size_t bytes);
int memcmp(const void *a, const void *b, size_t bytes);

#endif
