/* SPDX-License-Identifier: MIT */
/* A scheme that is missing is ws; a path that is missing or only a slash is /world, which is where
 * gateways are, so that the address of a page does for its world, too. */
#include "gateway/client_url.h"

#include <stdio.h>
#include <string.h>

static const char *url_scheme(const char *text, skep__client_url *url)
{
    static const char *const names[] = {"ws://", "http://", "wss://", "https://"};
    for (uint32_t i = 0; i < 4; i++) {
        const size_t n = strlen(names[i]);
        if (strncmp(text, names[i], n) != 0) continue;
        url->secure = i >= 2;
        return text + n;
    }
    return strstr(text, "://") ? NULL : text;
}

/* Reads ":PORT" where there is one. Returns what follows, NULL when it is no port. */
static const char *url_port(const char *text, skep__client_url *url)
{
    url->port = url->secure ? 443 : 80;
    if (*text != ':') return text;
    uint32_t port = 0;
    for (text++; *text >= '0' && *text <= '9' && port <= 65535; text++)
        port = port * 10 + (uint32_t)(*text - '0');
    url->port = port;
    return port && port <= 65535 ? text : NULL;
}

const char *skep__client_url_read(const char *text, skep__client_url *url)
{
    memset(url, 0, sizeof *url);
    for (const char *c = text; *c; c++)
        if ((unsigned char)*c <= 0x20 || *c == 0x7f) return "an address has no blanks";
    const char *host = url_scheme(text, url);
    if (!host) return "an address begins with ws://, wss://, http:// or https://";
    const bool six = *host == '[';
    const size_t n = strcspn(host + six, six ? "]" : ":/?#");
    if (n == 0 || n >= sizeof url->host) return "the address has no host";
    if (six && host[1 + n] != ']') return "the address has no host";
    memcpy(url->host, host + six, n);
    const char *rest = url_port(host + n + 2 * (size_t)six, url);
    if (!rest) return "the address has a strange port";
    (void)snprintf(url->authority, sizeof url->authority, six ? "[%s]:%u" : "%s:%u", url->host,
                   url->port);
    if (*rest && !strchr("/?#", *rest)) return "the address has a strange host";
    const size_t path = strcspn(rest, "?#");
    const size_t query = strcspn(rest, "#") - path;
    const bool own = path > 1;
    const int bytes = snprintf(url->path, sizeof url->path, "%.*s%.*s", own ? (int)path : 6,
                               own ? rest : "/world", (int)query, rest + path);
    return bytes < 0 || (size_t)bytes >= sizeof url->path ? "the address is too long" : NULL;
}
