/* Stands before the system's file operations (LD_PRELOAD): counts those on files below one folder, fails or kills at the
 * n-th, and writes down what they did, so that a power cut can be played afterwards. Linux only.
 *
 * Nothing happens until trials_root() names a folder and trials_fail() or trials_log() asks for something. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define SHOWN extern __attribute__((visibility("default")))

enum { OPEN = 1, WRITE, SYNC, TRUNCATE, RENAME, UNLINK, RMDIR, MKDIR, LINK, MARK };
enum { SHORT = -1, KILL = -2 }; /* beside numbers of errors: half of a write, or the end of the process */

static char root[PATH_MAX];
static size_t root_length;
static int armed; /* whether there is anything to do */
static long count, first;
static int code, onwards, log_to = -1;
static char what[PATH_MAX + 32];
static pthread_mutex_t lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;

SHOWN void trials_root(const char *path) {
    root_length = strlen(path);
    memcpy(root, path, root_length + 1);
}

/* Fail the n-th operation from now on (0: only count), once, or it and all later ones. */
SHOWN void trials_fail(long n, int with, int from_then_on) {
    count = 0, first = n, code = with, onwards = from_then_on, what[0] = 0, armed = 1;
}

SHOWN void trials_log(int descriptor) { log_to = descriptor, armed = 1; }

SHOWN void trials_stop(void) { armed = 0, log_to = -1; }

SHOWN long trials_count(void) { return count; }

SHOWN const char *trials_what(void) { return what; } /* the operation that failed first */

/* --- which file */

static int below(const char *path) {
    return !strncmp(path, root, root_length) && (path[root_length] == '/' || !path[root_length]);
}

/* The path of an open file. */
static int path_of(int descriptor, char *into) {
    char link[40];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = syscall(SYS_readlinkat, AT_FDCWD, link, into, PATH_MAX - 1);
    into[length < 0 ? 0 : length] = 0;
    return length > 0;
}

/* A path from the root of the system on. */
static int whole(int folder, const char *path, char *into) {
    if (!path) return 0;
    if (*path == '/') {
        snprintf(into, PATH_MAX, "%s", path);
    } else {
        char base[PATH_MAX];
        if (folder == AT_FDCWD ? !getcwd(base, sizeof base) : !path_of(folder, base)) return 0;
        if (strlen(base) + strlen(path) + 2 > PATH_MAX) return 0;
        strcpy(into, base), strcat(into, "/"), strcat(into, path);
    }
    size_t length = strlen(into);
    while (length > 1 && (into[length - 1] == '/' || (into[length - 1] == '.' && into[length - 2] == '/')))
        into[--length] = 0;
    return below(into);
}

static int ours(int descriptor, char *path) {
    return armed && descriptor >= 0 && path_of(descriptor, path) && below(path);
}

/* --- failing */

/* Whether this operation fails, or shall be cut short (2). Sets errno. */
static int fails(const char *name, const char *path) {
    count++;
    if (!first || count < first || (count > first && !onwards)) return 0;
    if (count == first) snprintf(what, sizeof what, "%s %s", name, path);
    if (code == KILL) kill(getpid(), SIGKILL);
    if (code == SHORT && count == first && (!strcmp(name, "write") || !strcmp(name, "pwrite"))) return 2;
    errno = code > 0 ? code : ENOSPC;
    return 1;
}

/* --- writing down: kind, flags, inode, offset, length, lengths of two paths, paths, data */

static void note_all(const void *data, size_t length) {
    const char *at = data;
    while (length) {
        ssize_t done = syscall(SYS_write, log_to, at, length);
        if (done <= 0) abort();
        at += done, length -= done;
    }
}

static void note(int kind, int flags, uint64_t inode, int64_t offset, const char *path, const char *other,
                 const void *data, int64_t length) {
    if (log_to < 0) return;
    struct { int32_t kind, flags; uint64_t inode; int64_t offset, length; int32_t path, other; } head = {
        kind, flags, inode, offset, length, (int32_t)strlen(path), (int32_t)strlen(other)};
    note_all(&head, sizeof head);
    note_all(path, head.path);
    note_all(other, head.other);
    if (data) note_all(data, length);
}

