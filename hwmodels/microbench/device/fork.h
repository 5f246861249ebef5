// SPDX-License-Identifier: Apache-2.0
// One stream on each device (or several on one) that run beside each other between two points of a main stream.
#pragma once

#include <vector>

#include "device/resources.h"

namespace microbench {

class Fork {
  public:
    /// A stream on each of `devices`, in that order; a device may appear more than once.
    explicit Fork(const std::vector<int>& devices) : devices_(devices), begin_(make_event(false)) {
        for (const int device : devices) {
            const CurrentDevice current(device);
            streams_.push_back(make_stream());
            ends_.push_back(make_event(false));
        }
        for (const OwnedStream& stream : streams_) raw_.push_back(stream.get());
    }
    [[nodiscard]] const std::vector<Stream>& streams() const { return raw_; }
    [[nodiscard]] int device(std::size_t i) const { return devices_[i]; }

    /// The branches start after what `main` (a stream of the current device) holds now.
    void split(Stream main) const {
        check(cudaEventRecord(begin_.get(), main), "record an event");
        for (const OwnedStream& stream : streams_)
            check(cudaStreamWaitEvent(stream.get(), begin_.get(), 0), "wait for an event");
    }
    /// `main` goes on after all branches.
    void join(Stream main) const {
        for (std::size_t i = 0; i < streams_.size(); ++i) {
            const CurrentDevice current(devices_[i]);
            check(cudaEventRecord(ends_[i].get(), streams_[i].get()), "record an event");
        }
        for (const OwnedEvent& end : ends_)
            check(cudaStreamWaitEvent(main, end.get(), 0), "wait for an event");
    }

  private:
    std::vector<int> devices_;
    OwnedEvent begin_;
    std::vector<OwnedStream> streams_;
    std::vector<OwnedEvent> ends_;
    std::vector<Stream> raw_;
};

/// Lets every device of the first `count` reach the memory of every other. SkipCase where two cannot.
void enable_peers(int count);

}   // namespace microbench
