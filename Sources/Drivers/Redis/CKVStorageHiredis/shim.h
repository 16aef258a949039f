#ifndef CKVSTORAGE_HIREDIS_SHIM_H
#define CKVSTORAGE_HIREDIS_SHIM_H

// Only hiredis's parser is used; the transport is ours. The parser's callbacks differ between 0.14 (Debian 12) and 1.x
// in the types of their arguments and in their number. The functions below have one shape for both.
#include <hiredis/hiredis.h>
#include <hiredis/read.h>
#include <stddef.h>
#ifdef __linux__
#include <sys/eventfd.h>
#endif

// What is told of a reply, in the order of its bytes. An array announces its count, then come its elements.
typedef struct ckv_reply_handler {
    void *context;
    void (*on_string)(void *context, const char *bytes, size_t count);
    void (*on_status)(void *context, const char *bytes, size_t count);
    void (*on_error)(void *context, const char *bytes, size_t count);
    void (*on_integer)(void *context, long long value);
    void (*on_null)(void *context);
    void (*on_array)(void *context, size_t count);
    // Why the shim, not the parser, takes no more; NULL as long as it does.
    const char *refusal;
} ckv_reply_handler;

// The parser wants a pointer for each object and passes it around; NULL would mean "out of memory". As the objects are
// made elsewhere, the handler itself stands for all of them.

static void *ckv_create_string(const redisReadTask *task, char *bytes, size_t count) {
    ckv_reply_handler *handler = (ckv_reply_handler *)task->privdata;
    switch (task->type) {
    case REDIS_REPLY_STATUS: handler->on_status(handler->context, bytes, count); break;
    case REDIS_REPLY_ERROR: handler->on_error(handler->context, bytes, count); break;
#if HIREDIS_MAJOR >= 1
    // The text comes after three letters for its kind and a colon; the parser has seen to it that they are there.
    case REDIS_REPLY_VERB: handler->on_string(handler->context, bytes + 4, count - 4); break;
#endif
    default: handler->on_string(handler->context, bytes, count); break;
    }
    return handler;
}

// 0.14 takes arrays in arrays this deep; 1.x any, so that a peer could have them fill the stack of whoever frees them.
enum { ckv_maximum_depth = 7 };

#if HIREDIS_MAJOR >= 1
static void *ckv_create_array(const redisReadTask *task, size_t count) {
#else
static void *ckv_create_array(const redisReadTask *task, int count) {
#endif
    ckv_reply_handler *handler = (ckv_reply_handler *)task->privdata;
    int depth = 0;
    for (const redisReadTask *parent = task->parent; parent; parent = parent->parent) depth++;
    if (depth > ckv_maximum_depth) handler->refusal = "arrays are nested too deeply";
#if HIREDIS_MAJOR >= 1
    // Taken for a reply, what comes unasked would have each command be answered by the reply to another.
    if (task->type == REDIS_REPLY_PUSH) handler->refusal = "a push message was not asked for";
    if (task->type == REDIS_REPLY_ATTR) handler->refusal = "attributes were not asked for";
#endif
    if (handler->refusal) return NULL;
    handler->on_array(handler->context, (size_t)count);
    return handler;
}

static void *ckv_create_integer(const redisReadTask *task, long long value) {
    ckv_reply_handler *handler = (ckv_reply_handler *)task->privdata;
    handler->on_integer(handler->context, value);
    return handler;
}

static void *ckv_create_null(const redisReadTask *task) {
    ckv_reply_handler *handler = (ckv_reply_handler *)task->privdata;
    handler->on_null(handler->context);
    return handler;
}

#if HIREDIS_MAJOR >= 1
// RESP3, which is never asked for; a server that answers in it anyway is understood. Maps come as arrays.
static void *ckv_create_double(const redisReadTask *task, double value, char *bytes, size_t count) {
    (void)value;
    return ckv_create_string(task, bytes, count);
}

static void *ckv_create_bool(const redisReadTask *task, int value) {
    return ckv_create_integer(task, value);
}
#endif

static void ckv_free_object(void *object) {
    (void)object;
}

// Returns a parser that tells the handler, which has to outlive it; NULL if memory is short.
static inline redisReader *ckv_reader_create(ckv_reply_handler *handler) {
    static redisReplyObjectFunctions functions = {
        .createString = ckv_create_string,
        .createArray = ckv_create_array,
        .createInteger = ckv_create_integer,
        .createNil = ckv_create_null,
        .freeObject = ckv_free_object,
#if HIREDIS_MAJOR >= 1
        .createDouble = ckv_create_double,
        .createBool = ckv_create_bool,
#endif
    };
    redisReader *reader = redisReaderCreateWithFunctions(&functions);
    if (reader) reader->privdata = handler;
    return reader;
}

// Parses one reply: 1 if it is complete, 0 if bytes are missing, -1 if this is not RESP; then ckv_reader_error says why.
static inline int ckv_reader_next(redisReader *reader) {
    void *reply = NULL;
    if (redisReaderGetReply(reader, &reply) != REDIS_OK) return -1;
    return reply != NULL;
}

static inline const char *ckv_reader_error(const redisReader *reader) {
    const ckv_reply_handler *handler = (const ckv_reply_handler *)reader->privdata;
    return handler->refusal ? handler->refusal : reader->errstr;
}

#ifdef __linux__
// Returns a counter that a poll can wait for, or -1; Swift's module of the C library lacks its header.
static inline int ckv_make_event_counter(void) {
    return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
}
#endif

#endif
