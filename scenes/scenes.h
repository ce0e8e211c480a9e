/* SPDX-License-Identifier: MIT */
/* The scenes that the command, the tests and the bench share. */
#ifndef SKEP_SCENES_SCENES_H
#define SKEP_SCENES_SCENES_H

#include "skep/scene.h"

SKEP_SCENE_DECLARE(physics);
SKEP_SCENE_DECLARE(flock);
SKEP_SCENE_DECLARE(collide);
SKEP_SCENE_DECLARE(bullets);
SKEP_SCENE_DECLARE(ship);
SKEP_SCENE_DECLARE(skies);
SKEP_SCENE_DECLARE(hostile);

/* Returns a scene by its place in the list, NULL past the end. */
const skep_scene *skep__scene_at(uint32_t index);

/* Returns a scene by name, or NULL. */
const skep_scene *skep__scene_find(const char *name);

#endif
