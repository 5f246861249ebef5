// SPDX-License-Identifier: Apache-2.0
// Closed forms of serving beside the event simulation on random cases: how far the forms are off, and where they say so.
// Usage: study_serving [cases per load kind] [requests per case] [FILE]; prints a table in Markdown, writes the cases as CSV.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "moecost/base/data.h"
#include "moecost/base/file.h"
#include "moecost/base/format.h"
#include "moecost/serving/open_loop.h"
#include "moecost/serving/simulate.h"
#include "moecost/serving/slot_queue.h"
#include "moecost/serving/steady_loop.h"
#include "moecost/traffic/length_presets.h"

using namespace moecost;

namespace {

/// t = c0 + cb B + ck K + ((w0 + w1 T/(T + Ts))^p + (g T)^p)^(1/p) + cp P + ca A, T = B + P.
struct Law {
    const char* name;
    double c0, cb, ck, w0, w1, Ts, g, p, cp, ca;
    double operator()(double B, double K, double P, double A) const {
        const double T = B + P;
        const double w = w0 + (T > 0 ? w1 * T / (T + Ts) : 0);
        return c0 + cb * B + ck * K + std::pow(std::pow(w, p) + std::pow(g * T, p), 1 / p) + cp * P + ca * A;
    }
};
constexpr Law laws[] = {
    {"dense 70B, 4 x H100", 1.149e-2, 3.73e-5, 1.764e-8, 1e-4, 0.1, 4526, 1.136e-5, 8.0, 5.393e-5, 1.462e-9},
    {"MoE 671B, 8 x H200", 8.99e-3, 1.479e-5, 1.577e-8, 1e-4, 2.956e-2, 42.65, 2.121e-5, 1.427, 1.499e-5,
     1.234e-9},
    {"MoE 120B, B200", 2.576e-3, 7.231e-6, 2.425e-9, 1e-4, 1.501e-2, 52.32, 2.676e-6, 3.065, 4.105e-6,
     4.517e-10},
    {"dense 8B, small GPU", 4e-3, 1.5e-5, 3e-8, 8e-3, 0, 1, 2.4e-5, 4, 8e-6, 2e-9},
    {"MoE 47B, 2 x A100", 6e-3, 2e-5, 2.2e-8, 6e-3, 2.2e-2, 6, 4.5e-5, 2.5, 2e-5, 1.5e-9},
};
const char* const presets[] = {"azure-2023-conversation", "azure-2023-code", "mooncake-conversation",
                               "long-document", "servegen-deepseek-r1"};

struct Case {
    const Law* law;
    std::string lengths_name;
    Lengths lengths;
    Replica replica;
    double hit = 0;
    double load = 0;   // of the capacity, or requests in flight
};

/// Figures whose errors are reported.
enum Figure { x, tpot, tpot50, tpot90, tpot99, ttft, ttft50, ttft90, ttft99, e2e90, e2e99, figures };
constexpr const char* figure_names[] = {"X",        "TPOT",     "TPOT p50", "TPOT p90", "TPOT p99", "TTFT",
                                        "TTFT p50", "TTFT p90", "TTFT p99", "E2E p90",  "E2E p99"};
struct Outcome {
    std::string lengths;
    double load = 0;
    bool open = false, valid = true;
    bool beyond = false;     // more in flight than slots
    double error[figures];   // form/simulation - 1
};

Lengths draw_lengths(Random& random, std::string& name) {
    const auto kind = static_cast<int>(random.uniform() * 8);
    if (kind < 5) {
        name = presets[kind];
        return load_lengths(DataStore(), name);
    }
    const double input = 128 * std::pow(128, random.uniform());
    const double output = 64 * std::pow(32, random.uniform());
    const double cv = 0.5 + random.uniform();
    if (kind == 5) {
        name = "fixed";
        return {FixedLength{std::round(input)}, FixedLength{std::round(output)}, {}};
    }
    if (kind == 6) {
        name = "uniform";
        return {UniformLength{0.8 * input / 0.9, input / 0.9},
                UniformLength{0.8 * output / 0.9, output / 0.9},
                {}};
    }
    name = "lognormal";
    return {LognormalLength{input, cv}, LognormalLength{output, cv}, {}};
}

Case draw_case(Random& random, bool open) {
    Case c;
    c.law = &laws[static_cast<int>(random.uniform() * 5)];
    c.lengths = draw_lengths(random, c.lengths_name);
    constexpr double hits[] = {0, 0.5, 0.9};
    c.hit = hits[static_cast<int>(random.uniform() * 3)];
    Replica& r = c.replica;
    r.step = *c.law;
    r.rules.batching = random.uniform() < 0.5 ? Batching::chunked_prefill : Batching::prefill_first;
    r.rules.chunk_tokens = 2048 * std::pow(2, static_cast<int>(random.uniform() * 4));
    r.rules.max_sequences = 64 * std::pow(2, static_cast<int>(random.uniform() * 3));
    r.lengths = length_law(c.lengths, c.hit);
    prepare(r);
    c.load = open ? 0.1 + 0.85 * random.uniform() : std::round(2 * std::pow(128, random.uniform()));
    return c;
}

void compare(Outcome& o, const Simulation& s, double rate, const Latency& tpots, const Latency& ttfts,
             const Latency& e2es) {
    const auto off = [](double form, double simulated) { return form / simulated - 1; };
    const auto at = [&](const Latency& a, const Latency& b, double u) {
        return off(a.quantile(u).value(), b.quantile(u).value());
    };
    o.error[x] = off(rate, s.requests_per_s.value());
    o.error[tpot] = off(tpots.mean.value(), s.tpot.mean.value());
    o.error[tpot50] = at(tpots, s.tpot, 0.5);
    o.error[tpot90] = at(tpots, s.tpot, 0.9);
    o.error[tpot99] = at(tpots, s.tpot, 0.99);
    o.error[ttft] = off(ttfts.mean.value(), s.ttft.mean.value());
    o.error[ttft50] = at(ttfts, s.ttft, 0.5);
    o.error[ttft90] = at(ttfts, s.ttft, 0.9);
    o.error[ttft99] = at(ttfts, s.ttft, 0.99);
    o.error[e2e90] = at(e2es, s.e2e, 0.9);
    o.error[e2e99] = at(e2es, s.e2e, 0.99);
}

Simulation simulate_case(const Case& c, const Load& load, double requests, std::uint64_t seed) {
    StepTable steps(*c.law, c.replica.lengths.context, c.replica.lengths.attended / c.replica.lengths.prompt);
    SimulationSettings settings;
    settings.requests = requests;
    settings.warm_up = requests / 4;
    return simulate(c.replica.rules, steps, request_source(load, c.lengths, c.hit, seed), settings);
}

Outcome open_case(const Case& c, double requests, std::uint64_t seed) {
    Outcome o{c.lengths_name, c.load, true, true, false, {}};
    const double rate = c.load * steady_loop(c.replica, capacity(c.replica)).rate;
    OpenLoopAnswer form = open_loop(c.replica, rate, 1, true);
    o.valid = form.stable && doubt(c.replica, form, rate, quantile(c.lengths.output, 0.5)).empty();
    const Simulation s = simulate_case(c, OpenLoop{rate, 1}, requests, seed);
    const Latency ttfts = open_ttft(form);
    Latency tpots = open_tpot(c.replica, form, rate, 1);
    tpots.mean = Seconds{form.tpot};
    compare(o, s, rate, tpots, ttfts, end_to_end(c.lengths.output, ttfts, tpots));
    return o;
}

Outcome closed_case(const Case& c, double requests, std::uint64_t seed) {
    const double n = std::min(c.load, c.replica.rules.max_sequences);
    Outcome o{c.lengths_name, n, false, quantile(c.lengths.output, 0.5) >= few_tokens, false, {}};
    const bool step = c.replica.lengths.fixed;
    const SteadyLoop form = step ? loop_in_step(c.replica, n) : steady_loop(c.replica, n);
    const Latency ttfts = loop_ttft(c.replica, step ? steady_loop(c.replica, n) : form);
    const Latency tpots = loop_tpot(c.replica, form);
    compare(o, simulate_case(c, ClosedLoop{n}, requests, seed), form.rate, tpots, ttfts,
            end_to_end(c.lengths.output, ttfts, tpots));
    o.error[ttft] = form.ttft / ttfts.mean.value() * (1 + o.error[ttft]) - 1;
    return o;
}

/// Up to three times as many requests as slots.
Outcome waiting_case(const Case& c, double more, double requests, std::uint64_t seed) {
    const double n = std::round(c.replica.rules.max_sequences * more);
    Outcome o{c.lengths_name, n, false, quantile(c.lengths.output, 0.5) >= few_tokens, true, {}};
    const bool step = c.replica.lengths.fixed;
    const SteadyLoop form = step ? loop_in_step(c.replica, n) : steady_loop(c.replica, n);
    LatencySample first;
    for (const double t : burst_times(c.replica, form.running)) first.add(t);
    const Latency own = step ? first.latency() : loop_ttft(c.replica, form);
    const Latency ttfts = behind_queue(c.replica, form, n, own);
    const Latency tpots = loop_tpot(c.replica, form);
    compare(o, simulate_case(c, ClosedLoop{n}, requests, seed), form.rate, tpots, ttfts,
            end_to_end(c.lengths.output, ttfts, tpots));
    return o;
}

double middle(std::vector<double> v, double u) {
    if (v.empty()) return 0;
    std::sort(v.begin(), v.end());
    return v[static_cast<std::size_t>(u * static_cast<double>(v.size() - 1) + 0.5)];
}

template <class Keep>
void print_group(const char* name, const std::vector<Outcome>& outcomes, Keep keep) {
    std::vector<double> errors[figures];
    std::size_t count = 0;
    for (const Outcome& o : outcomes) {
        if (!keep(o)) continue;
        ++count;
        for (int f = 0; f < figures; ++f)
            if (std::isfinite(o.error[f])) errors[f].push_back(100 * o.error[f]);
    }
    if (count == 0) return;
    std::printf("| %s | %zu |", name, count);
    for (int f = 0; f < figures; ++f) {
        std::vector<double> sizes;
        for (const double e : errors[f]) sizes.push_back(std::abs(e));
        std::printf(" %+.1f / %.1f / %.0f |", middle(errors[f], 0.5), middle(sizes, 0.5), middle(sizes, 0.9));
    }
    std::printf("\n");
}

void print_table(const std::vector<Outcome>& all) {
    std::printf("| group | cases |");
    for (const char* name : figure_names) std::printf(" %s |", name);
    std::printf("\n|---|---|");
    for (int f = 0; f < figures; ++f) std::printf("---|");
    std::printf("\n");
    print_group("rates, all", all, [](const Outcome& o) { return o.open; });
    print_group("rates, valid", all, [](const Outcome& o) { return o.open && o.valid; });
    print_group("rates, not valid", all, [](const Outcome& o) { return o.open && !o.valid; });
    for (const double low : {0.1, 0.3, 0.5, 0.7, 0.85}) {
        const std::string name = "rates, valid, load from " + std::to_string(low).substr(0, 4);
        const double high = low < 0.7 ? low + 0.2 : low < 0.8 ? 0.85 : 1;
        print_group(name.c_str(), all,
                    [&](const Outcome& o) { return o.open && o.valid && o.load >= low && o.load < high; });
    }
    for (const char* kind :
         {"fixed", "uniform", "lognormal", presets[0], presets[1], presets[2], presets[3], presets[4]})
        print_group((std::string("rates, valid, ") + kind).c_str(), all,
                    [&](const Outcome& o) { return o.open && o.valid && o.lengths == kind; });
    print_group("in flight, all", all, [](const Outcome& o) { return !o.open && !o.beyond; });
    print_group("in flight, valid", all, [](const Outcome& o) { return !o.open && !o.beyond && o.valid; });
    print_group("in flight, valid, not fixed", all,
                [](const Outcome& o) { return !o.open && !o.beyond && o.valid && o.lengths != "fixed"; });
    print_group("beyond the slots, all", all, [](const Outcome& o) { return o.beyond; });
    print_group("beyond the slots, valid", all, [](const Outcome& o) { return o.beyond && o.valid; });
    print_group("beyond the slots, valid, not fixed", all,
                [](const Outcome& o) { return o.beyond && o.valid && o.lengths != "fixed"; });
    double below = 0;
    double valid = 0;
    for (const Outcome& o : all) {
        if (!o.open || o.load >= 0.85) continue;
        below += 1;
        valid += o.valid ? 1 : 0;
    }
    std::printf("\nOf %.0f cases of a rate below 0.85 of the capacity %.0f %% are called valid.\n", below,
                100 * valid / std::max(below, 1.0));
}

/// One row for each case: what it was, whether the form says that it holds, and its errors.
void write_cases(const char* file, const std::vector<Outcome>& all) {
    std::string csv("kind,lengths,load,valid");
    for (const char* name : figure_names) csv.append(",").append(name);
    csv.append("\n");
    for (const Outcome& o : all) {
        csv.append(o.open     ? "rate,"
                   : o.beyond ? "beyond the slots,"
                              : "in flight,")
            .append(o.lengths)
            .append(",");
        csv.append(shortest(rounded(o.load, 4))).append(o.valid ? ",1" : ",0");
        for (const double error : o.error) csv.append(",").append(shortest(rounded(error, 4)));
        csv.append("\n");
    }
    write_file(file, csv);
}

}   // namespace

int main(int count, char** arguments) {
    const int cases = count > 1 ? std::atoi(arguments[1]) : 320;
    const double requests = count > 2 ? std::atof(arguments[2]) : 20000;
    std::vector<Outcome> outcomes;
    Random random(20261130);
    for (int i = 0; i < cases; ++i)
        outcomes.push_back(open_case(draw_case(random, true), requests, 1000 + static_cast<unsigned>(i)));
    for (int i = 0; i < cases / 3; ++i)
        outcomes.push_back(closed_case(draw_case(random, false), requests, 5000 + static_cast<unsigned>(i)));
    for (int i = 0; i < cases / 3; ++i) {
        const Case c = draw_case(random, false);
        const double more = 1 + 2 * random.uniform();
        outcomes.push_back(waiting_case(c, more, requests, 9000 + static_cast<unsigned>(i)));
    }
    print_table(outcomes);
    if (count > 3) write_cases(arguments[3], outcomes);
    return 0;
}
