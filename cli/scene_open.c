/* SPDX-License-Identifier: MIT */
/* From options to an open simulation: find the scene, read the data file, open, load a saved world.
 *
 * While the simulation is being opened its messages are kept, because some can be said better here,
 * where the words of the command line are known: an unknown parameter is answered with those that
 * exist. */
#include "cli/cli.h"
#include "cli/tracer.h"
#include "scenes/scenes.h"
#include "skep/save.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* More than the default of entity_max is made room for where --entities asks for it. */
#define OPEN_ENTITY_MAX ((uint32_t)1 << 20)
#define OPEN_ENTITY_LIMIT 67108863u
#define OPEN_DATA_MAX ((size_t)1 << 30)

/* ---- messages of the simulation ------------------------------------------------------------- */

void skep__cli_log_line(void *ctx, skep_log_level level, const char *text)
{
    skep__cli_log *log = ctx;
    if (level < SKEP_LOG_INFO) return;
    const size_t bytes = strlen(text) + 1;
    if (log->keep && bytes <= sizeof log->text - log->used) {
        memcpy(log->text + log->used, text, bytes);
        log->used += (uint32_t)bytes;
        return;
    }
    if (log->live) skep__cli_live_clear(log->live);
    (void)fprintf(stderr, "%s\n", text);
}

void skep__cli_log_print(skep__cli_log *log)
{
    if (log->live) skep__cli_live_clear(log->live);
    for (uint32_t at = 0; at < log->used; at += (uint32_t)strlen(log->text + at) + 1)
        (void)fprintf(stderr, "%s\n", log->text + at);
    log->used = 0;
}

/* ---- the scene ------------------------------------------------------------------------------ */

static bool open_is_file(const char *name)
{
    const char *dot = strrchr(name, '.');
    if (strchr(name, '/') || strchr(name, '\\')) return true;
    return dot &&
           (strcmp(dot, ".so") == 0 || strcmp(dot, ".dylib") == 0 || strcmp(dot, ".dll") == 0);
}

static int open_unknown(const skep__cli_options *o, const char *word)
{
    const char *names[64];
    char meant[128];
    uint32_t count = 0;
    for (; count < 64 && skep__scene_at(count); count++) names[count] = skep__scene_at(count)->name;
    return skep__cli_fail(o->command, "there is no scene \"%s\"%s; skep scenes lists them", word,
                          skep__cli_meant(meant, sizeof meant, word, names, count));
}

static int open_find(skep__cli_scene *s, const skep__cli_options *o, const char *word)
{
    s->scene = skep__scene_find(word);
    if (!s->scene && !open_is_file(word)) return open_unknown(o, word);
    if (!s->scene) {
        char why[1024];
        const skep_status status = skep_scene_file_open(word, &s->file, why, sizeof why);
        if (status != SKEP_OK) return skep__cli_fail(o->command, "%s", why);
        s->scene = skep_scene_file_scene(s->file);
    }
    s->title = s->scene->name;
    return SKEP__EXIT_OK;
}

/* ---- the data file -------------------------------------------------------------------------- */

/* Reads all of a file, with a zero behind it; NULL with errno set. */
static char *open_read(FILE *file, size_t *bytes)
{
    size_t room = (size_t)1 << 16, used = 0;
    char *text = malloc(room);
    while (text) {
        used += fread(text + used, 1, room - used - 1, file);
        if (used < room - 1) break;
        errno = room >= OPEN_DATA_MAX ? EFBIG : ENOMEM;
        char *more = room >= OPEN_DATA_MAX ? NULL : realloc(text, room * 2);
        if (!more) free(text);
        text = more;
        room *= 2;
    }
    if (!text) return NULL;
    if (ferror(file)) {
        free(text);
        return NULL;
    }
    text[used] = 0;
    *bytes = used;
    return text;
}

/* Reads the file that an option names; nothing where `path` is NULL. */
static int open_file(const skep__cli_options *o, const char *path, const char *name, char **text,
                     size_t *bytes)
{
    *text = NULL;
    *bytes = 0;
    if (!path) return SKEP__EXIT_OK;
    FILE *file = fopen(path, "rb");
    if (file) {
        *text = open_read(file, bytes);
        const int error = errno;
        (void)fclose(file);
        errno = error;
    }
    if (*text) return SKEP__EXIT_OK;
    return skep__cli_fail(o->command, "%s: %s: %s", name, path, strerror(errno));
}

/* Looks at the saved world before anything is built: the seed is the saved one from the beginning,
 * and there is to be room for its entities. */
