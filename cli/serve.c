/* SPDX-License-Identifier: MIT */
/* `skep serve`: frames in real time, with a gateway beside them. The loop is that of `skep run`
 * (pace.c); begin and end of the gateway go around each frame, so skep_loop_advance, which runs
 * several due frames in one call, is not used.
 *
 * What is published, and what players own, is the scene's to say (skep_publish in skep/scene.h); of
 * one that says nothing everything is published as it is. */
#include "cli/cli.h"
#include "cli/serve_trace.h"
#include "cli/tracer.h"
#include "port/port.h"

#include <stdlib.h>
#include <string.h>

#if SKEP_CLI_GATEWAY
#define SERVE_HZ 60u
#define SERVE_PORT 8080u
#define SERVE_LIST_MAX 16u
#define SERVE_TEXT 2048u

typedef struct serve_state {
    skep__cli_scene scene;
    skep__cli_live live;
    skep__cli_pace pace;
    skep__cli_tracer tracer;
    skep_gateway *gateway;
    skep_gateway_desc desc;
    skep__serve_trace trace;
    skep_gateway_mount mounts[SERVE_LIST_MAX];
    const char *origins[SERVE_LIST_MAX];
    char page[SERVE_TEXT];
    char origin[SERVE_TEXT];
    uint64_t frames;
    uint64_t frames_max;
    uint64_t busy_ns;
    uint64_t bytes_before; /* sent, when the live line was drawn last */
    uint64_t drawn_ns;
    bool failed;
} serve_state;

/* ---- options -------------------------------------------------------------------------------- */

/* Cuts a copy of a list with commas; returns the number of its parts, or UINT32_MAX. */
static uint32_t serve_list(const char *list, char *copy, const char **parts)
{
    uint32_t count = 0;
    if (strlen(list) >= SERVE_TEXT) return UINT32_MAX;
    memcpy(copy, list, strlen(list) + 1);
    for (char *at = copy; at;) {
        char *comma = strchr(at, ',');
        if (comma) *comma = 0;
        if (*at && count == SERVE_LIST_MAX) return UINT32_MAX;
        if (*at) parts[count++] = at;
        at = comma ? comma + 1 : NULL;
    }
    return count;
}

static int serve_pages(serve_state *s, const skep__cli_options *o)
{
    const char *parts[SERVE_LIST_MAX];
    const char *list = o->value[SKEP__CLI_page].text;
    if (!list) return SKEP__EXIT_OK;
    const uint32_t count = serve_list(list, s->page, parts);
    if (count == UINT32_MAX) return skep__cli_fail(o->command, "--page: too many folders");
    for (uint32_t i = 0; i < count; i++) {
        skep_gateway_mount *m = &s->mounts[i];
        const char *equals = parts[i][0] == '/' ? strchr(parts[i], '=') : NULL;
        m->url = equals ? parts[i] : "/";
        m->folder = equals ? equals + 1 : parts[i];
        if (equals) s->page[equals - s->page] = 0;
    }
    s->desc.mounts = s->mounts;
    s->desc.mount_count = count;
    return SKEP__EXIT_OK;
}

typedef struct serve_limit {
    const char *name;
    uint32_t *value;
} serve_limit;

/* Sets one of --limits, "header_ms=500". */
static int serve_limit_set(serve_state *s, const skep__cli_options *o, const char *text)
{
    skep_gateway_desc *d = &s->desc;
    const serve_limit limits[] = {
        {"connection_max", &d->connection_max},
        {"address_max", &d->address_max},
        {"session_max", &d->publish.session_max},
        {"message_up_max", &d->publish.message_up_max},
        {"header_ms", &d->header_ms},
        {"hello_ms", &d->publish.hello_ms},
        {"drain_ms", &d->drain_ms},
        {"close_ms", &d->close_ms},
        {"ping_ms", &d->publish.ping_ms},
        {"drop_ms", &d->publish.drop_ms},
        {"resume_ms", &d->publish.resume_ms},
    };
    const size_t n = strcspn(text, "=");
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        if (strlen(limits[i].name) != n || memcmp(limits[i].name, text, n) != 0) continue;
        char *end = NULL;
        const unsigned long number = text[n] ? strtoul(text + n + 1, &end, 10) : 0;
        if (number == 0 || number > UINT32_MAX || !end || *end)
            return skep__cli_fail(o->command, "--limits: \"%s\" has no number above 0", text);
        *limits[i].value = (uint32_t)number;
        return SKEP__EXIT_OK;
    }
    return skep__cli_fail(
        o->command, "--limits: there is no \"%.*s\"; skep serve --help lists them", (int)n, text);
}

