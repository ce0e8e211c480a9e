/* SPDX-License-Identifier: MIT */
/* The four functions that the core takes from its host, for a link without one. With bulk memory
 * the compiler mostly writes instructions for them; where it calls, these are what it finds. Plain
 * loops, compiled with -fno-builtin, so that none becomes a call of itself. */
#include <string.h>

void *memmove(void *to, const void *from, size_t bytes)
{
    unsigned char *t = to;
    const unsigned char *f = from;
    if (t <= f) {
        for (size_t i = 0; i < bytes; i++) t[i] = f[i];
    } else {
        for (size_t i = bytes; i > 0; i--) t[i - 1] = f[i - 1];
    }
    return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t bytes)
{
    return memmove(to, from, bytes);
}

void *memset(void *to, int value, size_t bytes)
{
    unsigned char *t = to;
    for (size_t i = 0; i < bytes; i++) t[i] = (unsigned char)value;
    return to;
}

int memcmp(const void *a, const void *b, size_t bytes)
{
    const unsigned char *x = a;
    const unsigned char *y = b;
    for (size_t i = 0; i < bytes; i++) {
        if (x[i] != y[i]) return x[i] < y[i] ? -1 : 1;
    }
    return 0;
}
