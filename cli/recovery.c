/* SPDX-License-Identifier: MIT */
/* Checkpoints and recordings of `skep run` and `skep serve`. What goes wrong with one of them while
 * the world runs is said by the simulation's log, and does not end the run. */
#include "cli/cli.h"

#include <string.h>

/* `--every` where that is free; where it counts frames between published states, a longer word. */
static const skep__cli_value *recovery_every(const skep__cli_options *o)
{
    return &o->value[o->command == SKEP__CLI_SERVE ? SKEP__CLI_checkpoint_serve
                                                   : SKEP__CLI_checkpoint_run];
}

int skep__cli_recovery_check(const skep__cli_options *o)
{
    const skep__cli_value *v = o->value;
    const char *every = o->command == SKEP__CLI_SERVE ? "--checkpoint-every" : "--every";
    if (v[SKEP__CLI_resume].given && v[SKEP__CLI_load].given)
        return skep__cli_fail(o->command, "--resume and --load: which of the two?");
    if (!v[SKEP__CLI_checkpoint].given && (recovery_every(o)->given || v[SKEP__CLI_keep].given))
        return skep__cli_fail(o->command, "%s: checkpoints of which folder? --checkpoint DIR",
                              recovery_every(o)->given ? every : "--keep");
    if (!v[SKEP__CLI_record].given && v[SKEP__CLI_record_every].given)
        return skep__cli_fail(o->command, "--record-every: to which file? --record FILE");
    return SKEP__EXIT_OK;
}

/* A simulation that refuses has said why in its log; one line of it says the option too. */
static int recovery_refuse(const skep__cli_options *o, skep__cli_scene *scene, const char *option,
                           const char *path, skep_status status)
{
    const char *colon = scene->log.used ? strrchr(scene->log.text, ':') : NULL;
    scene->log.used = 0;
    return skep__cli_fail(o->command, "%s: %s: %s", option, path,
                          colon ? colon + 2 : skep_status_text(status));
}

static skep_status recovery_checkpoint(const skep__cli_options *o, skep__cli_scene *scene)
{
    skep_checkpoint_desc d = skep_checkpoint_desc_default();
    d.folder = o->value[SKEP__CLI_checkpoint].text;
    if (!d.folder) return SKEP_OK;
    if (recovery_every(o)->given) d.every = (uint32_t)recovery_every(o)->number;
    if (o->value[SKEP__CLI_keep].given) d.keep = (uint32_t)o->value[SKEP__CLI_keep].number;
    return skep_sim_checkpoint(scene->sim, &d);
}

static skep_status recovery_record(const skep__cli_options *o, skep__cli_scene *scene)
{
    skep_record_desc d = skep_record_desc_default();
    d.path = o->value[SKEP__CLI_record].text;
    if (!d.path) return SKEP_OK;
    if (o->value[SKEP__CLI_record_every].given)
        d.hash_every = (uint32_t)o->value[SKEP__CLI_record_every].number;
    d.scene = o->words[0];
    d.data = scene->data;
    d.data_bytes = scene->data_bytes;
    return skep_sim_record_open(scene->sim, &d);
}

/* The folder for files of faults, in `out`; false for none. */
static bool recovery_folder(const skep__cli_options *o, char *out, size_t max)
{
    const skep__cli_value *v = o->value;
    const char *folder = v[SKEP__CLI_faults].text;
    const char *record = v[SKEP__CLI_record].text;
    if (!folder && record) {
        const char *slash = strrchr(record, '/');
        const size_t n = slash ? (size_t)(slash - record) : 0;
        (void)snprintf(out, max, "%.*s", (int)(n ? n : 1), n ? record : slash ? "/" : ".");
        return true;
    }
    if (!folder) folder = v[SKEP__CLI_checkpoint].text;
    (void)snprintf(out, max, "%s", folder ? folder : "");
    return folder != NULL;
}

static skep_status recovery_faults(const skep__cli_options *o, skep__cli_scene *scene)
{
    char folder[4096];
    skep_fault_files_desc d = skep_fault_files_desc_default();
    if (!recovery_folder(o, folder, sizeof folder)) return SKEP_OK;
    d.folder = folder;
    d.scene = o->words[0];
    d.data = scene->data;
    d.data_bytes = scene->data_bytes;
    return skep_sim_fault_files(scene->sim, &d);
}

int skep__cli_recovery_begin(const skep__cli_options *o, skep__cli_scene *scene)
{
    const skep__cli_value *v = o->value;
    scene->log.keep = true;
    const char *option = "--checkpoint";
    const char *path = v[SKEP__CLI_checkpoint].text;
    skep_status status = recovery_checkpoint(o, scene);
    if (status == SKEP_OK) {
        option = "--record";
        path = v[SKEP__CLI_record].text;
        status = recovery_record(o, scene);
    }
    if (status == SKEP_OK) {
        option = "--faults";
        path = v[SKEP__CLI_faults].text ? v[SKEP__CLI_faults].text : path;
        status = recovery_faults(o, scene);
    }
    scene->log.keep = false;
    if (status != SKEP_OK) return recovery_refuse(o, scene, option, path ? path : "", status);
    skep__cli_log_print(&scene->log);
    return SKEP__EXIT_OK;
}

int skep__cli_recovery_end(const skep__cli_options *o, skep__cli_scene *scene,
                           skep__cli_recovery *r)
{
    int code = SKEP__EXIT_OK;
    memset(r, 0, sizeof *r);
    r->checkpoints = o->value[SKEP__CLI_checkpoint].text;
    r->record = o->value[SKEP__CLI_record].text;
    if (r->checkpoints) {
        const skep_status status = skep_sim_checkpoint_now(scene->sim);
        if (status != SKEP_OK) code = SKEP__EXIT_FAILED;
        r->stats = skep_sim_checkpoint_stats(scene->sim);
    }
    if (r->record) {
        r->record_bytes = skep_sim_record_bytes(scene->sim, &r->record_whole);
        if (skep_sim_record_end(scene->sim) != SKEP_OK || !r->record_whole)
            code = SKEP__EXIT_FAILED;
    }
    return code;
}
