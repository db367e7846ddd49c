/* Lets a kill act as a power cut: what is written to an append-only file reaches the disk only when it is synced.
 *
 * cc -shared -fPIC -o unsynced.so unsynced.c -ldl; then LD_PRELOAD=./unsynced.so valkey-server ...
 *
 * Writes to files named *.incr.aof are kept in this process' memory until fsync or fdatasync; SIGKILL loses the rest.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int watched = -1;
static char *kept;
static size_t length, room;

static ssize_t really_write(int fd, const void *data, size_t size) {
    static ssize_t (*real)(int, const void *, size_t);
    if (!real) real = dlsym(RTLD_NEXT, "write");
    return real(fd, data, size);
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
    if (fd != watched || fd < 0) return really_write(fd, data, size);
    pthread_mutex_lock(&lock);
    if (length + size > room) {
        room = 2 * (length + size);
        kept = realloc(kept, room);
        if (!kept) abort();
    }
    memcpy(kept + length, data, size);
    length += size;
    pthread_mutex_unlock(&lock);
    return (ssize_t)size;
}

static void flush(int fd) {
    if (fd != watched) return;
    pthread_mutex_lock(&lock);
    for (size_t done = 0; done < length;) {
        ssize_t n = really_write(fd, kept + done, length - done);
        if (n < 0) abort();
        done += (size_t)n;
    }
    length = 0;
    pthread_mutex_unlock(&lock);
}

int fsync(int fd) {
    static int (*real)(int);
    if (!real) real = dlsym(RTLD_NEXT, "fsync");
    flush(fd);
    return real(fd);
}

int fdatasync(int fd) {
    static int (*real)(int);
    if (!real) real = dlsym(RTLD_NEXT, "fdatasync");
    flush(fd);
    return real(fd);
}
