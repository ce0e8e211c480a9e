/* SPDX-License-Identifier: MIT */
/* `skep trace compare`: two traces, system by system, those that clearly got slower first. */
#include "cli/json.h"
#include "cli/trace_cli.h"
#include "port/port.h"
#include "trace/trace_compare.h"

#include <string.h>

#define COMPARE_NAME_MAX 28

/* One of the two. */
typedef struct compare_file {
    skep__cli_trace trace;
    skep__trace_systems systems;
    skep__trace_times times;
} compare_file;

typedef struct compare_state {
    compare_file a, b;
    skep__trace_memory m;
    const skep__trace_comparison *list;
    uint32_t count;
} compare_state;

/* ---- for people ----------------------------------------------------------------------------- */

static void text_head(const char *name, const compare_file *f)
{
    char title[256];
    skep__cli_trace_title(&f->trace, title, sizeof title);
    printf("%s  %s: %s\n   frame time  p50 %.3f ms, p95 %.3f ms, p99 %.3f ms, max %.3f ms\n", name,
           f->trace.path, title, skep__cli_trace_ms(f->times.p50_ns),
           skep__cli_trace_ms(f->times.p95_ns), skep__cli_trace_ms(f->times.p99_ns),
           skep__cli_trace_ms(f->times.max_ns));
}

/* A change and its interval, of numbers that are shown times `scale`. */
static void text_change(const skep__trace_change *c, double scale, int digits)
{
    char text[64] = "too few";
    if (c->known)
        (void)snprintf(text, sizeof text, "%+.*f to %+.*f", digits, c->low * scale, digits,
                       c->high * scale);
    printf("  %+9.*f  %-18s", digits, (c->b - c->a) * scale, text);
}

static const char *text_verdict(const skep__trace_comparison *c)
{
    if (c->only == SKEP__SIDE_A) return "in A only";
    if (c->only == SKEP__SIDE_B) return "in B only";
    if (!c->p50.known) return "";
    return c->clear ? "slower" : c->p50.high < 0.0 ? "faster" : "";
}

static void text_line(const skep__trace_comparison *c, int width)
{
    printf("  %-*s", width, c->system);
    if (c->only != SKEP__SIDE_BOTH) {
        const skep__trace_system_stats *s = c->in_a ? c->in_a : c->in_b;
        printf("  p50 %.3f, p99 %.3f, %s\n", skep__cli_trace_ms(s->p50_ns),
               skep__cli_trace_ms(s->p99_ns), text_verdict(c));
        return;
    }
    printf(" %8.3f %8.3f", skep__cli_trace_ms(c->p50.a), skep__cli_trace_ms(c->p50.b));
    text_change(&c->p50, 1e-6, 3);
    text_change(&c->p99, 1e-6, 3);
    text_change(&c->share, 100.0, 1);
    printf("  %s\n", text_verdict(c));
}

static void compare_text(const compare_state *s)
{
    size_t width = 6;
    uint32_t slower = 0;
    for (uint32_t i = 0; i < s->count; i++) {
        const size_t n = strlen(s->list[i].system);
        if (n > width) width = n;
        slower += s->list[i].clear;
    }
    if (width > COMPARE_NAME_MAX) width = COMPARE_NAME_MAX;
    text_head("A", &s->a);
    text_head("B", &s->b);
    printf("\n  milliseconds of a frame, and percent points of all systems' time, with 95%% "
           "intervals\n");
    printf("  %-*s    p50 A    p50 B   change  %-18s   p99 by  %-18s share by\n", (int)width,
           "system", "", "");
    for (uint32_t i = 0; i < s->count; i++) text_line(&s->list[i], (int)width);
    printf("\n  %u %s clearly slower\n", slower, slower == 1 ? "system got" : "systems got");
}

/* ---- for programs --------------------------------------------------------------------------- */

