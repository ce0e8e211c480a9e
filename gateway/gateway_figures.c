/* SPDX-License-Identifier: MIT */
/* What a gateway says of itself: /healthz for whoever restarts things, /metrics for Prometheus. All
 * numbers are those of skep_gateway_stats; counters carry the unit in their name and end in _total.
 */
#include "gateway/gateway_internal.h"

#include <stdio.h>

/* The world counts as standing still after so long without the end of a frame. */
#define FIGURES_STILL_NS UINT64_C(5000000000)

skep_gateway_stats skep__figures_wire(const skep_gateway *g)
{
    skep_gateway_stats s = g->stats;
    s.publish = skep_publisher_stats(g->publisher);
    s.publish.quantise_ns = g->quantise_ns;
    s.connections = g->conn_count;
    s.cpu_ns = skep__port_thread_cpu_ns();
    return s;
}

void skep__figures_world(skep_gateway_stats *s, const skep_gateway_stats *world)
{
    s->frames = world->frames;
    s->frame_ns = world->frame_ns;
    s->frame_max_ns = world->frame_max_ns;
    s->states_lost = world->states_lost;
    s->players = world->players;
}

/* Both sides' figures; the gateway's thread. */
static skep_gateway_stats figures_now(skep_gateway *g)
{
    skep_gateway_stats s = skep__figures_wire(g);
    skep__handover_lock(&g->handover);
    skep__figures_world(&s, &g->handover.world);
    skep__handover_unlock(&g->handover);
    return s;
}

size_t skep__figures_health(skep_gateway *g, char *out, size_t max, bool *good)
{
    const skep_gateway_stats s = figures_now(g);
    const uint64_t now = skep__port_clock_ns();
    skep__handover_lock(&g->handover);
    const uint64_t end = g->handover.frame_end_ns;
    skep__handover_unlock(&g->handover);
    const uint64_t since = now - (end ? end : g->open_ns);
    *good = since < FIGURES_STILL_NS || end > now;
    const char *executor = g->desc.executor;
    char runs_on[128] = "";
    if (executor)
        (void)snprintf(runs_on, sizeof runs_on, "\"executor\":\"%.64s\",\"workers\":%u,", executor,
                       g->desc.workers);
    const int n = snprintf(out, max,
                           "{\"ok\":%s,\"tick\":%u,\"entities\":%u,\"sessions\":%u,"
                           "\"players\":%u,%s\"uptime_s\":%llu}\n",
                           *good ? "true" : "false", s.publish.tick, s.publish.entity_count,
                           s.publish.session_count, s.players, runs_on,
                           (unsigned long long)((now - g->open_ns) / 1000000000u));
    return n > 0 && (size_t)n < max ? (size_t)n : 0;
}

/* ---- Prometheus ----------------------------------------------------------------------------- */

typedef struct figures_text {
    char *out;
    size_t used, max;
} figures_text;

static void figures_row(figures_text *t, const char *name, const char *type, const char *help,
                        double value)
{
    const size_t room = t->max - t->used;
    const int n = snprintf(t->out + t->used, room, "# HELP %s %s\n# TYPE %s %s\n%s %.15g\n", name,
                           help, name, type, name, value);
    if (n > 0 && (size_t)n < room) t->used += (size_t)n;
}

static void figures_count(figures_text *t, const char *name, const char *help, uint64_t value)
{
    figures_row(t, name, "counter", help, (double)value);
}

static void figures_seconds(figures_text *t, const char *name, const char *help, uint64_t ns)
{
    figures_row(t, name, "counter", help, (double)ns / 1e9);
}

static void figures_gauge(figures_text *t, const char *name, const char *help, double value)
{
    figures_row(t, name, "gauge", help, value);
}

static void figures_of_world(figures_text *t, const skep_gateway_stats *s)
{
    figures_count(t, "skep_frames_total", "Frames of the world.", s->frames);
    figures_seconds(t, "skep_frame_seconds_total", "Time in frames.", s->frame_ns);
    figures_gauge(t, "skep_frame_seconds_max", "The longest frame.", (double)s->frame_max_ns / 1e9);
    figures_gauge(t, "skep_tick", "Tick of the last state.", s->publish.tick);
    figures_gauge(t, "skep_entities", "Entities that are published.", s->publish.entity_count);
    figures_gauge(t, "skep_players", "Players that the world knows.", s->players);
    figures_count(t, "skep_states_total", "States that were published.", s->publish.states);
    figures_count(t, "skep_states_lost_total", "States that came too fast.", s->states_lost);
    figures_count(t, "skep_inputs_total", "Inputs received.", s->publish.inputs_received);
    figures_count(t, "skep_inputs_refused_total", "Inputs refused: rate, window, type.",
                  s->publish.inputs_refused);
    figures_count(t, "skep_inputs_lost_total", "Inputs that the world was too late for.",
                  s->inputs_lost);
}

static void figures_of_wire(figures_text *t, const skep_gateway_stats *s)
{
    figures_gauge(t, "skep_connections", "Connections of all kinds.", s->connections);
    figures_gauge(t, "skep_sessions", "Clients.", s->publish.session_count);
    figures_count(t, "skep_requests_total", "Requests of HTTP, upgrades too.", s->requests);
    figures_count(t, "skep_refused_total", "Connections and upgrades refused.", s->refused);
    figures_count(t, "skep_dropped_total", "Connections cut: time-outs, no reading.", s->dropped);
    figures_count(t, "skep_messages_encoded_total", "Messages encoded, each once for all.",
                  s->publish.frames_encoded);
    figures_count(t, "skep_bytes_encoded_total", "Bytes of those.", s->publish.bytes_encoded);
    figures_count(t, "skep_messages_sent_total", "Messages sent.", s->publish.messages_sent);
    figures_count(t, "skep_bytes_sent_total", "Bytes of those.", s->publish.bytes_sent);
    figures_count(t, "skep_wholes_sent_total", "Whole states sent.", s->publish.wholes_sent);
    figures_gauge(t, "skep_bytes_held", "Memory for states, messages and sessions.",
                  (double)s->publish.bytes_held);
    figures_seconds(t, "skep_quantise_cpu_seconds_total", "Taking states in.",
                    s->publish.quantise_ns);
    figures_seconds(t, "skep_encode_cpu_seconds_total", "Encoding messages, sampled.",
                    s->encode_ns);
    figures_seconds(t, "skep_send_cpu_seconds_total", "Handing them to the system, sampled.",
                    s->send_ns);
    figures_seconds(t, "skep_gateway_cpu_seconds_total", "The gateway's thread, all of it.",
                    s->cpu_ns);
}

size_t skep__figures_metrics(skep_gateway *g, char *out, size_t max)
{
    const skep_gateway_stats s = figures_now(g);
    figures_text t = {out, 0, max};
    figures_of_world(&t, &s);
    figures_of_wire(&t, &s);
    return t.used;
}
