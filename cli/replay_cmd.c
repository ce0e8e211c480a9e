/* SPDX-License-Identifier: MIT */
/* `skep replay FILE`: opens the scene that was recorded, as it was opened, and plays its frames up
 * to the first that comes out differently. */
#include "cli/cli.h"
#include "cli/json.h"
#include "port/port.h"

#include <stdlib.h>
#include <string.h>

#define REPLAY_PARAMS_MAX 64u

typedef struct replay_state {
    skep__cli_scene scene;
    skep__cli_live live;
    skep_recording *recording;
    skep_recording_info info;
    skep_replay_report report;
    const char *params[REPLAY_PARAMS_MAX];
    char texts[8192]; /* of params */
    uint64_t start_ns;
    uint64_t frames;
    bool json;
    bool stopped;
} replay_state;

/* ---- the scene ------------------------------------------------------------------------------- */

static uint64_t replay_number(const replay_state *r, const char *key)
{
    const char *text = skep_recording_note(r->recording, key, 0);
    return text ? strtoull(text, NULL, 10) : 0;
}

/* Puts the recorded parameters together again. */
static int replay_params(replay_state *r, const skep__cli_options *o, uint32_t *count)
{
    size_t used = 0;
    for (*count = 0;; ++*count) {
        const char *name = skep_recording_note(r->recording, "param", *count);
        const char *value = skep_recording_note(r->recording, "value", *count);
        if (!name || !value) return SKEP__EXIT_OK;
        const size_t room = sizeof r->texts - used;
        const int n = snprintf(r->texts + used, room, "%s=%s", name, value);
        if (*count == REPLAY_PARAMS_MAX || n < 0 || (size_t)n >= room)
            return skep__cli_fail(o->command, "%s: its parameters are too long", o->words[0]);
        r->params[*count] = r->texts + used;
        used += (size_t)n + 1;
    }
}

static int replay_open_scene(replay_state *r, const skep__cli_options *o)
{
    const char *other = o->value[SKEP__CLI_replay_scene].text;
    skep__cli_recorded recorded;
    memset(&recorded, 0, sizeof recorded);
    recorded.scene = other ? other : skep_recording_note(r->recording, "scene", 0);
    if (!recorded.scene)
        return skep__cli_fail(o->command, "%s: it does not say of which scene: --scene SCENE",
                              o->words[0]);
    const int code = replay_params(r, o, &recorded.param_count);
    if (code != SKEP__EXIT_OK) return code;
    recorded.params = r->params;
    recorded.seed = replay_number(r, "seed");
    recorded.entity_max = (uint32_t)replay_number(r, "entity_max");
    recorded.region_bytes_max = replay_number(r, "region_bytes_max");
    recorded.data = skep_recording_data(r->recording, &recorded.data_bytes);
    return skep__cli_scene_recorded(&r->scene, o, &recorded);
}

/* ---- playing --------------------------------------------------------------------------------- */

static bool replay_frame(void *ctx, uint64_t frame, bool unfinished)
{
    replay_state *r = ctx;
    const uint64_t now = skep__port_clock_ns();
    if (unfinished && !r->json) {
        skep__cli_live_clear(&r->live);
        printf("frame %llu began and never ended: running it now\n", (unsigned long long)frame);
        (void)fflush(stdout);
    }
    if (skep__cli_live_due(&r->live, now)) {
        char rest[64], number[32];
        (void)snprintf(rest, sizeof rest, "of %s frames",
                       skep__cli_thousands(number, r->info.frames));
        skep__cli_state s = skep__cli_scene_state(&r->scene, r->frames, now - r->start_ns);
        s.rest = rest;
        skep__cli_live_draw(&r->live, &s, now);
    }
    r->frames++;
    r->stopped = skep__cli_stopped();
    return !r->stopped;
}

static void replay_head(const replay_state *r, const skep__cli_options *o)
{
    char frames[32], first[32];
    printf("%s: %s, %s %s from frame %s on, seed %llu\n", o->words[0], r->scene.title,
           skep__cli_thousands(frames, r->info.frames), r->info.frames == 1 ? "frame" : "frames",
           skep__cli_thousands(first, r->info.first), (unsigned long long)r->scene.seed);
    if (r->info.damage)
        printf("  byte %llu: %s; what is before it is played\n", (unsigned long long)r->info.good,
               r->info.damage);
    else if (!r->info.closed)
        printf("  the recording was cut off; all that is there is whole\n");
    (void)fflush(stdout);
}

