#include "SQLiteBaseline.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct sqlite_baseline {
    sqlite3 *database;
    sqlite3_stmt *get;
    sqlite3_stmt *set;
};

static const char *const setup =
    "PRAGMA page_size = 8192;"
    "PRAGMA journal_mode = WAL;"
    "PRAGMA synchronous = FULL;"
    "PRAGMA journal_size_limit = 67108864;"
    "PRAGMA cache_size = -65536;"
    "PRAGMA mmap_size = 0;"
    "CREATE TABLE IF NOT EXISTS items (key TEXT PRIMARY KEY, deadline INTEGER, created INTEGER NOT NULL,"
    " modified INTEGER NOT NULL, meta BLOB, value BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS items_deadline ON items (deadline) WHERE deadline IS NOT NULL;";

static const char *const get = "SELECT deadline, value FROM items WHERE key = ?1";

static const char *const set =
    "INSERT INTO items (key, value, deadline, created, modified) VALUES (?1, ?2, NULL, ?3, ?3)"
    " ON CONFLICT (key) DO UPDATE SET value = excluded.value, deadline = NULL, modified = excluded.modified";

int sqlite_baseline_open(const char *path, sqlite_baseline **result) {
    sqlite_baseline *baseline = calloc(1, sizeof *baseline);
    if (!baseline) return SQLITE_NOMEM;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    int code = sqlite3_open_v2(path, &baseline->database, flags, NULL);
    if (code == SQLITE_OK) code = sqlite3_exec(baseline->database, setup, NULL, NULL, NULL);
    if (code == SQLITE_OK) {
        code = sqlite3_prepare_v3(baseline->database, get, -1, SQLITE_PREPARE_PERSISTENT, &baseline->get, NULL);
    }
    if (code == SQLITE_OK) {
        code = sqlite3_prepare_v3(baseline->database, set, -1, SQLITE_PREPARE_PERSISTENT, &baseline->set, NULL);
    }
    if (code != SQLITE_OK) {
        sqlite_baseline_close(baseline);
        return code;
    }
    *result = baseline;
    return SQLITE_OK;
}

void sqlite_baseline_close(sqlite_baseline *baseline) {
    sqlite3_finalize(baseline->get);
    sqlite3_finalize(baseline->set);
    sqlite3_close(baseline->database);
    free(baseline);
}

int sqlite_baseline_begin(sqlite_baseline *baseline) {
    return sqlite3_exec(baseline->database, "BEGIN IMMEDIATE", NULL, NULL, NULL);
}

int sqlite_baseline_commit(sqlite_baseline *baseline) {
    return sqlite3_exec(baseline->database, "COMMIT", NULL, NULL, NULL);
}

int sqlite_baseline_set(
    sqlite_baseline *baseline, const char *key, size_t key_count, const void *value, size_t value_count
) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    sqlite3_int64 milliseconds = (sqlite3_int64)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    sqlite3_bind_text(baseline->set, 1, key, (int)key_count, SQLITE_STATIC);
    sqlite3_bind_blob(baseline->set, 2, value, (int)value_count, SQLITE_STATIC);
    sqlite3_bind_int64(baseline->set, 3, milliseconds);
    int code = sqlite3_step(baseline->set);
    sqlite3_reset(baseline->set);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

int sqlite_baseline_get(
    sqlite_baseline *baseline, const char *key, size_t key_count, void **value, size_t *value_count
) {
    *value = NULL;
    sqlite3_bind_text(baseline->get, 1, key, (int)key_count, SQLITE_STATIC);
    int code = sqlite3_step(baseline->get);
    // A deadline would have to be compared with the clock; there is none in the rows measured.
    if (code == SQLITE_ROW && sqlite3_column_type(baseline->get, 0) == SQLITE_NULL) {
        const void *bytes = sqlite3_column_blob(baseline->get, 1);
        *value_count = (size_t)sqlite3_column_bytes(baseline->get, 1);
        *value = malloc(*value_count);
        if (*value) memcpy(*value, bytes, *value_count);
    }
    sqlite3_reset(baseline->get);
    return code == SQLITE_ROW || code == SQLITE_DONE ? SQLITE_OK : code;
}
