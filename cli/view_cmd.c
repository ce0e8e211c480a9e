/* SPDX-License-Identifier: MIT */
/* `skep view`: a client that draws nothing, and says once a second what it sees and how well. */
#include "cli/cli.h"
#include "cli/json.h"
#include "port/port.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#if SKEP_CLI_GATEWAY
#include "skep/client.h"

#define VIEW_FRAME_MS 16u
#define VIEW_SECOND_NS UINT64_C(1000000000)
#define VIEW_SETS_MAX 32u
/* A clock that was set by more than this, in ticks, counts as corrected. */
#define VIEW_CORRECTED 0.5

typedef struct view_set {
    uint64_t components; /* by their place in the schema, a bit each */
    uint32_t count;
} view_set;

typedef struct view_state {
    skep_client *client;
    skep_view *view;
    const char *url;
    bool json;
    bool failed;
    uint64_t start_ns;
    uint64_t end_ns;
    uint64_t line_ns;   /* when the next line is due */
    uint64_t second_ns; /* when the last one was */
    uint64_t frame_ns;  /* when the last picture was */
    double server_tick; /* at the last picture; 0: unknown */
    uint64_t corrections;
    double corrected_ms; /* the most */
    skep_view_stats before;
    uint32_t set_count;
    view_set sets[VIEW_SETS_MAX];
} view_state;

static const char *const view_phases[] = {"connecting", "live", "stale", "reconnecting", "closed"};

/* ---- what is there -------------------------------------------------------------------------- */

static void view_count(view_state *s)
{
    uint32_t known = 0;
    const skep_replica *schema = skep_view_schema(s->view, &known);
    skep_view_rows rows;
    memset(&rows, 0, sizeof rows);
    s->set_count = 0;
    while (skep_view_each(s->view, NULL, 0, &rows)) {
        uint64_t components = 0;
        for (uint32_t i = 0; i < known && i < 64; i++)
            if (schema[i].info->kind == SKEP_KIND_COMPONENT &&
                skep_view_get(s->view, rows.entity[0], schema[i].info, NULL))
                components |= UINT64_C(1) << i;
        uint32_t at = 0;
        while (at < s->set_count && s->sets[at].components != components) at++;
        if (at == VIEW_SETS_MAX) continue;
        if (at == s->set_count) {
            s->sets[s->set_count].count = 0;
            s->sets[s->set_count++].components = components;
        }
        s->sets[at].count += rows.count;
    }
}

/* Writes "Pos+Vel". */
static void view_set_name(const view_state *s, const view_set *set, char *out, size_t max)
{
    uint32_t known = 0;
    size_t used = 0;
    const skep_replica *schema = skep_view_schema(s->view, &known);
    out[0] = 0;
    for (uint32_t i = 0; i < known && i < 64; i++) {
        if (!(set->components >> i & 1)) continue;
        const int n =
            snprintf(out + used, max - used, "%s%s", used ? "+" : "", schema[i].info->name);
        if (n < 0 || (size_t)n >= max - used) return;
        used += (size_t)n;
    }
}

/* ---- lines ---------------------------------------------------------------------------------- */

typedef struct view_rates {
    double seconds;
    double bytes;           /* a second */
    double states;          /* a second */
    double bytes_an_entity; /* and state */
} view_rates;

static view_rates view_rate(const view_state *s, const skep_view_stats *now, uint64_t now_ns)
{
    view_rates r;
    r.seconds = (double)(now_ns - s->second_ns) / 1e9;
    if (r.seconds <= 0) r.seconds = 1e-9;
    const double bytes = (double)(now->bytes_received - s->before.bytes_received);
    const double states = (double)(now->states - s->before.states);
    r.bytes = bytes / r.seconds;
    r.states = states / r.seconds;
    r.bytes_an_entity = states > 0 && now->entity_count ? bytes / states / now->entity_count : 0.0;
    return r;
}

