/* SPDX-License-Identifier: MIT */
/* Whether bytes from outside are UTF-8, RFC 3629. */
#ifndef SKEP_CORE_BASE_UTF8_H
#define SKEP_CORE_BASE_UTF8_H

#include "core/base/base.h"

/* Returns the bytes of the UTF-8 character that begins at `s`, a text ended by a zero; 0 when there
 * is none: no over-long forms, no surrogates, nothing above U+10FFFF. */
SKEP_INLINE uint32_t skep__utf8_bytes(const unsigned char *s)
{
    if (s[0] < 0x80) return 1;
    const uint32_t n = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    if (s[0] < 0xc2 || s[0] > 0xf4) return 0;
    for (uint32_t i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80) return 0;
    if (s[0] == 0xe0 && s[1] < 0xa0) return 0;
    if (s[0] == 0xed && s[1] > 0x9f) return 0;
    if (s[0] == 0xf0 && s[1] < 0x90) return 0;
    if (s[0] == 0xf4 && s[1] > 0x8f) return 0;
    return n;
}

#endif
