/* Faults at exact moments: loaded into a program by LD_PRELOAD, it looks at the program's calls on files.
 *
 *   FAULT_PATH   glob of paths, "@(*.a|*.b)" among them: of these,
 *   FAULT_CALLS  calls of these names ("create write sync"; all where it is not set) are counted, and
 *   FAULT_AT     at this one, from 1,
 *   FAULT_DO     happens:  kill   SIGKILL; of a write, half is written before
 *                          full   there is no space, then and ever after
 *                          error  one error of the disk
 *                          back   the wall clock is set FAULT_BACK seconds back
 *   FAULT_AFTER  kill only so many microseconds later
 *   FAULT_LOG    instead, each such call is a line of this file
 *
 * Names of calls: read (opening), create (opening to write), write, sync, close, touch (times and permissions), rename,
 * remove, mkdir.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static atomic_long counted;
static atomic_int set_back;

static void die(void) {
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

static void *die_later(void *after) {
    usleep((useconds_t)(long)after);
    die();
    return NULL;
}

static void path_of(int fd, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    long n = syscall(SYS_readlinkat, AT_FDCWD, link, path, PATH_MAX - 1);
    path[n > 0 ? n : 0] = 0;
}

static int named(const char *call) {
    const char *calls = getenv("FAULT_CALLS");
    if (!calls) return 1;
    const char *at = strstr(calls, call);
    return at && (at == calls || at[-1] == ' ') && (at[strlen(call)] == ' ' || !at[strlen(call)]);
}

/* The error that a call is to have; `half` does half of what it was to do before a kill. */
static int fault(const char *call, const char *path, void (*half)(const void *), const void *of) {
    const char *glob = getenv("FAULT_PATH"), *act = getenv("FAULT_DO"), *log = getenv("FAULT_LOG");
    if (!glob || !path || !named(call) || fnmatch(glob, path, FNM_EXTMATCH)) return 0;
    long now = atomic_fetch_add(&counted, 1) + 1;
    if (log) {
        char line[PATH_MAX + 64];
        int n = snprintf(line, sizeof line, "%s %s\n", call, path);
        long fd = syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        if (fd >= 0) syscall(SYS_write, fd, line, n), syscall(SYS_close, fd);
        return 0;
    }
    const char *at = getenv("FAULT_AT"), *after = getenv("FAULT_AFTER");
    long when = at ? atol(at) : 1;
    int changes = !strcmp(call, "create") || !strcmp(call, "write") || !strcmp(call, "mkdir") || !strcmp(call, "sync");
    if (!act || now < when) return 0;
    if (!strcmp(act, "full")) return changes ? ENOSPC : 0;
    if (now > when) return 0;
    if (!strcmp(act, "error")) return EIO;
    if (!strcmp(act, "back")) atomic_store(&set_back, 1);
    if (!strcmp(act, "kill") && after) {
        pthread_t thread;
        pthread_create(&thread, NULL, die_later, (void *)atol(after));
    } else if (!strcmp(act, "kill")) {
        if (half) half(of);
        die();
    }
    return 0;
}

#define FAIL_IF(error) do { int e_ = (error); if (e_) { errno = e_; return -1; } } while (0)

static int fault_at(const char *call, int folder, const char *path) {
    char whole[2 * PATH_MAX];
    if (folder == AT_FDCWD || path[0] == '/') return fault(call, path, NULL, NULL);
    path_of(folder, whole);
    strncat(whole, "/", sizeof whole - strlen(whole) - 1);
    strncat(whole, path, sizeof whole - strlen(whole) - 1);
    return fault(call, whole, NULL, NULL);
}

static int fault_fd(const char *call, int fd) {
    char path[PATH_MAX];
    path_of(fd, path);
    return fault(call, path, NULL, NULL);
}

#define OPENING(flags) ((flags) & (O_WRONLY | O_RDWR | O_CREAT) ? "create" : "read")
#define MODE(flags) \
    mode_t mode = 0; \
    if ((flags) & (O_CREAT | O_TMPFILE)) { va_list rest; va_start(rest, flags); mode = va_arg(rest, mode_t); va_end(rest); }

int open(const char *path, int flags, ...) {
    MODE(flags)
    FAIL_IF(fault(OPENING(flags), path, NULL, NULL));
    return NEXT(open)(path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    MODE(flags)
    FAIL_IF(fault(OPENING(flags), path, NULL, NULL));
    return NEXT(open64)(path, flags, mode);
}

int openat(int folder, const char *path, int flags, ...) {
    MODE(flags)
    FAIL_IF(fault_at(OPENING(flags), folder, path));
    return NEXT(openat)(folder, path, flags, mode);
}

int openat64(int folder, const char *path, int flags, ...) {
    MODE(flags)
    FAIL_IF(fault_at(OPENING(flags), folder, path));
    return NEXT(openat64)(folder, path, flags, mode);
}

struct writing { int fd; const void *bytes; size_t n; };

static void write_half(const void *of) {
    const struct writing *writing = of;
    syscall(SYS_write, writing->fd, writing->bytes, writing->n / 2);
}

ssize_t write(int fd, const void *bytes, size_t n) {
    char path[PATH_MAX];
    struct writing writing = {fd, bytes, n};
    path_of(fd, path);
    FAIL_IF(fault("write", path, write_half, &writing));
    return NEXT(write)(fd, bytes, n);
}

ssize_t writev(int fd, const struct iovec *parts, int n) {
    FAIL_IF(fault_fd("write", fd));
    return NEXT(writev)(fd, parts, n);
}

int fsync(int fd) {
    FAIL_IF(fault_fd("sync", fd));
    return NEXT(fsync)(fd);
}

int fdatasync(int fd) {
    FAIL_IF(fault_fd("sync", fd));
    return NEXT(fdatasync)(fd);
}

int close(int fd) {
    /* Whatever it says, the file is closed. */
    fault_fd("close", fd);
    return NEXT(close)(fd);
}

int fchmod(int fd, mode_t mode) {
    FAIL_IF(fault_fd("touch", fd));
    return NEXT(fchmod)(fd, mode);
}

int futimens(int fd, const struct timespec times[2]) {
    FAIL_IF(fault_fd("touch", fd));
    return NEXT(futimens)(fd, times);
}

int rename(const char *from, const char *to) {
    FAIL_IF(fault("rename", to, NULL, NULL));
    return NEXT(rename)(from, to);
}

int mkdir(const char *path, mode_t mode) {
    FAIL_IF(fault("mkdir", path, NULL, NULL));
    return NEXT(mkdir)(path, mode);
}

int unlink(const char *path) {
    FAIL_IF(fault("remove", path, NULL, NULL));
    return NEXT(unlink)(path);
}

int rmdir(const char *path) {
    FAIL_IF(fault("remove", path, NULL, NULL));
    return NEXT(rmdir)(path);
}

int unlinkat(int folder, const char *path, int flags) {
    FAIL_IF(fault_at("remove", folder, path));
    return NEXT(unlinkat)(folder, path, flags);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int told = NEXT(clock_gettime)(clock, now);
    const char *back = getenv("FAULT_BACK");
    if (clock == CLOCK_REALTIME && back && atomic_load(&set_back)) now->tv_sec -= atol(back);
    return told;
}
