/* SPDX-License-Identifier: MIT */
/* Whose checkpoints a folder holds: FOLDER/scene.txt names the scene, and the parameters that it
 * was given, as lines:
 *
 *     scene flock
 *     entities=2000
 *
 * A folder without the file, or of a simulation without a scene, may hold anybody's. */
#ifndef SKEP_SIM_CHECKPOINT_SCENE_H
#define SKEP_SIM_CHECKPOINT_SCENE_H

#include "sim/sim_internal.h"

/* Makes the folder the simulation's, before it writes checkpoints there. `taken` says that it holds
 * some: of another scene, they would go as older ones. SKEP_IO then, and where the file cannot be
 * written; SKEP_NO_MEMORY. The log says why. */
skep_status skep__checkpoint_claim(skep_sim *sim, const char *folder, bool taken);

/* Looks whether the folder's checkpoints are for this simulation to go on from. SKEP_ARGUMENT for
 * those of another scene, which the log names; other parameters are a warning there, since the
 * world is whole and only goes on differently. */
skep_status skep__checkpoint_fits(skep_sim *sim, const char *folder);

#endif
