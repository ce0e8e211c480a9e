/* SPDX-License-Identifier: MIT */
/* The functions of wasm/include/string.h. The three that move memory are single instructions of the
 * bulk-memory proposal, which engines run as a call: short copies are loops. Compiled with
 * -fno-builtin, so that none becomes a call of itself. */
#include <string.h>

#undef memcpy
#undef memset

void *memcpy(void *to, const void *from, size_t bytes)
{
    unsigned char *t = to;
    const unsigned char *f = from;
    if (bytes >= 64) {
        __builtin_memcpy(to, from, bytes);
        return to;
    }
    for (; bytes >= 8; bytes -= 8, t += 8, f += 8) __builtin_memcpy_inline(t, f, 8);
    while (bytes--) *t++ = *f++;
    return to;
}

void *memmove(void *to, const void *from, size_t bytes)
{
    __builtin_memmove(to, from, bytes);
    return to;
}

void *memset(void *to, int value, size_t bytes)
{
    __builtin_memset(to, value, bytes);
    return to;
}

void *memchr(const void *bytes, int value, size_t count)
{
    const unsigned char *b = bytes;
    for (; count; count--, b++)
        if (*b == (unsigned char)value) return (void *)(size_t)b;
    return NULL;
}

int memcmp(const void *a, const void *b, size_t bytes)
{
    const unsigned char *x = a;
    const unsigned char *y = b;
    for (; bytes >= 8; bytes -= 8, x += 8, y += 8) {
        unsigned long long p;
        unsigned long long q;
        __builtin_memcpy_inline(&p, x, 8);
        __builtin_memcpy_inline(&q, y, 8);
        if (p != q) break;
    }
    for (; bytes; bytes--, x++, y++)
        if (*x != *y) return *x < *y ? -1 : 1;
    return 0;
}

size_t strlen(const char *text)
{
    size_t n = 0;
    while (text[n]) n++;
    return n;
}

int strcmp(const char *a, const char *b)
{
    for (; *a && *a == *b; a++) b++;
    return (int)(unsigned char)*a - (int)(unsigned char)*b;
}

int strncmp(const char *a, const char *b, size_t most)
{
    for (; most && *a && *a == *b; a++, b++) most--;
    return most ? (int)(unsigned char)*a - (int)(unsigned char)*b : 0;
}

char *strchr(const char *text, int letter)
{
    for (; *text != (char)letter; text++)
        if (!*text) return NULL;
    return (char *)(size_t)text;
}