SHOWN void trials_mark(int number) {
    pthread_mutex_lock(&lock);
    note(MARK, number, 0, 0, "", "", NULL, 0);
    pthread_mutex_unlock(&lock);
}

static uint64_t inode_of(int descriptor, int *folder, int64_t *size) {
    struct stat status;
    if (fstat(descriptor, &status)) return 0;
    if (folder) *folder = S_ISDIR(status.st_mode);
    if (size) *size = status.st_size;
    return status.st_ino;
}

/* --- the operations. Each: is it one of ours, does it fail, do it, write it down; one at a time. */

#define ENTER int saved; pthread_mutex_lock(&lock)
#define LEAVE(result) do { saved = errno; pthread_mutex_unlock(&lock); errno = saved; return (result); } while (0)

static int do_open(int folder, const char *name, int flags, mode_t mode) {
    char path[PATH_MAX];
    if (!armed || !whole(folder, name, path)) return syscall(SYS_openat, folder, name, flags, mode);
    ENTER;
    int descriptor = -1;
    if (!fails("open", path)) {
        descriptor = syscall(SYS_openat, folder, name, flags, mode);
        if (descriptor >= 0 && flags & (O_CREAT | O_TRUNC)) {
            path_of(descriptor, path);
            note(OPEN, !!(flags & O_TRUNC), inode_of(descriptor, NULL, NULL), 0, path, "", NULL, 0);
        }
    }
    LEAVE(descriptor);
}

#define MODE(flags, after) \
    mode_t mode = 0; \
    if ((flags) & (O_CREAT | __O_TMPFILE)) { va_list more; va_start(more, after); mode = va_arg(more, mode_t); va_end(more); }
#define OPENS(suffix) \
    SHOWN int open##suffix(const char *path, int flags, ...) { MODE(flags, flags) return do_open(AT_FDCWD, path, flags, mode); } \
    SHOWN int openat##suffix(int folder, const char *path, int flags, ...) { MODE(flags, flags) return do_open(folder, path, flags, mode); }
OPENS()
OPENS(64)

static ssize_t do_read(int descriptor, void *into, size_t length, int64_t offset) {
    char path[PATH_MAX];
    int is_ours = ours(descriptor, path);
    if (is_ours) {
        ENTER;
        if (fails(offset < 0 ? "read" : "pread", path)) LEAVE(-1);
        pthread_mutex_unlock(&lock);
    }
    return offset < 0 ? syscall(SYS_read, descriptor, into, length) : syscall(SYS_pread64, descriptor, into, length, offset);
}
SHOWN ssize_t read(int descriptor, void *into, size_t length) { return do_read(descriptor, into, length, -1); }
SHOWN ssize_t pread(int descriptor, void *into, size_t length, off_t offset) { return do_read(descriptor, into, length, offset); }
SHOWN ssize_t pread64(int descriptor, void *into, size_t length, off64_t offset) { return do_read(descriptor, into, length, offset); }

