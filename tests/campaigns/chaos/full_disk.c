/* Lets a disk be full while a file exists: what is written to an append-only file then fails with ENOSPC.
 *
 * cc -shared -fPIC -o full_disk.so full_disk.c -ldl; then FULL_DISK_FLAG=flag LD_PRELOAD=./full_disk.so valkey-server ...
 *
 * As on a real disk, the first write that doesn't fit is cut short: half of it still goes to the file *.incr.aof.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int watched = -1;
static int was_full;

static ssize_t really_write(int fd, const void *data, size_t size) {
    static ssize_t (*real)(int, const void *, size_t);
    if (!real) real = dlsym(RTLD_NEXT, "write");
    return real(fd, data, size);
}

static int full(void) {
    const char *flag = getenv("FULL_DISK_FLAG");
    return flag && access(flag, F_OK) == 0;
}

int open64(const char *path, int flags, ...) {
    static int (*real)(const char *, int, ...);
    if (!real) real = dlsym(RTLD_NEXT, "open64");
    va_list rest;
    va_start(rest, flags);
    int mode = va_arg(rest, int);
    va_end(rest);
    int fd = real(path, flags, mode);
    size_t n = strlen(path), m = strlen(".incr.aof");
    if (fd >= 0 && (flags & O_ACCMODE) != O_RDONLY && n > m && !strcmp(path + n - m, ".incr.aof")) watched = fd;
    return fd;
}

ssize_t write(int fd, const void *data, size_t size) {
    if (fd < 0 || fd != watched || !full()) {
        if (fd == watched) was_full = 0;
        return really_write(fd, data, size);
    }
    if (!was_full && size > 1) {
        was_full = 1;
        return really_write(fd, data, size / 2);
    }
    errno = ENOSPC;
    return -1;
}
