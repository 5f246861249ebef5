// SPDX-License-Identifier: Apache-2.0
// What a simulation remembers while it runs: samples of latencies, means over time, a timeline of bounded length.
#pragma once

#include "moecost/serving/simulate.h"

namespace moecost {

/// What runs and waits at one time.
struct EngineState {
    double waiting = 0;
    double decoding = 0;
    double cache_tokens = 0;
    double in_system = 0;
    double running = 0;   // of them let into the engine
    double steps = 0;
    double prompt_tokens = 0;    // 0: steps without prompts
    double prompt_seconds = 0;   // of the interval, spent on them
};

struct Answer {
    double number = 0;   // in order of arrival
    double arrival = 0, admitted = 0, first = 0, end = 0;
    double input = 1, output = 1;
    bool waited = false;
};

class SimulationRecord {
  public:
    explicit SimulationRecord(const SimulationSettings& settings) : settings_(settings) {}
    void start(double now);
    /// The state held for so long, until `now`.
    void hold(const EngineState& state, double seconds, double now);
    void arrival() { interval_.arrivals_per_s += 1; }
    void prompt(double tokens) { interval_.input_tokens_per_s += tokens; }
    /// One that comes back with so many tokens to compute.
    void preemption(double tokens) {
        preemptions_ += 1;
        again_ += tokens;
    }
    void refusal() { refused_ += 1; }
    void answer(const Answer& a);
    /// All requests that count are answered.
    [[nodiscard]] bool complete() const { return counted_ >= settings_.requests; }
    [[nodiscard]] Simulation result(double now);

  private:
    [[nodiscard]] bool window_open() const {
        return answered_ >= settings_.warm_up && answered_ < settings_.warm_up + settings_.requests;
    }
    void close_interval(double now);
    void merge_pairs();

    const SimulationSettings& settings_;
    double answered_ = 0, counted_ = 0;
    double window_start_ = 0, window_end_ = 0;
    double window_output_ = 0, window_input_ = 0, window_answers_ = 0;
    double decode_time_ = 0, system_time_ = 0, running_time_ = 0, busy_time_ = 0, prompt_time_ = 0;
    double steps_ = 0, prompt_steps_ = 0, prompt_tokens_ = 0;
    double wait_sum_ = 0, waited_ = 0, preemptions_ = 0, again_ = 0, met_ = 0, refused_ = 0;
    LatencySample ttft_, tpot_, e2e_;
    std::vector<TimelinePoint> timeline_;
    TimelinePoint interval_;
    double interval_start_ = 0, spacing_ = 1e-2;
};

}   // namespace moecost
