/* SPDX-License-Identifier: MIT */
/* All of skep. Job files include skep/job.h alone (and skep/grid.h, skep/math.h), scenes
 * skep/scene.h, programs that embed a simulation skep/sim.h; this is for those who would rather
 * not choose. */
#ifndef SKEP_SKEP_H
#define SKEP_SKEP_H

#include "skep/component.h"
#include "skep/grid.h"
#include "skep/id.h"
#include "skep/job.h"
#include "skep/log.h"
#include "skep/math.h"
#include "skep/parent.h"
#include "skep/plan.h"
#include "skep/pool.h"
#include "skep/predict.h"
#include "skep/processes.h"
#include "skep/publish.h"
#include "skep/query.h"
#include "skep/recovery.h"
#include "skep/save.h"
#include "skep/scene.h"
#include "skep/sim.h"
#include "skep/snapshot.h"
#include "skep/status.h"
#include "skep/trace.h"
#include "skep/view.h"
#include "skep/world.h"

#endif
