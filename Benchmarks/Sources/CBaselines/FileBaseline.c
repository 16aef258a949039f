#include "FileBaseline.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { path_size = 1100 };

// `a:b:c` is `a/b/c`.
static int make_path(const char *key, size_t key_count, char *path) {
    if (key_count + 8 > path_size) return ENAMETOOLONG;
    for (size_t index = 0; index < key_count; index++) path[index] = key[index] == ':' ? '/' : key[index];
    path[key_count] = 0;
    return 0;
}

static void make_folders(int folder, char *path) {
    for (char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        mkdirat(folder, path, 0777);
        *slash = '/';
    }
}

static int flush_folder(int folder, char *path) {
    char *slash = strrchr(path, '/');
    if (slash) *slash = 0;
    int file = openat(folder, slash ? path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file < 0) return errno;
    int code = fsync(file) == 0 ? 0 : errno;
    close(file);
    return code;
}

int file_baseline_open(const char *path, int *folder) {
    if (mkdir(path, 0777) != 0 && errno != EEXIST) return errno;
    *folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return *folder < 0 ? errno : 0;
}

void file_baseline_close(int folder) {
    close(folder);
}

int file_baseline_set(
    int folder, const char *key, size_t key_count, const void *value, size_t value_count, int durable
) {
    char path[path_size], temporary[path_size];
    int code = make_path(key, key_count, path);
    if (code) return code;
    snprintf(temporary, sizeof temporary, "%s.tmp", path);
    int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
    int file = openat(folder, temporary, flags, 0666);
    if (file < 0 && errno == ENOENT) {
        make_folders(folder, path);
        file = openat(folder, temporary, flags, 0666);
    }
    if (file < 0) return errno;
    for (size_t written = 0; code == 0 && written < value_count;) {
        ssize_t count = write(file, (const char *)value + written, value_count - written);
        if (count < 0) code = errno;
        else written += (size_t)count;
    }
    if (code == 0 && durable && fsync(file) != 0) code = errno;
    if (close(file) != 0 && code == 0) code = errno;
    if (code == 0 && renameat(folder, temporary, folder, path) != 0) code = errno;
    if (code == 0 && durable) code = flush_folder(folder, path);
    return code;
}

int file_baseline_get(int folder, const char *key, size_t key_count, void **value, size_t *value_count) {
    char path[path_size];
    *value = NULL;
    *value_count = 0;
    int code = make_path(key, key_count, path);
    if (code) return code;
    int file = openat(folder, path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return errno == ENOENT ? 0 : errno;
    struct stat status;
    if (fstat(file, &status) != 0) code = errno;
    if (code == 0 && (*value = malloc(status.st_size ? (size_t)status.st_size : 1)) == NULL) code = ENOMEM;
    if (code == 0) {
        ssize_t count = read(file, *value, (size_t)status.st_size);
        if (count < 0) code = errno;
        else *value_count = (size_t)count;
    }
    close(file);
    return code;
}