static ssize_t do_write(int descriptor, const void *data, size_t length, int64_t offset) {
    char path[PATH_MAX];
    if (!ours(descriptor, path))
        return offset < 0 ? syscall(SYS_write, descriptor, data, length) : syscall(SYS_pwrite64, descriptor, data, length, offset);
    ENTER;
    int failing = fails(offset < 0 ? "write" : "pwrite", path);
    if (failing == 1) LEAVE(-1);
    if (failing == 2) length = (length + 1) / 2;
    int64_t at = offset, size = 0;
    uint64_t inode = inode_of(descriptor, NULL, &size);
    if (offset < 0)
        at = fcntl(descriptor, F_GETFL) & O_APPEND ? size : lseek(descriptor, 0, SEEK_CUR);
    ssize_t done = offset < 0 ? syscall(SYS_write, descriptor, data, length) : syscall(SYS_pwrite64, descriptor, data, length, offset);
    if (done > 0) note(WRITE, 0, inode, at, path, "", data, done);
    LEAVE(done);
}
SHOWN ssize_t write(int descriptor, const void *data, size_t length) { return do_write(descriptor, data, length, -1); }
SHOWN ssize_t pwrite(int descriptor, const void *data, size_t length, off_t offset) { return do_write(descriptor, data, length, offset); }
SHOWN ssize_t pwrite64(int descriptor, const void *data, size_t length, off64_t offset) { return do_write(descriptor, data, length, offset); }
SHOWN ssize_t writev(int descriptor, const struct iovec *parts, int number) {
    char path[PATH_MAX];
    if (!ours(descriptor, path)) return syscall(SYS_writev, descriptor, parts, number);
    ssize_t all = 0;
    for (int i = 0; i < number; i++) {
        ssize_t done = do_write(descriptor, parts[i].iov_base, parts[i].iov_len, -1);
        if (done < 0) return all ? all : done;
        all += done;
        if ((size_t)done < parts[i].iov_len) break;
    }
    return all;
}
SHOWN ssize_t copy_file_range(int from, off64_t *from_offset, int to, off64_t *to_offset, size_t length, unsigned flags) {
    char path[PATH_MAX];
    if (!ours(to, path)) return syscall(SYS_copy_file_range, from, from_offset, to, to_offset, length, flags);
    ENTER;
    if (fails("copy_file_range", path)) LEAVE(-1);
    int64_t read_at = from_offset ? *from_offset : lseek(from, 0, SEEK_CUR);
    int64_t write_at = to_offset ? *to_offset : lseek(to, 0, SEEK_CUR);
    ssize_t done = syscall(SYS_copy_file_range, from, from_offset, to, to_offset, length, flags);
    if (done > 0 && log_to >= 0) {
        char *copy = malloc(done);
        if (!copy || syscall(SYS_pread64, from, copy, done, read_at) != done) abort();
        note(WRITE, 0, inode_of(to, NULL, NULL), write_at, path, "", copy, done);
        free(copy);
    }
    LEAVE(done);
}

static int do_sync(int number, const char *name, int descriptor) {
    char path[PATH_MAX];
    if (!ours(descriptor, path)) return syscall(number, descriptor);
    ENTER;
    if (fails(name, path)) LEAVE(-1);
    int folder = 0;
    uint64_t inode = inode_of(descriptor, &folder, NULL);
    int done = syscall(number, descriptor);
    if (!done) note(SYNC, folder, inode, 0, path, "", NULL, 0);
    LEAVE(done);
}
SHOWN int fsync(int descriptor) { return do_sync(SYS_fsync, "fsync", descriptor); }
SHOWN int fdatasync(int descriptor) { return do_sync(SYS_fdatasync, "fdatasync", descriptor); }

static int do_truncate(int descriptor, int64_t size) {
    char path[PATH_MAX];
    if (!ours(descriptor, path)) return syscall(SYS_ftruncate, descriptor, size);
    ENTER;
    if (fails("ftruncate", path)) LEAVE(-1);
    int done = syscall(SYS_ftruncate, descriptor, size);
    if (!done) note(TRUNCATE, 0, inode_of(descriptor, NULL, NULL), size, path, "", NULL, 0);
    LEAVE(done);
}
SHOWN int ftruncate(int descriptor, off_t size) { return do_truncate(descriptor, size); }
SHOWN int ftruncate64(int descriptor, off64_t size) { return do_truncate(descriptor, size); }

