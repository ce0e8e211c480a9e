/* SPDX-License-Identifier: MIT */
/* Codes of values. The plain function below is the definition, by shifts of the significand. The
 * loops do the same by doubles, which every instruction set has in vectors (SSE2 cannot shift lanes
 * by different amounts): f32 times a power of two is exact in f64, and adding 1.5 * 2^52 leaves the
 * integer, rounded to even, in the low bits, which are read as bits. Nothing of this can be
 * contracted into something else, and a test compares the two. The range is kept by the bits of the
 * f32: by comparing doubles it took twice as many instructions. */
#include "core/replicate/quantum.h"

#define QUANTUM_ROUND 6755399441055744.0 /* 1.5 * 2^52 */

bool skep__quantum_make(uint32_t type, int32_t log2, skep__quantum *q)
{
    const bool none = log2 == SKEP_QUANTUM_NONE;
    if (!none &&
        (type != SKEP_TYPE_f32 || log2 < SKEP__QUANTUM_LOG2_MIN || log2 > SKEP__QUANTUM_LOG2_MAX))
        return false;
    *q = (skep__quantum){.type = (uint8_t)type,
                         .code_count = 1,
                         .code_bits = 32,
                         .code_is_signed = true,
                         .log2 = (int8_t)log2};
    switch (type) {
    case SKEP_TYPE_i32:
    case SKEP_TYPE_u32:
    case SKEP_TYPE_f32:
        return true;
    case SKEP_TYPE_i8:
    case SKEP_TYPE_u8:
    case SKEP_TYPE_bytes:
        q->code_bits = 8;
        q->code_is_signed = type == SKEP_TYPE_i8;
        return true;
    case SKEP_TYPE_i16:
    case SKEP_TYPE_u16:
        q->code_bits = 16;
        q->code_is_signed = type == SKEP_TYPE_i16;
        return true;
    case SKEP_TYPE__Bool:
        q->code_bits = 1;
        q->code_is_signed = false;
        return true;
    case SKEP_TYPE_i64:
    case SKEP_TYPE_u64:
    case SKEP_TYPE_f64:
    case SKEP_TYPE_entity:
        q->code_count = 2;
        return true;
    default:
        return false;
    }
}

/* 2^e, for |e| <= 63. */
static double quantum_power(int32_t e)
{
    const uint64_t bits = (uint64_t)(1023 + e) << 52;
    double power;
    memcpy(&power, &bits, sizeof power);
    return power;
}

int32_t skep__quantum_code_plain(float value, int32_t log2)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    const bool negative = bits >> 31;
    const int32_t exponent = (int32_t)(bits >> 23 & 0xFFu);
    uint64_t m = bits & 0x7FFFFFu;
    if (exponent == 0xFF && m) return 0;
    if (exponent) m |= 0x800000u;
    /* |value| / 2^log2 = m * 2^shift */
    const int32_t shift = (exponent ? exponent : 1) - 150 - log2;
    if (shift > 8)
        m = m ? UINT32_MAX : 0; /* 2^23 * 2^9 and above */
    else if (shift >= 0)
        m <<= shift;
    else if (shift < -25)
        m = 0;
    else {
        const uint64_t half = (uint64_t)1 << (-shift - 1);
        const uint64_t rest = m & (2 * half - 1);
        m >>= -shift;
        m += rest > half || (rest == half && (m & 1u));
    }
    if (m > SKEP__QUANTUM_CODE_MAX) m = SKEP__QUANTUM_CODE_MAX;
    return negative ? -(int32_t)m : (int32_t)m;
}

/* `most` has the bits of the largest f32 in range. */
SKEP_INLINE int32_t quantum_code(const uint8_t *at, int32_t most, double scale)
{
    int32_t bits;
    memcpy(&bits, at, sizeof bits);
    const int32_t sign = bits & INT32_MIN;
    bits &= INT32_MAX;
    bits = bits > 0x7F800000 ? 0 : bits;
    bits = bits > most ? most : bits;
    bits |= sign;
    float value;
    memcpy(&value, &bits, sizeof value);
    const double x = (double)value * scale + QUANTUM_ROUND;
    uint64_t sum;
    memcpy(&sum, &x, sizeof sum);
    return (int32_t)(uint32_t)sum;
}

static void quantum_codes_f32(const uint8_t *rows, size_t step, uint32_t n, int32_t log2,
                              int32_t *restrict codes)
{
    const double scale = quantum_power(-log2);
    const int32_t most = (127 + 30 + log2) << 23 | 0x7FFFFF;
    if (step == sizeof(float)) {
        for (uint32_t i = 0; i < n; i++)
            codes[i] = quantum_code(rows + i * sizeof(float), most, scale);
    } else {
        for (uint32_t i = 0; i < n; i++) codes[i] = quantum_code(rows + i * step, most, scale);
    }
}

