/* SPDX-License-Identifier: MIT */
/* Terminals the POSIX way, the same on Linux and macOS. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "port/port_terminal.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

bool skep__port_terminal(int fd)
{
    return isatty(fd) == 1;
}

uint32_t skep__port_terminal_columns(int fd)
{
    struct winsize size;
    if (ioctl(fd, TIOCGWINSZ, &size) != 0) return 0;
    return size.ws_col;
}

void skep__port_standard_files(void)
{
    for (int fd = 0; fd <= 2; fd++) {
        if (fcntl(fd, F_GETFD) >= 0) continue;
        /* The wrong way round, so that reading input and writing output fail as on a closed one. */
        (void)open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY);
    }
}
