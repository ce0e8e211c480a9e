/* SPDX-License-Identifier: MIT */
/* A log that keeps its lines, for tests that look at messages. */
#ifndef SKEP_TESTS_API_LOG_LINES_H
#define SKEP_TESTS_API_LOG_LINES_H

#include "skep/log.h"

#include <stdbool.h>
#include <stdint.h>

#define LOG_LINES_MAX 64u

typedef struct log_lines {
    char text[LOG_LINES_MAX][512];
    uint32_t count;
} log_lines;

/* A log into `lines`, which outlives it. */
skep_log log_lines_open(log_lines *lines);

/* Whether some line contains the text. */
bool log_lines_have(const log_lines *lines, const char *text);

/* Prints all lines to standard error, for tests that fail. */
void log_lines_print(const log_lines *lines);

#endif
