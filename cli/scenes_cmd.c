/* SPDX-License-Identifier: MIT */
/* `skep scenes`: the scenes that are built in, or the parameters of one scene, which only its
 * function knows, so it is opened for that. */
#include "cli/cli.h"
#include "scenes/scenes.h"

#include <stdlib.h>
#include <string.h>

static int list_all(void)
{
    const skep_scene *s = NULL;
    for (uint32_t i = 0; (s = skep__scene_at(i)) != NULL; i++)
        printf("%-10s %s\n", s->name, s->about);
    return SKEP__EXIT_OK;
}

static int list_params(const skep__cli_options *options)
{
    skep__cli_scene *s = malloc(sizeof *s);
    if (!s) return SKEP__EXIT_FAILED;
    const int code = skep__cli_scene_open(s, options);
    if (code == SKEP__EXIT_OK) {
        skep_param p;
        uint32_t i = 0;
        printf("%s: %s\n", s->title, s->scene->about);
        for (; skep_sim_param(s->sim, i, &p); i++) {
            char value[64];
            (void)snprintf(value, sizeof value, "%s=%s", p.name, p.value);
            printf("  %-26s %-5s %s\n", value, p.type, p.help);
        }
        printf(i ? "set them with --param name=value\n" : "  it has no parameters\n");
    }
    skep__cli_scene_close(s);
    free(s);
    return code;
}

int skep__cli_list(const skep__cli_options *options)
{
    if (options->words[0]) return list_params(options);
    if (options->value[SKEP__CLI_data].given)
        return skep__cli_fail(options->command, "--data: for which scene?");
    return list_all();
}
