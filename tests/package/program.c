/* SPDX-License-Identifier: MIT */
/* A program of somebody who uses skep, built outside of the tree in every way that skep can be had.
 * It says "skep works" when what it called did what the headers say. */
#ifdef SKEP_AMALGAMATED
#include "skep.h"
#else
#include "skep/job.h"
#endif

#include <stdio.h>
#include <string.h>

int main(void)
{
    const skep_entity e = skep_entity_make(7, 3);
    if (skep_entity_index(e) != 7 || skep_entity_generation(e) != 3) return 1;
    if (strcmp(skep_status_text(SKEP_OK), "no error") != 0) return 1;
    puts("skep works");
    return 0;
}
