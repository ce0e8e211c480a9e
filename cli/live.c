/* SPDX-License-Identifier: MIT */
/* The live line: one line of a terminal, drawn ten times a second over itself. It is ASCII, and it
 * is wiped with blanks instead of escape sequences, so that every terminal shows it; it never
 * reaches the last column, where terminals differ. Without a terminal nothing is drawn, but the
 * clock of it ticks. */
#include "cli/cli.h"
#include "port/port_terminal.h"

#include <string.h>

#define LIVE_PERIOD_NS 100000000u

void skep__cli_live_begin(skep__cli_live *live, bool json)
{
    memset(live, 0, sizeof *live);
    live->fd = skep__port_terminal(2) ? 2 : 1;
    if (live->fd == 2) live->out = stderr;
    if (live->fd == 1 && !json && skep__port_terminal(1)) live->out = stdout;
}

bool skep__cli_live_due(const skep__cli_live *live, uint64_t now_ns)
{
    return now_ns >= live->next_ns;
}

/* Returns how much of a line may be used. */
static uint32_t live_room(const skep__cli_live *live)
{
    const uint32_t columns = skep__port_terminal_columns(live->fd);
    return (columns ? columns : 80) - 1;
}

/* Writes "12.3%", "104%", "1,234%". */
static void live_percent(char *out, size_t max, double share)
{
    char number[32];
    const double percent = share * 100.0;
    if (!(percent < 1e15))
        (void)snprintf(out, max, "-");
    else if (percent < 9.95)
        (void)snprintf(out, max, "%.1f%%", percent);
    else
        (void)snprintf(out, max, "%s%%", skep__cli_thousands(number, (uint64_t)(percent + 0.5)));
}

/* Writes the averages since the oldest drawing that is known; nothing before there were frames. The
 * part that a frame takes of the time it simulates is left out where there is no `room` for it. */
static void live_timing(const skep__cli_live *live, const skep__cli_state *s, uint64_t now_ns,
                        bool room, char *out, size_t max)
{
    char real[32], part[64], budget[32];
    const uint32_t oldest = live->draws < SKEP__LIVE_BACK ? 0 : live->draws % SKEP__LIVE_BACK;
    const skep__cli_state *then = &live->back[oldest];
    const uint64_t frames = s->frames - then->frames;
    out[0] = 0;
    if (live->draws == 0 || frames == 0 || now_ns <= live->back_ns[oldest]) return;
    const double ms = (double)(s->busy_ns - then->busy_ns) / 1e6 / (double)frames;
    const double wall = (double)(now_ns - live->back_ns[oldest]) / 1e9;
    live_percent(real, sizeof real, (double)frames * s->dt / wall);
    live_percent(budget, sizeof budget, ms / 1e3 / s->dt);
    (void)snprintf(part, sizeof part, " a frame (%s of dt)", budget);
    (void)snprintf(out, max, "%.2f ms%s, %s of real time, ", ms, room ? part : "", real);
}

static uint32_t live_text(const skep__cli_live *live, const skep__cli_state *s, uint64_t now_ns,
                          bool room, char *out, size_t max)
{
    char tick[32], entities[32], faults[32], timing[160];
    live_timing(live, s, now_ns, room, timing, sizeof timing);
    (void)snprintf(out, max, "%s: frame %s, %s %s, %s%s %s%s%s", s->title,
                   skep__cli_thousands(tick, s->tick), skep__cli_thousands(entities, s->entities),
                   s->entities == 1 ? "entity" : "entities", timing,
                   skep__cli_thousands(faults, s->faults), s->faults == 1 ? "fault" : "faults",
                   s->rest ? ", " : "", s->rest ? s->rest : "");
    return (uint32_t)strlen(out);
}

void skep__cli_live_draw(skep__cli_live *live, const skep__cli_state *state, uint64_t now_ns)
{
    live->next_ns = now_ns + LIVE_PERIOD_NS;
    if (live->out) {
        char text[512];
        const uint32_t room = live_room(live);
        uint32_t length = live_text(live, state, now_ns, true, text, sizeof text);
        if (length > room) length = live_text(live, state, now_ns, false, text, sizeof text);
        if (length > room) length = room;
        const uint32_t old = live->length > room ? room : live->length;
        const int blanks = old > length ? (int)(old - length) : 0;
        (void)fprintf(live->out, "\r%.*s%*s", (int)length, text, blanks, "");
        (void)fflush(live->out);
        live->length = length;
    }
    live->back[live->draws % SKEP__LIVE_BACK] = *state;
    live->back_ns[live->draws % SKEP__LIVE_BACK] = now_ns;
    live->draws++;
}

void skep__cli_live_clear(skep__cli_live *live)
{
    if (!live->out || live->length == 0) return;
    /* All of the line, since the terminal itself adds "^C". */
    (void)fprintf(live->out, "\r%*s\r", (int)live_room(live), "");
    (void)fflush(live->out);
    live->length = 0;
}
