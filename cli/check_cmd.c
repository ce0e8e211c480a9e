/* SPDX-License-Identifier: MIT */
/* `skep check`: what in a scene's module is not pure, or not the same on every machine. It reads
 * the file and never opens it as a module, so what is in it does not run. */
#include "check/module_check.h"
#include "cli/cli.h"
#include "cli/json.h"
#include "port/port.h"

#include <stdlib.h>
#include <string.h>

static const char *const check_words[] = {
    [SKEP__FINDING_GLOBAL] = "global",     [SKEP__FINDING_LIBM] = "libm",
    [SKEP__FINDING_IMPURE] = "impure",     [SKEP__FINDING_UNKNOWN] = "unknown",
    [SKEP__FINDING_SECOND_TRY] = "impure", [SKEP__FINDING_FUSED] = "fused",
    [SKEP__FINDING_FLAGS] = "flags",       [SKEP__FINDING_CONSTRUCTOR] = "opening",
    [SKEP__FINDING_ABI] = "abi",
};

/* "steer_call" is the job steer, for those who wrote it. */
static const char *check_function(const skep__finding *f, char *out, size_t max)
{
    const size_t length = strlen(f->function);
    (void)snprintf(out, max, "%s", f->function);
    if (length > 5 && length < max && strcmp(f->function + length - 5, "_call") == 0)
        out[length - 5] = 0;
    return out;
}

/* ---- for people ----------------------------------------------------------------------------- */

static void check_line(const skep__finding *f)
{
    char where[80], in[120] = "", count[32];
    if (f->function[0])
        (void)snprintf(in, sizeof in, " in %s", check_function(f, where, sizeof where));
    printf("  %-8s  ", f->note ? "note" : check_words[f->kind]);
    (void)skep__cli_thousands(count, f->count);
    switch (f->kind) {
    case SKEP__FINDING_GLOBAL:
        printf("%s%s%s byte%s that can be written: %s\n", f->name, f->name[0] ? ", " : "", count,
               f->count == 1 ? "" : "s", f->advice);
        return;
    case SKEP__FINDING_LIBM:
        printf("%s%s: other bits on other machines; %s\n", f->name, in, f->advice);
        return;
    case SKEP__FINDING_FUSED:
        printf("%s multiply-add%s in one step%s%s: %s\n", count, f->count == 1 ? "" : "s",
               f->count > 1 && in[0] ? ", the first" : "", in, f->advice);
        return;
    case SKEP__FINDING_ABI:
        printf("%s\n", f->advice);
        return;
    default:
        printf("%s%s%s: %s\n", f->name[0] ? f->name : "a function without a name", in,
               f->note ? ", which no job reaches" : "", f->advice);
    }
}

/* What this look cannot tell. */
static void check_unseen(const skep__check *c)
{
    printf("not seen: calls and writes through pointers");
    if (!c->names) printf("; names, which were stripped off");
    if (!c->code) printf("; the code, which is for a machine that this command does not know");
    if (!c->flags) printf("; the compiler's flags, which gcc -g keeps");
    if (c->truncated) printf("; functions and imports beyond the first thousands");
    printf("\n");
}

static void check_text(const char *path, const skep__check *c)
{
    char scene[120] = "";
    const uint32_t count = c->finding_count - c->note_count + c->more;
    if (c->scene[0])
        (void)snprintf(scene, sizeof scene, "scene %s, %u job%s: ", c->scene, c->jobs,
                       c->jobs == 1 ? "" : "s");
    if (count)
        printf("%s: %s%u finding%s\n", path, scene, count, count == 1 ? "" : "s");
    else
        printf("%s: %snothing found that is not pure or not the same everywhere\n", path, scene);
    for (uint32_t note = 0; note < 2; note++)
        for (uint32_t i = 0; i < c->finding_count; i++)
            if (c->findings[i].note == (note == 1)) check_line(&c->findings[i]);
    if (c->more) printf("  and %u more\n", c->more);
    check_unseen(c);
}

/* ---- for programs --------------------------------------------------------------------------- */

static void check_json_finding(skep__json *j, const skep__finding *f)
{
    char where[80];
    skep__json_open(j, NULL, '{');
    skep__json_text(j, "kind", check_words[f->kind]);
    skep__json_bool(j, "note", f->note);
    skep__json_text(j, "name", f->name[0] ? f->name : NULL);
    skep__json_text(j, "function", f->function[0] ? check_function(f, where, sizeof where) : NULL);
    skep__json_u64(j, "count", f->count);
    skep__json_text(j, "advice", f->advice);
    skep__json_close(j, '}');
}

static void check_json(const char *path, const skep__check *c)
{
    skep__json j = {stdout, false};
    skep__json_open(&j, NULL, '{');
    skep__json_text(&j, "file", path);
    skep__json_text(&j, "scene", c->scene[0] ? c->scene : NULL);
    if (c->abi)
        skep__json_u64(&j, "abi", c->abi);
    else
        skep__json_null(&j, "abi");
    skep__json_u64(&j, "jobs", c->jobs);
    skep__json_bool(&j, "names_seen", c->names);
    skep__json_bool(&j, "code_seen", c->code);
    skep__json_bool(&j, "flags_seen", c->flags);
    skep__json_open(&j, "findings", '[');
    for (uint32_t i = 0; i < c->finding_count; i++) check_json_finding(&j, &c->findings[i]);
    skep__json_close(&j, ']');
    skep__json_u64(&j, "more", c->more);
    skep__json_close(&j, '}');
    (void)fputc('\n', stdout);
}

/* ---- the command ---------------------------------------------------------------------------- */

static int check_say(const skep__cli_options *options, const skep__check *c)
{
    if (options->value[SKEP__CLI_check_json].given)
        check_json(options->words[0], c);
    else
        check_text(options->words[0], c);
    return c->finding_count - c->note_count + c->more ? SKEP__EXIT_FAILED : SKEP__EXIT_OK;
}

int skep__cli_check(const skep__cli_options *options)
{
    const char *path = options->words[0];
    const skep_allocator heap = skep__port_allocator();
    const uint8_t *bytes = NULL;
    size_t size = 0;
    skep_error error;
    const skep_status mapped = skep__port_file_map(path, &bytes, &size);
    if (mapped != SKEP_OK)
        return skep__cli_fail(options->command, "%s: %s", path,
                              mapped == SKEP_NOT_FOUND ? "no such file" : skep_status_text(mapped));
    skep__check *c = malloc(sizeof *c);
    int code = SKEP__EXIT_FAILED;
    const skep_status status =
        c ? skep__check_module(bytes, size, &heap, c, &error) : SKEP_NO_MEMORY;
    if (status == SKEP_OK)
        code = check_say(options, c);
    else if (status == SKEP_NO_MEMORY)
        (void)skep__cli_fail(options->command, "%s: %s", path, skep_status_text(status));
    else
        code = skep__cli_fail(options->command, "%s: it is no scene module: %s (byte %zu)", path,
                              error.message, error.offset);
    free(c);
    skep__port_file_unmap(bytes, size);
    return code;
}
