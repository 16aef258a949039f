#include "LMDBBaseline.h"

#include <errno.h>
#include <lmdb.h>
#include <stdlib.h>
#include <string.h>

struct lmdb_baseline {
    MDB_env *environment;
    MDB_dbi database;
    // Reset; renewed for each read.
    MDB_txn *reader;
    // Groups writes, if there is one.
    MDB_txn *writer;
};

static int open_database(lmdb_baseline *baseline) {
    MDB_txn *transaction;
    int code = mdb_txn_begin(baseline->environment, NULL, 0, &transaction);
    if (code != MDB_SUCCESS) return code;
    code = mdb_dbi_open(transaction, "items", MDB_CREATE, &baseline->database);
    if (code != MDB_SUCCESS) {
        mdb_txn_abort(transaction);
        return code;
    }
    return mdb_txn_commit(transaction);
}

int lmdb_baseline_open(const char *path, lmdb_baseline **result) {
    lmdb_baseline *baseline = calloc(1, sizeof *baseline);
    if (!baseline) return ENOMEM;
    int code = mdb_env_create(&baseline->environment);
    if (code == MDB_SUCCESS) code = mdb_env_set_mapsize(baseline->environment, (size_t)1 << 30);
    if (code == MDB_SUCCESS) code = mdb_env_set_maxdbs(baseline->environment, 1);
    if (code == MDB_SUCCESS) code = mdb_env_open(baseline->environment, path, MDB_NOTLS, 0666);
    if (code == MDB_SUCCESS) code = open_database(baseline);
    if (code == MDB_SUCCESS) code = mdb_txn_begin(baseline->environment, NULL, MDB_RDONLY, &baseline->reader);
    if (code != MDB_SUCCESS) {
        lmdb_baseline_close(baseline);
        return code;
    }
    mdb_txn_reset(baseline->reader);
    *result = baseline;
    return MDB_SUCCESS;
}

void lmdb_baseline_close(lmdb_baseline *baseline) {
    if (baseline->writer) mdb_txn_abort(baseline->writer);
    if (baseline->reader) mdb_txn_abort(baseline->reader);
    if (baseline->environment) mdb_env_close(baseline->environment);
    free(baseline);
}

int lmdb_baseline_begin(lmdb_baseline *baseline) {
    return mdb_txn_begin(baseline->environment, NULL, 0, &baseline->writer);
}

int lmdb_baseline_commit(lmdb_baseline *baseline) {
    MDB_txn *transaction = baseline->writer;
    baseline->writer = NULL;
    return mdb_txn_commit(transaction);
}

int lmdb_baseline_set(
    lmdb_baseline *baseline, const char *key, size_t key_count, const void *value, size_t value_count
) {
    MDB_txn *transaction = baseline->writer;
    if (!transaction) {
        int code = mdb_txn_begin(baseline->environment, NULL, 0, &transaction);
        if (code != MDB_SUCCESS) return code;
    }
    MDB_val stored_key = {key_count, (void *)key};
    MDB_val stored_value = {value_count, (void *)value};
    int code = mdb_put(transaction, baseline->database, &stored_key, &stored_value, 0);
    if (baseline->writer) return code;
    if (code != MDB_SUCCESS) {
        mdb_txn_abort(transaction);
        return code;
    }
    return mdb_txn_commit(transaction);
}

int lmdb_baseline_get(
    lmdb_baseline *baseline, const char *key, size_t key_count, void **value, size_t *value_count
) {
    *value = NULL;
    int code = mdb_txn_renew(baseline->reader);
    if (code != MDB_SUCCESS) return code;
    MDB_val wanted = {key_count, (void *)key};
    MDB_val found;
    code = mdb_get(baseline->reader, baseline->database, &wanted, &found);
    if (code == MDB_SUCCESS) {
        *value_count = found.mv_size;
        *value = malloc(found.mv_size);
        if (*value) memcpy(*value, found.mv_data, found.mv_size);
    }
    mdb_txn_reset(baseline->reader);
    return code == MDB_NOTFOUND ? MDB_SUCCESS : code;
}
