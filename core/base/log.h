/* SPDX-License-Identifier: MIT */
/* Messages to the host's callback (skep/log.h), formatted without libc. */
#ifndef SKEP_CORE_BASE_LOG_H
#define SKEP_CORE_BASE_LOG_H

#include "core/base/format.h"
#include "skep/log.h"

/* Bytes of a message with its ending zero; what is longer is cut and ends in "...". */
#define SKEP__LOG_TEXT_MAX 1024u

/* Formats a message (see skep__format) on the stack and hands it to `log`; nothing, formatting
 * included, happens when `log` or its callback is NULL. */
void skep__logf(const skep_log *log, skep_log_level level, const char *format, ...)
    SKEP__PRINTF(3, 4);

#endif
