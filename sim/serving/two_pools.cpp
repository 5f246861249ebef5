// SPDX-License-Identifier: Apache-2.0
#include "moecost/serving/two_pools.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "moecost/base/numerics.h"
#include "moecost/serving/queueing.h"

namespace moecost {
namespace {

double per_second(double seconds) { return seconds > 0 ? 1 / seconds : 1e300; }

double decode_capacity(const DecodePool& d) {
    if (d.steps <= 0) return 1e300;
    return d.workers * d.slots / (d.steps * d.step(d.slots));
}

TwoPoolsAnswer capacities(const TwoPools& p) {
    TwoPoolsAnswer a;
    a.prefill_capacity = per_second(p.prompts.per_prompt());
    a.decode_capacity = decode_capacity(p.decode);
    a.transfer_capacity = per_second(p.handover.per_prompt);
    return a;
}

/// The batch of a decode worker at X requests/s, and the time of its step: B = X S td(B)/v by halving.
void settle_decode(const DecodePool& d, TwoPoolsAnswer& a) {
    double low = 0;
    double high = d.slots;
    const double per_worker = a.rate / d.workers * d.steps;
    for (int i = 0; i < 50 && high - low > 1e-6 * high; ++i) {
        const double b = (low + high) / 2;
        (per_worker * d.step(std::max(b, 1.0)) > b ? low : high) = b;
    }
    a.decodes = (low + high) / 2;
    a.step = d.step(std::max(a.decodes, 1.0));
    a.decode_time = d.steps * a.step;
}

}   // namespace

std::string_view name_of(PoolLimit limit) {
    constexpr std::string_view names[] = {"requests in flight", "prefill", "decode", "transfer"};
    return names[static_cast<std::size_t>(limit)];
}

double TwoPoolsAnswer::capacity() const {
    return std::min({prefill_capacity, decode_capacity, transfer_capacity});
}

PoolLimit TwoPoolsAnswer::limit() const {
    const std::array<double, 3> busy{rate / prefill_capacity, rate / decode_capacity,
                                     rate / transfer_capacity};
    const auto most = std::max_element(busy.begin(), busy.end());
    if (*most < 0.5) return PoolLimit::requests;
    return static_cast<PoolLimit>(1 + (most - busy.begin()));
}

TwoPoolsAnswer closed_loop_apart(const TwoPools& p, double n, double of_run) {
    TwoPoolsAnswer a = capacities(p);
    const DecodePool& d = p.decode;
    const double s = p.prompts.per_prompt();
    const double slowest = std::max(s, p.handover.per_prompt);
    const double at_once = std::clamp(n / p.prompts.workers, 1.0, p.prompts.side_by_side);
    a.own = p.prompts.lone(at_once, p.prompts.tokens);
    const double first = p.handover.constant + a.own + p.handover.exposed(a.own);
    const double room = d.workers * d.slots;
    double decoding = std::min(n, room);
    for (int round = 0; round < 60; ++round) {
        a.decodes = std::max(decoding / d.workers, 1.0);
        a.step = d.step(a.decodes);
        a.decode_time = d.steps * a.step;
        const double unqueued = first + a.decode_time;
        a.rate = n / (unqueued + a.wait + a.slot_wait);
        const double rho = a.rate * s;
        const double queue = s * (rho / 2 + a.rate * a.wait * (n - 1) / n);
        const double wait = (a.wait + std::max({queue, n * slowest - unqueued - a.slot_wait, 0.0})) / 2;
        const double slots = std::max(n * a.decode_time / room - unqueued - a.wait, 0.0);
        const double next = (decoding + std::min({n, room, a.rate * a.decode_time})) / 2;
        const double moved = std::abs(wait - a.wait) / unqueued + std::abs(next - decoding) / n +
                             std::abs(slots - a.slot_wait) / unqueued;
        a.wait = wait;
        a.slot_wait = (a.slot_wait + slots) / 2;
        decoding = next;
        if (moved < 1e-5) break;
    }
    if (of_run > 0) a.burst = std::min(1.0, p.handover.burst_rounds * n / of_run) * n * s / 2;
    a.ttft = first + a.wait + a.slot_wait + a.burst;
    a.rate = n / (a.ttft + a.decode_time);
    a.decodes = decoding / d.workers;
    a.decodes_variance = a.decodes * (1 - std::min(decoding / n, 1.0));
    a.waits = std::min(a.rate * s, 1.0);
    return a;
}

namespace {

/// Time of the own prompt and wait before it, and the chance to wait.
void prompts_at_rate(const PromptPool& p, double rate, double ca2, double cv2, TwoPoolsAnswer& a) {
    const double t1 = p.lone(1, p.tokens);
    const double u = p.workers;
    if (p.full_prompts < 2) {
        const double rho = rate * p.per_prompt();
        a.waits = erlang_c(u, rho * u);
        a.wait = a.waits * p.per_prompt() / (1 - rho) * (ca2 + cv2) / 2;
        a.own = t1;
        return;
    }
    const double full = p.full_prompts;
    double m = std::min(rate * t1 / u, full);
    double batch = t1;
    for (int i = 0; i < 30; ++i) {
        batch = p.step(std::min(std::max(m, 1.0), full) * p.tokens);
        m = (m + std::min(rate * batch / u, full)) / 2;
    }
    const double busy = std::min(1.0, rate * batch / (std::max(m, 1.0) * u));
    a.waits = erlang_c(u, std::min(busy, 0.98) * u);
    const double rho = std::min(rate * p.per_prompt(), 0.9999);
    a.wait = a.waits * batch / (2 * u) + spitzer(rho, rho / full * (1 + cv2) * ca2 / u).mean * p.full;
    const double shared = m > 0.05 ? p.step(std::min(1 + m, full) * p.tokens) : t1;
    a.own = (1 - a.waits) * t1 + a.waits * std::max(shared, t1);
}

/// Number in decode of one worker by birth and death; td at 16 log-spaced numbers, linear between.
struct InDecode {
    double mean = 0, variance = 0;
    bool stable = true;
};
InDecode birth_and_death(const DecodePool& d, double arrivals) {
    constexpr int nodes = 16;
    const double top = std::max(std::floor(std::min(d.slots, 8192.0)), 1.0);
    std::array<double, nodes> at{};
    std::array<double, nodes> td{};
    for (std::size_t i = 0; i < nodes; ++i) {
        at[i] = std::exp(std::log(top) * static_cast<double>(i) / (nodes - 1));
        td[i] = d.step(at[i]);
    }
    const double stay = d.steps + 0.5;
    InDecode r;
    r.stable = top / (stay * td.back()) > arrivals;
    if (!r.stable) return r;
    double log_pi = 0;
    double largest = 0;
    double sum = 1, first = 0, second = 0;   // over exp(log_pi - largest)
    std::size_t k = 0;
    for (double b = 1; b <= top; ++b) {
        while (k + 2 < nodes && at[k + 1] < b) ++k;
        const double share = at[k + 1] > at[k] ? (b - at[k]) / (at[k + 1] - at[k]) : 0;
        const double step = td[k] + std::clamp(share, 0.0, 1.0) * (td[k + 1] - td[k]);
        log_pi += std::log(arrivals * stay * step / b);
        if (log_pi > largest) {
            const double down = std::exp(largest - log_pi);
            sum *= down, first *= down, second *= down;
            largest = log_pi;
        }
        const double weight = std::exp(log_pi - largest);
        sum += weight, first += weight * b, second += weight * b * b;
        if (weight < 1e-12 && log_pi < largest) break;
    }
    r.mean = first / sum;
    r.variance = std::max(second / sum - r.mean * r.mean, 0.0);
    return r;
}

}   // namespace

TwoPoolsAnswer open_loop_apart(const TwoPools& p, double rate, double burstiness, double prompt_cv2) {
    TwoPoolsAnswer a = capacities(p);
    a.rate = rate;
    a.stable = rate < a.capacity();
    if (!a.stable) return a;
    prompts_at_rate(p.prompts, rate, burstiness, prompt_cv2, a);
    const InDecode in_decode = birth_and_death(p.decode, rate / p.decode.workers);
    a.stable = in_decode.stable;
    a.decodes = in_decode.mean;
    a.decodes_variance = in_decode.variance;
    a.step = p.decode.step(std::max(a.decodes, 1.0));
    a.decode_time = p.decode.steps > 0 ? a.decodes * p.decode.workers / rate : 0;
    a.ttft = p.handover.constant + a.own + p.handover.exposed(a.own) + a.wait;
    return a;
}

TwoPoolsAnswer offline_apart(const TwoPools& p) {
    TwoPoolsAnswer a = capacities(p);
    a.rate = a.capacity();
    settle_decode(p.decode, a);
    a.own = p.prompts.full;
    a.waits = 1;
    a.ttft = p.handover.constant + a.own + p.handover.exposed(a.own);
    return a;
}

}   // namespace moecost
