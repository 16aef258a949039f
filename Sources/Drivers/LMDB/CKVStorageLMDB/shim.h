#ifndef CKVSTORAGE_LMDB_SHIM_H
#define CKVSTORAGE_LMDB_SHIM_H

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/syscall.h>
#endif

enum kvstorage_lmdb_kind {
    kvstorage_lmdb_regular,
    kvstorage_lmdb_folder,
    kvstorage_lmdb_other
};

struct kvstorage_lmdb_file {
    enum kvstorage_lmdb_kind kind;
    uint64_t device;
    uint64_t inode;
    uint64_t links;
    uint64_t bytes;
    // What the file takes of the disk.
    uint64_t allocated;
    uint32_t mode;
};

// Returns 0 or the error number. In C because more than one of the system's modules declares `struct stat`: which of them
// Swift has to import for its members differs between builds.
static inline int kvstorage_lmdb_look(const char *path, struct kvstorage_lmdb_file *file) {
    struct stat status;
    if (stat(path, &status) != 0) return errno;
    file->kind = S_ISREG(status.st_mode) ? kvstorage_lmdb_regular
        : S_ISDIR(status.st_mode) ? kvstorage_lmdb_folder
        : kvstorage_lmdb_other;
    file->device = (uint64_t)status.st_dev;
    file->inode = (uint64_t)status.st_ino;
    file->links = (uint64_t)status.st_nlink;
    file->bytes = (uint64_t)status.st_size;
    file->allocated = (uint64_t)status.st_blocks * 512;
    file->mode = (uint32_t)status.st_mode & 07777;
    return 0;
}

enum kvstorage_lmdb_users {
    kvstorage_lmdb_unused,
    kvstorage_lmdb_shared,
    // Somebody is opening the environment as the first one, and makes the lock file's content.
    kvstorage_lmdb_exclusive
};

// Returns who of the other processes has the environment open whose lock file this is, by the lock on the file's first
// byte that LMDB keeps as long (mdb_env_excl_lock), or minus the error number.
static inline int kvstorage_lmdb_users_of(int descriptor) {
    struct flock lock = {0};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    lock.l_len = 1;
    while (fcntl(descriptor, F_GETLK, &lock) != 0) {
        if (errno != EINTR) return -errno;
    }
    return lock.l_type == F_UNLCK ? kvstorage_lmdb_unused
        : lock.l_type == F_WRLCK ? kvstorage_lmdb_exclusive
        : kvstorage_lmdb_shared;
}

// Takes the environment for this process alone if no other one has it open; returns 0 or the error number.
static inline int kvstorage_lmdb_take_alone(int descriptor) {
    struct flock lock = {0};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    lock.l_len = 1;
    while (fcntl(descriptor, F_SETLK, &lock) != 0) {
        if (errno != EINTR) return errno;
    }
    return 0;
}

#ifdef __linux__
extern int fallocate(int, int, off_t, off_t);
#endif

// Has the file take so many bytes of the disk, and be as long at least; what it holds stays as it is, also under the
// hands of others. Returns 0 or the error number. Not posix_fallocate: where the file system can't do it, glibc's writes
// zeros over what others may just have written.
static inline int kvstorage_lmdb_allocate(int descriptor, off_t bytes) {
#ifdef __linux__
    while (fallocate(descriptor, 0, 0, bytes) != 0) {
        if (errno != EINTR) return errno;
    }
    return 0;
#else
    return EOPNOTSUPP;
#endif
}

// Has the file take the disk's blocks between the two offsets, without making it longer; what it holds stays as it is.
// Returns 0 or the error number.
static inline int kvstorage_lmdb_hold(int descriptor, uint64_t start, uint64_t end) {
#ifdef __linux__
    // Some file systems end the process with a signal at the limit on the size of a file, though it gets no longer.
    struct rlimit limit;
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY && end > limit.rlim_cur) return EFBIG;
    // FALLOC_FL_KEEP_SIZE
    while (fallocate(descriptor, 1, (off_t)start, (off_t)(end - start)) != 0) {
        if (errno != EINTR) return errno;
    }
    return 0;
#else
    return EOPNOTSUPP;
#endif
}

// The third word of a transaction (MDB_txn.mt_next_pgno of lmdb 0.9): the page that it takes next where none is free.
// Used only once it was seen to be the one behind the environment's last page.
static inline uint64_t kvstorage_lmdb_next_page(const void *transaction) {
    return (uint64_t)((const size_t *)transaction)[2];
}

// The first word of the writers' lock in LMDB's lock file (MDB_txninfo.mt2 of lmdb 0.9, a pthread_mutex_t), on glibc the
// owner's thread number and flags. Only ever compared, and only once that was seen to be so.
static inline uint32_t kvstorage_lmdb_lock_word(const void *page) {
    return __atomic_load_n((const uint32_t *)((const char *)page + 64), __ATOMIC_ACQUIRE);
}

// The number that stands in the lock for the thread that calls, or 0 where locks are of another kind.
static inline uint32_t kvstorage_lmdb_thread(void) {
#if defined(__linux__) && defined(__GLIBC__)
    return (uint32_t)syscall(SYS_gettid);
#else
    return 0;
#endif
}

#endif
