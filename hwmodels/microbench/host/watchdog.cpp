// SPDX-License-Identifier: Apache-2.0
#include "host/watchdog.h"

#include <chrono>

namespace microbench {

Watchdog::Watchdog(double seconds, std::function<void()> expired) {
    if (seconds > 0)
        thread_ = std::thread([this, seconds, expired = std::move(expired)] { watch(seconds, expired); });
}

Watchdog::~Watchdog() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
}

void Watchdog::restart() {
    {
        const std::lock_guard lock(mutex_);
        ++restarts_;
    }
    changed_.notify_all();
}

void Watchdog::watch(double seconds, const std::function<void()>& expired) {
    std::unique_lock lock(mutex_);
    while (!ending_) {
        const unsigned long before = restarts_;
        const bool news = changed_.wait_for(lock, std::chrono::duration<double>(seconds),
                                            [&] { return ending_ || restarts_ != before; });
        if (!news) {
            lock.unlock();
            expired();
            return;
        }
    }
}

}   // namespace microbench
