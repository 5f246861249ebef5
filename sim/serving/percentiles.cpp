// SPDX-License-Identifier: Apache-2.0
#include "moecost/serving/percentiles.h"

#include <algorithm>
#include <cmath>

#include "moecost/serving/instance_replica.h"
#include "moecost/serving/open_loop.h"
#include "moecost/serving/slot_queue.h"
#include "moecost/serving/steady_loop.h"

namespace moecost {
namespace {

constexpr double near_saturation = 0.85;

/// Moves a distribution onto a mean: later where that is larger, shrunk where it is smaller.
Latency onto(Latency l, Seconds mean) {
    if (l.mean.value() <= 0) return certain(mean);
    if (mean >= l.mean) return later(l, mean - l.mean);
    return stretched(l, mean / l.mean);
}
Latency stretched_onto(const Latency& l, Seconds mean) {
    return l.mean.value() > 0 ? stretched(l, mean / l.mean) : certain(mean);
}

Saturation saturation_of(double load) {
    return load < near_saturation ? Saturation::stable : load < 1 ? Saturation::near : Saturation::overloaded;
}

class LatencyOf {
  public:
    LatencyOf(const EngineInstance& i, const Traffic& traffic, const Lengths& lengths, const Serving& means)
        : lengths_(lengths),
          means_(means),
          input_(serving_input(i.timer, i.constants, i.settings, i.layout, i.memory, traffic)),
          law_(length_law(lengths, traffic.prefix_hit_rate)),
          replica_(instance_replica(input_, law_)) {}

    Expected<ServingLatency> operator()(const ClosedLoop& load) {
        ServingLatency s = loop(load.concurrency, load.requests);
        if (s.why_not.empty()) s.why_not = loop_doubt(s);
        s.valid = s.why_not.empty();
        return s;
    }
    Expected<ServingLatency> operator()(const Offline& load) {
        if (load.requests > 0) return at_once(load.requests);
        ServingLatency s = loop(input_.capacity, 0);
        s.preemptions = full_preemptions(replica_);
        return s;
    }
    Expected<ServingLatency> operator()(const Burst& load) { return at_once(load.requests); }
    Expected<ServingLatency> operator()(const StaticBatch&) { return alike(); }
    Expected<ServingLatency> operator()(const PrefillOnly&) { return alike(); }
    Expected<ServingLatency> operator()(const DecodeOnly&) { return alike(); }
    Expected<ServingLatency> operator()(const OpenLoop& load) { return open(load.rate, load.burstiness); }
    Expected<ServingLatency> operator()(const Replay& load);

  private:
    /// Everybody starts together and steps together: no spread but that of the lengths.
    ServingLatency alike() {
        ServingLatency s;
        s.ttft = certain(means_.ttft);
        s.tpot = certain(means_.tpot);
        s.e2e = end_to_end(lengths_.output, s.ttft, s.tpot);
        s.capacity = means_.requests_per_s;
        s.load = 1;
        return s;
    }

    [[nodiscard]] bool in_step() const { return law_.fixed; }

    /// First tokens of n requests at once, as a distribution.
    Latency burst(double n) {
        std::vector<double> times = burst_times(replica_, n);
        LatencySample sample;
        for (const double t : times) sample.add(t);
        return sample.latency();
    }

    ServingLatency loop(double requests, double finite) {
        ServingLatency s;
        const SteadyLoop l = in_step() ? loop_in_step(replica_, requests) : steady_loop(replica_, requests);
        Latency ttft = in_step() ? burst(l.running) : loop_ttft(replica_, l);
        ttft = behind_queue(replica_, l, requests, ttft);
        if (finite > requests) ttft = started_together(ttft, requests, finite / requests);
        s.ttft = onto(ttft, means_.ttft);
        s.tpot = stretched_onto(loop_tpot(replica_, l), means_.tpot);
        s.e2e = end_to_end(lengths_.output, s.ttft, s.tpot);
        const double median = quantile(lengths_.output, 0.5);
        if (median > 1 && median < few_tokens) s.why_not = few_tokens_doubt;
        s.valid = s.why_not.empty();
        s.capacity = means_.requests_per_s;
        s.load = std::min(requests / std::max(input_.capacity, 1.0), 1.0);
        s.saturation = requests > input_.capacity ? Saturation::overloaded : saturation_of(s.load);
        s.waits = requests > input_.capacity ? 1 : 0;
        s.slot_wait = Seconds{l.queued};
        s.preemptions = l.preemptions;
        return s;
    }

    /// Slots free one by one; memory by what each answer held, and where it grows requests are taken out again.
    [[nodiscard]] std::string_view loop_doubt(const ServingLatency& s) const {
        constexpr double reliable_preemptions = 0.02;
        if (s.preemptions > reliable_preemptions) return "memory fills up and requests are taken out again";
        const bool slots = replica_.rules.max_sequences * replica_.rules.ranks <= input_.capacity;
        return s.waits > 0 && !slots ? "requests wait for memory" : std::string_view();
    }

    /// A run of m requests per slot begins with a burst: the slowest 1/m of the sample.
    Latency started_together(const Latency& steady, double requests, double m) {
        const Latency first = burst(std::min(requests, input_.capacity));
        Latency l = steady;
        l.mean = first.mean / m + (1 - 1 / m) * steady.mean;
        for (std::size_t i = 0; i < latency_levels.size(); ++i) {
            const double u = latency_levels[i];
            if (u > 1 - 1 / m) l.at[i] = std::max(first.quantile(1 - (1 - u) * m).value(), l.at[i]);
        }
        return l;
    }

