/* SPDX-License-Identifier: MIT */
/* Messages with descriptors over a SOCK_SEQPACKET socket, descriptors of processes, and the few
 * files of /proc that are read here. Everything is non-blocking or bounded but the wait itself. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "port/port_process_linux.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* How many bytes of a message matter. */
static size_t message_bytes(skep__process_kind kind)
{
    const size_t head = offsetof(skep__process_message, u);
    if (kind == SKEP__PROCESS_SETUP) return head + sizeof(skep__process_setup);
    if (kind == SKEP__PROCESS_ADDRESS) return head + sizeof(skep__process_code);
    if (kind == SKEP__PROCESS_ANSWER) return head + sizeof(skep__process_answer);
    return head;
}

/* Room for the descriptors of one message, aligned as the kernel wants it. */
typedef union message_control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int) * SKEP__PROCESS_FDS_MAX)];
} message_control;

bool skep__process_send(int socket, const skep__process_message *message, const int *fds,
                        uint32_t fd_count)
{
    SKEP_ASSERT(fd_count <= SKEP__PROCESS_FDS_MAX);
    struct iovec part = {(void *)(uintptr_t)message, message_bytes(message->kind)};
    message_control control;
    memset(&control, 0, sizeof control);
    struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1};
    if (fd_count) {
        m.msg_control = control.bytes;
        m.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
        memcpy(CMSG_DATA(&control.header), fds, sizeof(int) * fd_count);
    }
    for (;;) {
        const ssize_t sent = sendmsg(socket, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent >= 0) return (size_t)sent == part.iov_len;
        if (errno == EINTR) continue;
        /* The other side is behind with its reading: rare, and then it is worth a wait. */
        struct pollfd p = {socket, POLLOUT, 0};
        if (errno != EAGAIN || poll(&p, 1, SKEP__PROCESS_ANSWER_MS) <= 0) return false;
    }
}

bool skep__process_receive(int socket, skep__process_message *message,
                           int fds[SKEP__PROCESS_FDS_MAX])
{
    struct iovec part = {message, sizeof *message};
    message_control control;
    struct msghdr m = {.msg_iov = &part,
                       .msg_iovlen = 1,
                       .msg_control = control.bytes,
                       .msg_controllen = sizeof control.bytes};
    ssize_t got = 0;
    for (int i = 0; i < SKEP__PROCESS_FDS_MAX; i++) fds[i] = -1;
    do {
        got = recvmsg(socket, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    } while (got < 0 && errno == EINTR);
    if (got <= 0) return false;
    const struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
        const size_t bytes = c->cmsg_len - CMSG_LEN(0);
        memcpy(fds, CMSG_DATA(c), bytes <= sizeof(int) * SKEP__PROCESS_FDS_MAX ? bytes : 0);
    }
    if ((size_t)got >= offsetof(skep__process_message, u) &&
        (size_t)got == message_bytes(message->kind)) {
        return true;
    }
    for (int i = 0; i < SKEP__PROCESS_FDS_MAX; i++) skep__process_close(&fds[i]);
    return false;
}

static int64_t message_clock_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

bool skep__process_wait(int fd, int timeout_ms)
{
    struct pollfd p = {fd, POLLIN, 0};
    const int64_t end = message_clock_ms() + timeout_ms;
    for (;;) {
        const int64_t left = end - message_clock_ms();
        const int n = poll(&p, 1, left > 0 ? (int)left : 0);
        if (n > 0) return true;
        if (n == 0 || errno != EINTR) return false;
    }
}

void skep__process_close(int *fd)
{
    if (*fd >= 0) close(*fd);
    *fd = -1;
}

int skep__process_pidfd(pid_t pid)
{
#ifdef SYS_pidfd_open
    return (int)syscall(SYS_pidfd_open, pid, 0);
#else
    (void)pid;
    errno = ENOSYS;
    return -1;
#endif
}

void skep__process_pidfd_signal(int pidfd, int number)
{
#ifdef SYS_pidfd_send_signal
    if (pidfd >= 0) syscall(SYS_pidfd_send_signal, pidfd, number, NULL, 0);
#else
    (void)pidfd;
    (void)number;
#endif
}

/* ---- /proc ---------------------------------------------------------------------------------- */

/* Takes a line of /proc/self/maps apart. */
static bool proc_map_parse(const char *line, skep__process_map *map)
{
    uint64_t first = 0;
    uint64_t end = 0;
    unsigned major = 0;
    unsigned minor = 0;
    int at = 0;
    if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*4s %" SCNx64 " %x:%x %" SCNu64 " %n", &first, &end,
               &map->offset, &major, &minor, &map->inode, &at) != 6) {
        return false;
    }
    map->first = (uintptr_t)first;
    map->end = (uintptr_t)end;
    map->device = (uint64_t)major << 32 | minor;
    snprintf(map->path, sizeof map->path, "%.*s", (int)strcspn(line + at, "\n"), line + at);
    return true;
}

bool skep__process_map_at(uintptr_t address, skep__process_map *map)
{
    char line[PATH_MAX + 128];
    bool found = false;
    FILE *f = fopen("/proc/self/maps", "re");
    if (!f) return false;
    while (!found && fgets(line, sizeof line, f)) {
        found = proc_map_parse(line, map) && address >= map->first && address < map->end;
    }
    fclose(f);
    return found;
}

uint64_t skep__process_status_field(const char *name)
{
    char line[256];
    uint64_t value = 0;
    bool found = false;
    FILE *f = fopen("/proc/self/status", "re");
    if (!f) return 0;
    while (!found && fgets(line, sizeof line, f)) {
        found = strncmp(line, name, strlen(name)) == 0;
        if (found) value = strtoull(line + strlen(name), NULL, 10);
    }
    fclose(f);
    return found ? value : 0;
}

uint32_t skep__port_thread_count(void)
{
    return (uint32_t)skep__process_status_field("Threads:");
}

bool skep__port_traced(void)
{
    return skep__process_status_field("TracerPid:") != 0;
}

/* ---- descriptors ---------------------------------------------------------------------------- */

void skep__process_close_from(int first)
{
#ifdef SYS_close_range
    if (syscall(SYS_close_range, (unsigned)first, ~0u, 0u) == 0) return;
#endif
    DIR *dir = opendir("/proc/self/fd");
    if (!dir) {
        for (int fd = first; fd < 65536; fd++) close(fd);
        return;
    }
    for (const struct dirent *e = readdir(dir); e; e = readdir(dir)) {
        const int fd = (int)strtol(e->d_name, NULL, 10);
        if (e->d_name[0] != '.' && fd >= first && fd != dirfd(dir)) close(fd);
    }
    closedir(dir);
}
