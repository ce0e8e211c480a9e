/* SPDX-License-Identifier: MIT */
/* The bare wasm kernel: what scenes/physics.c's `move` does, over four plain arrays in one call,
 * with no world around it. Compiled by bench/js/kernel.ts with the flags that scenes get. */
#include <stdint.h>

__attribute__((export_name("move"))) void kernel_move(float *restrict px, float *restrict py,
                                                      const float *restrict vx,
                                                      const float *restrict vy, float dt,
                                                      uint32_t n);

void kernel_move(float *restrict px, float *restrict py, const float *restrict vx,
                 const float *restrict vy, float dt, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        px[i] += vx[i] * dt;
        py[i] += vy[i] * dt;
    }
}