static int serve_limits(serve_state *s, const skep__cli_options *o)
{
    char copy[SERVE_TEXT];
    const char *parts[SERVE_LIST_MAX];
    const char *list = o->value[SKEP__CLI_limits].text;
    const uint32_t count = list ? serve_list(list, copy, parts) : 0;
    if (count == UINT32_MAX) return skep__cli_fail(o->command, "--limits: too many");
    for (uint32_t i = 0; i < count; i++) {
        const int code = serve_limit_set(s, o, parts[i]);
        if (code != SKEP__EXIT_OK) return code;
    }
    return SKEP__EXIT_OK;
}

static int serve_describe(serve_state *s, const skep__cli_options *o)
{
    const skep__cli_value *v = o->value;
    skep_gateway_desc *d = &s->desc;
    *d = skep_gateway_desc_default();
    d->port = v[SKEP__CLI_port].given ? (uint32_t)v[SKEP__CLI_port].number : SERVE_PORT;
    d->host = v[SKEP__CLI_host].text;
    d->token = v[SKEP__CLI_token].text;
    d->tls_cert = v[SKEP__CLI_tls_cert].text;
    d->tls_key = v[SKEP__CLI_tls_key].text;
    d->publish.tick_hz = SERVE_HZ;
    if (v[SKEP__CLI_every].given) d->publish.every = (uint32_t)v[SKEP__CLI_every].number;
    if (v[SKEP__CLI_origin].text) {
        d->origins = s->origins;
        d->origin_count = serve_list(v[SKEP__CLI_origin].text, s->origin, s->origins);
        if (d->origin_count == UINT32_MAX)
            return skep__cli_fail(o->command, "--origin: too many of them");
    }
    const int code = serve_pages(s, o);
    return code == SKEP__EXIT_OK ? serve_limits(s, o) : code;
}

/* ---- players -------------------------------------------------------------------------------- */

static skep_entity serve_join(void *ctx, skep_world *world, uint32_t player)
{
    (void)world;
    return skep_sim_join(((serve_state *)ctx)->scene.sim, player);
}

static void serve_leave(void *ctx, skep_world *world, uint32_t player, skep_entity own)
{
    (void)world;
    skep_sim_leave(((serve_state *)ctx)->scene.sim, player, own);
}

/* ---- frames --------------------------------------------------------------------------------- */

static void serve_show(void *ctx, uint64_t now_ns)
{
    serve_state *s = ctx;
    char rest[96], rate[32];
    const skep_gateway_stats stats = skep_gateway_stats_of(s->gateway);
    const uint64_t bytes = stats.publish.bytes_sent - s->bytes_before;
    const double seconds = (double)(now_ns - s->drawn_ns) / 1e9;
    s->bytes_before = stats.publish.bytes_sent;
    s->drawn_ns = now_ns;
    (void)snprintf(rest, sizeof rest, "%u %s, %s kB/s", stats.publish.session_count,
                   stats.publish.session_count == 1 ? "client" : "clients",
                   skep__cli_thousands(rate, (uint64_t)((double)bytes / 1e3 / seconds + 0.5)));
    skep__cli_state state = skep__cli_scene_state(&s->scene, s->frames, s->busy_ns);
    state.rest = rest;
    skep__cli_live_draw(&s->live, &state, now_ns);
}

static bool serve_begin(serve_state *s)
{
    const uint64_t begin = skep_trace_begin(s->trace.trace);
    const bool good = skep_gateway_begin(s->gateway) == SKEP_OK;
    skep_trace_end(s->trace.trace, s->trace.inputs, begin);
    return good;
}

static bool serve_end(serve_state *s)
{
    const uint64_t begin = skep_trace_begin(s->trace.trace);
    const bool good = skep_gateway_end(s->gateway) == SKEP_OK;
    skep_trace_end(s->trace.trace, s->trace.publish, begin);
    skep__serve_trace_show(&s->trace, s->gateway);
    return good;
}

