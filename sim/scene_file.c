/* SPDX-License-Identifier: MIT */
/* Scenes in modules: a shared object that exports skep_scene_entry, loaded by its path. What it
 * calls is in the program, so program and module must agree on every struct of the headers: the
 * number that the module was compiled with is looked at before anything else of it. */
#include "port/port.h"
#include "sim/sim_internal.h"

#include <stdio.h>

struct skep_scene_file {
    skep_allocator allocator;
    void *module;
    const skep_scene *scene;
};

static bool scene_file_exists(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (f) (void)fclose(f);
    return f != NULL;
}

/* Finds the scene of a loaded module and checks it. */
static skep_status scene_file_find(void *module, const char *path, const skep_scene **scene,
                                   char *text, size_t text_bytes)
{
    const skep_scene *(*entry)(void) = NULL;
    void (*function)(void) = skep__port_module_function(module, SKEP_SCENE_ENTRY);
    memcpy(&entry, &function, sizeof entry);
    *scene = entry ? entry() : NULL;
    if (!*scene) {
        skep__format(text, text_bytes, "%s: it exports no scene: write one with SKEP_SCENE", path);
        return SKEP_FOREIGN;
    }
    if ((*scene)->abi != SKEP_ABI) {
        skep__format(text, text_bytes,
                     "%s: built against version %u of the scene interface, this is version %u: "
                     "build it again",
                     path, (*scene)->abi, SKEP_ABI);
        return SKEP_VERSION;
    }
    return SKEP_OK;
}

skep_status skep_scene_file_open(const char *path, skep_scene_file **file, char *text,
                                 size_t text_bytes)
{
    *file = NULL;
    if (text_bytes) text[0] = 0;
    if (!scene_file_exists(path)) {
        skep__format(text, text_bytes, "%s: no such file", path);
        return SKEP_NOT_FOUND;
    }
    char why[512];
    void *module = skep__port_module_open(path, why, sizeof why);
    if (!module) {
        skep__format(text, text_bytes, "%s: it is no scene module: %s", path, why);
        return SKEP_FOREIGN;
    }
    const skep_scene *scene = NULL;
    skep_status status = scene_file_find(module, path, &scene, text, text_bytes);
    const skep_allocator allocator = skep__port_allocator();
    skep_scene_file *f = NULL;
    if (status == SKEP_OK) {
        f = (skep_scene_file *)skep__alloc(&allocator, sizeof *f, 16);
        if (!f) {
            skep__format(text, text_bytes, "%s: %s", path, skep_status_text(SKEP_NO_MEMORY));
            status = SKEP_NO_MEMORY;
        }
    }
    if (!f) {
        skep__port_module_close(module);
        return status;
    }
    f->allocator = allocator;
    f->module = module;
    f->scene = scene;
    *file = f;
    return SKEP_OK;
}

const skep_scene *skep_scene_file_scene(const skep_scene_file *file)
{
    return file->scene;
}

void skep_scene_file_close(skep_scene_file *file)
{
    if (!file) return;
    const skep_allocator allocator = file->allocator;
    skep__port_module_close(file->module);
    skep__free(&allocator, file, sizeof *file, 16);
}
