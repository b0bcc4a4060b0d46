/* Files on a mount that is away: loaded before the C library, it lets nobody open a file whose path ends in the text AWAY for
 * as long as there is a file that AWAY_WHILE names. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAUSE_US 10000

int open64(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = va_arg(rest, mode_t);
    va_end(rest);
    const char *end = getenv("AWAY"), *while_there = getenv("AWAY_WHILE");
    size_t length = strlen(path), end_length = end ? strlen(end) : 0;
    if (end && while_there && length >= end_length && strcmp(path + length - end_length, end) == 0)
        while (access(while_there, F_OK) == 0) usleep(PAUSE_US);
    return syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}