static void replay_summary(const replay_state *r, double seconds)
{
    char frames[32], hashes[32];
    const skep_replay_report *x = &r->report;
    uint32_t workers = 0;
    const char *executor = skep_sim_executor(r->scene.sim, &workers);
    if (x->other_plan) printf("  the systems, or their order, are not those that were recorded\n");
    printf("  replayed %s %s in %.2f s, %s hashes compared, executor %s, %u %s\n",
           skep__cli_thousands(frames, x->frames), x->frames == 1 ? "frame" : "frames", seconds,
           skep__cli_thousands(hashes, x->hashes), executor, workers,
           workers == 1 ? "worker" : "workers");
    if (x->differs != UINT64_MAX)
        printf("%s\n", x->text);
    else if (r->stopped)
        printf("stopped; the same so far\n");
    else if (x->hashes)
        printf("all the same: hash %016llx after frame %llu\n",
               (unsigned long long)skep_sim_hash(r->scene.sim),
               (unsigned long long)skep_world_tick(skep_sim_world(r->scene.sim)));
    else
        printf("no hashes to compare: hash %016llx after frame %llu\n",
               (unsigned long long)skep_sim_hash(r->scene.sim),
               (unsigned long long)skep_world_tick(skep_sim_world(r->scene.sim)));
}

static void replay_json(const replay_state *r, const skep__cli_options *o)
{
    const skep_replay_report *x = &r->report;
    const bool differs = x->differs != UINT64_MAX;
    char hash[24];
    skep__json j = {stdout, false};
    (void)snprintf(hash, sizeof hash, "%016llx", (unsigned long long)skep_sim_hash(r->scene.sim));
    skep__json_open(&j, NULL, '{');
    skep__json_text(&j, "file", o->words[0]);
    skep__json_text(&j, "scene", r->scene.title);
    skep__json_u64(&j, "frames", x->frames);
    skep__json_u64(&j, "hashes", x->hashes);
    skep__json_u64(&j, "tick", skep_world_tick(skep_sim_world(r->scene.sim)));
    skep__json_text(&j, "hash", hash);
    skep__json_bool(&j, "whole", !r->info.damage && r->info.closed);
    skep__json_text(&j, "damage", r->info.damage);
    skep__json_bool(&j, "other_plan", x->other_plan);
    skep__json_open(&j, "difference", differs ? '{' : '[');
    if (differs) {
        skep__json_u64(&j, "frame", x->differs);
        skep__json_u64(&j, "since", x->since);
        skep__json_u64(&j, "batch", x->batch);
        skep__json_text(&j, "system", x->system);
        skep__json_text(&j, "part", x->part);
        skep__json_text(&j, "text", x->text);
    }
    skep__json_close(&j, differs ? '}' : ']');
    skep__json_close(&j, '}');
    (void)fputc('\n', stdout);
}

static int replay_play(replay_state *r, const skep__cli_options *o)
{
    r->scene.log.live = &r->live;
    if (!r->json) replay_head(r, o);
    r->start_ns = skep__port_clock_ns();
    skep__cli_live_begin(&r->live, r->json);
    const skep_status status =
        skep_recording_play(r->recording, r->scene.sim, replay_frame, r, &r->report);
    skep__cli_live_clear(&r->live);
    if (status != SKEP_OK) return SKEP__EXIT_USAGE;
    if (r->json)
        replay_json(r, o);
    else
        replay_summary(r, (double)(skep__port_clock_ns() - r->start_ns) / 1e9);
    return r->report.differs == UINT64_MAX ? SKEP__EXIT_OK : SKEP__EXIT_FAILED;
}

int skep__cli_replay(const skep__cli_options *options)
{
    skep_error error;
    skep__cli_options o = *options;
    if (o.value[SKEP__CLI_replay_local].given) {
        o.value[SKEP__CLI_executor] = (skep__cli_value){.given = true};
        o.value[SKEP__CLI_workers] = (skep__cli_value){.given = true};
    }
    replay_state *r = calloc(1, sizeof *r);
    if (!r) return SKEP__EXIT_FAILED;
    r->json = o.value[SKEP__CLI_replay_json].given;
    skep__cli_stop_signals();
    int code = SKEP__EXIT_OK;
    const skep_status status = skep_recording_open(o.words[0], &r->recording, &error);
    if (status != SKEP_OK) code = skep__cli_fail(o.command, "%s: %s", o.words[0], error.message);
    if (code == SKEP__EXIT_OK) {
        r->info = skep_recording_info_of(r->recording);
        code = replay_open_scene(r, &o);
    }
    if (code == SKEP__EXIT_OK) code = replay_play(r, &o);
    skep__cli_scene_close(&r->scene);
    skep_recording_close(r->recording);
    free(r);
    return code;
}
