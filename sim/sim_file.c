/* SPDX-License-Identifier: MIT */
/* Worlds in files. A save is gathered in memory and then written whole, so that a full disk or a
 * crash leaves the old file. Loading replaces what the scene made. */
#include "core/data/data.h"
#include "port/port.h"
#include "core/base/byte_buffer.h"
#include "sim/sim_internal.h"

#include "skep/save.h"

skep_status skep_sim_save(skep_sim *sim, const char *path)
{
    if (skep_frame_running(sim->plan)) return SKEP_BUSY;
    skep__bytes b = {&sim->allocator, NULL, 0, 0};
    skep_status status = skep_save(sim->world, skep__bytes_append, &b);
    if (status == SKEP_IO) status = SKEP_NO_MEMORY; /* it is the buffer that gave up */
    if (status == SKEP_OK) status = skep__port_file_write(path, b.data, b.used);
    skep__bytes_deinit(&b);
    if (status != SKEP_OK)
        skep__logf(&sim->log, SKEP_LOG_ERROR, "%s: saving to %s: %s", sim->title, path,
                   skep_status_text(status));
    return status;
}

static void file_refused(const skep_sim *sim, const char *path, skep_status status,
                         const skep_error *error)
{
    const char *why = error->message ? error->message : skep_status_text(status);
    if (error->code != SKEP_OK)
        skep__logf(&sim->log, SKEP_LOG_ERROR, "%s: %s (byte %zu)", path, why, error->offset);
    else
        skep__logf(&sim->log, SKEP_LOG_ERROR, "%s: %s", path, why);
}

skep_status skep__sim_load_bytes(skep_sim *sim, const char *path, const uint8_t *bytes, size_t size)
{
    skep_load_report report;
    bool lost = false;
    const skep_status status = skep__world_replace(sim->world, bytes, size, &report, &lost);
    if (status == SKEP_OK) return status;
    file_refused(sim, path, status, &report.error);
    if (report.component[0])
        skep__logf(&sim->log, SKEP_LOG_ERROR, "%s: component %s, field %s", path, report.component,
                   report.field);
    if (lost)
        skep__logf(&sim->log, SKEP_LOG_ERROR, "%s: and the world could not be brought back", path);
    return status;
}

skep_status skep__sim_map(skep_sim *sim, const char *path, const uint8_t **bytes, size_t *size)
{
    const skep_status status = skep__port_file_map(path, bytes, size);
    if (status != SKEP_OK)
        skep__logf(&sim->log, SKEP_LOG_ERROR, "%s: %s", path,
                   status == SKEP_NOT_FOUND ? "no such file" : skep_status_text(status));
    return status;
}

skep_status skep_sim_load(skep_sim *sim, const char *path)
{
    if (skep_frame_running(sim->plan)) return SKEP_BUSY;
    const uint8_t *bytes = NULL;
    size_t size = 0;
    skep_status status = skep__sim_map(sim, path, &bytes, &size);
    if (status != SKEP_OK) return status;
    status = skep__sim_load_bytes(sim, path, bytes, size);
    skep__port_file_unmap(bytes, size);
    return status;
}
