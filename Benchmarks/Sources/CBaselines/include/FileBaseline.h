#ifndef FILE_BASELINE_H
#define FILE_BASELINE_H

#include <stddef.h>

// What a C program does that keeps values in files and knows how: the same paths as KVStorageFiles, relative to an open
// folder, open-read-close to read, and a temporary file that is renamed to write. It does without what a store needs besides:
// locks, lifetimes, refusing links. Every function returns 0 or an errno.

// Opens the folder, which is made if it is missing.
int file_baseline_open(const char *path, int *folder);
void file_baseline_close(int folder);

// With `durable` file and folder are flushed. Missing folders are made.
int file_baseline_set(
    int folder, const char *key, size_t key_count, const void *value, size_t value_count, int durable
);

// Answers with a copy of the value, to be freed, or a null pointer if there is none.
int file_baseline_get(int folder, const char *key, size_t key_count, void **value, size_t *value_count);

#endif