static void view_line_text(const view_state *s, const skep_view_stats *st, const view_rates *r,
                           uint64_t now_ns)
{
    char tick[32], entities[32], bytes[32], name[256];
    const skep_view_phase phase = skep_view_phase_of(s->view);
    const char *reason = skep_view_reason(s->view);
    if (!reason[0]) reason = skep_client_trouble(s->client);
    printf("%4.0f s: %s", (double)(now_ns - s->start_ns) / 1e9, view_phases[phase]);
    if (phase != SKEP_VIEW_LIVE && reason[0]) printf(" (%s)", reason);
    printf(", tick %s, %s %s", skep__cli_thousands(tick, st->tick),
           skep__cli_thousands(entities, st->entity_count),
           st->entity_count == 1 ? "entity" : "entities");
    for (uint32_t i = 0; i < s->set_count; i++) {
        view_set_name(s, &s->sets[i], name, sizeof name);
        printf("%s%s %s", i ? ", " : " (", name[0] ? name : "bare",
               skep__cli_thousands(entities, s->sets[i].count));
    }
    printf("%s, %s B/s, %.1f states/s, %.2f B an entity, delay %.0f ms, jitter %.1f ms, "
           "round trip %.1f ms, clock corrected %llu times (%.1f ms), %llu resyncs, "
           "%llu reconnects\n",
           s->set_count ? ")" : "", skep__cli_thousands(bytes, (uint64_t)(r->bytes + 0.5)),
           r->states, r->bytes_an_entity, (double)st->delay_ms, (double)st->jitter_ms,
           (double)st->rtt_ms, (unsigned long long)s->corrections, s->corrected_ms,
           (unsigned long long)st->resyncs, (unsigned long long)st->reconnects);
}

static void view_line_json(const view_state *s, const skep_view_stats *st, const view_rates *r,
                           uint64_t now_ns)
{
    char name[256];
    skep__json j = {stdout, false};
    skep__json_open(&j, NULL, '{');
    skep__json_text(&j, "url", s->url);
    skep__json_f64(&j, "seconds", (double)(now_ns - s->start_ns) / 1e9, 6);
    skep__json_text(&j, "phase", view_phases[skep_view_phase_of(s->view)]);
    skep__json_text(&j, "reason", skep_view_reason(s->view));
    skep__json_text(&j, "trouble", skep_client_trouble(s->client));
    skep__json_u64(&j, "player", skep_view_player(s->view));
    skep__json_u64(&j, "tick", st->tick);
    skep__json_u64(&j, "entities", st->entity_count);
    skep__json_open(&j, "sets", '{');
    for (uint32_t i = 0; i < s->set_count; i++) {
        view_set_name(s, &s->sets[i], name, sizeof name);
        skep__json_u64(&j, name, s->sets[i].count);
    }
    skep__json_close(&j, '}');
    skep__json_u64(&j, "bytes", st->bytes_received);
    skep__json_u64(&j, "messages", st->messages_received);
    skep__json_u64(&j, "states", st->states);
    skep__json_f64(&j, "bytes_a_second", r->bytes, 6);
    skep__json_f64(&j, "states_a_second", r->states, 6);
    skep__json_f64(&j, "bytes_an_entity", r->bytes_an_entity, 6);
    skep__json_f64(&j, "delay_ms", (double)st->delay_ms, 6);
    skep__json_f64(&j, "jitter_ms", (double)st->jitter_ms, 6);
    skep__json_f64(&j, "round_trip_ms", (double)st->rtt_ms, 6);
    skep__json_u64(&j, "clock_corrections", s->corrections);
    skep__json_f64(&j, "clock_corrected_ms", s->corrected_ms, 6);
    skep__json_u64(&j, "resyncs", st->resyncs);
    skep__json_u64(&j, "reconnects", st->reconnects);
    skep__json_close(&j, '}');
    (void)fputc('\n', stdout);
}

