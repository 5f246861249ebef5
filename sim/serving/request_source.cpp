// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "moecost/serving/simulate.h"

namespace moecost {

RequestSource request_source(const Load& load, const Lengths& lengths, double prefix_hit_rate,
                             std::uint64_t seed) {
    RequestSource source;
    if (const auto* replay = std::get_if<Replay>(&load)) {
        source.next = [&requests = replay->requests, speed = replay->speed,
                       one_of = static_cast<std::size_t>(replay->one_of),
                       i = std::size_t{0}](TracedRequest& r) mutable {
            if (i >= requests.size()) return false;
            r = requests[i];
            i += one_of;
            r.arrival_s /= speed;
            return true;
        };
        return source;
    }
    const auto* open = std::get_if<OpenLoop>(&load);
    const auto* closed = std::get_if<ClosedLoop>(&load);
    double left = 1e18;   // a queue is finite where the load says so
    if (const auto* queue = std::get_if<Offline>(&load); queue && queue->requests > 0) left = queue->requests;
    if (const auto* burst = std::get_if<Burst>(&load)) left = burst->requests;
    if (closed) source.in_flight = closed->concurrency;
    // An endless queue is a closed loop of more requests than any engine holds at once.
    if (std::holds_alternative<Offline>(load) && left >= 1e18) source.in_flight = 4096;
    source.next = [sampler = LengthSampler(lengths, seed),
                   gaps =
                       ArrivalGaps(open ? open->rate : 1, open ? open->burstiness : 1, seed ^ 0x5DEECE66DULL),
                   arriving = open != nullptr, left, now = 0.0, prefix_hit_rate](TracedRequest& r) mutable {
        if (left-- < 1) return false;
        if (arriving) now += gaps.next();
        const LengthPair p = sampler.next();
        r = {now, p.input, p.output, std::floor(prefix_hit_rate * p.input)};
        return true;
    };
    return source;
}

}   // namespace moecost
