/* SPDX-License-Identifier: MIT */
/* The hand-written store of bench_limit.h. */
#include "bench/bench_limit.h"

#include "port/port.h"

#include <stdlib.h>
#include <string.h>

void *skep__bench_take(size_t bytes)
{
    const size_t whole = skep__align(bytes, SKEP__PORT_PAGE);
    void *memory = skep__port_reserve(whole);
    if (!memory || skep__port_commit(memory, whole) == SKEP_OK) return memory;
    skep__port_release(memory, whole);
    return NULL;
}

void skep__bench_give(void *memory, size_t bytes)
{
    if (memory) skep__port_release(memory, skep__align(bytes, SKEP__PORT_PAGE));
}

bool skep__limit_open(limit_store *s, uint32_t cap)
{
    memset(s, 0, sizeof *s);
    s->whole = cap;
    if (cap == 0) return true;
    s->records = skep__bench_take(cap * sizeof *s->records);
    s->record_cap = cap;
    s->dead = skep__bench_take(cap * sizeof *s->dead);
    bool made = s->records && s->dead;
    for (uint32_t i = 0; i < 2; i++) {
        limit_table *t = &s->table[i];
        t->pos = skep__bench_take(cap * sizeof *t->pos);
        t->vel = i ? skep__bench_take(cap * sizeof *t->vel) : NULL;
        t->entity = skep__bench_take(cap * sizeof *t->entity);
        t->cap = cap;
        made = made && t->pos && t->entity && (t->vel || !i);
    }
    if (!made) skep__limit_close(s);
    return made;
}

/* Gives an array back the way it was taken. */
static void array_give(const limit_store *s, void *array, size_t element_bytes)
{
    if (s->whole)
        skep__bench_give(array, s->whole * element_bytes);
    else
        free(array);
}

void skep__limit_close(limit_store *s)
{
    for (uint32_t i = 0; i < 2; i++) {
        limit_table *t = &s->table[i];
        array_give(s, t->pos, sizeof *t->pos);
        array_give(s, t->vel, sizeof *t->vel);
        array_give(s, t->entity, sizeof *t->entity);
    }
    array_give(s, s->records, sizeof *s->records);
    array_give(s, s->dead, sizeof *s->dead);
    memset(s, 0, sizeof *s);
}

static bool array_resize(void **array, size_t bytes)
{
    void *larger = realloc(*array, bytes);
    if (!larger) return false;
    *array = larger;
    return true;
}

bool skep__limit_grow_table(limit_table *t, bool vel)
{
    const uint32_t cap = t->cap ? t->cap * 2 : 64;
    if (!array_resize((void **)&t->pos, cap * sizeof *t->pos)) return false;
    if (vel && !array_resize((void **)&t->vel, cap * sizeof *t->vel)) return false;
    if (!array_resize((void **)&t->entity, cap * sizeof *t->entity)) return false;
    t->cap = cap;
    return true;
}

bool skep__limit_grow_records(limit_store *s)
{
    const uint32_t cap = s->record_cap ? s->record_cap * 2 : 64;
    if (!array_resize((void **)&s->records, cap * sizeof *s->records)) return false;
    s->record_cap = cap;
    return true;
}

void skep__limit_add(limit_store *s, uint32_t entity, limit_vec vel)
{
    limit_table *from = &s->table[0], *to = &s->table[1];
    limit_record *r = &s->records[entity];
    const uint32_t row = r->row, last = --from->count;
    to->pos[to->count] = from->pos[row];
    to->vel[to->count] = vel;
    to->entity[to->count] = entity;
    if (row != last) {
        from->pos[row] = from->pos[last];
        from->entity[row] = from->entity[last];
        s->records[from->entity[row]].row = row;
    }
    r->table = 1;
    r->row = to->count++;
}

void skep__limit_remove(limit_store *s, uint32_t entity)
{
    limit_table *from = &s->table[1], *to = &s->table[0];
    limit_record *r = &s->records[entity];
    const uint32_t row = r->row, last = --from->count;
    to->pos[to->count] = from->pos[row];
    to->entity[to->count] = entity;
    if (row != last) {
        from->pos[row] = from->pos[last];
        from->vel[row] = from->vel[last];
        from->entity[row] = from->entity[last];
        s->records[from->entity[row]].row = row;
    }
    r->table = 0;
    r->row = to->count++;
}

uint32_t *skep__limit_shuffle(uint32_t n)
{
    uint32_t *order = malloc(n * sizeof *order);
    if (!order) return NULL;
    for (uint32_t i = 0; i < n; i++) order[i] = i;
    uint64_t random = 0x2545f4914f6cdd1d;
    for (uint32_t i = n - 1; i > 0; i--) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        const uint32_t j = (uint32_t)((random >> 32) * (uint64_t)(i + 1) >> 32);
        const uint32_t swap = order[i];
        order[i] = order[j];
        order[j] = swap;
    }
    return order;
}