static void view_line(view_state *s, uint64_t now_ns)
{
    const skep_view_stats st = skep_view_stats_of(s->view, now_ns);
    const view_rates r = view_rate(s, &st, now_ns);
    view_count(s);
    if (s->json)
        view_line_json(s, &st, &r, now_ns);
    else
        view_line_text(s, &st, &r, now_ns);
    (void)fflush(stdout);
    s->before = st;
    s->second_ns = now_ns;
    s->line_ns += VIEW_SECOND_NS;
    if (s->line_ns <= now_ns) s->line_ns = now_ns + VIEW_SECOND_NS;
}

/* ---- running -------------------------------------------------------------------------------- */

/* Looks whether the estimate of the server's clock went on as time did. */
static void view_clock(view_state *s, uint64_t now_ns)
{
    const skep_view_stats st = skep_view_stats_of(s->view, now_ns);
    const bool live = skep_view_phase_of(s->view) == SKEP_VIEW_LIVE && st.tick_hz;
    if (live && s->server_tick > 0) {
        const double went = (double)(now_ns - s->frame_ns) / 1e9 * st.tick_hz;
        const double by = fabs(st.server_tick - s->server_tick - went);
        const double ms = by * 1e3 / st.tick_hz;
        if (by > VIEW_CORRECTED) s->corrections++;
        if (by > VIEW_CORRECTED && ms > s->corrected_ms) s->corrected_ms = ms;
    }
    s->server_tick = live ? st.server_tick : 0;
    s->frame_ns = now_ns;
}

static bool view_frame(view_state *s)
{
    const bool goes_on = skep_client_service(s->client, VIEW_FRAME_MS);
    const uint64_t now = skep_client_now(s->client);
    if (skep_view_frame(s->view, now) != SKEP_OK) {
        s->failed = true;
        return false;
    }
    view_clock(s, now);
    if (now >= s->line_ns) view_line(s, now);
    return goes_on && now < s->end_ns && !skep__cli_stopped() && !ferror(stdout);
}

static void view_message(void *ctx, skep_log_level level, const char *text)
{
    (void)ctx;
    if (level >= SKEP_LOG_INFO) (void)fprintf(stderr, "%s\n", text);
}

int skep__cli_view(const skep__cli_options *options)
{
    const skep__cli_value *v = options->value;
    view_state s;
    memset(&s, 0, sizeof s);
    s.url = options->words[0];
    s.json = v[SKEP__CLI_view_json].given;
    skep_client_desc d = skep_client_desc_default();
    d.url = options->words[0];
    d.ca_file = v[SKEP__CLI_ca_file].text;
    d.insecure = v[SKEP__CLI_insecure].given;
    d.log.fn = view_message;
    d.view.token = v[SKEP__CLI_token].text;
    d.view.token_bytes = d.view.token ? strlen(v[SKEP__CLI_token].text) : 0;
    skep__cli_stop_signals();
    const skep_status status = skep_client_open(&d, &s.client);
    if (status != SKEP_OK)
        return skep__cli_fail(options->command, "%s: %s", s.url, skep_status_text(status));
    s.view = skep_client_view(s.client);
    s.start_ns = skep_client_now(s.client);
    s.second_ns = s.start_ns;
    s.line_ns = s.start_ns + VIEW_SECOND_NS;
    const skep__cli_value *seconds = &v[SKEP__CLI_seconds];
    s.end_ns = seconds->given ? s.start_ns + seconds->number * VIEW_SECOND_NS : UINT64_MAX;
    while (view_frame(&s)) {
    }
    const uint64_t now = skep_client_now(s.client);
    if (now > s.second_ns + VIEW_SECOND_NS / 100) view_line(&s, now);
    const bool closed = skep_view_phase_of(s.view) == SKEP_VIEW_CLOSED;
    skep_client_close(s.client);
    return s.failed || closed ? SKEP__EXIT_FAILED : SKEP__EXIT_OK;
}

#else

int skep__cli_view(const skep__cli_options *options)
{
    return skep__cli_fail(options->command, "this skep was built without libwebsockets");
}

#endif
