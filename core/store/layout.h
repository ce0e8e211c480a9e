/* SPDX-License-Identifier: MIT */
/* Layouts and what the files of the store share among themselves. */
#ifndef SKEP_CORE_STORE_LAYOUT_H
#define SKEP_CORE_STORE_LAYOUT_H

#include "core/store/store.h"

/* More components than one entity can have. */
#define SKEP__LAYOUT_TYPES_MAX 256u

/* The most columns of one table. */
#define SKEP__LAYOUT_COLUMNS_MAX 1024u

/* Makes the layout of a sorted set of types, with one reference. */
skep_status skep__layout_make(skep__store *s, const uint16_t *types, uint32_t type_count,
                              skep__layout **layout);

/* Writes the set of types with one added or removed; SKEP_LIMIT for
 * SKEP__LAYOUT_TYPES_MAX of them. */
skep_status skep__layout_change(skep__store *s, const skep__layout *from, uint32_t type, bool add,
                                uint16_t *types, uint32_t *count);

/* Writes pairs of columns of two layouts that hold the same thing; returns their number. */
uint32_t skep__columns_shared(const skep__layout *from, const skep__layout *to,
                              uint16_t *from_column, uint16_t *to_column);

/* Returns the bytes of a small slot of `cap` rows, and where one column begins in it. */
size_t skep__small_offsets(const skep__layout *l, uint32_t cap, uint32_t column, size_t *offset);

/* Points the only line of a small table at its slot, all cells owned. */
void skep__small_point(const skep__store *s, skep__table *t);

/* Drops a table's rows. */
void skep__table_drop_rows(skep__store *s, skep__table *t);

/* Makes room for tables up to id count - 1, and in a table for row blocks (names and lines, no
 * slots). */
skep_status skep__tables_room(skep__store *s, uint32_t count);
skep_status skep__table_room(skep__store *s, skep__table *t, uint32_t block_count);

/* A table beside the world: made, then attached as id table_count (there is room) or unmade.
 * Restore makes all that it needs before it changes anything. */
skep_status skep__table_make(skep__store *s, skep__layout *l, skep__table **table);
void skep__table_attach(skep__store *s, skep__table *t);
void skep__table_unmake(skep__store *s, skep__table *t);

/* Points the directories of the table's types at its lines. */
void skep__table_dirs(skep__store *s, const skep__table *t);

/* Lets the last table take the place of table `id`, which has the same types, and removes the old
 * one. */
void skep__table_swap(skep__store *s, uint32_t id, uint32_t last);

/* Frees all tables, when the store ends. */
void skep__tables_free(skep__store *s);

/* Forgets all edges, after tables or layouts changed under them. */
void skep__edges_forget(skep__store *s);

#endif
