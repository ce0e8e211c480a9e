/* SPDX-License-Identifier: MIT */
/* The little of <math.h> that gives the same bits everywhere; the rest is in skep/math.h. */
#ifndef SKEP_WASM_MATH_H
#define SKEP_WASM_MATH_H

#define isfinite(x) __builtin_isfinite(x)
#define isnan(x) __builtin_isnan(x)
#define INFINITY __builtin_inff()
#define NAN __builtin_nanf("")

#define sqrt(x) __builtin_sqrt(x)
#define sqrtf(x) __builtin_sqrtf(x)
#define floor(x) __builtin_floor(x)
#define floorf(x) __builtin_floorf(x)
#define fabs(x) __builtin_fabs(x)
#define fabsf(x) __builtin_fabsf(x)

#endif
