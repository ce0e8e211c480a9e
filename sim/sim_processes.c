/* SPDX-License-Identifier: MIT */
/* A simulation whose jobs run in isolated processes: the zygote, where the program brought none,
 * and the region that workers see. The zygote comes first, since whether there is one decides
 * which kind of region the world gets. */
#include "sim/sim_internal.h"

#include "port/port_process.h"

bool skep__sim_isolates(const skep_sim_desc *desc)
{
    return desc->executor == SKEP_EXECUTOR_PROCESSES && !desc->pool;
}

skep_status skep__sim_processes_open(skep_sim *sim, const skep_sim_desc *desc)
{
    char why[256];
    if (!skep__sim_isolates(desc)) return SKEP_OK;
    sim->processes = desc->processes;
    if (sim->processes) return SKEP_OK;
    skep_processes_desc d = skep_processes_desc_default();
    d.seccomp_off = desc->seccomp_off;
    const skep_status status = skep_processes_start(&d, &sim->processes, why, sizeof why);
    sim->own_processes = status == SKEP_OK;
    if (status == SKEP_OK) return SKEP_OK;
    skep__logf(&sim->log, SKEP_LOG_ERROR, "%s: executor processes: %s%s", sim->title, why,
               status == SKEP_BUSY ? ", and give what it makes as skep_sim_desc.processes" : "");
    return status;
}

uint64_t skep__sim_deadline(const skep_sim *sim, const skep_sim_desc *desc)
{
    const bool killable = sim->pool->v->killable;
    if (desc->deadline_ns == SKEP_DEADLINE_NONE) return 0;
    if (desc->deadline_ns) return desc->deadline_ns;
    return killable ? SKEP__SIM_DEADLINE_NS : 0;
}