static int open_save(const skep__cli_scene *s, const skep__cli_options *o, skep_save_info *info)
{
    const skep_checkpoint_found *found = &s->resumed;
    char *text = NULL;
    size_t bytes = 0;
    skep_error error;
    memset(info, 0, sizeof *info);
    memset(&error, 0, sizeof error);
    info->seed = found->seed;
    info->entity_count = found->entity_count;
    if (found->path[0]) return SKEP__EXIT_OK;
    const int code = open_file(o, o->value[SKEP__CLI_load].text, "--load", &text, &bytes);
    if (code != SKEP__EXIT_OK || !text) return code;
    const skep_status status = skep_save_check(text, bytes, info, &error);
    free(text);
    if (status == SKEP_OK) return SKEP__EXIT_OK;
    return skep__cli_fail(o->command, "--load: %s: %s (byte %zu)", o->value[SKEP__CLI_load].text,
                          error.message ? error.message : skep_status_text(status), error.offset);
}

/* ---- workers -------------------------------------------------------------------------------- */

/* The numbers of --executor's words. */
enum { OPEN_LOCAL, OPEN_THREADS, OPEN_PROCESSES };

/* Forks the zygote where jobs are to run in processes, before anything is loaded or started. */
static int open_processes(skep__cli_scene *s, const skep__cli_options *o)
{
    const skep__cli_value *v = o->value;
    char why[512];
    if (!v[SKEP__CLI_executor].given || v[SKEP__CLI_executor].number != OPEN_PROCESSES)
        return SKEP__EXIT_OK;
    if (v[SKEP__CLI_workers].given && v[SKEP__CLI_workers].number == 0)
        return skep__cli_fail(o->command, "--workers: with --executor processes at least one, "
                                          "since the caller runs no jobs");
    skep_processes_desc d = skep_processes_desc_default();
    d.seccomp_off = v[SKEP__CLI_no_seccomp].given;
    if (skep_processes_start(&d, &s->processes, why, sizeof why) == SKEP_OK) return SKEP__EXIT_OK;
    return skep__cli_fail(o->command, "--executor processes: %s", why);
}

/* Where jobs run, and what they may do there. */
static void open_workers(const skep__cli_scene *s, const skep__cli_options *o, skep_sim_desc *d)
{
    static const skep_executor executors[] = {SKEP_EXECUTOR_LOCAL, SKEP_EXECUTOR_THREADS,
                                              SKEP_EXECUTOR_PROCESSES};
    const skep__cli_value *v = o->value;
    if (v[SKEP__CLI_workers].given) d->workers = (uint32_t)v[SKEP__CLI_workers].number;
    if (v[SKEP__CLI_executor].given) d->executor = executors[v[SKEP__CLI_executor].number];
    if (v[SKEP__CLI_grain].given && v[SKEP__CLI_grain].number == 0) d->grain = 0;
    d->processes = s->processes;
    if (v[SKEP__CLI_deadline_ms].given)
        d->deadline_ns = v[SKEP__CLI_deadline_ms].number
                             ? v[SKEP__CLI_deadline_ms].number * UINT64_C(1000000)
                             : SKEP_DEADLINE_NONE;
    if (v[SKEP__CLI_restart_budget].given)
        d->restart_max = v[SKEP__CLI_restart_budget].number
                             ? (uint32_t)v[SKEP__CLI_restart_budget].number
                             : SKEP_RESTARTS_ANY;
}

/* Finds the checkpoint to go on from. A folder without any is where a run begins. */
static int open_resume(skep__cli_scene *s, const skep__cli_options *o)
{
    const char *folder = o->value[SKEP__CLI_resume].text;
    if (!folder) return SKEP__EXIT_OK;
    const skep_log log = {skep__cli_log_line, &s->log};
    const skep_status status = skep_checkpoint_find(folder, &log, &s->resumed);
    if (status == SKEP_OK) return SKEP__EXIT_OK;
    s->resumed.path[0] = 0;
    if (status != SKEP_NOT_FOUND)
        return skep__cli_fail(o->command, "--resume: %s: %s", folder,
                              status == SKEP_CORRUPT ? "all its checkpoints are damaged"
                                                     : skep_status_text(status));
    (void)skep__cli_fail(o->command, "%s has no checkpoint yet: from the beginning", folder);
    return SKEP__EXIT_OK;
}

/* ---- opening -------------------------------------------------------------------------------- */

/* Returns whether the simulation asked for a parameter of this name, and adds names to a list. */
static bool open_param_known(const skep_sim *sim, const char *given, size_t length)
{
    skep_param p;
    for (uint32_t i = 0; skep_sim_param(sim, i, &p); i++)
        if (strlen(p.name) == length && memcmp(p.name, given, length) == 0) return true;
    return false;
}

