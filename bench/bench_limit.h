/* SPDX-License-Identifier: MIT */
/* The limit of structural work and random access: the least that a store with stable handles can
 * be.
 *
 * A record an entity (generation, table, row) and tables of plain arrays that grow by doubling; a
 * row that goes is replaced by the last one. No versions, no snapshots, no checks of memory, two
 * kinds of tables. What it costs is what the machine asks for; all that ours costs above it is what
 * ours gives. */
#ifndef SKEP_BENCH_BENCH_LIMIT_H
#define SKEP_BENCH_BENCH_LIMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Memory for arrays of a limit: zeroed, in large pages where there are such, since ours is too.
 * What the size of pages gives is not what the rows measure. NULL when there is none; giving back
 * takes the same size, and NULL is fine. */
void *skep__bench_take(size_t bytes);
void skep__bench_give(void *memory, size_t bytes);

typedef struct limit_vec {
    float x, y;
} limit_vec;

typedef struct limit_record {
    uint32_t generation, table, row;
} limit_record;

typedef struct limit_table {
    limit_vec *pos;
    limit_vec *vel; /* NULL for the table without velocity */
    uint32_t *entity;
    uint32_t count, cap;
} limit_table;

/* Tables: 0 has positions, 1 positions and velocities. */
typedef struct limit_store {
    limit_record *records;
    uint32_t record_count, record_cap;
    uint32_t *dead; /* a stack of free indexes */
    uint32_t dead_count;
    limit_table table[2];
    uint32_t whole; /* opened with so much room; 0: it grows, by realloc */
} limit_store;

/* Opens a store with room for `cap` entities in everything, or with none (cap 0: it grows). */
bool skep__limit_open(limit_store *s, uint32_t cap);
void skep__limit_close(limit_store *s);

/* Doubles a table, or the records. */
bool skep__limit_grow_table(limit_table *t, bool vel);
bool skep__limit_grow_records(limit_store *s);

/* Appends a new entity with both components; there is room. Inline: this limit is what no call can
 * reach. */
static inline uint32_t limit_create(limit_store *s, limit_vec pos, limit_vec vel)
{
    limit_table *t = &s->table[1];
    uint32_t entity;
    if (s->dead_count) {
        entity = s->dead[--s->dead_count];
    } else {
        entity = s->record_count++;
        s->records[entity].generation = 1;
    }
    t->pos[t->count] = pos;
    t->vel[t->count] = vel;
    t->entity[t->count] = entity;
    s->records[entity].table = 1;
    s->records[entity].row = t->count++;
    return entity;
}

/* Removes an entity: the last row takes its place. */
static inline void limit_destroy(limit_store *s, uint32_t entity)
{
    limit_table *t = &s->table[1];
    limit_record *r = &s->records[entity];
    const uint32_t row = r->row, last = --t->count;
    if (row != last) {
        t->pos[row] = t->pos[last];
        t->vel[row] = t->vel[last];
        t->entity[row] = t->entity[last];
        s->records[t->entity[row]].row = row;
    }
    r->generation++;
    s->dead[s->dead_count++] = entity;
}

/* Moves an entity from one table to the other; there is room. Out of line, like the calls that it
 * is compared with. */
void skep__limit_add(limit_store *s, uint32_t entity, limit_vec vel);
void skep__limit_remove(limit_store *s, uint32_t entity);

/* An order of 0..n-1 that jumps about, the same each time. NULL without memory; the caller frees
 * it. */
uint32_t *skep__limit_shuffle(uint32_t n);

#endif
