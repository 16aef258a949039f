#ifndef CKVSTORAGE_LMDB_SHIM_H
#define CKVSTORAGE_LMDB_SHIM_H

#include <errno.h>
#include <lmdb.h>
#include <stdint.h>
#include <sys/stat.h>

enum kvstorage_lmdb_kind {
    kvstorage_lmdb_regular,
    kvstorage_lmdb_folder,
    kvstorage_lmdb_other
};

struct kvstorage_lmdb_file {
    enum kvstorage_lmdb_kind kind;
    uint64_t device;
    uint64_t inode;
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
    return 0;
}

#endif
