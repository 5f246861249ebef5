// SPDX-License-Identifier: Apache-2.0
#include "moecost/serving/two_pools.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "moecost/base/numerics.h"
#include "moecost/serving/queueing.h"

namespace moecost {
namespace {

double per_second(double seconds) { return seconds > 0 ? 1 / seconds : no_limit; }

double decode_capacity(const DecodePool& d) {
    if (d.steps <= 0) return no_limit;
    return d.workers * d.slots / (d.steps * d.step(d.slots));
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

TwoPoolsAnswer capacities_apart(const TwoPools& p) {
    TwoPoolsAnswer a;
    a.prefill_capacity = per_second(p.prompts.per_prompt());
    a.decode_capacity = decode_capacity(p.decode);
    a.transfer_capacity = per_second(p.handover.per_prompt);
    return a;
}

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
    TwoPoolsAnswer a = capacities_apart(p);
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
    a.slot_waits = a.slot_wait > 0 ? 1 : 0;
    if (of_run > 0) a.burst = std::min(1.0, p.handover.burst_rounds * n / of_run) * n * s / 2;
    a.ttft = first + a.wait + a.slot_wait + a.burst;
    a.rate = n / (a.ttft + a.decode_time);
    a.decodes = decoding / d.workers;
    a.decodes_variance = a.decodes * (1 - std::min(decoding / n, 1.0));
    a.waits = std::min(a.rate * s, 1.0);
    a.alone = a.shared = a.own;
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
        a.own = a.alone = a.shared = t1;
        a.residual = a.waits * p.per_prompt() / 2;
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
    a.alone = t1;
    a.shared = std::max(shared, t1);
    a.residual = a.waits * batch / (2 * u);
    a.own = (1 - a.waits) * a.alone + a.waits * a.shared;
}

/// Seconds of a step at so many sequences: 16 log-spaced numbers, linear between.
class StepLine {
  public:
    explicit StepLine(const DecodePool& d) {
        const double top = std::max(d.slots, 1.0);
        for (std::size_t i = 0; i < nodes; ++i) {
            at_[i] = std::exp(std::log(top) * static_cast<double>(i) / (nodes - 1));
            seconds_[i] = d.step(at_[i]);
        }
    }
    /// b ascends from call to call.
    [[nodiscard]] double operator()(double b) {
        while (k_ + 2 < nodes && at_[k_ + 1] < b) ++k_;
        const double share = at_[k_ + 1] > at_[k_] ? (b - at_[k_]) / (at_[k_ + 1] - at_[k_]) : 0;
        return seconds_[k_] + std::clamp(share, 0.0, 1.0) * (seconds_[k_ + 1] - seconds_[k_]);
    }

  private:
    static constexpr std::size_t nodes = 16;
    std::array<double, nodes> at_{}, seconds_{};
    std::size_t k_ = 0;
};

/// Moments of exp(log_pi/spread), its tail beyond the last number geometric with this ratio; those beyond it wait.
struct Crowd {
    double mean = 0, variance = 0, full = 0;
};
Crowd crowd_of(const std::vector<double>& log_pi, double spread, double ratio) {
    const double most = *std::max_element(log_pi.begin(), log_pi.end());
    double weight = 0, first = 0, second = 0, last = 0;
    for (std::size_t n = 0; n < log_pi.size(); ++n) {
        const double x = (log_pi[n] - most) / spread;
        last = x < -45 ? 0 : std::exp(x);
        weight += last;
        first += last * static_cast<double>(n);
        second += last * static_cast<double>(n * n);
    }
    const auto top = static_cast<double>(log_pi.size() - 1);
    const double tail = last * ratio / (1 - ratio);
    weight += tail, first += tail * top, second += tail * top * top;
    Crowd c{first / weight, 0, (last + tail) / weight};
    c.variance = std::max(second / weight - c.mean * c.mean, 0.0);
    return c;
}

/// Requests of the decode pool at a rate below its capacity, and their wait for a slot.
void decode_at_rate(const DecodePool& d, double rate, double ca2, TwoPoolsAnswer& a) {
    const double room = std::max(std::floor(d.workers * d.slots), 1.0);
    StepLine step(d);
    std::vector<double> log_pi{0};
    const double nothing = 60 * std::max((ca2 + 1) / 2, 1.0);   // below the most likely number, in logarithms
    double most = 0;
    for (double n = 1; n <= room && log_pi.back() > most - nothing; ++n) {
        const double own = n / ((d.steps + 0.5) * step(std::max(n / d.workers, 1.0)));
        log_pi.push_back(log_pi.back() + std::log(rate / (n == room ? a.decode_capacity : own)));
        most = std::max(most, log_pi.back());
    }
    const double ratio = rate / a.decode_capacity;
    const Crowd in_decode = crowd_of(log_pi, 1, ratio);
    const double drain = 1 / (a.decode_capacity - rate);
    const double stay = room / a.decode_capacity;
    const double lengths = d.cv2 < 1 ? d.cv2 + (1 - d.cv2) / (1 + drain / stay) : d.cv2;
    const double noise = (ca2 + lengths) / 2;
    const Crowd crowd = crowd_of(log_pi, (ca2 + 1) / 2, std::pow(ratio, 1 / std::max(noise, 1e-3)));
    a.slot_waits = crowd.full;
    a.slot_wait = crowd.full * noise * drain;
    a.decodes = in_decode.mean / d.workers;
    a.decodes_variance = crowd.variance / (d.workers * d.workers);
}

/// Squared variation of the gaps between requests that prefill lets through.
double after_prefill(const PromptPool& p, double rate, double ca2, double cv2) {
    if (p.full_prompts >= 2) return ca2;   // prompts of a batch come together as they went in
    const double rho2 = std::pow(std::min(rate * p.per_prompt(), 1.0), 2);
    return std::max(1 + (1 - rho2) * (ca2 - 1) + rho2 * (cv2 - 1) / std::sqrt(p.workers), 0.0);
}

}   // namespace

TwoPoolsAnswer open_loop_apart(const TwoPools& p, double rate, double burstiness, double prompt_cv2) {
    TwoPoolsAnswer a = capacities_apart(p);
    a.rate = rate;
    a.stable = rate < a.capacity();
    if (!a.stable) return a;
    prompts_at_rate(p.prompts, rate, burstiness, prompt_cv2, a);
    if (p.decode.steps > 0)
        decode_at_rate(p.decode, rate, after_prefill(p.prompts, rate, burstiness, prompt_cv2), a);
    a.step = p.decode.step(std::max(a.decodes, 1.0));
    a.decode_time = p.decode.steps > 0 ? a.decodes * p.decode.workers / rate : 0;
    a.ttft = p.handover.constant + a.own + p.handover.exposed(a.own) + a.wait + a.slot_wait;
    return a;
}

std::string_view doubt_apart(const TwoPoolsAnswer& a) {
    constexpr double reliable_waits = 0.02;
    constexpr double reliable_load = 0.95;
    if (a.slot_waits > reliable_waits) return "requests often wait for a slot of the decode pool";
    if (a.rate > reliable_load * a.capacity()) return "near the capacity waits are a few long spells";
    return {};
}

TwoPoolsAnswer offline_apart(const TwoPools& p) {
    TwoPoolsAnswer a = capacities_apart(p);
    a.rate = a.capacity();
    settle_decode(p.decode, a);
    a.own = a.alone = a.shared = p.prompts.full;
    a.waits = 1;
    a.ttft = p.handover.constant + a.own + p.handover.exposed(a.own);
    return a;
}

}   // namespace moecost