static void json_file(skep__json *j, const char *key, const compare_file *f)
{
    skep__json_open(j, key, '{');
    skep__json_text(j, "file", f->trace.path);
    skep__json_text(j, "scene", skep__timeline_noted(f->trace.timeline, "scene"));
    skep__json_u64(j, "frames", f->trace.timeline->frame_count);
    skep__json_u64(j, "problems", f->trace.timeline->problem_count);
    skep__json_f64(j, "p50_ns", f->times.p50_ns, 17);
    skep__json_f64(j, "p95_ns", f->times.p95_ns, 17);
    skep__json_f64(j, "p99_ns", f->times.p99_ns, 17);
    skep__json_f64(j, "max_ns", f->times.max_ns, 17);
    skep__json_close(j, '}');
}

static void json_change(skep__json *j, const char *key, const skep__trace_change *c,
                        skep__trace_side only)
{
    if (only != SKEP__SIDE_BOTH) {
        skep__json_null(j, key);
        return;
    }
    skep__json_open(j, key, '{');
    skep__json_f64(j, "a", c->a, 17);
    skep__json_f64(j, "b", c->b, 17);
    skep__json_f64(j, "change", c->b - c->a, 17);
    if (c->known) {
        skep__json_f64(j, "low", c->low, 17);
        skep__json_f64(j, "high", c->high, 17);
    } else {
        skep__json_null(j, "low");
        skep__json_null(j, "high");
    }
    skep__json_close(j, '}');
}

static void compare_json(const compare_state *s)
{
    static const char *const sides[] = {NULL, "a", "b"};
    skep__json j = {stdout, false};
    skep__json_open(&j, NULL, '{');
    json_file(&j, "a", &s->a);
    json_file(&j, "b", &s->b);
    skep__json_open(&j, "systems", '[');
    for (uint32_t i = 0; i < s->count; i++) {
        const skep__trace_comparison *c = &s->list[i];
        skep__json_open(&j, NULL, '{');
        skep__json_text(&j, "system", c->system);
        skep__json_text(&j, "only", sides[c->only]);
        skep__json_bool(&j, "clear", c->clear);
        json_change(&j, "p50_ns", &c->p50, c->only);
        json_change(&j, "p99_ns", &c->p99, c->only);
        json_change(&j, "share", &c->share, c->only);
        skep__json_close(&j, '}');
    }
    skep__json_close(&j, ']');
    skep__json_close(&j, '}');
    (void)fputc('\n', stdout);
}

/* ---- the command ---------------------------------------------------------------------------- */

static skep__trace_compared compare_side_of(compare_file *f, skep__trace_memory *m)
{
    const skep__timeline *t = f->trace.timeline;
    const skep__trace_frames all = skep__trace_frames_all(t);
    f->systems = skep__trace_systems_of(t, m, all);
    f->times = skep__trace_times_of(t, m, all, t->budget_ns);
    return (skep__trace_compared){t, &f->systems, all};
}

static int compare_both(compare_state *s, const skep__cli_options *o)
{
    s->m.allocator = skep__port_allocator();
    const skep__trace_compared a = compare_side_of(&s->a, &s->m);
    const skep__trace_compared b = compare_side_of(&s->b, &s->m);
    s->list = skep__trace_compare(&a, &b, &s->m, &s->count);
    const bool failed = s->m.failed;
    if (failed)
        (void)skep__cli_fail(o->command, "%s", skep_status_text(SKEP_NO_MEMORY));
    else if (o->value[SKEP__CLI_trace_json].given)
        compare_json(s);
    else
        compare_text(s);
    skep__trace_memory_free(&s->m);
    return failed ? SKEP__EXIT_FAILED : SKEP__EXIT_OK;
}

int skep__cli_trace_compare(const skep__cli_options *options)
{
    compare_state s;
    memset(&s, 0, sizeof s);
    int code = skep__cli_trace_open(&s.a.trace, options->command, options->words[0]);
    if (code != SKEP__EXIT_OK) return code;
    code = skep__cli_trace_open(&s.b.trace, options->command, options->words[1]);
    if (code == SKEP__EXIT_OK) {
        code = compare_both(&s, options);
        const int damaged = skep__cli_trace_close(&s.b.trace);
        if (code == SKEP__EXIT_OK) code = damaged;
    }
    const int damaged = skep__cli_trace_close(&s.a.trace);
    return code == SKEP__EXIT_OK ? damaged : code;
}