    /// n requests at once: those that fit start as a burst, the others one by one as answers leave.
    ServingLatency at_once(double n) {
        const double fits = std::min(n, std::max(input_.capacity, 1.0));
        ServingLatency s = loop(fits, 0);
        const Latency first = burst(fits);
        const double later_share = (n - fits) / n;
        const double rate = std::max(means_.requests_per_s.value(), 1e-12);
        UniformMixture mixture(0, first.at.back() + (n - fits) / rate + 1e-9);
        for (std::size_t i = 0; i < latency_levels.size(); ++i) {
            const double below = i > 0 ? latency_levels[i - 1] : 0;
            const double start = i > 0 ? first.at[i - 1] : first.at[0];
            mixture.add((1 - later_share) * (latency_levels[i] - below), start, first.at[i] - start);
        }
        if (later_share > 0) mixture.add(later_share, first.at.back(), (n - fits) / rate);
        s.ttft = onto(mixture.latency(), means_.ttft);
        s.e2e = end_to_end(lengths_.output, s.ttft, s.tpot);
        s.waits = later_share;
        s.saturation = later_share > 0 ? Saturation::overloaded : Saturation::stable;
        if (later_share > 0) s.why_not = "requests wait for a slot or memory";
        s.valid = s.why_not.empty();
        return s;
    }

    Expected<ServingLatency> open(double rate, double burstiness) {
        const OpenLoopAnswer o = open_loop(replica_, rate, burstiness, true);
        if (!o.stable) {
            return Infeasible{"the offered load exceeds the capacity", "arrival rate", "requests/s", rate,
                              o.capacity};
        }
        ServingLatency s;
        s.ttft = later(open_ttft(o),
                       front_end(input_, replica_, o.decodes) + held_back(input_, replica_, o.decodes));
        s.tpot = open_tpot(replica_, o, rate, burstiness);
        s.tpot.mean = Seconds{o.tpot};
        s.e2e = end_to_end(lengths_.output, s.ttft, s.tpot);
        s.capacity = PerSecond{o.capacity};
        s.load = rate / o.capacity;
        s.saturation = saturation_of(s.load);
        s.waits = o.waits;
        s.slot_wait = Seconds{o.slot_wait};
        s.why_not = doubt(replica_, o, rate, quantile(lengths_.output, 0.5));
        s.valid = s.why_not.empty();
        return s;
    }

    const Lengths& lengths_;
    const Serving& means_;
    ServingInput input_;
    LengthLaw law_;
    Replica replica_;
};

Expected<ServingLatency> LatencyOf::operator()(const Replay& load) {
    if (load.rate > 0) return open(load.rate, load.burstiness);
    const auto n = static_cast<double>(load.requests.size());
    if (n < 2) return alike();
    const double first = load.requests.front().arrival_s;
    const double duration = (load.requests.back().arrival_s - first) / load.speed;
    double squares = 0;
    for (std::size_t i = 1; i < load.requests.size(); ++i)
        squares += std::pow((load.requests[i].arrival_s - load.requests[i - 1].arrival_s) / load.speed, 2);
    const double gap = std::max(duration, 1e-9) / (n - 1);
    return open(1 / gap, std::max(squares / (n - 1) / (gap * gap) - 1, 0.0));
}

}   // namespace

std::string_view name_of(Saturation s) {
    return s == Saturation::stable ? "stable" : s == Saturation::near ? "near" : "overloaded";
}

Expected<ServingLatency> serving_latency(const EngineInstance& instance, const Traffic& traffic,
                                         const Lengths& lengths, const Load& load, const Serving& means) {
    LatencyOf law(instance, traffic, lengths, means);
    return std::visit([&](const auto& kind) { return Expected<ServingLatency>(law(kind)); }, load);
}

namespace {

const Latency& figure(const ServingLatency& s, LatencyObjective::Of of) {
    return of == LatencyObjective::Of::ttft ? s.ttft : of == LatencyObjective::Of::tpot ? s.tpot : s.e2e;
}

}   // namespace

bool meets(const ServingLatency& s, const LatencyObjective& o) {
    const Latency& l = figure(s, o.of);
    return (o.level > 0 ? l.quantile(o.level) : l.mean) <= o.limit;
}

double goodput_share(const ServingLatency& s, const std::vector<LatencyObjective>& objectives) {
    double share = 1;
    for (const LatencyObjective& o : objectives) share *= figure(s, o.of).share_within(o.limit);
    return share;
}

Expected<PerSecond> highest_rate(const EngineInstance& instance, const Traffic& traffic,
                                 const Lengths& lengths, double burstiness,
                                 const std::vector<LatencyObjective>& objectives) {
    const Serving none;
    LatencyOf law(instance, traffic, lengths, none);
    Expected<ServingLatency> lone = law(OpenLoop{1e-6, burstiness});
    if (!lone) return lone.error();
    for (const LatencyObjective& o : objectives) {
        if (meets(*lone, o)) continue;
        const Latency& l = figure(*lone, o.of);
        return Infeasible{"an objective is tighter than one lone request", "time of a lone request", "s",
                          (o.level > 0 ? l.quantile(o.level) : l.mean).value(), o.limit.value()};
    }
    double low = 0;
    double high = lone->capacity.value();
    for (int i = 0; i < 30 && high - low > 1e-3 * high; ++i) {
        const double rate = (low + high) / 2;
        const Expected<ServingLatency> s = law(OpenLoop{rate, burstiness});
        const bool good = s && std::all_of(objectives.begin(), objectives.end(),
                                           [&](const LatencyObjective& o) { return meets(*s, o); });
        (good ? low : high) = rate;
    }
    return PerSecond{low};
}

}   // namespace moecost
