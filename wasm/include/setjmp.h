/* SPDX-License-Identifier: MIT */
/* wasm has no long jumps: what would leave a scene's function traps, and the host catches that. The
 * buffer says that it was a jump. */
#ifndef SKEP_WASM_SETJMP_H
#define SKEP_WASM_SETJMP_H

typedef int jmp_buf[1];

#define setjmp(buffer) ((buffer)[0] = 0)
#define longjmp(buffer, value) (*(volatile int *)(buffer) = (value), __builtin_trap())

#endif
