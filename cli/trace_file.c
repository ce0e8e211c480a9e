/* SPDX-License-Identifier: MIT */
/* Trace files in and out. A trace is read whole; what is written goes to PATH.tmp piece by piece,
 * which then takes the name's place, so that a file is there whole or not at all. */
#include "cli/trace_cli.h"
#include "port/port.h"
#include "trace/trace_convert.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FILE_PROBLEMS 5u

/* The viewer's page, or 0 bytes where the build had none; see cmake/skep_embed_page.cmake. */
extern const unsigned char skep__trace_page[];
extern const size_t skep__trace_page_bytes;

/* ---- reading -------------------------------------------------------------------------------- */

/* Says what is wrong with a trace that can be shown all the same. */
static void file_problems(const skep__cli_trace *trace, skep__cli_command command)
{
    const skep__timeline *t = trace->timeline;
    char number[32];
    for (uint32_t i = 0; i < t->problem_count && i < FILE_PROBLEMS; i++) {
        const skep__timeline_problem *p = &t->problems[i];
        (void)skep__cli_fail(command, "%s: %s%sbyte %s: %s", trace->path, p->section,
                             p->section[0] ? " at " : "", skep__cli_thousands(number, p->offset),
                             p->message);
    }
    if (t->problem_count > FILE_PROBLEMS)
        (void)skep__cli_fail(command, "%s: and %u more", trace->path,
                             t->problem_count - FILE_PROBLEMS);
}

int skep__cli_trace_open(skep__cli_trace *trace, skep__cli_command command, const char *path)
{
    const skep_allocator allocator = skep__port_allocator();
    memset(trace, 0, sizeof *trace);
    trace->path = path;
    errno = 0;
    skep_status status = skep__port_file_read(path, &allocator, &trace->bytes, &trace->byte_count);
    if (status != SKEP_OK)
        return skep__cli_fail(command, "%s: %s", path,
                              status == SKEP_NO_MEMORY || !errno ? skep_status_text(status)
                                                                 : strerror(errno));
    skep_error error;
    status =
        skep__timeline_read(trace->bytes, trace->byte_count, &allocator, &trace->timeline, &error);
    if (status != SKEP_OK) {
        (void)skep__cli_trace_close(trace);
        return skep__cli_fail(command, "%s: %s", path, error.message);
    }
    file_problems(trace, command);
    return SKEP__EXIT_OK;
}

int skep__cli_trace_close(skep__cli_trace *trace)
{
    const skep_allocator allocator = skep__port_allocator();
    const bool damaged = trace->timeline && trace->timeline->problem_count;
    skep__timeline_free(trace->timeline);
    if (trace->bytes) allocator.free(allocator.ctx, trace->bytes, trace->byte_count + 1, 16);
    memset(trace, 0, sizeof *trace);
    return damaged ? SKEP__EXIT_FAILED : SKEP__EXIT_OK;
}

/* ---- writing -------------------------------------------------------------------------------- */

skep__cli_trace_kind skep__cli_trace_ending(const char *path)
{
    const char *dot = strrchr(path, '.');
    const char *slash = strrchr(path, '/');
    if (!dot || (slash && dot < slash)) return SKEP__TRACE_NO_FILE;
    if (strcmp(dot, ".skept") == 0) return SKEP__TRACE_SKEPT;
    if (strcmp(dot, ".json") == 0) return SKEP__TRACE_JSON;
    if (strcmp(dot, ".html") == 0) return SKEP__TRACE_HTML;
    return SKEP__TRACE_NO_FILE;
}

int skep__cli_trace_check(skep__cli_command command, const char *option, const char *path)
{
    const char *colon = *option ? ": " : "";
    const skep__cli_trace_kind kind = skep__cli_trace_ending(path);
    if (kind == SKEP__TRACE_NO_FILE)
        return skep__cli_fail(command, "%s%s%s: the name must end in .skept, .json or .html",
                              option, colon, path);
    if (kind == SKEP__TRACE_HTML && !skep__trace_page_bytes)
        return skep__cli_fail(command,
                              "%s%s%s: this build of skep has no viewer page; run npm ci && "
                              "tools/viewer.sh and build again, or write .skept and convert it "
                              "with a skep that has one",
                              option, colon, path);
    return skep__cli_writable(command, option, path);
}

static bool file_put(void *ctx, const void *bytes, size_t count)
{
    return fwrite(bytes, 1, count, ctx) == count;
}

static skep_status file_convert(const skep__timeline *t, skep__cli_trace_kind kind, FILE *file)
{
    if (kind == SKEP__TRACE_JSON) return skep__trace_json(t, file_put, file);
    if (kind == SKEP__TRACE_SKEPT) return skep__trace_skept(t, file_put, file);
    return skep__trace_html(t, skep__trace_page, skep__trace_page_bytes, file_put, file);
}

bool skep__cli_trace_write(const skep__timeline *timeline, const char *path, const char **error)
{
    char *temporary = skep__cli_temporary(path);
    *error = skep_status_text(SKEP_NO_MEMORY);
    if (!temporary) return false;
    FILE *file = fopen(temporary, "wb");
    bool good = file != NULL;
    *error = good ? NULL : strerror(errno);
    if (good) {
        errno = 0;
        const skep_status status = file_convert(timeline, skep__cli_trace_ending(path), file);
        if (status != SKEP_OK)
            *error = status == SKEP_IO && errno ? strerror(errno) : skep_status_text(status);
        if (fclose(file) != 0 && !*error) *error = strerror(errno);
        if (!*error && rename(temporary, path) != 0) *error = strerror(errno);
        good = *error == NULL;
        if (!good) (void)remove(temporary);
    }
    free(temporary);
    return good;
}
