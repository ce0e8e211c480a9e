/* SPDX-License-Identifier: MIT */
/* The gate that hung tasks wait for: a futex, so that they take no time from others. */
#include "tests/conformance/hang.h"

#include "port/port.h"

static _Atomic uint32_t hang_open;
_Atomic uint32_t hang_left;
_Atomic uint32_t hung;

SKEP_JOB(stuck, (out, Number, number))
{
    for (uint32_t i = 0; i < task->n; i++) c->number.v[i] = task->block;
    if (task->block % 4) return;
    uint32_t left = atomic_load(&hang_left);
    do {
        if (!left) return;
    } while (!atomic_compare_exchange_weak(&hang_left, &left, left - 1));
    while (!atomic_load(&hang_open)) skep__port_futex_wait(&hang_open, 0, 1000000);
    atomic_fetch_add(&hung, 1);
}

const skep_job *hang_job(void)
{
    return &stuck;
}

void hang_reset(uint32_t count)
{
    atomic_store(&hang_open, 0);
    atomic_store(&hang_left, count);
    atomic_store(&hung, 0);
}

void hang_release(uint32_t count)
{
    atomic_store(&hang_open, 1);
    skep__port_futex_wake(&hang_open, UINT32_MAX);
    while (atomic_load(&hung) != count) skep__port_yield();
}
