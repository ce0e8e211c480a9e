/* SPDX-License-Identifier: MIT */
/* One message: a kibibyte of stack, cut with a visible mark rather than silently, since the part of
 * a long message that matters (a list of a plan's mistakes, say) may be the part that is missing. A
 * cut never splits a UTF-8 sequence. */
#include "core/base/log.h"

void skep__logf(const skep_log *log, skep_log_level level, const char *format, ...)
{
    if (!log || !log->fn) return;
    char text[SKEP__LOG_TEXT_MAX];
    va_list args;
    va_start(args, format);
    const size_t length = skep__vformat(text, sizeof text, format, args);
    va_end(args);
    if (length >= sizeof text) {
        size_t end = sizeof text - 4;
        while (end && ((unsigned char)text[end] & 0xC0u) == 0x80u) end--;
        memcpy(text + end, "...", 4);
    }
    log->fn(log->ctx, level, text);
}
