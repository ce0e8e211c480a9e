/* SPDX-License-Identifier: MIT */
/* `skep run`: frames until their number is reached, a signal comes, or nobody reads the output any
 * more; then the save and the summary, in each case.
 *
 * Keeping to real time is done here, frame by frame, and not by skep_loop_advance, which runs
 * several due frames in one call: each is to be measured and hashed, and a stop between two is to
 * be heard. The rule is the same; see pace.c. */
#include "cli/cli.h"
#include "cli/tracer.h"
#include "port/port.h"

#include <stdlib.h>
#include <string.h>

typedef struct run_state {
    skep__cli_scene scene;
    skep__cli_live live;
    skep__cli_times times;
    skep__cli_tracer tracer;
    uint64_t start_ns;
    uint64_t busy_ns;
    skep__cli_pace pace;
    uint64_t frames;     /* run */
    uint64_t frames_max; /* to be run */
    uint64_t hash_every; /* 0: never */
    bool paced;
    bool json;
    skep__cli_end end;
} run_state;

/* ---- frames --------------------------------------------------------------------------------- */

static void run_show(void *ctx, uint64_t now_ns)
{
    run_state *r = ctx;
    const skep__cli_state s = skep__cli_scene_state(&r->scene, r->frames, r->busy_ns);
    skep__cli_live_draw(&r->live, &s, now_ns);
    (void)fflush(stdout); /* lines of --hash-every, for whoever reads them meanwhile */
}

/* Prints the hash where it was asked for. False when the line could not be written. */
static bool run_hash(run_state *r)
{
    const uint64_t tick = skep_world_tick(skep_sim_world(r->scene.sim));
    if (!r->hash_every || tick % r->hash_every != 0) return true;
    skep__cli_live_clear(&r->live);
    printf("%llu %016llx\n", (unsigned long long)tick,
           (unsigned long long)skep_sim_hash(r->scene.sim));
    /* A terminal shows it beside the live line; a file gets it with the next draw. */
    if (r->live.out) (void)fflush(stdout);
    return !ferror(stdout);
}

static bool run_frame(run_state *r)
{
    if (r->paced && !skep__cli_pace_wait(&r->pace, &r->live, run_show, r)) return false;
    const uint64_t begin = skep__port_clock_ns();
    if (skep_sim_step(r->scene.sim, r->scene.dt) != SKEP_OK) {
        r->end = SKEP__END_ERROR;
        return false;
    }
    const uint64_t end = skep__port_clock_ns();
    r->frames++;
    r->busy_ns += end - begin;
    skep__cli_times_add(&r->times, end - begin);
    skep__cli_tracer_frame(&r->tracer);
    if (!run_hash(r)) return false;
    if (skep__cli_live_due(&r->live, end)) run_show(r, end);
    return !ferror(stdout) && !skep__cli_stopped();
}

static void run_frames(run_state *r)
{
    r->start_ns = skep__port_clock_ns();
    skep__cli_pace_begin(&r->pace, (double)r->scene.dt, r->start_ns);
    skep__cli_live_begin(&r->live, r->json);
    run_show(r, r->start_ns);
    r->end = SKEP__END_SIGNAL;
    while (r->frames < r->frames_max && run_frame(r)) {
    }
    if (r->frames == r->frames_max) r->end = SKEP__END_FRAMES;
    skep__cli_live_clear(&r->live);
}

/* ---- the end -------------------------------------------------------------------------------- */

/* Finds out before the run whether its world can be saved after it. */
static int run_check_save(const skep__cli_options *o)
{
    const char *path = o->value[SKEP__CLI_save].text;
    return path ? skep__cli_writable(o->command, "--save", path) : SKEP__EXIT_OK;
}

static int run_finish(run_state *r, const skep__cli_options *o)
{
    int code = r->end == SKEP__END_ERROR ? SKEP__EXIT_FAILED : SKEP__EXIT_OK;
    skep_sim *sim = r->scene.sim;
    skep_world *world = skep_sim_world(sim);
    skep__cli_result result;
    memset(&result, 0, sizeof result);
    result.wall_ns = skep__port_clock_ns() - r->start_ns;
    result.saved = o->value[SKEP__CLI_save].text;
    if (result.saved && skep_sim_save(sim, result.saved) != SKEP_OK) {
        result.saved = NULL;
        code = SKEP__EXIT_FAILED;
    }
    skep__cli_recovery recovery;
    if (skep__cli_recovery_end(o, &r->scene, &recovery) != SKEP__EXIT_OK) code = SKEP__EXIT_FAILED;
    result.recovery = &recovery;
    if (skep__cli_tracer_end(&r->tracer, r->end == SKEP__END_ERROR) != SKEP__EXIT_OK)
        code = SKEP__EXIT_FAILED;
    result.traced = &r->tracer.result;
    result.scene = &r->scene;
    result.times = &r->times;
    result.executor = skep_sim_executor(sim, &result.workers);
    result.frames = r->frames;
    result.tick = skep_world_tick(world);
    result.hash = skep_sim_hash(sim);
    result.entities = skep_world_entity_count(world);
    result.lost_ns = r->pace.lost_ns;
    result.end = r->end;
    skep_sim_totals(sim, &result.patches, &result.dropped);
    if (r->json)
        skep__cli_summary_json(&result);
    else
        skep__cli_summary(&result);
    return code;
}

int skep__cli_run(const skep__cli_options *options)
{
    const skep__cli_value *v = options->value;
    int code = run_check_save(options);
    if (code == SKEP__EXIT_OK) code = skep__cli_tracer_check(options);
    if (code == SKEP__EXIT_OK) code = skep__cli_recovery_check(options);
    if (code != SKEP__EXIT_OK) return code;
    run_state *r = calloc(1, sizeof *r);
    if (!r) return SKEP__EXIT_FAILED;
    r->json = v[SKEP__CLI_json].given;
    r->frames_max = v[SKEP__CLI_frames].given ? v[SKEP__CLI_frames].number : UINT64_MAX;
    r->hash_every = v[SKEP__CLI_hash_every].number;
    r->paced = v[SKEP__CLI_pace].given ? v[SKEP__CLI_pace].number == 0 : !v[SKEP__CLI_frames].given;
    skep__cli_stop_signals();
    code = skep__cli_scene_open(&r->scene, options);
    if (code == SKEP__EXIT_OK) code = skep__cli_recovery_begin(options, &r->scene);
    if (code == SKEP__EXIT_OK) {
        r->scene.log.live = &r->live;
        skep__cli_tracer_begin(&r->tracer, options, &r->scene, &r->live);
        run_frames(r);
        code = run_finish(r, options);
    }
    skep__cli_scene_close(&r->scene);
    free(r);
    return code;
}
