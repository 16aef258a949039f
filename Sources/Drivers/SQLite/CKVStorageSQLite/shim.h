#ifndef CKVSTORAGE_SQLITE_SHIM_H
#define CKVSTORAGE_SQLITE_SHIM_H

#include <sqlite3.h>

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

#endif
