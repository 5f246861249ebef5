// SPDX-License-Identifier: Apache-2.0
// A sweep or a merge that ends at any call to the system, killed, by a power loss or by a full disk, goes on to the
// bytes of one that never ended. The calls are counted and struck in this program itself: it stands before the library
// of the system for write, fsync, rename, unlink, ftruncate and open.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <filesystem>
#include <map>
#include <mutex>

#include "grids.h"
#include "moecost/sweep/merge.h"

using namespace moecost;

namespace {

enum class Blow {
    none,
    kill,         // a write has put half of its bytes down
    power_loss,   // what was not synced is zeros
    disk_full     // from that write on none succeeds
};

struct Injection {
    Blow blow = Blow::none;
    int at = 0;   // the how manieth call is struck
    std::atomic<int> calls{0};
    std::mutex mutex;
    std::map<int, off_t> synced;   // bytes of each descriptor that is written to
};
Injection injection;

off_t size_of(int file) { return static_cast<off_t>(::lseek(file, 0, SEEK_END)); }

[[noreturn]] void die() {
    if (injection.blow == Blow::power_loss) {
        for (const auto& [file, synced] : injection.synced) {
            const off_t size = size_of(file);
            if (size <= synced) continue;
            ::syscall(SYS_ftruncate, file, synced);
            ::syscall(SYS_ftruncate, file, size);
        }
    }
    ::kill(::getpid(), SIGKILL);
    std::abort();
}

/// Counts a call; the one that is struck does not return.
void count_call() {
    if (injection.blow == Blow::none || injection.blow == Blow::disk_full) return;
    if (++injection.calls == injection.at) die();
}

bool disk_is_full() { return injection.blow == Blow::disk_full && ++injection.calls >= injection.at; }

}   // namespace

extern "C" {

ssize_t write(int file, const void* data, std::size_t size) {
    if (disk_is_full()) {
        errno = ENOSPC;
        return -1;
    }
    const bool killed = (injection.blow == Blow::kill || injection.blow == Blow::power_loss) &&
                        ++injection.calls == injection.at;
    const ssize_t written = ::syscall(SYS_write, file, data, killed ? size / 2 : size);
    if (injection.blow == Blow::power_loss) {
        const std::lock_guard lock(injection.mutex);
        injection.synced.emplace(file, 0);
        if (killed) die();
    }
    if (killed) die();
    return written;
}

int fsync(int file) {
    count_call();
    const off_t size = injection.blow == Blow::power_loss ? size_of(file) : 0;
    const int result = static_cast<int>(::syscall(SYS_fsync, file));
    if (injection.blow == Blow::power_loss) {
        const std::lock_guard lock(injection.mutex);
        if (const auto known = injection.synced.find(file); known != injection.synced.end())
            known->second = size;
    }
    return result;
}

int rename(const char* from, const char* to) noexcept {
    count_call();
    return static_cast<int>(::syscall(SYS_rename, from, to));
}

int unlink(const char* path) noexcept {
    count_call();
    return static_cast<int>(::syscall(SYS_unlink, path));
}

int ftruncate(int file, off_t size) noexcept {
    count_call();
    return static_cast<int>(::syscall(SYS_ftruncate, file, size));
}

int open(const char* path, int flags, ...) {
    std::va_list rest;
    va_start(rest, flags);
    const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    if ((flags & O_CREAT) != 0) count_call();
    const int file = static_cast<int>(::syscall(SYS_openat, AT_FDCWD, path, flags, mode));
    if (injection.blow == Blow::power_loss) {
        const std::lock_guard lock(injection.mutex);
        injection.synced.erase(file);   // of an earlier file of that number
    }
    return file;
}
}

namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr int stride = 11;   // of the calls that are struck: a sanitised program is slow to fork
constexpr int least_kills = 20;
#else
constexpr int stride = 1;
constexpr int least_kills = 500;
#endif

int kills = 0;

/// Four blocks.
std::string small_grid() {
    std::string grid = wide_grid();
    const auto replace = [&](std::string_view what, std::string_view by) {
        grid.replace(grid.find(what), what.size(), by);
    };
    replace("values = [4, 8, 16, 32]", "values = [8, 16]");
    replace("values = [1, 2, 4]", "values = [2, 4]");
    return grid;
}

const Grid& grid() {
    static const Grid g = grid_of(small_grid());
    return g;
}

/// What the command does with --resume.
void go_on(SweepOptions options) {
    options.start = StartMode::resume;
    if (finished_output(DataStore{}, grid(), options).manifest) return;
    (void)run_sweep(DataStore{}, grid(), options);
}