static void quantum_codes_32(const uint8_t *rows, size_t step, uint32_t n, int32_t *codes)
{
    for (uint32_t i = 0; i < n; i++) memcpy(codes + i, rows + i * step, sizeof *codes);
}

static void quantum_codes_16(const uint8_t *rows, size_t step, uint32_t n, uint32_t sign,
                             int32_t *codes)
{
    for (uint32_t i = 0; i < n; i++) {
        uint16_t x;
        memcpy(&x, rows + i * step, sizeof x);
        codes[i] = (int32_t)(x ^ sign) - (int32_t)sign;
    }
}

static void quantum_codes_8(const uint8_t *rows, size_t step, uint32_t n, uint32_t sign,
                            int32_t *codes)
{
    for (uint32_t i = 0; i < n; i++) codes[i] = (int32_t)(rows[i * step] ^ sign) - (int32_t)sign;
}

static void quantum_codes_64(const uint8_t *rows, size_t step, uint32_t n, int32_t *low,
                             int32_t *high)
{
    for (uint32_t i = 0; i < n; i++) {
        uint64_t x;
        memcpy(&x, rows + i * step, sizeof x);
        low[i] = (int32_t)(uint32_t)x;
        high[i] = (int32_t)(uint32_t)(x >> 32);
    }
}

/* Bytes of one element. */
static size_t quantum_bytes(const skep__quantum *q)
{
    if (q->code_count == 2) return 8;
    return q->code_bits == 1 ? 1u : q->code_bits / 8u;
}

static void quantum_span_check(const skep__quantum *q, const skep__quantum_span *span)
{
    SKEP_ASSERT(span->element < span->elements);
    SKEP_ASSERT(q->code_count == 1 || span->row_count <= span->stride);
}

void skep__quantum_codes(const skep__quantum *q, const skep__quantum_span *span, const void *rows,
                         int32_t *codes)
{
    quantum_span_check(q, span);
    const uint32_t row_count = span->row_count;
    const size_t bytes = quantum_bytes(q);
    const size_t step = bytes * span->elements;
    const uint8_t *from = (const uint8_t *)rows + bytes * span->element;
    const uint32_t sign = q->code_is_signed ? 1u << (q->code_bits - 1u) : 0u;
    if (q->log2 != SKEP_QUANTUM_NONE)
        quantum_codes_f32(from, step, row_count, q->log2, codes);
    else if (bytes == 8)
        quantum_codes_64(from, step, row_count, codes, codes + span->stride);
    else if (bytes == 4)
        quantum_codes_32(from, step, row_count, codes);
    else if (bytes == 2)
        quantum_codes_16(from, step, row_count, sign, codes);
    else
        quantum_codes_8(from, step, row_count, sign, codes);
}

/* ---- values ---------------------------------------------------------------------------------- */

static void quantum_values_f32(const int32_t *codes, double quantum, uint8_t *rows, size_t step,
                               uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        const float value = (float)((double)codes[i] * quantum);
        memcpy(rows + i * step, &value, sizeof value);
    }
}

static void quantum_values_32(const int32_t *codes, uint8_t *rows, size_t step, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) memcpy(rows + i * step, codes + i, sizeof *codes);
}

static void quantum_values_16(const int32_t *codes, uint8_t *rows, size_t step, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        const uint16_t x = (uint16_t)(uint32_t)codes[i];
        memcpy(rows + i * step, &x, sizeof x);
    }
}

static void quantum_values_8(const int32_t *codes, uint32_t mask, uint8_t *rows, size_t step,
                             uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) rows[i * step] = (uint8_t)((uint32_t)codes[i] & mask);
}

static void quantum_values_64(const int32_t *low, const int32_t *high, uint8_t *rows, size_t step,
                              uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        const uint64_t x = (uint64_t)(uint32_t)high[i] << 32 | (uint32_t)low[i];
        memcpy(rows + i * step, &x, sizeof x);
    }
}

void skep__quantum_values(const skep__quantum *q, const skep__quantum_span *span,
                          const int32_t *codes, void *rows)
{
    quantum_span_check(q, span);
    const uint32_t row_count = span->row_count;
    const size_t bytes = quantum_bytes(q);
    const size_t step = bytes * span->elements;
    uint8_t *to = (uint8_t *)rows + bytes * span->element;
    if (q->log2 != SKEP_QUANTUM_NONE)
        quantum_values_f32(codes, quantum_power(q->log2), to, step, row_count);
    else if (bytes == 8)
        quantum_values_64(codes, codes + span->stride, to, step, row_count);
    else if (bytes == 4)
        quantum_values_32(codes, to, step, row_count);
    else if (bytes == 2)
        quantum_values_16(codes, to, step, row_count);
    else
        quantum_values_8(codes, q->code_bits == 1 ? 1u : 0xFFu, to, step, row_count);
}