/* Says that a parameter does not exist, which one may have been meant, and which there are. */
static int open_param_unknown(const skep__cli_scene *s, const skep__cli_options *o,
                              const skep_sim *sim, const char *given)
{
    char name[128], meant[128], list[768] = "it has none";
    const char *names[64];
    uint32_t count = 0;
    size_t used = 0;
    skep_param p;
    while (count < 64 && skep_sim_param(sim, count, &p)) {
        const int n =
            snprintf(list + used, sizeof list - used, "%s%s", count ? ", " : "it has ", p.name);
        used = n > 0 && used + (size_t)n < sizeof list ? used + (size_t)n : used;
        names[count++] = p.name;
    }
    (void)snprintf(name, sizeof name, "%.*s", (int)strcspn(given, "="), given);
    return skep__cli_fail(o->command, "%s has no parameter \"%s\"%s; %s (skep scenes %s)", s->title,
                          name, skep__cli_meant(meant, sizeof meant, name, names, count), list,
                          o->words[0]);
}

/* Opens the scene once more without parameters, to see which ones it has. Returns whether one of
 * those given was not among them, after saying so. */
static bool open_params_wrong(const skep__cli_scene *s, const skep__cli_options *o,
                              const skep_sim_desc *desc)
{
    skep_sim_desc d = *desc;
    skep_sim *sim = NULL;
    skep__cli_log *log = calloc(1, sizeof *log);
    if (!log) return false;
    log->keep = true;
    d.log.ctx = log;
    d.param_count = 0;
    d.workers = 0;
    d.executor = SKEP_EXECUTOR_LOCAL;
    bool wrong = false;
    if (skep_sim_open(s->scene, &d, &sim) == SKEP_OK) {
        for (uint32_t i = 0; i < desc->param_count && !wrong; i++) {
            const char *given = desc->params[i];
            wrong = !open_param_known(sim, given, strcspn(given, "="));
            if (wrong) (void)open_param_unknown(s, o, sim, given);
        }
        skep_sim_close(sim);
    }
    free(log);
    return wrong;
}

static void open_describe(const skep__cli_scene *s, const skep__cli_options *o,
                          const skep_save_info *saved, skep_sim_desc *d)
{
    const skep__cli_value *v = o->value;
    if (v[SKEP__CLI_seed].given) d->seed = v[SKEP__CLI_seed].number;
    if (v[SKEP__CLI_load].given || s->resumed.path[0]) d->seed = saved->seed;
    d->check = v[SKEP__CLI_check].given;
    skep__cli_tracer_describe(o, d);
    uint64_t entities = v[SKEP__CLI_entities].number;
    if (saved->entity_count > entities) entities = saved->entity_count;
    if (entities > OPEN_ENTITY_MAX / 2) {
        /* Room for what the scene adds to its main number. */
        const uint64_t wanted = entities * 2 + OPEN_ENTITY_MAX;
        d->entity_max = wanted < OPEN_ENTITY_LIMIT ? (uint32_t)wanted : OPEN_ENTITY_LIMIT;
        if (wanted > 8u * OPEN_ENTITY_MAX) d->region_bytes_max = (size_t)64 << 30;
    }
}

static int open_sim(skep__cli_scene *s, const skep__cli_options *o, skep_sim_desc *d)
{
    s->log.keep = true;
    const skep_status status = skep_sim_open(s->scene, d, &s->sim);
    s->log.keep = false;
    const bool said = status == SKEP_PLAN && d->param_count && open_params_wrong(s, o, d);
    if (said) return SKEP__EXIT_USAGE;
    skep__cli_log_print(&s->log);
    return status == SKEP_OK          ? SKEP__EXIT_OK
           : status == SKEP_NO_MEMORY ? SKEP__EXIT_FAILED
                                      : SKEP__EXIT_USAGE;
}

static int open_load(skep__cli_scene *s, const skep__cli_options *o)
{
    const bool resumed = s->resumed.path[0] != 0;
    const char *option = resumed ? "--resume" : "--load";
    const char *path = resumed ? s->resumed.path : o->value[SKEP__CLI_load].text;
    char tick[32], entities[32];
    if (!path) return SKEP__EXIT_OK;
    s->log.keep = true;
    const skep_status status =
        resumed ? skep_sim_resume_found(s->sim, &s->resumed) : skep_sim_load(s->sim, path);
    s->log.keep = false;
    if (status == SKEP_OK) {
        skep__cli_log_print(&s->log);
        if (resumed)
            (void)skep__cli_fail(o->command, "resumed from %s: frame %s, %s entities", path,
                                 skep__cli_thousands(tick, s->resumed.tick),
                                 skep__cli_thousands(entities, s->resumed.entity_count));
        return SKEP__EXIT_OK;
    }
    if (s->log.used == 0)
        return skep__cli_fail(o->command, "%s: %s: %s", option, path, skep_status_text(status));
    /* One line, as every refusal; what comes after the first message is a detail of it. */
    for (uint32_t i = 0; i + 1 < s->log.used; i++)
        if (s->log.text[i] == 0) s->log.text[i] = ';';
    return skep__cli_fail(o->command, "%s: %s", option, s->log.text);
}