/// Runs `work` in a process of its own that is struck at a call; false when there was no such call.
template <class Work>
bool struck(Blow blow, int at, Work work) {
    const pid_t child = ::fork();
    if (child == 0) {
        injection.blow = blow;
        injection.at = at;
        int status = 0;
        try {
            work();
        } catch (const SystemError&) {
            status = 1;   // the expected answer to a full disk
        }
        ::_exit(status);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    const bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    const bool full = blow == Blow::disk_full && WIFEXITED(status) && WEXITSTATUS(status) == 1;
    if (killed) ++kills;
    CHECK((killed || full || (WIFEXITED(status) && WEXITSTATUS(status) == 0)));
    return killed || full;
}

std::string content(const std::string& path) {
    std::error_code ec;
    return std::filesystem::exists(path, ec) ? read_file(path) : "no such file";
}

void check_same(const std::string& found, const std::string& expected) {
    const OutputPaths a(found);
    const OutputPaths b(expected);
    CHECK(content(a.rows) == content(b.rows));
    CHECK(content(a.frontier) == content(b.frontier));
    CHECK(content(a.manifest) == content(b.manifest));
    CHECK_FALSE(std::filesystem::exists(a.journal));
    CHECK_FALSE(std::filesystem::exists(a.part));
}

struct Format {
    std::string ending;
    bool frontier_only = false;
    Shard shard{};
};

SweepOptions options_of(const ScratchFolder& scratch, const std::string& name, const Format& format) {
    SweepOptions o = options_for((scratch.path / name).string().append(format.ending));
    o.style.no_rows = format.frontier_only;
    o.shard = format.shard;
    return o;
}

/// Strikes a sweep at every call, and its continuation at some call.
void strike_sweeps(const Format& format, Blow blow) {
    const ScratchFolder scratch;
    const SweepOptions whole = options_of(scratch, "whole", format);
    (void)run_sweep(DataStore{}, grid(), whole);
    for (int at = 1;; at += stride) {
        CAPTURE(at);
        const SweepOptions o = options_of(scratch, std::to_string(at), format);
        const bool first = struck(blow, at, [&] { (void)run_sweep(DataStore{}, grid(), o); });
        if (first) struck(blow, 1 + at * 5 % 23, [&] { go_on(o); });
        go_on(o);
        check_same(o.output, whole.output);
        if (!first) break;
    }
}

}   // namespace

TEST_CASE("a sweep that is killed at any call goes on to the same bytes") {
    for (const Format& format : {Format{".csv"}, Format{".jsonl"}, Format{".csv.gz"}, Format{".csv", true},
                                 Format{".csv.gz", true}, Format{".csv", false, {2, 3}}}) {
        CAPTURE(format.ending);
        strike_sweeps(format, Blow::kill);
    }
}

TEST_CASE("a machine that loses power at any call leaves a sweep that goes on to the same bytes") {
    for (const Format& format :
         {Format{".csv"}, Format{".jsonl.gz"}, Format{".csv", true}, Format{".csv", false, {1, 3}}})
        strike_sweeps(format, Blow::power_loss);
}

TEST_CASE("a disk that is full from any write on leaves a sweep that goes on to the same bytes") {
    strike_sweeps({".csv"}, Blow::disk_full);
}

TEST_CASE("a merge that ends at any call is neither taken for a sweep nor in the way of one") {
    for (const std::string ending : {".csv", ".csv.gz"}) {
        const ScratchFolder scratch;
        const SweepOptions whole = options_of(scratch, "whole", {ending});
        (void)run_sweep(DataStore{}, grid(), whole);
        std::vector<std::string> parts;
        for (std::uint64_t i = 1; i <= 3; ++i) {
            const SweepOptions o =
                options_of(scratch, std::string("part").append(std::to_string(i)), {ending, false, {i, 3}});
            (void)run_sweep(DataStore{}, grid(), o);
            parts.push_back(o.output);
        }
        for (const Blow blow : {Blow::kill, Blow::power_loss, Blow::disk_full}) {
            for (int at = 1;; at += stride) {
                CAPTURE(at);
                const SweepOptions o = options_of(
                    scratch, "m" + std::to_string(static_cast<int>(blow)) + "-" + std::to_string(at),
                    {ending});
                const bool was_struck = struck(blow, at, [&] { (void)merge_sweeps(parts, o.output); });
                if (at % 2 == 0)
                    go_on(o);
                else
                    (void)merge_sweeps(parts, o.output);
                check_same(o.output, whole.output);
                if (!was_struck) break;
            }
        }
    }
}

TEST_CASE("enough processes were killed for the cases above to mean something") {
    MESSAGE(kills << " kills");
    CHECK(kills >= least_kills);
}
