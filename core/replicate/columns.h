/* SPDX-License-Identifier: MIT */
/* The body of a COLUMNS section: what changed in a matrix of i32 codes (quantum.h), a row a column
 * of the view class and a cell a slot, since a base that the reader has as well.
 *
 * Slots go in blocks of 128. For each block the writer predicts the new codes in one of three ways
 * and sends what is left, the residuals, of the slots where any column has one:
 *
 *     plain     the base's code
 *     velocity  the base's code + the new code of the velocity's column * ticks * rate, for columns
 *               that name one; the others plain
 *     line      2 * base - older, for a reader that has the base before the base as well
 *
 *     body      slot count varint | blocks
 *     block     mode, 2 bits | predictor, 2 bits | extra, 4 bits | bits, filled up with zeros
 *       none    nothing is left in this and `extra` more blocks; no bits
 *       all     residuals of all slots
 *       list    extra + 1 (at most 12) indexes of 7 bits, increasing
 *       mask    128 bits
 *     bits      the indexes or the mask; for each column 0, or 1 and 5 bits of width - 1; then for
 *               each column its residuals, each `width` bits
 *
 * Bits go from the lowest of a byte up. A residual is the difference modulo 2^bits of the column,
 * as zigzag: 0, -1, 1, -2, ... So a width is at most the column's bits, and whatever is decoded is
 * in the column's range. All arithmetic is modulo 2^32 and the same on every machine.
 *
 * (Shared masks over quantised columns and velocity prediction are common in game networking;
 * zigzag and widths per block of 128 are those of Lemire and Boytsov: Decoding billions of integers
 * per second through vectorization, 2015. The choice by counted bits is our own.)
 *
 * Any thread; nothing is allocated. Encoding costs a few nanoseconds a slot of four columns,
 * decoding less. */
#ifndef SKEP_CORE_REPLICATE_COLUMNS_H
#define SKEP_CORE_REPLICATE_COLUMNS_H

#include "core/replicate/wire.h"

#define SKEP__COLUMNS_BLOCK 128u
#define SKEP__COLUMNS_LIST_MAX 12u
#define SKEP__COLUMNS_RUN_MAX 16u
/* The most columns that a view class may have. */
#define SKEP__COLUMNS_MAX 256u
/* In place of a column's index: none. */
#define SKEP__COLUMNS_NONE UINT16_MAX

/* The values are part of the wire. */
typedef enum skep__columns_mode {
    SKEP__COLUMNS_NO_CHANGE,
    SKEP__COLUMNS_ALL,
    SKEP__COLUMNS_LIST,
    SKEP__COLUMNS_MASK
} skep__columns_mode;

/* The values are part of the wire. */
typedef enum skep__columns_predictor {
    SKEP__COLUMNS_PLAIN,
    SKEP__COLUMNS_VELOCITY,
    SKEP__COLUMNS_LINE,
    SKEP__COLUMNS_PREDICTOR_END
} skep__columns_predictor;

/* What both ends know of a column. */
typedef struct skep__wire_column {
    uint8_t bits;      /* of a code, 1 to 32 */
    bool is_signed;    /* codes are extended by their sign, else by zeros */
    uint16_t velocity; /* the column that holds this one's change over time, which names none
                          itself; or SKEP__COLUMNS_NONE */
    uint64_t rate_q32; /* codes of this column that one code of velocity is in one tick, * 2^32 */
} skep__wire_column;

/* The rate of a position with quantum 2^position_log2 whose velocity a second has quantum
 * 2^velocity_log2, in a world of tick_hz ticks a second (not 0). */
uint64_t skep__columns_rate(int32_t position_log2, int32_t velocity_log2, uint32_t tick_hz);

/* The columns of a view class. */
typedef struct skep__columns {
    const skep__wire_column *columns;
    uint32_t column_count; /* at most SKEP__COLUMNS_MAX */
    uint32_t slot_count;
    uint32_t ticks; /* from the base to what is sent */
} skep__columns;

/* Whether the numbers of `c` fit together and velocities name columns as they must. */
bool skep__columns_valid(const skep__columns *c);

/* Codes lie in blocks of column_count * 128; the cell of slot s in column k is
 * blocks[s / 128][k * 128 + s % 128]. Cells from slot_count to the end of the last block are 0, and
 * the codes of every column are within its bits. */
typedef const int32_t *const *skep__code_blocks;

/* Writes the body that leads from `base` (NULL: zeros) to `codes`. `older` is what came as long
 * before the base as the base is old, or NULL. w->need tells whether it fitted. */
void skep__columns_encode(const skep__columns *c, skep__code_blocks base, skep__code_blocks older,
                          skep__code_blocks codes, skep__wire_writer *w);

/* Gives the memory of a block that a decoder fills; NULL when there is none. */
typedef int32_t *(*skep__columns_make)(void *ctx, uint32_t b);

/* Reads a body to its end. Blocks that are not as in the base are asked for and filled, all of
 * their cells, with 0 past slot_count; their content is undefined when the body is refused. `base`
 * and `older` are those of the writer; without an `older` a body that needs it is refused. */
SKEP_NODISCARD bool skep__columns_decode(const skep__columns *c, skep__code_blocks base,
                                         skep__code_blocks older, skep__wire_reader *r,
                                         skep__columns_make make, void *ctx);

#endif
