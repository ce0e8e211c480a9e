/* SPDX-License-Identifier: MIT */
/* `skep replay FILE`: opens the scene that was recorded, as it was opened, and plays its frames up
 * to the first that comes out differently; or runs the one job that a file of a fault is about. */
#include "cli/cli.h"
#include "cli/json.h"
#include "port/port.h"

#include <stdlib.h>
#include <string.h>

#define REPLAY_PARAMS_MAX 64u

typedef struct replay_state {
    skep__cli_scene scene;
    skep__cli_live live;
    skep_recording *recording; /* one of the two */
    skep_fault_file *fault;
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

static const char *replay_note(const replay_state *r, const char *key, uint32_t index)
{
    if (r->fault) return skep_fault_file_note(r->fault, key, index);
    return skep_recording_note(r->recording, key, index);
}

static uint64_t replay_number(const replay_state *r, const char *key)
{
    const char *text = replay_note(r, key, 0);
    return text ? strtoull(text, NULL, 10) : 0;
}

/* Puts the recorded parameters together again. */
static int replay_params(replay_state *r, const skep__cli_options *o, uint32_t *count)
{
    size_t used = 0;
    for (*count = 0;; ++*count) {
        const char *name = replay_note(r, "param", *count);
        const char *value = replay_note(r, "value", *count);
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
    recorded.scene = other ? other : replay_note(r, "scene", 0);
    if (!recorded.scene)
        return skep__cli_fail(o->command, "%s: it does not say of which scene: --scene SCENE",
                              o->words[0]);
    const int code = replay_params(r, o, &recorded.param_count);
    if (code != SKEP__EXIT_OK) return code;
    recorded.params = r->params;
    recorded.seed = replay_number(r, "seed");
    recorded.entity_max = (uint32_t)replay_number(r, "entity_max");
    recorded.region_bytes_max = replay_number(r, "region_bytes_max");
    recorded.data = r->fault ? skep_fault_file_data(r->fault, &recorded.data_bytes)
                             : skep_recording_data(r->recording, &recorded.data_bytes);
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
    if (differs) {
        skep__json_open(&j, "difference", '{');
        skep__json_u64(&j, "frame", x->differs);
        skep__json_u64(&j, "since", x->since);
        skep__json_u64(&j, "batch", x->batch);
        skep__json_text(&j, "system", x->system);
        skep__json_text(&j, "part", x->part);
        skep__json_text(&j, "text", x->text);
        skep__json_close(&j, '}');
    } else {
        skep__json_null(&j, "difference");
    }
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

/* ---- one job --------------------------------------------------------------------------------- */

static void fault_json(const skep__cli_options *o, const skep_fault_file_info *i,
                       const skep_fault_outcome *now)
{
    skep__json j = {stdout, false};
    skep__json_open(&j, NULL, '{');
    skep__json_text(&j, "file", o->words[0]);
    skep__json_text(&j, "system", i->system);
    skep__json_u64(&j, "frame", i->frame);
    skep__json_u64(&j, "block", i->block);
    skep__json_text(&j, "then", i->cause);
    skep__json_text(&j, "now", now->status == SKEP_OK ? NULL : now->cause);
    skep__json_bool(&j, "same", now->same);
    skep__json_close(&j, '}');
    (void)fputc('\n', stdout);
}

static void fault_head(const replay_state *r, const skep__cli_options *o,
                       const skep_fault_file_info *i)
{
    char rows[32], bytes[32];
    printf("%s: %s, system \"%s\", frame %llu, block %u: %s rows, %s bytes that it read\n",
           o->words[0], r->scene.title, i->system, (unsigned long long)i->frame, i->block,
           skep__cli_thousands(rows, i->rows), skep__cli_thousands(bytes, i->bytes));
    printf("  then: %s (executor %s)\n", i->cause, i->executor);
    (void)fflush(stdout);
}

static int fault_run(replay_state *r, const skep__cli_options *o)
{
    skep_fault_outcome now;
    const bool here = o->value[SKEP__CLI_replay_local].given;
    const skep_fault_file_info info = skep_fault_file_info_of(r->fault);
    if (!r->json) fault_head(r, o, &info);
    const skep_status status = skep_fault_file_run(r->fault, r->scene.sim, here, 0, &now);
    if (status == SKEP_NOT_FOUND)
        return skep__cli_fail(o->command, "%s has no system \"%s\" with a job", r->scene.title,
                              info.system);
    if (status == SKEP_SCHEMA)
        return skep__cli_fail(o->command, "system \"%s\" has other columns than it had then",
                              info.system);
    if (status != SKEP_OK) return skep__cli_fail(o->command, "%s", skep_status_text(status));
    if (r->json) {
        fault_json(o, &info, &now);
    } else {
        printf("  now:  %s (%s)\n", now.status == SKEP_OK ? "no fault" : now.cause,
               here ? "in this process" : "in a process of its own");
        printf("%s\n", now.same                ? "the same again"
                       : now.status == SKEP_OK ? "it does not fail any more"
                                               : "it fails in another way");
    }
    return now.same ? SKEP__EXIT_OK : SKEP__EXIT_FAILED;
}

static int replay_fault(replay_state *r, const skep__cli_options *o)
{
    /* First, so that nothing of the simulation lies where the job's memory was. */
    const skep_status status = skep_fault_file_map(r->fault);
    if (status == SKEP_EXISTS)
        return skep__cli_fail(o->command,
                              "%s: something of this process lies where the job's memory was; "
                              "run it again",
                              o->words[0]);
    if (status != SKEP_OK)
        return skep__cli_fail(o->command, "%s: %s", o->words[0], skep_status_text(status));
    const int code = replay_open_scene(r, o);
    return code == SKEP__EXIT_OK ? fault_run(r, o) : code;
}

/* ---- the command ----------------------------------------------------------------------------- */

/* Opens what the file is. */
static int replay_open(replay_state *r, const skep__cli_options *o)
{
    skep_error error, other;
    if (skep_recording_open(o->words[0], &r->recording, &error) == SKEP_OK) return SKEP__EXIT_OK;
    if (error.code == SKEP_FOREIGN &&
        skep_fault_file_open(o->words[0], &r->fault, &other) == SKEP_OK)
        return SKEP__EXIT_OK;
    if (error.code == SKEP_FOREIGN && other.code != SKEP_FOREIGN) error = other;
    return skep__cli_fail(o->command, "%s: %s", o->words[0], error.message);
}

int skep__cli_replay(const skep__cli_options *options)
{
    skep__cli_options o = *options;
    replay_state *r = calloc(1, sizeof *r);
    if (!r) return SKEP__EXIT_FAILED;
    r->json = o.value[SKEP__CLI_replay_json].given;
    int code = replay_open(r, &o);
    if (r->fault || o.value[SKEP__CLI_replay_local].given) {
        o.value[SKEP__CLI_executor] = (skep__cli_value){.given = true};
        o.value[SKEP__CLI_workers] = (skep__cli_value){.given = true};
    }
    if (r->fault) code = replay_fault(r, &o);
    if (r->recording) {
        skep__cli_stop_signals();
        r->info = skep_recording_info_of(r->recording);
        code = replay_open_scene(r, &o);
        if (code == SKEP__EXIT_OK) code = replay_play(r, &o);
    }
    skep__cli_scene_close(&r->scene);
    skep_recording_close(r->recording);
    skep_fault_file_close(r->fault);
    free(r);
    return code;
}
