/* SPDX-License-Identifier: MIT */
/* Reads the address of a server: ws://HOST:PORT/PATH?QUERY and its relatives. */
#ifndef SKEP_GATEWAY_CLIENT_URL_H
#define SKEP_GATEWAY_CLIENT_URL_H

#include <stdbool.h>
#include <stdint.h>

/* An address in parts. */
typedef struct skep__client_url {
    bool secure;
    uint32_t port;
    char host[256];      /* without the brackets of IPv6 */
    char authority[272]; /* host and port, as Host wants it */
    char path[1024];     /* with its query; begins with a slash */
} skep__client_url;

/* Fills `url` and returns NULL, or a sentence that says what is wrong. */
const char *skep__client_url_read(const char *text, skep__client_url *url);

#endif
