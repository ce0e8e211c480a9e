/* SPDX-License-Identifier: MIT */
/* printf without libc, for errors, logs and explanations: the same bytes on every host, no locale.
 *
 * Conversions: %d %i %u %x %X %o %c %s %p %f %F %e %E %g %G %%, flags - + space # 0, width and
 * precision as numbers or *, lengths hh h l ll z t. Doubles are rounded exactly, ties to even, as
 * the best libcs do. %p prints 0x and the address in hexadecimal, null included. A NULL string
 * prints "(null)". %n, %a and long double do not exist; what is not understood is printed as it
 * stands. */
#ifndef SKEP_CORE_BASE_FORMAT_H
#define SKEP_CORE_BASE_FORMAT_H

#include "core/base/base.h"

#include <stdarg.h>

#if defined(__GNUC__) || defined(__clang__)
#define SKEP__PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define SKEP__PRINTF(text, first)
#endif

/* Writes at most `max` bytes to `out`, the last of them a zero (nothing when max is 0; out may be
 * NULL then), and returns the length that the whole text has: it was cut if that is not below max.
 */
size_t skep__format(char *out, size_t max, const char *format, ...) SKEP__PRINTF(3, 4);

/* skep__format with its arguments in a list, which is used up. */
size_t skep__vformat(char *out, size_t max, const char *format, va_list args) SKEP__PRINTF(3, 0);

#endif
