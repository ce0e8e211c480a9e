/* SPDX-License-Identifier: MIT */
/* The list of the scenes that are linked in, simple ones first. */
#include "scenes/scenes.h"

#include <string.h>

static const skep_scene *const all_scenes[] = {
    &skep_scene_physics, &skep_scene_flock, &skep_scene_collide, &skep_scene_bullets,
    &skep_scene_ship,    &skep_scene_skies, &skep_scene_hostile,
};

const skep_scene *skep__scene_at(uint32_t index)
{
    return index < sizeof all_scenes / sizeof all_scenes[0] ? all_scenes[index] : NULL;
}

const skep_scene *skep__scene_find(const char *name)
{
    for (uint32_t i = 0; skep__scene_at(i); i++)
        if (strcmp(all_scenes[i]->name, name) == 0) return all_scenes[i];
    return NULL;
}
