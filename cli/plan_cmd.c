/* SPDX-License-Identifier: MIT */
/* `skep plan`: opens the scene, runs a few frames, so that the plan knows what blocks cost and
 * which tables there are, and lets it explain itself. */
#include "cli/cli.h"

#include <stdlib.h>
#include <string.h>

#define PLAN_FRAMES 8u

static void plan_to_stdout(void *ctx, const char *text)
{
    (void)ctx;
    (void)fputs(text, stdout);
}

/* Gathers a refusal, to be said as an error is. */
typedef struct plan_text {
    char text[1024];
    size_t used;
} plan_text;

static void plan_to_text(void *ctx, const char *text)
{
    plan_text *t = ctx;
    const size_t length = strlen(text);
    if (length >= sizeof t->text - t->used) return;
    memcpy(t->text + t->used, text, length + 1);
    t->used += length;
}

/* The name is looked for first, so that a wrong one leaves standard output empty. */
static bool plan_has(const skep_plan *plan, const char *system)
{
    const char *name = NULL;
    for (uint32_t i = 0; (name = skep_plan_system_at(plan, i)) != NULL; i++)
        if (strcmp(name, system) == 0) return true;
    return false;
}

static int plan_unknown(const skep__cli_options *o, skep_plan *plan, const char *system)
{
    plan_text t = {"", 0};
    (void)skep_plan_explain(plan, system, plan_to_text, &t);
    while (t.used && t.text[t.used - 1] == '\n') t.text[--t.used] = 0;
    return skep__cli_fail(o->command, "--why: %s; skep plan %s lists all", t.text, o->words[0]);
}

static int plan_explain(skep__cli_scene *s, const skep__cli_options *o)
{
    const uint64_t frames = o->value[SKEP__CLI_frames_first].given
                                ? o->value[SKEP__CLI_frames_first].number
                                : PLAN_FRAMES;
    skep_plan *plan = skep_sim_plan(s->sim);
    const char *why = o->value[SKEP__CLI_why].text;
    if (why && !plan_has(plan, why)) return plan_unknown(o, plan, why);
    for (uint64_t i = 0; i < frames; i++)
        if (skep_sim_step(s->sim, s->dt) != SKEP_OK) return SKEP__EXIT_FAILED;
    const skep_status status = skep_plan_explain(plan, why, plan_to_stdout, NULL);
    if (status == SKEP_OK) return SKEP__EXIT_OK;
    (void)skep__cli_fail(o->command, "%s: %s", s->title, skep_status_text(status));
    return SKEP__EXIT_FAILED;
}

int skep__cli_plan(const skep__cli_options *options)
{
    skep__cli_scene *s = malloc(sizeof *s);
    if (!s) return SKEP__EXIT_FAILED;
    int code = skep__cli_scene_open(s, options);
    if (code == SKEP__EXIT_OK) code = plan_explain(s, options);
    skep__cli_scene_close(s);
    free(s);
    return code;
}