static int do_rename(int folder, const char *old, int other, const char *new, unsigned flags) {
    char path[PATH_MAX], target[PATH_MAX];
    if (!armed || !whole(folder, old, path) || !whole(other, new, target))
        return syscall(SYS_renameat2, folder, old, other, new, flags);
    ENTER;
    if (fails("rename", path)) LEAVE(-1);
    int done = syscall(SYS_renameat2, folder, old, other, new, flags);
    if (!done) note(RENAME, flags, 0, 0, path, target, NULL, 0);
    LEAVE(done);
}
SHOWN int rename(const char *old, const char *new) { return do_rename(AT_FDCWD, old, AT_FDCWD, new, 0); }
SHOWN int renameat(int folder, const char *old, int other, const char *new) { return do_rename(folder, old, other, new, 0); }
SHOWN int renameat2(int folder, const char *old, int other, const char *new, unsigned flags) {
    return do_rename(folder, old, other, new, flags);
}

static int do_unlink(int folder, const char *name, int flags) {
    char path[PATH_MAX];
    if (!armed || !whole(folder, name, path)) return syscall(SYS_unlinkat, folder, name, flags);
    ENTER;
    if (fails(flags & AT_REMOVEDIR ? "rmdir" : "unlink", path)) LEAVE(-1);
    int done = syscall(SYS_unlinkat, folder, name, flags);
    if (!done) note(flags & AT_REMOVEDIR ? RMDIR : UNLINK, 0, 0, 0, path, "", NULL, 0);
    LEAVE(done);
}
SHOWN int unlink(const char *path) { return do_unlink(AT_FDCWD, path, 0); }
SHOWN int unlinkat(int folder, const char *path, int flags) { return do_unlink(folder, path, flags); }
SHOWN int rmdir(const char *path) { return do_unlink(AT_FDCWD, path, AT_REMOVEDIR); }

static int do_mkdir(int folder, const char *name, mode_t mode) {
    char path[PATH_MAX];
    if (!armed || !whole(folder, name, path)) return syscall(SYS_mkdirat, folder, name, mode);
    ENTER;
    if (fails("mkdir", path)) LEAVE(-1);
    int done = syscall(SYS_mkdirat, folder, name, mode);
    if (!done) note(MKDIR, 0, 0, 0, path, "", NULL, 0);
    LEAVE(done);
}
SHOWN int mkdir(const char *path, mode_t mode) { return do_mkdir(AT_FDCWD, path, mode); }
SHOWN int mkdirat(int folder, const char *path, mode_t mode) { return do_mkdir(folder, path, mode); }

static int do_link(int folder, const char *old, int other, const char *new, int flags) {
    char path[PATH_MAX], target[PATH_MAX];
    if (!armed || !whole(folder, old, path) || !whole(other, new, target))
        return syscall(SYS_linkat, folder, old, other, new, flags);
    ENTER;
    if (fails("link", target)) LEAVE(-1);
    int done = syscall(SYS_linkat, folder, old, other, new, flags);
    if (!done) note(LINK, 0, 0, 0, path, target, NULL, 0);
    LEAVE(done);
}
SHOWN int link(const char *old, const char *new) { return do_link(AT_FDCWD, old, AT_FDCWD, new, 0); }
SHOWN int linkat(int folder, const char *old, int other, const char *new, int flags) {
    return do_link(folder, old, other, new, flags);
}

static void *do_mmap(void *at, size_t length, int protection, int flags, int descriptor, int64_t offset) {
    char path[PATH_MAX];
    if (ours(descriptor, path)) {
        ENTER;
        if (fails("mmap", path)) LEAVE(MAP_FAILED);
        pthread_mutex_unlock(&lock);
    }
    return (void *)syscall(SYS_mmap, at, length, protection, flags, descriptor, offset);
}
SHOWN void *mmap(void *at, size_t length, int protection, int flags, int descriptor, off_t offset) {
    return do_mmap(at, length, protection, flags, descriptor, offset);
}
SHOWN void *mmap64(void *at, size_t length, int protection, int flags, int descriptor, off64_t offset) {
    return do_mmap(at, length, protection, flags, descriptor, offset);
}
