/* SPDX-License-Identifier: MIT */
/* `skep trace convert`, and what its sisters share. */
#include "cli/trace_cli.h"

#include <string.h>

double skep__cli_trace_ms(double ns)
{
    return ns / 1e6;
}

void skep__cli_trace_title(const skep__cli_trace *trace, char *out, size_t max)
{
    const skep__timeline *t = trace->timeline;
    char frames[32], zones[32];
    const char *scene = skep__timeline_noted(t, "scene");
    (void)snprintf(out, max, "%s%s%s %s, %s %s on %u %s", scene ? scene : "", scene ? ", " : "",
                   skep__cli_thousands(frames, t->frame_count),
                   t->frame_count == 1 ? "frame" : "frames",
                   skep__cli_thousands(zones, t->zone_count), t->zone_count == 1 ? "zone" : "zones",
                   t->row_count, t->row_count == 1 ? "thread" : "threads");
}

int skep__cli_trace_convert(const skep__cli_options *options)
{
    const char *to = options->words[1];
    const skep__cli_command command = options->command;
    skep__cli_trace trace;
    const char *why = NULL;
    int code = skep__cli_trace_check(command, "", to);
    if (code == SKEP__EXIT_OK) code = skep__cli_trace_open(&trace, command, options->words[0]);
    if (code != SKEP__EXIT_OK) return code;
    char title[256];
    skep__cli_trace_title(&trace, title, sizeof title);
    const bool good = skep__cli_trace_write(trace.timeline, to, &why);
    if (good)
        printf("%s: %s\n", to, title);
    else
        (void)skep__cli_fail(command, "%s: %s", to, why);
    code = skep__cli_trace_close(&trace);
    return good ? code : SKEP__EXIT_FAILED;
}
