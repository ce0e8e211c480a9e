/* SPDX-License-Identifier: MIT */
/* Worlds in files. A save is gathered in memory and then written whole, so that a full disk or a
 * crash leaves the old file. Loading replaces what the scene made: its entities are destroyed
 * first, since skep_load wants an empty world, and come back from a snapshot if the file is
 * refused after all. Damage is found before that, by checksum. */
#include "port/port.h"
#include "sim/byte_buffer.h"
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

/* Destroys all entities: collected first, since nothing may be destroyed while a query is walked.
 */
static skep_status file_clear(skep_sim *sim)
{
    const uint32_t count = skep_world_entity_count(sim->world);
    if (count == 0) return SKEP_OK;
    const size_t bytes = (size_t)count * sizeof(skep_entity);
    skep_entity *all = (skep_entity *)sim->allocator.alloc(sim->allocator.ctx, bytes, 16);
    if (!all) return SKEP_NO_MEMORY;
    const skep_query_desc d = skep_query_desc_default();
    skep_query *query = NULL;
    skep_status status = skep_query_create(sim->world, &d, &query);
    uint32_t found = 0;
    if (status == SKEP_OK) {
        skep_query_iter it = skep_query_begin(query);
        for (; skep_query_next(&it); found += it.n)
            memcpy(all + found, it.entity, it.n * sizeof *all);
        status = it.status;
    }
    skep_query_destroy(query);
    if (status == SKEP_OK) status = skep_entity_destroy_many(sim->world, all, found);
    sim->allocator.free(sim->allocator.ctx, all, bytes, 16);
    return status;
}

static skep_status file_replace(skep_sim *sim, const char *path, const uint8_t *bytes, size_t size)
{
    skep_load_report report;
    memset(&report, 0, sizeof report);
    skep_snapshot *before = NULL;
    skep_status status = skep_snapshot_take(sim->world, &before);
    if (status == SKEP_OK) status = file_clear(sim);
    if (status == SKEP_OK) status = skep_load(sim->world, bytes, size, &report);
    if (status != SKEP_OK) {
        file_refused(sim, path, status, &report.error);
        if (report.component[0])
            skep__logf(&sim->log, SKEP_LOG_ERROR, "%s: component %s, field %s", path,
                       report.component, report.field);
        /* Nothing new is needed to go back to what was there a moment ago. */
        if (before && skep_world_restore(sim->world, before) != SKEP_OK)
            skep__logf(&sim->log, SKEP_LOG_ERROR, "%s: and the world could not be brought back",
                       path);
    }
    skep_snapshot_release(before);
    return status;
}

skep_status skep__sim_load_bytes(skep_sim *sim, const char *path, const uint8_t *bytes, size_t size)
{
    skep_error error;
    memset(&error, 0, sizeof error);
    const skep_status status = skep_save_check(bytes, size, NULL, &error);
    if (status == SKEP_OK) return file_replace(sim, path, bytes, size);
    file_refused(sim, path, status, &error);
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
