/* A disk that fails: loaded before the C library, it lets calls on files whose path contains the text DISK_OF fail for as long as
 * there is a file that DISK_FAILS names. What that file says decides how: `full` for a disk without room, `sync` for one that
 * takes everything and reports an error when it is to make it durable. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static int fails(int file, const char *how) {
    const char *of = getenv("DISK_OF"), *named = getenv("DISK_FAILS");
    char said[16] = "", link[32], path[4096];
    int kept = errno, said_in = named ? syscall(SYS_openat, AT_FDCWD, named, O_RDONLY | O_CLOEXEC) : -1;
    errno = kept;
    if (!of || said_in < 0) return 0;
    syscall(SYS_read, said_in, said, sizeof said - 1);
    close(said_in);
    if (strncmp(said, how, strlen(how)) != 0) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return strstr(path, of) != NULL;
}

ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t at) {
    if (fails(file, "full")) return errno = ENOSPC, -1;
    return syscall(SYS_pwrite64, file, bytes, count, at);
}

ssize_t pwrite(int file, const void *bytes, size_t count, off_t at) { return pwrite64(file, bytes, count, at); }

ssize_t write(int file, const void *bytes, size_t count) {
    if (fails(file, "full")) return errno = ENOSPC, -1;
    return syscall(SYS_write, file, bytes, count);
}

int fsync(int file) {
    if (fails(file, "sync")) return errno = EIO, -1;
    return syscall(SYS_fsync, file);
}

int fdatasync(int file) {
    if (fails(file, "sync")) return errno = EIO, -1;
    return syscall(SYS_fdatasync, file);
}
