/* SPDX-License-Identifier: MIT */
/* The live line: one line of a terminal, drawn ten times a second over itself. It is ASCII, and it
 * is wiped with blanks instead of escape sequences, so that every terminal shows it; it never
 * reaches the last column, where terminals differ. Without a terminal nothing is drawn, but the
 * clock of it ticks. */
#include "cli/cli.h"
#include "port/port_terminal.h"

#include <string.h>

#define LIVE_PERIOD_NS 100000000u

void skep__cli_live_begin(skep__cli_live *live, bool json, uint64_t now_ns)
{
    memset(live, 0, sizeof *live);
    live->fd = skep__port_terminal(2) ? 2 : 1;
    if (live->fd == 2) live->out = stderr;
    if (live->fd == 1 && !json && skep__port_terminal(1)) live->out = stdout;
    live->drawn_ns = now_ns;
}

bool skep__cli_live_due(const skep__cli_live *live, uint64_t now_ns)
{
    return now_ns >= live->next_ns;
}

/* Writes "12.3%", "104%", "1,234%". */
static void live_percent(char *out, size_t max, double share)
{
    char number[32];
    const double percent = share * 100.0;
    if (!(percent < 1e15))
        (void)snprintf(out, max, "-");
    else if (percent < 99.95)
        (void)snprintf(out, max, "%.1f%%", percent);
    else
        (void)snprintf(out, max, "%s%%", skep__cli_thousands(number, (uint64_t)(percent + 0.5)));
}

/* Times and shares are of the frames since the line was drawn last; before there were any they are
 * left out. */
static void live_text(const skep__cli_live *live, const skep__cli_state *s, uint64_t now_ns,
                      char *out, size_t max)
{
    char tick[32], entities[32], faults[32], real[32], part[32], timing[128] = "";
    const uint64_t frames = s->frames - live->drawn.frames;
    if (frames && now_ns > live->drawn_ns) {
        const double ms = (double)(s->busy_ns - live->drawn.busy_ns) / 1e6 / (double)frames;
        const double wall = (double)(now_ns - live->drawn_ns) / 1e9;
        live_percent(real, sizeof real, (double)frames * s->dt / wall);
        live_percent(part, sizeof part, ms / 1e3 / s->dt);
        (void)snprintf(timing, sizeof timing, "%.2f ms a frame (%s of dt)  %s of real time  ", ms,
                       part, real);
    }
    (void)snprintf(out, max, "%s  frame %s  %s %s  %s%s %s", s->title,
                   skep__cli_thousands(tick, s->tick), skep__cli_thousands(entities, s->entities),
                   s->entities == 1 ? "entity" : "entities", timing,
                   skep__cli_thousands(faults, s->faults), s->faults == 1 ? "fault" : "faults");
}

void skep__cli_live_draw(skep__cli_live *live, const skep__cli_state *state, uint64_t now_ns)
{
    live->next_ns = now_ns + LIVE_PERIOD_NS;
    if (live->out) {
        char text[512];
        live_text(live, state, now_ns, text, sizeof text);
        const uint32_t columns = skep__port_terminal_columns(live->fd);
        const uint32_t room = (columns ? columns : 80) - 1;
        uint32_t length = (uint32_t)strlen(text);
        if (length > room) length = room;
        const uint32_t old = live->length > room ? room : live->length;
        const int blanks = old > length ? (int)(old - length) : 0;
        (void)fprintf(live->out, "\r%.*s%*s", (int)length, text, blanks, "");
        (void)fflush(live->out);
        live->length = length;
    }
    live->drawn = *state;
    live->drawn_ns = now_ns;
}

void skep__cli_live_clear(skep__cli_live *live)
{
    if (!live->out || live->length == 0) return;
    (void)fprintf(live->out, "\r%*s\r", (int)live->length, "");
    (void)fflush(live->out);
    live->length = 0;
}
