/* SPDX-License-Identifier: MIT */
/* A module for test_module.c: code and data of its own. */
#include <stdint.h>

#if defined(__GNUC__)
#define MODULE_API __attribute__((visibility("default")))
#else
#define MODULE_API
#endif

MODULE_API int64_t module_answer(int64_t n);
MODULE_API int64_t module_other(int64_t n);

static const int64_t *volatile pointer_to = (const int64_t[]){40, 1};

int64_t module_answer(int64_t n)
{
    return pointer_to[0] + n;
}

int64_t module_other(int64_t n)
{
    return pointer_to[1] - n;
}
