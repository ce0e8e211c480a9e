/* SPDX-License-Identifier: MIT */
/* Values as codes: what the wire compares, predicts and sends are i32 numbers.
 *
 * An f32 field may have a quantum, a power of two 2^e: its code is the multiple of the quantum
 * nearest to the value, ties to the even one. NaN is 0, and what is out of range, infinities
 * included, is the nearer of +-SKEP__QUANTUM_CODE_MAX. Powers of two keep it exact: scaling changes
 * an exponent only, so no machine, compiler or contraction can round differently. Values that came
 * from codes of values give the same codes again.
 *
 * Everything else is sent as it is: integers and bools by value, f32 without a quantum by its bits,
 * and 64-bit elements (i64, u64, f64, entity) as two codes, the low half first. A byte of bytes[N]
 * is a code. Codes are little-endian halves on every machine. Any thread; nothing can fail. */
#ifndef SKEP_CORE_REPLICATE_QUANTUM_H
#define SKEP_CORE_REPLICATE_QUANTUM_H

#include "core/base/base.h"
#include "skep/publish.h"

/* The exponents that a quantum may have. */
#define SKEP__QUANTUM_LOG2_MIN (-32)
#define SKEP__QUANTUM_LOG2_MAX 31
/* The greatest code of an f32 with a quantum: the largest f32 below 2^31. */
#define SKEP__QUANTUM_CODE_MAX 2147483520
/* How one element of a field becomes codes. */
typedef struct skep__quantum {
    uint8_t type;        /* skep_type */
    uint8_t code_count;  /* codes of one element: 1, or 2 for 64 bits */
    uint8_t code_bits;   /* bits that a code has: 1, 8, 16 or 32 */
    bool code_is_signed; /* codes are extended by their sign, else by zeros */
    int8_t log2;         /* the quantum is 2^log2, or SKEP_QUANTUM_NONE */
} skep__quantum;

/* Fills *q for a field's elements; false for a type that is unknown, an exponent out of range, or a
 * quantum on anything but f32. */
SKEP_NODISCARD bool skep__quantum_make(uint32_t type, int32_t log2, skep__quantum *q);

/* One element of a field in rows of a column, and where its codes lie: code k of row i at
 * [k * stride + i]. */
typedef struct skep__quantum_span {
    uint32_t elements; /* that the field has in each row, */
    uint32_t element;  /* and which of them */
    uint32_t row_count;
    uint32_t stride; /* at least row_count where elements have two codes */
} skep__quantum_span;

/* Writes the codes of an element of rows. Linear; vectorised for one element a row. */
void skep__quantum_codes(const skep__quantum *q, const skep__quantum_span *span, const void *rows,
                         int32_t *codes);

/* The other way: writes that element of the rows. Any codes will do; of a code with fewer than 32
 * bits the upper ones are ignored. */
void skep__quantum_values(const skep__quantum *q, const skep__quantum_span *span,
                          const int32_t *codes, void *rows);

/* The code of one f32, by integers alone: what skep__quantum_codes must compute, for the tests. */
int32_t skep__quantum_code_plain(float value, int32_t log2);

#endif
