// SPDX-License-Identifier: Apache-2.0
// Ends the program when one case never ends: a kernel that hangs can be neither waited for nor taken back.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace microbench {

class Watchdog {
  public:
    /// `expired` is called, from a thread of its own and with the last name, when `seconds` pass without a call of restart;
    /// zero: never.
    Watchdog(double seconds, std::function<void(const std::string&)> expired);
    ~Watchdog();
    Watchdog(const Watchdog&) = delete;
    Watchdog& operator=(const Watchdog&) = delete;
    void restart(std::string name);

  private:
    void watch(double seconds, const std::function<void(const std::string&)>& expired);
    std::mutex mutex_;
    std::condition_variable changed_;
    unsigned long restarts_ = 0;
    std::string name_;
    bool ending_ = false;
    std::thread thread_;
};

}   // namespace microbench
