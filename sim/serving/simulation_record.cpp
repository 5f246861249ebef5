// SPDX-License-Identifier: Apache-2.0
#include "moecost/serving/simulation_record.h"

#include <algorithm>
#include <cmath>

namespace moecost {
namespace {

/// Applies f to the pairs of figures of two points.
template <class F>
void each_figure(TimelinePoint& a, const TimelinePoint& b, F f) {
    f(a.waiting, b.waiting);
    f(a.decoding, b.decoding);
    f(a.cache_tokens, b.cache_tokens);
    f(a.arrivals_per_s, b.arrivals_per_s);
    f(a.input_tokens_per_s, b.input_tokens_per_s);
    f(a.output_tokens_per_s, b.output_tokens_per_s);
}

}   // namespace

void SimulationRecord::start(double now) { window_start_ = interval_start_ = now; }

void SimulationRecord::hold(const EngineState& state, double seconds, double now) {
    if (window_open()) {
        decode_time_ += state.decoding * seconds;
        system_time_ += state.in_system * seconds;
        running_time_ += state.running * seconds;
        busy_time_ += state.in_system > 0 ? seconds : 0;
        prompt_time_ += state.prompt_seconds;
        steps_ += state.steps;
        prompt_steps_ += state.prompt_tokens > 0 ? 1 : 0;
        prompt_tokens_ += state.prompt_tokens;
    }
    if (settings_.timeline_points <= 0) return;
    interval_.decoding += state.decoding * seconds;
    interval_.waiting += state.waiting * seconds;
    interval_.cache_tokens += state.cache_tokens * seconds;
    if (now - interval_start_ >= spacing_) close_interval(now);
}

void SimulationRecord::answer(const Answer& a) {
    answered_ += 1;
    interval_.output_tokens_per_s += a.output;
    if (answered_ == settings_.warm_up) window_start_ = a.end;
    if (answered_ > settings_.warm_up && answered_ <= settings_.warm_up + settings_.requests) {
        window_answers_ += 1;
        window_output_ += a.output;
        window_input_ += a.input;
        window_end_ = a.end;
    }
    if (a.number < settings_.warm_up || a.number >= settings_.warm_up + settings_.requests) return;
    counted_ += 1;
    const double ttft = a.first - a.arrival + settings_.front_end;
    const double tpot = a.output > 1 ? (a.end - a.first) / (a.output - 1) : 0;
    ttft_.add(ttft);
    if (a.output > 1) tpot_.add(tpot);
    e2e_.add(a.end - a.arrival + settings_.front_end);
    wait_sum_ += a.waited ? a.admitted - a.arrival : 0;
    waited_ += a.waited ? 1 : 0;
    const Slo& slo = settings_.slo;
    const bool met = (slo.ttft_s <= 0 || ttft <= slo.ttft_s) && (slo.tpot_s <= 0 || tpot <= slo.tpot_s);
    met_ += met ? 1 : 0;
    if (settings_.progress && std::fmod(counted_, 1024) == 0) settings_.progress(counted_);
}

void SimulationRecord::close_interval(double now) {
    const double length = now - interval_start_;
    each_figure(interval_, interval_, [&](double& sum, double) { sum /= length; });
    interval_.time_s = now;
    timeline_.push_back(interval_);
    interval_ = {};
    interval_start_ = now;
    if (timeline_.size() >= static_cast<std::size_t>(settings_.timeline_points)) merge_pairs();
}

/// Half as many points, each the mean of two by their lengths; from then on intervals are twice as long.
void SimulationRecord::merge_pairs() {
    std::vector<TimelinePoint> merged;
    double start = window_start_;
    for (std::size_t i = 0; i < timeline_.size(); i += 2) {
        TimelinePoint first = timeline_[i];
        if (i + 1 < timeline_.size()) {
            const TimelinePoint& second = timeline_[i + 1];
            const double share = (second.time_s - first.time_s) / (second.time_s - start);
            each_figure(first, second, [&](double& a, double b) { a += share * (b - a); });
            first.time_s = second.time_s;
        }
        start = first.time_s;
        merged.push_back(first);
    }
    timeline_ = std::move(merged);
    spacing_ *= 2;
}

Simulation SimulationRecord::result(double now) {
    Simulation s;
    if (settings_.timeline_points > 0 && now > interval_start_) close_interval(now);
    s.requests = counted_;
    const double duration = std::max(window_end_ - window_start_, 1e-12);
    s.duration = Seconds{duration};
    s.requests_per_s = PerSecond{window_answers_ / duration};
    s.output_tokens_per_s = TokensPerSecond{window_output_ / duration};
    s.input_tokens_per_s = TokensPerSecond{window_input_ / duration};
    s.ttft = ttft_.latency();
    s.tpot = tpot_.latency();
    s.e2e = e2e_.latency();
    const double n = std::max(counted_, 1.0);
    s.wait = Seconds{wait_sum_ / n};
    s.waited = waited_ / n;
    s.decoding = decode_time_ / duration;
    s.in_system = system_time_ / duration;
    s.running = running_time_ / duration;
    s.busy_share = std::min(busy_time_ / duration, 1.0);
    s.prefill_share = prompt_time_ / std::max(busy_time_, 1e-300);
    s.prompt_steps_share = prompt_steps_ / std::max(steps_, 1.0);
    s.prompt_tokens = prompt_tokens_ / std::max(prompt_steps_, 1.0);
    s.preemptions = preemptions_ / std::max(answered_, 1.0);
    s.computed_again = preemptions_ > 0 ? again_ / preemptions_ : 0;
    s.goodput_share = met_ / n;
    s.refused = refused_;
    s.timeline = std::move(timeline_);
    return s;
}

}   // namespace moecost
