/* SPDX-License-Identifier: MIT */
/* Trace files for the command: opening one, writing one by the ending of its name, and the texts of
 * `skep trace`. */
#ifndef SKEP_CLI_TRACE_CLI_H
#define SKEP_CLI_TRACE_CLI_H

#include "cli/cli.h"
#include "trace/trace_analyse.h"

/* A trace file that is open. */
typedef struct skep__cli_trace {
    const char *path;
    uint8_t *bytes;
    size_t byte_count;
    skep__timeline *timeline;
} skep__cli_trace;

/* Opens a trace. Says on standard error what is wrong with it; SKEP__EXIT_OK when there is
 * something to be seen all the same, and then skep__cli_trace_close gives its memory back. */
int skep__cli_trace_open(skep__cli_trace *trace, skep__cli_command command, const char *path);

/* Closes it and returns how the command ends: SKEP__EXIT_FAILED for one that was damaged. */
int skep__cli_trace_close(skep__cli_trace *trace);

/* What a file is to be, by the ending of its name. */
typedef enum skep__cli_trace_kind {
    SKEP__TRACE_NO_FILE,
    SKEP__TRACE_SKEPT,
    SKEP__TRACE_JSON,
    SKEP__TRACE_HTML
} skep__cli_trace_kind;

/* Looks at the ending. */
skep__cli_trace_kind skep__cli_trace_ending(const char *path);

/* Whether a file of this name can be written: its ending is known, this build has the page for it,
 * and there is a place for it. `option` is named in what is said, "" for none. The file is not
 * touched. */
int skep__cli_trace_check(skep__cli_command command, const char *option, const char *path);

/* Writes a timeline to a file, whole or not at all, by the ending of its name. `error` gets the
 * reason as a text when it returns false. */
bool skep__cli_trace_write(const skep__timeline *timeline, const char *path, const char **error);

/* ---- between the files of `skep trace` ------------------------------------------------------ */

/* What a trace is of, for the head of a text: "skies, 600 frames". */
void skep__cli_trace_title(const skep__cli_trace *trace, char *out, size_t max);

/* Nanoseconds as milliseconds. */
double skep__cli_trace_ms(double ns);

#endif
