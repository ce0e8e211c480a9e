/* SPDX-License-Identifier: MIT */
/* clang-format off */
/* The bytes of a save, version 1, all numbers little-endian:
 *
 *     header     magic 8 | version u32 | section_count u32 | file_bytes u64 |
 *                checksum u64 of header and section table, taken with this field zero
 *     sections   for each: kind u32 | 0 u32 | offset u64 | bytes u64 | checksum u64
 *     content    of the sections in the order of their kinds, without gaps, each a multiple of
 *                8 bytes
 *
 *     SCHEMA     type_count u32 | resource_count u32 | channel_count u32 | 0 u32, then a
 *                description of each: kind u8 | flags u8 (1: what was removed) | name_bytes u8 |
 *                field_count u8 | name, and for each field: type u8 | name_bytes u8 | count u16 |
 *                name; zeros to 8 bytes at the end
 *     STATE      seed u64 | tick u64 | time f64 | stamp u64 | event_seq u64 | entity_count u32 |
 *                index_count u32 | queue_count u32 | table_count u32
 *     QUEUE      handles u64 in the order of the free queue, with the generation they will have
 *     TABLES     for each: type_count u32 | row_count u32 | types u16 (number in the schema,
 *                0x8000: with stamps) | zeros to 8 | ids u64 | for each type and field the column,
 *                zeros to 8 | for each type with stamps u64 a row. The first table has no types.
 *     RESOURCES  for each of the schema: present u32 | extra_bytes u32 | fields without padding |
 *                extra bytes | zeros to 8. A grid follows from the rest and is never present.
 *     CHANNELS   for each of the schema: count u32 | old_count u32 | entries: seq u64 | to u64 |
 *                fields without padding | zeros to 8 at the end
 *     RECORDS    count u32 | 0 u32 | for each: name 64 | bytes 192
 *
 * A checksum runs over pieces of 4 KiB: h = mix(h, hash of the piece), finished with the length. */
/* clang-format on */
#ifndef SKEP_CORE_DATA_SAVE_FORMAT_H
#define SKEP_CORE_DATA_SAVE_FORMAT_H

#include "core/base/hash.h"
#include "core/data/snapshot_internal.h"
#include "skep/save.h"

#define SKEP__SAVE_MAGIC_BYTES 8u
#define SKEP__SAVE_HEADER_BYTES 32u
#define SKEP__SAVE_SECTION_BYTES 32u
#define SKEP__SAVE_PIECE_BYTES 4096u
#define SKEP__SAVE_NAME_MAX 255u
#define SKEP__SAVE_STAMPED 0x8000u
#define SKEP__SAVE_REMOVED 1u

/* Not text, so that a transfer that changes line ends or drops a bit is noticed at once. */
#define SKEP__SAVE_MAGIC "\x89SKEP\r\n\x1a"

typedef enum skep__save_section {
    SKEP__SAVE_SCHEMA,
    SKEP__SAVE_STATE,
    SKEP__SAVE_QUEUE,
    SKEP__SAVE_TABLES,
    SKEP__SAVE_RESOURCES,
    SKEP__SAVE_CHANNELS,
    SKEP__SAVE_RECORDS,
    SKEP__SAVE_SECTION_COUNT
} skep__save_section;

#define SKEP__SAVE_CONTENT_OFFSET                                                                  \
    (SKEP__SAVE_HEADER_BYTES + SKEP__SAVE_SECTION_BYTES * SKEP__SAVE_SECTION_COUNT)

/* skep_save_snapshot for who can go back in what it writes: in one pass, beginning with
 * SKEP__SAVE_CONTENT_OFFSET zeros, in whose place `head` (as many bytes) belongs when it is over.
 */
SKEP_NODISCARD skep_status skep__save_snapshot_late(const skep_snapshot *snapshot,
                                                    skep_write_fn write, void *ctx, uint8_t *head);

/* One step of a checksum, over a piece of at most SKEP__SAVE_PIECE_BYTES; all but the last are
 * full. */
SKEP_INLINE uint64_t skep__save_sum_step(uint64_t h, const void *piece, size_t n)
{
    return skep__hash_mix(h, skep__hash_bytes(piece, n, 0));
}

SKEP_INLINE uint64_t skep__save_sum_end(uint64_t h, uint64_t bytes)
{
    return skep__hash_u64(skep__hash_mix(h, bytes));
}

#endif
