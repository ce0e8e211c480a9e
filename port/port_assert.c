/* SPDX-License-Identifier: MIT */
/* What happens when an assert fails. In a file of its own, and weak where the linker knows weak
 * symbols, so that a program's own skep_assert_failed takes its place. */
#include "port/port.h"

#include <stdio.h>
#include <stdlib.h>

#if defined(__GNUC__) || defined(__clang__)
__attribute__((weak))
#endif
void skep_assert_failed(const char *expression, const char *file, int line)
{
    fprintf(stderr, "skep: assert failed: %s, %s:%d\n", expression, file, line);
    fflush(stderr);
    abort();
}
