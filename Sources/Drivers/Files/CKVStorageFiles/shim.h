#ifndef CKVSTORAGE_FILE_SYSTEM_SHIM_H
#define CKVSTORAGE_FILE_SYSTEM_SHIM_H

// What Swift can't reach by itself on Linux: `syscall` is variadic, and the C library has no wrapper of openat2.
// On other systems this header is empty.
#ifdef __linux__

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
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

// C libraries show dup3 only to GNU programs.
static inline int kvstorage_dup3(int file, int number, int flags) {
    return (int)syscall(SYS_dup3, file, number, flags);
}

// Locks (or unlocks) bytes of an open file for its description, so that handles in one process count as two holders
// (fcntl(2), "Open file description locks"; since Linux 3.15). Never waits: EAGAIN or EACCES if somebody else has a byte.
// F_OFD_SETLK is 37 on every architecture; C libraries show it only to GNU programs.
static inline int kvstorage_lock_bytes(int file, int64_t start, int64_t count, int unlocks) {
    struct flock range;
    memset(&range, 0, sizeof(range));
    range.l_type = unlocks ? F_UNLCK : F_WRLCK;
    range.l_whence = SEEK_SET;
    range.l_start = (off_t)start;
    range.l_len = (off_t)count;
    return fcntl(file, 37, &range);
}

// Nanoseconds from 1970 to the making of an open file (statx(2), since Linux 4.11); 0 where the file system does not say.
// The offset of stx_btime and the mask are part of the kernel's interface; older C libraries lack the structure.
static inline int64_t kvstorage_birth_time(int file) {
#ifdef SYS_statx
    unsigned char status[256];
    uint32_t mask, nanoseconds;
    int64_t seconds;
    if (syscall(SYS_statx, file, "", 0x1000 /* AT_EMPTY_PATH */, 0x800 /* STATX_BTIME */, status) != 0) return 0;
    memcpy(&mask, status, sizeof(mask));
    if (!(mask & 0x800)) return 0;
    memcpy(&seconds, status + 80, sizeof(seconds));
    memcpy(&nanoseconds, status + 88, sizeof(nanoseconds));
    return seconds * 1000000000 + nanoseconds;
#else
    return 0;
#endif
}

#endif
#endif
