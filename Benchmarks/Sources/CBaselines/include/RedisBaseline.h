#ifndef REDIS_BASELINE_H
#define REDIS_BASELINE_H

#include <stddef.h>

// What a C program does that keeps values under keys in Redis by hiredis: any number of commands appended, then their
// replies read in order. Every function but the last returns 0, or -1 if the connection is of no use any more.

typedef struct redis_baseline redis_baseline;

// Connects to a server on this machine.
int redis_baseline_open(int port, redis_baseline **baseline);
void redis_baseline_close(redis_baseline *baseline);

int redis_baseline_append_get(redis_baseline *baseline, const char *key, size_t key_count);
int redis_baseline_append_set(
    redis_baseline *baseline, const char *key, size_t key_count, const void *value, size_t value_count
);

// Reads the reply to the next command. Its value is valid until the reply is freed, and a null pointer if it has none.
int redis_baseline_read(redis_baseline *baseline, void **reply, const void **value, size_t *value_count);
void redis_baseline_free(void *reply);

#endif
