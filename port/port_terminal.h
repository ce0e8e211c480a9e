/* SPDX-License-Identifier: MIT */
/* What a command wants to know of the terminal it talks to. Apart from port.h, since the library
 * itself never does. */
#ifndef SKEP_PORT_TERMINAL_H
#define SKEP_PORT_TERMINAL_H

#include <stdbool.h>
#include <stdint.h>

/* Returns whether a file descriptor (1: standard output, 2: standard error) is a terminal. */
bool skep__port_terminal(int fd);

/* Returns the terminal's width, 0 where it is not known. */
uint32_t skep__port_terminal_columns(int fd);

/* Makes sure that the descriptors 0, 1 and 2 are in use. Otherwise the first file that is opened
 * would become standard output, and what is printed would go into it. A closed one fails on use, as
 * it did before. Call it before anything is opened. */
void skep__port_standard_files(void);

#endif
