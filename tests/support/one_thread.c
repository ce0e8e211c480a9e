/* SPDX-License-Identifier: MIT */
/* What the start of a thread becomes in a test whose head does not say `ctest: threads`, by the
 * linker's --wrap. Only tests that say so run under ThreadSanitizer; so one that forgets it must
 * not pass anywhere. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *),
                          void *arg);

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *),
                          void *arg)
{
    (void)thread;
    (void)attr;
    (void)run;
    (void)arg;
    (void)fputs("this test starts a thread: its head must say `ctest: threads`\n", stderr);
    abort();
}
