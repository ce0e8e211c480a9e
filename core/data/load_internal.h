/* SPDX-License-Identifier: MIT */
/* Loading in two steps: load_check.c reads and verifies every byte and finds out what it means in
 * this world, load.c makes the new state beside the world and swaps it in. Nothing of the world
 * changes in the first. */
#ifndef SKEP_CORE_DATA_LOAD_INTERNAL_H
#define SKEP_CORE_DATA_LOAD_INTERNAL_H

#include "core/data/save_format.h"

#define SKEP__LOAD_NONE UINT32_MAX /* unknown in this world: dropped */

/* Text of the file: not ended by a zero. */
typedef struct skep__load_name {
    const uint8_t *text;
    uint32_t bytes;
} skep__load_name;

typedef struct skep__load_field {
    skep__load_name name;
    uint32_t type;
    uint32_t count;
    uint32_t bytes;  /* a row */
    uint32_t target; /* field number in this world */
} skep__load_field;

/* A component, resource or channel of the file. */
typedef struct skep__load_item {
    skep__load_name name;
    const skep_component *info; /* in this world, or NULL */
    size_t offset;              /* of its description, for errors */
    uint32_t kind;
    uint32_t number; /* in this world */
    uint32_t field_count;
    uint32_t bytes; /* of all fields, without padding */
    bool removed;
    bool stamped; /* some table of the file has stamps of it */
    skep__load_field fields[SKEP_FIELD_MAX];
} skep__load_item;

/* One table of the file; positions are offsets in the file. */
typedef struct skep__load_table {
    uint32_t type_count;
    uint32_t row_count;
    size_t types;
    size_t ids;
    size_t columns;
} skep__load_table;

typedef struct skep__load {
    skep_world *world;
    const uint8_t *file;
    size_t size;
    size_t at;  /* where reading is */
    size_t end; /* of the section that is read */
    skep_error error;
    size_t offset[SKEP__SAVE_SECTION_COUNT];
    size_t bytes[SKEP__SAVE_SECTION_COUNT];

    skep__load_item *items; /* types, then resources, then channels */
    uint32_t type_count, resource_count, channel_count;

    uint64_t seed, tick, stamp, event_seq;
    double time;
    uint32_t entity_count, index_count, queue_count, table_count;

    uint64_t *seen;                 /* a bit an index */
    const skep__load_item *refused; /* of SKEP_SCHEMA */
    const skep__load_field *refused_field;
    uint32_t fields_dropped, fields_added;

    skep__table **made; /* the new tables, made_count of table_count */
    uint32_t made_count;
    uint32_t *made_map; /* hash table of made, made_map_cap entries */
    uint32_t made_map_cap;
    skep__blob *blobs; /* new values of resources and channels, by item - type_count */
    skep__blob records;
    uint32_t record_count;
} skep__load;

/* Items of the file, all kinds. */
SKEP_INLINE uint32_t skep__load_item_count(const skep__load *l)
{
    return l->type_count + l->resource_count + l->channel_count;
}

/* Reads and verifies header and checksums. */
bool skep__load_open(skep__load *l, skep_save_info *info);

/* Verifies all sections; needs skep__load_open. Allocates items and seen, which skep__load_free
 * frees. */
skep_status skep__load_check(skep__load *l);

void skep__load_free(skep__load *l);

/* Begins to read a section. */
void skep__load_seek(skep__load *l, skep__save_section section);

/* Reads the head of the next table; false at the end. The file was verified, or is being. */
bool skep__load_table_next(skep__load *l, skep__load_table *t);

/* The number of the i-th type of a table, and whether it has stamps. */
uint32_t skep__load_table_type(const skep__load *l, const skep__load_table *t, uint32_t i,
                               bool *stamped);

/* Reads numbers at an offset that was verified. */
SKEP_INLINE uint32_t skep__load_u32_at(const skep__load *l, size_t offset)
{
    const uint8_t *p = l->file + offset;
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

SKEP_INLINE uint64_t skep__load_u64_at(const skep__load *l, size_t offset)
{
    return skep__load_u32_at(l, offset) | (uint64_t)skep__load_u32_at(l, offset + 4) << 32;
}

#endif
