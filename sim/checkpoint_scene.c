/* SPDX-License-Identifier: MIT */
/* The file that says whose checkpoints a folder holds. Texts are compared as they stand: a scene
 * asks for its parameters in one order. */
#include "sim/checkpoint_scene.h"

#include "core/base/byte_buffer.h"
#include "core/base/format.h"
#include "port/port.h"

#include "skep/recovery.h"

#define SCENE_FILE "scene.txt"
#define SCENE_WORD "scene "

/* ---- texts ----------------------------------------------------------------------------------- */

static bool scene_put(skep__bytes *b, const char *text)
{
    return skep__bytes_append(b, text, strlen(text));
}

/* What the file of this simulation says, ended by a zero that is not counted. */
static bool scene_text(const skep_sim *sim, skep__bytes *b)
{
    bool good = scene_put(b, SCENE_WORD) && scene_put(b, sim->scene) && scene_put(b, "\n");
    for (const skep__asked *a = sim->asked; a && good; a = a->next)
        if (a->given)
            good = scene_put(b, a->name) && scene_put(b, "=") &&
                   scene_put(b, a->value ? a->value : "") && scene_put(b, "\n");
    good = good && skep__bytes_append(b, "", 1);
    b->used -= good;
    return good;
}

/* The length of the first line, without its end. */
static size_t line_length(const char *text)
{
    return strcspn(text, "\n");
}

/* Whether two files name one scene. */
static bool same_scene(const char *a, const char *b)
{
    const size_t n = line_length(a);
    return n == line_length(b) && memcmp(a, b, n) == 0;
}

/* Writes the scene's name for a message. */
static void name_out(const char *text, char *out, size_t max)
{
    const size_t word = sizeof SCENE_WORD - 1;
    if (strncmp(text, SCENE_WORD, word) == 0) text += word;
    (void)skep__format(out, max, "%.*s", (int)line_length(text), text);
}

/* Writes the parameters as one list. */
static void params_out(const char *text, char *out, size_t max)
{
    const char *at = text + line_length(text);
    size_t used = 0;
    out[0] = 0;
    while (*at == '\n' && at[1] && used + 1u < max) {
        const int n = (int)line_length(++at);
        used += skep__format(out + used, max - used, "%s%.*s", used ? ", " : "", n, at);
        at += n;
    }
    if (!out[0]) (void)skep__format(out, max, "none");
}

/* ---- the file -------------------------------------------------------------------------------- */

static bool scene_path(char *out, const char *folder)
{
    return skep__format(out, SKEP_CHECKPOINT_PATH_BYTES, "%s/" SCENE_FILE, folder) <
           SKEP_CHECKPOINT_PATH_BYTES;
}

/* Both texts: of the folder, and of the simulation. */
typedef struct scene_texts {
    uint8_t *folder; /* NULL: it has none */
    size_t folder_bytes;
    skep__bytes sim;
} scene_texts;

static void scene_texts_free(skep_sim *sim, scene_texts *t)
{
    if (t->folder) skep__free(&sim->allocator, t->folder, t->folder_bytes + 1u, 16);
    skep__bytes_deinit(&t->sim);
}

static skep_status scene_texts_read(skep_sim *sim, const char *path, scene_texts *t)
{
    memset(t, 0, sizeof *t);
    t->sim.allocator = &sim->allocator;
    if (!scene_text(sim, &t->sim)) return SKEP_NO_MEMORY;
    const skep_status status =
        skep__port_file_read(path, &sim->allocator, &t->folder, &t->folder_bytes);
    return status == SKEP_NOT_FOUND ? SKEP_OK : status;
}

static void say_other(skep_sim *sim, const char *folder, const scene_texts *t, const char *fix)
{
    char name[128];
    name_out((const char *)t->folder, name, sizeof name);
    skep__logf(&sim->log, SKEP_LOG_ERROR,
               "%s: checkpoints in %s: it holds those of the scene \"%s\"; %s", sim->title, folder,
               name, fix);
}

static void say_trouble(skep_sim *sim, const char *what, const char *path, skep_status status)
{
    char why[128];
    skep__port_why(why, sizeof why);
    skep__logf(&sim->log, SKEP_LOG_ERROR, "%s: %s %s: %s", sim->title, what, path,
               status == SKEP_IO ? why : skep_status_text(status));
}

skep_status skep__checkpoint_claim(skep_sim *sim, const char *folder, bool taken)
{
    char path[SKEP_CHECKPOINT_PATH_BYTES];
    scene_texts t;
    if (!sim->scene || !scene_path(path, folder)) return SKEP_OK;
    skep_status status = scene_texts_read(sim, path, &t);
    const char *theirs = (const char *)t.folder;
    const char *ours = (const char *)t.sim.data;
    if (status == SKEP_OK && taken && theirs && !same_scene(theirs, ours)) {
        say_other(sim, folder, &t, "choose another folder");
        scene_texts_free(sim, &t);
        return SKEP_IO;
    }
    const bool read = status == SKEP_OK;
    if (read && (!theirs || strcmp(theirs, ours) != 0))
        status = skep__port_file_write(path, t.sim.data, t.sim.used);
    if (status != SKEP_OK) say_trouble(sim, read ? "writing" : "reading", path, status);
    scene_texts_free(sim, &t);
    return status;
}

skep_status skep__checkpoint_fits(skep_sim *sim, const char *folder)
{
    char path[SKEP_CHECKPOINT_PATH_BYTES], then[256], now[256];
    scene_texts t;
    if (!sim->scene || !scene_path(path, folder)) return SKEP_OK;
    skep_status status = scene_texts_read(sim, path, &t);
    const char *theirs = (const char *)t.folder;
    const char *ours = (const char *)t.sim.data;
    if (status != SKEP_OK) {
        say_trouble(sim, "reading", path, status);
    } else if (theirs && !same_scene(theirs, ours)) {
        say_other(sim, folder, &t, "run that scene, or choose another folder");
        status = SKEP_ARGUMENT;
    } else if (theirs && strcmp(theirs, ours) != 0) {
        params_out(theirs, then, sizeof then);
        params_out(ours, now, sizeof now);
        skep__logf(&sim->log, SKEP_LOG_WARN,
                   "%s: checkpoints in %s were written with other parameters: %s; now: %s",
                   sim->title, folder, then, now);
    }
    scene_texts_free(sim, &t);
    return status;
}
