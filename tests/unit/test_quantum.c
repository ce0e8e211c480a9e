/* SPDX-License-Identifier: MIT */
/* Codes of values: the loops against the definition by integers, ties, ends of the range, what is
 * no number, codes that survive the way back and forth, and every field type. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/random.h"
#include "core/replicate/quantum.h"

#define ROWS 256u

static float from_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static skep__quantum made(uint32_t type, int32_t log2)
{
    skep__quantum q;
    assert_true(skep__quantum_make(type, log2, &q));
    return q;
}

static int32_t code_of(float value, int32_t log2)
{
    const skep__quantum q = made(SKEP_TYPE_f32, log2);
    int32_t code = 0;
    const skep__quantum_span span = {.elements = 1, .row_count = 1, .stride = 1};
    skep__quantum_codes(&q, &span, &value, &code);
    assert_int_equal(code, skep__quantum_code_plain(value, log2));
    return code;
}

static void ties_go_to_even(void **state)
{
    (void)state;
    assert_int_equal(code_of(0.5f, 0), 0);
    assert_int_equal(code_of(1.5f, 0), 2);
    assert_int_equal(code_of(2.5f, 0), 2);
    assert_int_equal(code_of(-0.5f, 0), 0);
    assert_int_equal(code_of(-1.5f, 0), -2);
    assert_int_equal(code_of(-2.5f, 0), -2);
    assert_int_equal(code_of(2.5f / 64, -6), 2);
    assert_int_equal(code_of(10.0f, 2), 2);
    assert_int_equal(code_of(14.0f, 2), 4);
    assert_int_equal(code_of(from_bits(0x3F000001u), 0), 1);
}

static void what_has_no_code_has_one(void **state)
{
    (void)state;
    for (int32_t log2 = SKEP__QUANTUM_LOG2_MIN; log2 <= SKEP__QUANTUM_LOG2_MAX; log2++) {
        assert_int_equal(code_of(from_bits(0x7FC00000u), log2), 0);
        assert_int_equal(code_of(from_bits(0xFFFFFFFFu), log2), 0);
        assert_int_equal(code_of(from_bits(0x7F800001u), log2), 0);
        assert_int_equal(code_of(from_bits(0x7F800000u), log2), SKEP__QUANTUM_CODE_MAX);
        assert_int_equal(code_of(from_bits(0xFF800000u), log2), -SKEP__QUANTUM_CODE_MAX);
        assert_int_equal(code_of(from_bits(0x80000000u), log2), 0);
        assert_int_equal(code_of(from_bits(1), log2), 0);
        assert_int_equal(code_of(from_bits(0x7F7FFFFFu), log2), SKEP__QUANTUM_CODE_MAX);
    }
    assert_int_equal(code_of(2147483648.0f, 0), SKEP__QUANTUM_CODE_MAX);
    assert_int_equal(code_of(-2147483648.0f, 0), -SKEP__QUANTUM_CODE_MAX);
    assert_int_equal(code_of(2147483520.0f, 0), 2147483520);
    assert_int_equal(code_of(1e20f, -6), SKEP__QUANTUM_CODE_MAX);
}

static void loops_do_what_the_definition_says(void **state)
{
    static float values[ROWS];
    static int32_t codes[ROWS];
    static int32_t again[ROWS];
    const skep__quantum_span span = {.elements = 1, .row_count = ROWS, .stride = ROWS};
    (void)state;
    for (uint32_t round = 0; round < 6400; round++) {
        const int32_t log2 = (int32_t)(round % 64u) + SKEP__QUANTUM_LOG2_MIN;
        const skep__quantum q = made(SKEP_TYPE_f32, log2);
        for (uint32_t i = 0; i < ROWS; i++) {
            const uint64_t x = skep__random(1, 2, round, i, 0);
            uint32_t bits = (uint32_t)x;
            /* Half of them near the code's range, with few bits set, where ties are. */
            if (x >> 63)
                bits = (bits & 0x80FF0000u & ~0x7F800000u) |
                       ((127u + (uint32_t)(log2 + 33)) - (uint32_t)(x >> 32) % 36u) << 23;
            values[i] = from_bits(bits);
        }
        skep__quantum_codes(&q, &span, values, codes);
        for (uint32_t i = 0; i < ROWS; i++)
            if (codes[i] != skep__quantum_code_plain(values[i], log2))
                fail_msg("%a by 2^%d is %d", (double)values[i], log2, codes[i]);
        skep__quantum_values(&q, &span, codes, values);
        skep__quantum_codes(&q, &span, values, again);
        assert_memory_equal(codes, again, sizeof codes);
    }
}

static void every_type_comes_back(void **state)
{
    static const uint32_t types[][2] = {
#define TYPE_ROW(name, value, size, text) {value, size},
        SKEP_TYPE_TABLE(TYPE_ROW)
#undef TYPE_ROW
    };
    static uint8_t rows[ROWS * 24];
    static uint8_t back[ROWS * 24 + 1];
    static int32_t codes[3][2 * ROWS];
    (void)state;
    for (uint32_t t = 0; t < sizeof types / sizeof *types; t++) {
        const skep__quantum q = made(types[t][0], SKEP_QUANTUM_NONE);
        const size_t bytes = (size_t)types[t][1] * 3 * ROWS;
        for (uint32_t i = 0; i < bytes; i++) {
            rows[i] = (uint8_t)skep__random(3, t, 0, i, 0);
            if (types[t][0] == SKEP_TYPE__Bool) rows[i] &= 1u;
        }
        memset(back, 0xEE, sizeof back);
        for (uint32_t e = 0; e < 3; e++) {
            const skep__quantum_span span = {3, e, ROWS, ROWS};
            skep__quantum_codes(&q, &span, rows, codes[e]);
            for (uint32_t i = 0; i < q.code_count * ROWS; i++) {
                const uint32_t unused = 32u - q.code_bits;
                const uint32_t x = (uint32_t)codes[e][i] << unused;
                assert_int_equal(codes[e][i],
                                 q.code_is_signed ? (int32_t)x >> unused : (int32_t)(x >> unused));
            }
            skep__quantum_values(&q, &span, codes[e], back);
        }
        assert_memory_equal(rows, back, bytes);
        assert_int_equal(back[bytes], 0xEE);
    }
}

static void nonsense_is_refused(void **state)
{
    skep__quantum q;
    (void)state;
    assert_false(skep__quantum_make(0, SKEP_QUANTUM_NONE, &q));
    assert_false(skep__quantum_make(14, SKEP_QUANTUM_NONE, &q));
    assert_false(skep__quantum_make(SKEP_TYPE_i32, -6, &q));
    assert_false(skep__quantum_make(SKEP_TYPE_f64, -6, &q));
    assert_false(skep__quantum_make(SKEP_TYPE_f32, SKEP__QUANTUM_LOG2_MIN - 1, &q));
    assert_false(skep__quantum_make(SKEP_TYPE_f32, SKEP__QUANTUM_LOG2_MAX + 1, &q));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ties_go_to_even),
        cmocka_unit_test(what_has_no_code_has_one),
        cmocka_unit_test(loops_do_what_the_definition_says),
        cmocka_unit_test(every_type_comes_back),
        cmocka_unit_test(nonsense_is_refused),
    };
    return cmocka_run_group_tests_name("quantum", tests, NULL, NULL);
}
