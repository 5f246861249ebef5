// SPDX-License-Identifier: Apache-2.0
// A sweep where the machine gives fewer threads than wanted (limits of a container): this program itself stands before
// the library that creates threads and refuses from the n-th on.
#include <dlfcn.h>
#include <doctest/doctest.h>
#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <cerrno>

#include "grids.h"

using namespace moecost;

namespace {

constexpr int no_limit = -1;
std::atomic<int> threads_left{no_limit};

struct ThreadLimit {
    explicit ThreadLimit(int n) { threads_left = n; }
    ~ThreadLimit() { threads_left = no_limit; }
    ThreadLimit(const ThreadLimit&) = delete;
    ThreadLimit& operator=(const ThreadLimit&) = delete;
};

}   // namespace

extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*run)(void*),
                              void* argument) noexcept {
    using Create = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
    static const auto create = reinterpret_cast<Create>(::dlsym(RTLD_NEXT, "pthread_create"));
    if (threads_left == 0) return EAGAIN;
    if (threads_left > 0) --threads_left;
    return create(thread, attributes, run, argument);
}

TEST_CASE(
    "fewer threads than wanted are fewer threads: the bytes are the same, and the summary says how many "
    "ran") {
    const ScratchFolder scratch;
    const auto path = [&](const char* name) { return (scratch.path / name).string(); };
    CHECK(sweep_into(path("whole.csv"), wide_grid(), 4).threads == 4);
    for (const int given : {0, 1, 2, 3}) {   // the first writes the journal behind the data
        const ThreadLimit limit(given);
        const std::string file = path("few.csv");
        CHECK(sweep_into(file, wide_grid(), 4).threads == static_cast<unsigned>(std::max(given, 1)));
        CHECK(read_file(file) == read_file(path("whole.csv")));
        std::filesystem::remove_all(scratch.path / "few.csv");
        std::filesystem::remove_all(scratch.path / "few.frontier.csv");
        std::filesystem::remove_all(scratch.path / "few.csv.manifest.json");
    }
}
