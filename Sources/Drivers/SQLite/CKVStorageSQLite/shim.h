#ifndef CKVSTORAGE_SQLITE_SHIM_H
#define CKVSTORAGE_SQLITE_SHIM_H

#include <sqlite3.h>

// Codes that SQLite composes by macros, which Swift does not see.
static const int kvstorage_sqlite3_ioerr_shmsize = SQLITE_IOERR_SHMSIZE;
static const int kvstorage_sqlite3_readonly_rollback = SQLITE_READONLY_ROLLBACK;

// sqlite3_db_config is variadic, which Swift can't call.
static inline int kvstorage_sqlite3_keep_log_on_close(sqlite3 *database, int on) {
    return sqlite3_db_config(database, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, on, (int *)0);
}

// Reads the start of the database file through SQLite's own descriptor. A descriptor of ours would do harm: POSIX
// drops all locks that a process has on a file when it closes any descriptor of it (SQLite, "How To Corrupt", 2.2).
// Bytes past the end of the file are zero. Returns SQLite's result code.
static inline int kvstorage_sqlite3_read_header(
    sqlite3 *database, void *buffer, int count, sqlite3_int64 *fileSize
) {
    sqlite3_file *file = 0;
    int code = sqlite3_file_control(database, "main", SQLITE_FCNTL_FILE_POINTER, &file);
    if (code != SQLITE_OK) return code;
    if (!file || !file->pMethods) return SQLITE_CANTOPEN;
    code = file->pMethods->xFileSize(file, fileSize);
    if (code != SQLITE_OK) return code;
    code = file->pMethods->xRead(file, buffer, count, 0);
    return code == SQLITE_IOERR_SHORT_READ ? SQLITE_OK : code;
}

static inline int kvstorage_sqlite3_file_errno(sqlite3 *database, int pointerOperation) {
    sqlite3_file *file = 0;
    int number = 0;
    if (sqlite3_file_control(database, "main", pointerOperation, &file) != SQLITE_OK) return 0;
    if (!file || !file->pMethods) return 0;
    return file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &number) == SQLITE_OK ? number : 0;
}

// Returns the errno behind an I/O error. sqlite3_system_errno alone does not know of what failed in a COMMIT, nor of
// what failed in the log, which SQLite calls the journal here.
static inline int kvstorage_sqlite3_errno(sqlite3 *database) {
    int number = kvstorage_sqlite3_file_errno(database, SQLITE_FCNTL_JOURNAL_POINTER);
    if (!number) number = kvstorage_sqlite3_file_errno(database, SQLITE_FCNTL_FILE_POINTER);
    return number ? number : sqlite3_system_errno(database);
}

// Reads from the index of the log how many pages the log holds and how many of them are in the database already
// (sqlite.org/walformat.html, 2.2), through SQLite's own map of it: a descriptor of ours would do harm when it is closed.
// The connection has to be in a read transaction of a database in WAL mode. SQLITE_NOTFOUND if there is no index.
static inline int kvstorage_sqlite3_log(sqlite3 *database, int *pages, int *copied) {
    sqlite3_file *file = 0;
    void volatile *map = 0;
    int code = sqlite3_file_control(database, "main", SQLITE_FCNTL_FILE_POINTER, &file);
    if (code != SQLITE_OK) return code;
    if (!file || !file->pMethods || file->pMethods->iVersion < 2 || !file->pMethods->xShmMap) return SQLITE_NOTFOUND;
    sqlite3_stmt *statement = 0;
    if (sqlite3_prepare_v2(database, "PRAGMA journal_mode", -1, &statement, 0) != SQLITE_OK) return SQLITE_NOTFOUND;
    int isLogged = sqlite3_step(statement) == SQLITE_ROW
        && sqlite3_stricmp((const char *)sqlite3_column_text(statement, 0), "wal") == 0;
    sqlite3_finalize(statement);
    if (!isLogged) return SQLITE_NOTFOUND;
    code = file->pMethods->xShmMap(file, 0, 32768, 0, &map);
    if (code != SQLITE_OK) return code;
    if (!map) return SQLITE_NOTFOUND;
    *pages = (int)((volatile unsigned int *)map)[4];
    *copied = (int)((volatile unsigned int *)map)[24];
    return SQLITE_OK;
}

#endif
