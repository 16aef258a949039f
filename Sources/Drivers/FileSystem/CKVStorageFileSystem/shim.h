#ifndef CKVSTORAGE_FILE_SYSTEM_SHIM_H
#define CKVSTORAGE_FILE_SYSTEM_SHIM_H

// What Swift can't reach by itself on Linux: `syscall` is variadic, and the C library has no wrapper of openat2.
// On other systems this header is empty.
#ifdef __linux__

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/inotify.h>
#include <sys/syscall.h>
#include <unistd.h>

// From linux/openat2.h, which older kernel headers lack.
struct kvstorage_open_how {
    uint64_t flags;
    uint64_t mode;
    uint64_t resolve;
};

#define KVSTORAGE_RESOLVE_NO_SYMLINKS 0x04

// Opens a path below a folder; a symbolic link anywhere in it fails with ELOOP. Since Linux 5.6; ENOSYS before.
static inline int kvstorage_openat2(int folder, const char *path, uint64_t flags) {
#ifdef SYS_openat2
    struct kvstorage_open_how how = {flags, 0, KVSTORAGE_RESOLVE_NO_SYMLINKS};
    return (int)syscall(SYS_openat2, folder, path, &how, sizeof(how));
#else
    errno = ENOSYS;
    return -1;
#endif
}

// musl has no renameat2 before 1.2.6.
static inline int kvstorage_renameat2(int from, const char *name, int to, const char *other, unsigned flags) {
    return (int)syscall(SYS_renameat2, from, name, to, other, flags);
}

#endif
#endif
