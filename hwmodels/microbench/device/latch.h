// SPDX-License-Identifier: Apache-2.0
// A stream that waits for the host, and stamps of the clocks of the multiprocessors.
#pragma once

#include <memory>

#include "host/bench.h"

namespace microbench {

/// Holds a stream until release(), so that everything after it is queued before it runs. Gives up after two seconds:
/// a queue that is full would block the host, which could then never release it.
class Latch {
  public:
    Latch();
    void hold(Stream stream);
    void release();
    /// After the stream has been waited for.
    [[nodiscard]] bool gave_up() const;

  private:
    struct Flags {
        int released;
        int gave_up;
    };
    std::shared_ptr<volatile Flags> flags_;   // host memory that the device reads
};

struct ClockStamp;

/// Mean clock of the multiprocessors between two points of a stream.
class ClockMeter {
  public:
    ClockMeter();
    void begin(Stream stream);
    void end(Stream stream);
    /// Median over the multiprocessors that ran both stamps, in MHz, 0 when there is none; after a wait.
    [[nodiscard]] double mhz() const;

  private:
    void stamp(ClockStamp* out, Stream stream);
    int multiprocessors_ = 0;
    int run_ = 0;
    std::shared_ptr<ClockStamp> before_, after_;
};

}   // namespace microbench
