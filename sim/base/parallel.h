// SPDX-License-Identifier: Apache-2.0
// Independent pieces of work on several threads, with a result that does not depend on how many there are.
#pragma once

#include <atomic>
#include <cstddef>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace moecost {

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
    {
        std::vector<std::jthread> pool;
        for (unsigned t = 1; t < threads && t < count; ++t) pool.emplace_back(run);
        run();
    }
    if (error) std::rethrow_exception(error);
}

}   // namespace moecost
