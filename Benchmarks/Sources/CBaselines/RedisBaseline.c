#include "RedisBaseline.h"

#include <hiredis/hiredis.h>
#include <stdlib.h>

struct redis_baseline {
    redisContext *context;
};

int redis_baseline_open(int port, redis_baseline **result) {
    redis_baseline *baseline = calloc(1, sizeof *baseline);
    if (!baseline) return -1;
    baseline->context = redisConnect("127.0.0.1", port);
    if (!baseline->context || baseline->context->err) {
        redis_baseline_close(baseline);
        return -1;
    }
    *result = baseline;
    return 0;
}

void redis_baseline_close(redis_baseline *baseline) {
    if (baseline->context) redisFree(baseline->context);
    free(baseline);
}

int redis_baseline_append_get(redis_baseline *baseline, const char *key, size_t key_count) {
    const char *words[] = {"GET", key};
    const size_t counts[] = {3, key_count};
    return redisAppendCommandArgv(baseline->context, 2, words, counts) == REDIS_OK ? 0 : -1;
}

int redis_baseline_append_set(
    redis_baseline *baseline, const char *key, size_t key_count, const void *value, size_t value_count
) {
    const char *words[] = {"SET", key, value};
    const size_t counts[] = {3, key_count, value_count};
    return redisAppendCommandArgv(baseline->context, 3, words, counts) == REDIS_OK ? 0 : -1;
}

int redis_baseline_read(redis_baseline *baseline, void **result, const void **value, size_t *value_count) {
    redisReply *reply = NULL;
    if (redisGetReply(baseline->context, (void **)&reply) != REDIS_OK) return -1;
    if (reply->type == REDIS_REPLY_ERROR) {
        freeReplyObject(reply);
        return -1;
    }
    *result = reply;
    *value = reply->type == REDIS_REPLY_STRING ? reply->str : NULL;
    *value_count = reply->type == REDIS_REPLY_STRING ? (size_t)reply->len : 0;
    return 0;
}

void redis_baseline_free(void *reply) {
    freeReplyObject(reply);
}
