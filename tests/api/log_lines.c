/* SPDX-License-Identifier: MIT */
/* Lines are cut to their places; a test that needs more than LOG_LINES_MAX of them looks at too
 * much. */
#include "api/log_lines.h"

#include <stdio.h>
#include <string.h>

static void log_lines_take(void *ctx, skep_log_level level, const char *text)
{
    log_lines *lines = (log_lines *)ctx;
    (void)level;
    if (lines->count == LOG_LINES_MAX) return;
    (void)snprintf(lines->text[lines->count++], sizeof lines->text[0], "%s", text);
}

skep_log log_lines_open(log_lines *lines)
{
    skep_log log;
    lines->count = 0;
    log.fn = log_lines_take;
    log.ctx = lines;
    return log;
}

bool log_lines_have(const log_lines *lines, const char *text)
{
    for (uint32_t i = 0; i < lines->count; i++)
        if (strstr(lines->text[i], text)) return true;
    return false;
}

void log_lines_print(const log_lines *lines)
{
    for (uint32_t i = 0; i < lines->count; i++) (void)fprintf(stderr, "%s\n", lines->text[i]);
}