static bool serve_frame(serve_state *s)
{
    if (!skep__cli_pace_wait(&s->pace, &s->live, serve_show, s)) return false;
    const uint64_t begin = skep__port_clock_ns();
    const bool good =
        serve_begin(s) && skep_sim_step(s->scene.sim, s->scene.dt) == SKEP_OK && serve_end(s);
    s->busy_ns += skep__port_clock_ns() - begin;
    s->frames++;
    s->failed = !good;
    if (good) skep__cli_tracer_frame(&s->tracer);
    return good;
}

static void serve_frames(serve_state *s)
{
    printf("skep serve: %s at %s (Ctrl-C ends it)\n", s->scene.title, skep_gateway_url(s->gateway));
    (void)fflush(stdout);
    s->drawn_ns = skep__port_clock_ns();
    skep__cli_pace_begin(&s->pace, (double)s->scene.dt, s->drawn_ns);
    skep__cli_live_begin(&s->live, false);
    while (s->frames < s->frames_max && serve_frame(s)) {
    }
    skep__cli_live_clear(&s->live);
}

static void serve_finish(serve_state *s)
{
    char frames[32], bytes[32];
    const skep_gateway_stats stats = skep_gateway_stats_of(s->gateway);
    skep_gateway_close(s->gateway);
    printf("skep serve: ended after %s frames; %s bytes sent\n",
           skep__cli_thousands(frames, s->frames),
           skep__cli_thousands(bytes, stats.publish.bytes_sent));
    const skep__serve_trace *t = &s->trace;
    if (t->count)
        printf("skep serve: the trace was written %s times, each in %.3f ms (at most %.3f) of "
               "processor time\n",
               skep__cli_thousands(frames, t->count), (double)t->took_ns / 1e6 / (double)t->count,
               (double)t->took_max_ns / 1e6);
}

/* Opens the gateway over the scene, and runs it. */
static int serve_scene(serve_state *s, const skep__cli_options *o)
{
    s->scene.log.live = &s->live;
    s->desc.log.fn = skep__cli_log_line;
    s->desc.log.ctx = &s->scene.log;
    s->desc.join = serve_join;
    s->desc.leave = serve_leave;
    s->desc.ctx = s;
    s->desc.executor = skep_sim_executor(s->scene.sim, &s->desc.workers);
    skep__cli_tracer_begin(&s->tracer, o, &s->scene, &s->live);
    const bool traced = !o->value[SKEP__CLI_no_trace].given;
    s->desc.documents = traced ? &skep__serve_trace_document : &skep__serve_trace_missing;
    s->desc.document_count = 1;
    if (traced)
        skep__serve_trace_open(&s->trace, &s->scene, skep__cli_tracer_budget_ns(&s->tracer));
    skep_status status = skep_sim_publish_desc(s->scene.sim, &s->desc.publish);
    if (status == SKEP_OK)
        status = skep_gateway_open(skep_sim_world(s->scene.sim), &s->desc, &s->gateway);
    if (status != SKEP_OK)
        return skep__cli_fail(o->command, "%s cannot be served: %s", s->scene.title,
                              skep_status_text(status));
    serve_frames(s);
    serve_finish(s);
    skep__cli_recovery recovery;
    const int kept = skep__cli_recovery_end(o, &s->scene, &recovery);
    const int written = skep__cli_tracer_end(&s->tracer, s->failed);
    if (s->failed) return SKEP__EXIT_FAILED;
    return kept == SKEP__EXIT_OK ? written : kept;
}

int skep__cli_serve(const skep__cli_options *options)
{
    serve_state *s = calloc(1, sizeof *s);
    if (!s) return SKEP__EXIT_FAILED;
    const skep__cli_value *frames = &options->value[SKEP__CLI_frames];
    s->frames_max = frames->given ? frames->number : UINT64_MAX;
    skep__cli_stop_signals();
    int code = skep__cli_tracer_check(options);
    if (code == SKEP__EXIT_OK) code = skep__cli_recovery_check(options);
    if (code == SKEP__EXIT_OK) code = serve_describe(s, options);
    if (code == SKEP__EXIT_OK) code = skep__cli_scene_open(&s->scene, options);
    if (code == SKEP__EXIT_OK) code = skep__cli_recovery_begin(options, &s->scene);
    if (code == SKEP__EXIT_OK) code = serve_scene(s, options);
    skep__cli_scene_close(&s->scene);
    skep__serve_trace_close(&s->trace);
    free(s);
    return code;
}

#else

int skep__cli_serve(const skep__cli_options *options)
{
    return skep__cli_fail(options->command, "this skep was built without libwebsockets");
}

#endif
