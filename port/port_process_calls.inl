/* SPDX-License-Identifier: MIT */
/* System calls that a job might try, X(name), for the text that says what it may not do. */
/* Not every processor has the older ones. */
#ifdef SYS_open
/* clang-format off */
X(open) X(stat) X(lstat) X(access) X(readlink) X(unlink) X(rename) X(mkdir) X(rmdir) X(creat)
X(fork) X(vfork) X(pipe) X(poll) X(select) X(dup2) X(epoll_create) X(epoll_wait) X(alarm)
X(pause) X(time) X(chmod) X(chown) X(link) X(symlink) X(getdents) X(eventfd) X(arch_prctl)
#endif
X(futex)
X(openat) X(close) X(read) X(write) X(readv) X(writev) X(pread64) X(pwrite64) X(lseek) X(fstat)
X(newfstatat) X(statx) X(faccessat) X(readlinkat) X(unlinkat) X(renameat2) X(mkdirat)
X(getdents64) X(ftruncate) X(truncate) X(fallocate) X(fsync) X(fcntl) X(ioctl) X(dup) X(dup3)
X(pipe2) X(sendfile) X(splice) X(flock) X(getcwd) X(chdir) X(socket) X(socketpair) X(connect)
X(bind) X(listen) X(accept) X(accept4) X(sendto) X(recvfrom) X(sendmsg) X(recvmsg) X(shutdown)
X(getsockopt) X(setsockopt) X(getpeername) X(getsockname) X(kill) X(tkill) X(tgkill)
X(rt_sigaction) X(rt_sigqueueinfo) X(clone) X(execve) X(execveat) X(wait4) X(waitid) X(ptrace)
X(process_vm_readv) X(process_vm_writev) X(mmap) X(mprotect) X(msync) X(mlock) X(memfd_create)
X(shmget) X(shmat) X(prctl) X(seccomp) X(bpf) X(perf_event_open) X(userfaultfd) X(unshare)
X(setns) X(mount) X(umount2) X(chroot) X(setuid) X(setgid) X(setsid) X(setpgid) X(getuid)
X(geteuid) X(getgid) X(getppid) X(uname) X(sysinfo) X(getrlimit) X(setrlimit) X(prlimit64)
X(getrusage) X(times) X(sigaltstack) X(set_robust_list) X(set_tid_address) X(sched_setaffinity)
X(sched_getaffinity) X(setpriority) X(getpriority) X(clock_settime) X(settimeofday)
X(timer_create) X(setitimer) X(timerfd_create) X(signalfd4) X(eventfd2) X(epoll_create1)
X(epoll_ctl) X(epoll_pwait) X(ppoll) X(pselect6) X(inotify_init1) X(io_setup) X(add_key)
X(keyctl) X(reboot) X(init_module)
#ifdef SYS_clone3
X(clone3)
#endif
#ifdef SYS_io_uring_setup
X(io_uring_setup)
#endif
#ifdef SYS_pidfd_open
X(pidfd_open)
#endif
#ifdef SYS_pidfd_getfd
X(pidfd_getfd)
#endif
#ifdef SYS_pidfd_send_signal
X(pidfd_send_signal)
#endif
#ifdef SYS_close_range
X(close_range)
#endif
#ifdef SYS_rseq
X(rseq)
#endif