/* What every scene is opened with; `with` names the data file for the scene's messages. */
static int open_described(skep__cli_scene *scene, const skep__cli_options *options,
                          skep_sim_desc *d, const char *with)
{
    char title[512];
    scene->seed = d->seed;
    /* The scene's messages name the file whose lines they speak of. */
    (void)snprintf(title, sizeof title, with ? "%s with %s" : "%s%.0s", scene->title,
                   with ? with : "");
    d->title = title;
    d->log.fn = skep__cli_log_line;
    d->log.ctx = &scene->log;
    return open_sim(scene, options, d);
}

int skep__cli_scene_open(skep__cli_scene *scene, const skep__cli_options *options)
{
    memset(scene, 0, sizeof *scene);
    const skep__cli_value *dt = &options->value[SKEP__CLI_dt];
    const char *data = options->value[SKEP__CLI_data].text;
    scene->dt = dt->given ? (float)dt->real : 1.0f / 60.0f;
    char entities[40];
    skep_save_info saved;
    int code = open_processes(scene, options);
    if (code == SKEP__EXIT_OK) code = open_find(scene, options, options->words[0]);
    if (code == SKEP__EXIT_OK) code = open_resume(scene, options);
    if (code == SKEP__EXIT_OK) code = open_save(scene, options, &saved);
    if (code != SKEP__EXIT_OK) return code;
    skep_sim_desc d = skep_sim_desc_default();
    code = open_file(options, data, "--data", &scene->data, &scene->data_bytes);
    if (code != SKEP__EXIT_OK) return code;
    open_workers(scene, options, &d);
    open_describe(scene, options, &saved, &d);
    d.data = scene->data;
    d.data_bytes = scene->data_bytes;
    const char **params = options->params;
    d.param_count = options->param_count;
    if (options->value[SKEP__CLI_entities].given) {
        (void)snprintf(entities, sizeof entities, "entities=%s",
                       options->value[SKEP__CLI_entities].text);
        memmove(params + 1, params, d.param_count * sizeof *params);
        params[0] = entities;
        d.param_count++;
    }
    d.params = params;
    code = open_described(scene, options, &d, data);
    if (code != SKEP__EXIT_OK) return code;
    return open_load(scene, options);
}

int skep__cli_scene_recorded(skep__cli_scene *scene, const skep__cli_options *options,
                             const skep__cli_recorded *recorded)
{
    memset(scene, 0, sizeof *scene);
    scene->dt = 1.0f / 60.0f;
    int code = open_processes(scene, options);
    if (code == SKEP__EXIT_OK) code = open_find(scene, options, recorded->scene);
    if (code != SKEP__EXIT_OK) return code;
    skep_sim_desc d = skep_sim_desc_default();
    open_workers(scene, options, &d);
    d.seed = recorded->seed;
    d.entity_max = recorded->entity_max;
    d.region_bytes_max = (size_t)recorded->region_bytes_max;
    d.data = recorded->data;
    d.data_bytes = recorded->data_bytes;
    d.params = recorded->params;
    d.param_count = recorded->param_count;
    return open_described(scene, options, &d, recorded->data ? "its recorded data" : NULL);
}

skep__cli_state skep__cli_scene_state(const skep__cli_scene *scene, uint64_t frames,
                                      uint64_t busy_ns)
{
    skep_world *world = skep_sim_world(scene->sim);
    return (skep__cli_state){.title = scene->title,
                             .frames = frames,
                             .tick = skep_world_tick(world),
                             .entities = skep_world_entity_count(world),
                             .faults = skep_sim_fault_total(scene->sim),
                             .busy_ns = busy_ns,
                             .dt = (double)scene->dt};
}

void skep__cli_scene_close(skep__cli_scene *scene)
{
    skep_sim_close(scene->sim);
    skep_scene_file_close(scene->file);
    skep_processes_end(scene->processes);
    scene->processes = NULL;
    free(scene->data);
    scene->data = NULL;
    scene->sim = NULL;
    scene->file = NULL;
}
