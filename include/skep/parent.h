/* SPDX-License-Identifier: MIT */
/* Parent: which entity another one belongs to. Job files include this where they read it;
 * skep/world.h does. */
#ifndef SKEP_PARENT_H
#define SKEP_PARENT_H

#include "skep/job.h"

/* The entity's parent `of`: destroying the parent destroys the entity as well, and its own children
 * with it, level by level, each level by index. Added, set and removed like any component; cycles
 * are harmless. */
SKEP_COMPONENT(Parent, (entity, of));

#endif
