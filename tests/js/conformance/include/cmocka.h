/* SPDX-License-Identifier: MIT */
/* What the laboratory asks of the test library, in wasm: an assertion that fails traps, and the
 * driver shows the trap. Cases of their own say what they expected by text instead. */
#ifndef SKEP_TESTS_JS_CONFORMANCE_CMOCKA_H
#define SKEP_TESTS_JS_CONFORMANCE_CMOCKA_H

#define assert_true(condition)                                                                     \
    do {                                                                                           \
        if (!(condition)) __builtin_trap();                                                        \
    } while (0)
#define assert_false(condition) assert_true(!(condition))
#define assert_int_equal(a, b) assert_true((a) == (b))
#define assert_null(pointer) assert_true(!(pointer))
#define assert_non_null(pointer) assert_true(pointer)

#endif
