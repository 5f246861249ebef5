// SPDX-License-Identifier: Apache-2.0
// Independent pieces of work on several threads, with a result that does not depend on how many there are.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <memory>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>
#include <vector>

namespace moecost {

/// Runs `work` on up to `threads` threads, this one among them, and waits for all. Fewer threads run where the machine
/// gives no more (limits of a container): returns how many did. `work` must not throw.
template <class Work>
unsigned run_on_threads(std::size_t threads, Work work) {
    // Threads take address space until there is none. What they will work with is set aside first, untouched, and
    // they wait until it is given back.
    constexpr std::size_t room_of_a_thread = std::size_t{4} << 20;
    constexpr std::size_t most_room = std::size_t{96} << 20;
    std::atomic<bool> all_there{false};
    std::vector<std::jthread> pool;
    {
        const std::unique_ptr<char[]> room(
            new (std::nothrow) char[std::min(threads * room_of_a_thread, most_room)]);
        try {
            while (room && pool.size() + 1 < threads) {
                pool.emplace_back([&all_there, &work] {
                    all_there.wait(false);
                    work();
                });
            }
        } catch (const std::system_error&) {   // those that are there are enough
        } catch (const std::bad_alloc&) {
        }
    }
    all_there = true;
    all_there.notify_all();
    work();
    return static_cast<unsigned>(pool.size() + 1);
}

/// work(i) for every i below count; each writes its own slot, so the order of threads leaves no trace. Of the
/// exceptions thrown, that of the smallest i is thrown again.
template <class Work>
void for_each_index(std::size_t count, unsigned threads, Work work) {
    std::atomic<std::size_t> next{0};
    std::mutex mutex;
    std::exception_ptr error;
    std::size_t error_index = count;
    const auto run = [&] {
        for (std::size_t i = next++; i < count; i = next++) {
            try {
                work(i);
            } catch (...) {
                const std::lock_guard lock(mutex);
                if (i < error_index) {
                    error = std::current_exception();
                    error_index = i;
                }
            }
        }
    };
    run_on_threads(std::min<std::size_t>(threads, count), run);
    if (error) std::rethrow_exception(error);
}

}   // namespace moecost
