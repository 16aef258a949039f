#ifndef SQLITE_BASELINE_H
#define SQLITE_BASELINE_H

#include <stddef.h>

// What a C program does that keeps values under keys in SQLite and knows how: the same table, pages, cache and
// synchronous level as KVStorageSQLite, statements prepared once. Every function returns SQLite's result code.

typedef struct sqlite_baseline sqlite_baseline;

int sqlite_baseline_open(const char *path, sqlite_baseline **baseline);
void sqlite_baseline_close(sqlite_baseline *baseline);

// Groups writes, for filling; without it each write is a transaction of its own.
int sqlite_baseline_begin(sqlite_baseline *baseline);
int sqlite_baseline_commit(sqlite_baseline *baseline);

int sqlite_baseline_set(
    sqlite_baseline *baseline, const char *key, size_t key_count, const void *value, size_t value_count
);

// Answers with a copy of the value, to be freed, or a null pointer if there is none.
int sqlite_baseline_get(
    sqlite_baseline *baseline, const char *key, size_t key_count, void **value, size_t *value_count
);

#endif
