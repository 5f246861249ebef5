// SPDX-License-Identifier: Apache-2.0
#include "moecost/design/serve_all.h"

#include <chrono>
#include <mutex>

#include "moecost/base/parallel.h"

namespace moecost {
namespace {

/// Counts what is done and says so, at most ten times a second and by one thread at a time.
class Progress {
  public:
    Progress(std::size_t all, const TableOptions& options) : options_(options), progress_{0, all, 0, 0} {}

    void finished(const Served& served) {
        const std::lock_guard lock(mutex_);
        ++progress_.done;
        progress_.evaluated += served.evaluated;
        const auto now = Clock::now();
        const bool last = progress_.done == progress_.all;
        if (!options_.progress || (!last && now - reported_ < std::chrono::milliseconds(100))) return;
        reported_ = now;
        progress_.seconds = std::chrono::duration<double>(now - start_).count();
        options_.progress(progress_);
    }

  private:
    using Clock = std::chrono::steady_clock;
    const TableOptions& options_;
    TableProgress progress_;
    Clock::time_point start_ = Clock::now();
    Clock::time_point reported_ = start_;
    std::mutex mutex_;
};

}   // namespace

std::vector<std::vector<Served>> serve_all(const DeploymentSpace& space,
                                           std::span<const Architecture* const> architectures,
                                           const TableOptions& options) {
    Progress progress(architectures.size() * space.machines.size(), options);
    const CandidateLoop loop = [&options](std::size_t count, const std::function<void(std::size_t)>& work) {
        for_each_index(count, options.threads, [&](std::size_t i) {
            if (options.stop == nullptr || !*options.stop) work(i);
        });
    };
    return serving_table(space, architectures, loop,
                         [&progress](const Served& served) { progress.finished(served); });
}

}   // namespace moecost
