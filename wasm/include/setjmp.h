/* SPDX-License-Identifier: MIT */
/* wasm has no long jumps: what would leave a scene's function traps, and the host catches that. */
#ifndef SKEP_WASM_SETJMP_H
#define SKEP_WASM_SETJMP_H

typedef int jmp_buf[1];

#define setjmp(buffer) ((buffer)[0] = 0)
#define longjmp(buffer, value) ((void)(buffer), (void)(value), __builtin_trap())

#endif
