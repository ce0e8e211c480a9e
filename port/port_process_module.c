/* SPDX-License-Identifier: MIT */
/* Where a piece of this process' code is in a spawner. What was mapped when the zygote was forked
 * is at the same address there; any other module is opened by its path, and is then somewhere else.
 *
 * That it is the same file shows in /proc/self/maps, on both sides: device, inode and offset of
 * what is mapped at the address. (Those numbers are not always what stat() says, on btrfs and
 * overlays for one, so maps are compared with maps.) Beside that the file behind the path must have
 * the size and time that this process sees, else somebody is just writing it. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "port/port.h"
#include "port/port_process_linux.h"

#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <sys/stat.h>

static bool module_stat(skep__process_code *code)
{
    struct stat st;
    if (stat(code->path, &st) != 0) return false;
    code->size = st.st_size;
    code->mtime_s = st.st_mtim.tv_sec;
    code->mtime_ns = st.st_mtim.tv_nsec;
    return true;
}

bool skep__process_code_of(const void *here, skep__process_code *code, char *text,
                           size_t text_bytes)
{
    skep__process_map map;
    Dl_info info;
    memset(code, 0, offsetof(skep__process_code, path));
    code->path[0] = 0;
    if (!skep__process_map_at((uintptr_t)here, &map) || map.path[0] != '/' ||
        !dladdr(here, &info)) {
        snprintf(text, text_bytes, "the code at %p is of no file, so that workers cannot have it",
                 here);
        return false;
    }
    code->here = (uintptr_t)here;
    code->base = (uintptr_t)info.dli_fbase;
    code->map_offset = map.offset + ((uintptr_t)here - map.first);
    code->map_device = map.device;
    code->map_inode = map.inode;
    snprintf(code->path, sizeof code->path, "%s", map.path);
    /* Where this fails, the file was there at the fork of the zygote or it is found nowhere. */
    if (!module_stat(code)) code->size = -1;
    return true;
}

/* Whether the same byte of the same file is mapped at this address here. */
static bool module_is_at(const skep__process_code *code, uintptr_t address)
{
    skep__process_map map;
    return skep__process_map_at(address, &map) && map.path[0] == '/' &&
           map.device == code->map_device && map.inode == code->map_inode &&
           map.offset + (address - map.first) == code->map_offset;
}

static void module_refuse(skep__process_answer *answer, const char *path, const char *why)
{
    answer->status = SKEP_NOT_FOUND;
    answer->address = 0;
    snprintf(answer->text, sizeof answer->text, "workers cannot have %.300s: %.150s", path, why);
}

/* Where the code would be in this module of ours; 0 when the module is another file. */
static uintptr_t module_address(const skep__process_code *code, void *module)
{
    struct link_map *link = NULL;
    Dl_info info;
    if (dlinfo(module, RTLD_DI_LINKMAP, &link) != 0 || !dladdr(link->l_ld, &info)) return 0;
    const uintptr_t address = (uintptr_t)info.dli_fbase + (code->here - code->base);
    return module_is_at(code, address) ? address : 0;
}

/* Looks whether the module was opened before, for another piece of code. The loader goes by names:
 * where the file behind this one was replaced since, it would give the old one for ever, so that is
 * let go. */
static uintptr_t module_opened(const skep__process_code *code)
{
    void *module = dlopen(code->path, RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD);
    if (!module) return 0;
    const uintptr_t address = module_address(code, module);
    dlclose(module);
    if (!address) dlclose(module); /* and what held it until now */
    return address;
}

void skep__process_code_find(const skep__process_code *code, skep__process_answer *answer)
{
    skep__process_code seen = *code;
    char why[256];
    answer->status = SKEP_OK;
    answer->text[0] = 0;
    answer->address = code->here;
    answer->loaded = false;
    if (module_is_at(code, code->here)) return;
    if (code->size < 0 || !module_stat(&seen)) {
        module_refuse(answer, code->path, "the file is gone or another one by now; load it anew");
        return;
    }
    if (seen.size != code->size || seen.mtime_s != code->mtime_s ||
        seen.mtime_ns != code->mtime_ns) {
        module_refuse(answer, code->path, "the file is being written");
        return;
    }
    answer->address = module_opened(code);
    if (answer->address) return;
    void *module = skep__port_module_open(code->path, why, sizeof why);
    if (!module) {
        module_refuse(answer, code->path, why);
        return;
    }
    answer->loaded = true;
    answer->address = module_address(code, module);
    if (answer->address) return;
    module_refuse(answer, code->path, "the file is another one by now; load it anew");
    skep__port_module_close(module);
}
