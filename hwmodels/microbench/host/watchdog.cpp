// SPDX-License-Identifier: Apache-2.0
#include "host/watchdog.h"

#include <chrono>

namespace microbench {

Watchdog::Watchdog(double seconds, std::function<void(const std::string&)> expired) {
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

void Watchdog::restart(std::string name) {
    {
        const std::lock_guard lock(mutex_);
        name_ = std::move(name);
        ++restarts_;
    }
    changed_.notify_all();
}

void Watchdog::watch(double seconds, const std::function<void(const std::string&)>& expired) {
    std::unique_lock lock(mutex_);
    while (!ending_) {
        const unsigned long before = restarts_;
        const bool news = changed_.wait_for(lock, std::chrono::duration<double>(seconds),
                                            [&] { return ending_ || restarts_ != before; });
        if (!news) {
            const std::string name = name_;
            lock.unlock();
            expired(name);
            return;
        }
    }
}

}   // namespace microbench
