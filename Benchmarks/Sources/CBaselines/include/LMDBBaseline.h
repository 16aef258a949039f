#ifndef LMDB_BASELINE_H
#define LMDB_BASELINE_H

#include <stddef.h>

// What a C program does that keeps values under keys in LMDB and knows how: a named database as KVStorageLMDB has it,
// commits that survive power loss, one read transaction that is reset and renewed. For one thread at a time. Every
// function returns LMDB's result code.

typedef struct lmdb_baseline lmdb_baseline;

// The folder has to be there.
int lmdb_baseline_open(const char *path, lmdb_baseline **baseline);
void lmdb_baseline_close(lmdb_baseline *baseline);

// Groups writes, for filling; without it each write is a transaction of its own.
int lmdb_baseline_begin(lmdb_baseline *baseline);
int lmdb_baseline_commit(lmdb_baseline *baseline);

int lmdb_baseline_set(
    lmdb_baseline *baseline, const char *key, size_t key_count, const void *value, size_t value_count
);

// Answers with a copy of the value, to be freed, or a null pointer if there is none.
int lmdb_baseline_get(
    lmdb_baseline *baseline, const char *key, size_t key_count, void **value, size_t *value_count
);

#endif
