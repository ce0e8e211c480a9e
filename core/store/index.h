/* SPDX-License-Identifier: MIT */
/* Freeing indexes, for the files of the store and for apply. */
#ifndef SKEP_CORE_STORE_INDEX_H
#define SKEP_CORE_STORE_INDEX_H

#include "core/store/store.h"

/* Owns what skep__id_free will write: the index's page and the queue tail's. */
skep_status skep__id_free_prepare(skep__store *s, uint32_t index);

/* Queues the index of an entity whose row is gone, with the next generation. */
void skep__id_free(skep__store *s, uint32_t index);

#endif
