// SPDX-License-Identifier: Apache-2.0
// Fits the constants of hwmodels/pools.toml to published runs of prefill and decode apart, and predicts each kind of GPU
// from the others.
// Usage: study_two_pools TABLE.csv... > pools.toml   (tables of the measured kit; the report goes to stderr)
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <set>

#include "serving/two_pools/rows.h"

using namespace moecost;
using namespace two_pools;

namespace {

constexpr std::array<const char*, 3> engines{"trtllm", "sglang", "vllm"};

/// The constants, in the order of the fit.
enum Constant : std::size_t {
    step_trtllm,
    step_sglang,
    step_vllm,
    experts,
    experts_mxfp4,
    experts_wide,
    exchange_trtllm,
    exchange_sglang,
    across,
    prompts_across,
    acceptance,
    burst,
    prompts,
    lone,
    first_trtllm,
    first_sglang,
    first_vllm,
    constants
};
using Values = std::array<double, constants>;
constexpr std::array<const char*, constants> names{"step_trtllm",
                                                   "step_sglang",
                                                   "step_vllm",
                                                   "experts",
                                                   "experts_mxfp4",
                                                   "experts_wide",
                                                   "all_to_all_trtllm",
                                                   "all_to_all_sglang",
                                                   "across_domains_us",
                                                   "prompts_across",
                                                   "acceptance",
                                                   "burst_rounds",
                                                   "prompts",
                                                   "lone_prompt",
                                                   "first_token_trtllm_s",
                                                   "first_token_sglang_s",
                                                   "first_token_vllm_s"};
constexpr Values start{0.77, 0.63, 0.83, 1.26, 0.5, 1.7,  0.48, 0.9, 100,
                       1.6,  0.65, 4,    0.65, 1.0, 0.09, 0.25, 0.11};

std::size_t engine_of(const Run& r) {
    return r.point.engine == "sglang" ? 1 : r.point.engine == "vllm" ? 2 : 0;
}

double seconds(const Parts& p, const Values& v, std::size_t engine) {
    const double exchange = engine == 1 ? v[exchange_sglang] : v[exchange_trtllm];
    const double routed = v[experts] * p.experts + v[experts_wide] * p.wide_experts;
    return v[step_trtllm + engine] * p.other + routed * (p.mxfp4 ? v[experts_mxfp4] : 1) +
           exchange * p.all_to_all + p.across + p.reduces * v[across] * 1e-6 + p.host;
}

/// Predicted over measured; 0: not measured.
struct Ratios {
    double throughput = 0, tpot = 0, ttft = 0;
};

Ratios ratios(const Run& r, const Values& v) {
    const std::size_t e = engine_of(r);
    const double side = r.across ? v[prompts_across] : 1;
    std::array<double, decode_nodes> table{};
    for (std::size_t i = 0; i < decode_nodes; ++i) table[i] = seconds(r.decode[i], v, e);
    const double per_octave = (decode_nodes - 1) / std::log(r.batch_top);
    double tokens = 1;
    for (double i = 0, chance = 1; i < r.drafts; ++i) tokens += chance *= v[acceptance];
    TwoPools p;
    p.prompts.workers = r.workers;
    p.prompts.tokens = r.prompt;
    p.prompts.side_by_side = r.side_by_side;
    p.prompts.full_prompts = r.full_prompts;
    p.prompts.full = seconds(r.full, v, e) * side * v[prompts];
    const double alone = seconds(r.lone, v, e) * side * v[lone];
    p.prompts.lone = [alone](double, double) { return alone; };
    p.decode.workers = r.decode_workers;
    p.decode.slots = r.slots;
    p.decode.steps = (r.output - 1) / tokens;
    const double top = decode_nodes - 1 - 1e-9;
    p.decode.step = [&table, per_octave, top](double b) {
        const double x = std::clamp(std::log(b) * per_octave, 0.0, top);
        const auto i = static_cast<std::size_t>(x);
        const double part = x - static_cast<double>(i);
        return table[i] * (1 - part) + table[i + 1] * part;
    };
    p.handover = {v[first_trtllm + e], r.transfer, 0, r.transfer_per_prompt, v[burst]};
    const TwoPoolsAnswer a = closed_loop_apart(p, r.requests, r.of_run);
    const double per_token = a.decode_time / (r.output - 1);
    Ratios x;
    if (r.point.output_per_gpu)
        x.throughput = a.rate * r.output / r.gpus * r.point.in_flight_share / *r.point.output_per_gpu;
    if (r.point.tpot_ms) x.tpot = per_token * 1e3 / *r.point.tpot_ms;
    if (r.point.ttft_ms) x.ttft = a.ttft * 1e3 / *r.point.ttft_ms;
    return x;
}

using Runs = std::vector<const Run*>;

/// Mean of |ln ratio|, cut where a run is beyond any form: throughput, and a little of both latencies.
double loss(const Runs& runs, const Values& v) {
    double x = 0, t = 0, f = 0;
    const auto off = [](double ratio, double most) {
        return ratio > 0 ? std::min(std::abs(std::log(ratio)), most) : 0;
    };
    for (const Run* r : runs) {
        const Ratios q = ratios(*r, v);
        x += off(q.throughput, 0.5), t += off(q.tpot, 0.5), f += off(q.ttft, 1);
    }
    double prior = 0;
    for (std::size_t i = 0; i < constants; ++i) prior += std::pow(std::log(v[i] / start[i]), 2);
    return (x + 0.15 * t + 0.05 * f) / static_cast<double>(runs.size()) + 0.002 * prior;
}

/// Nelder and Mead over the logarithms.
Values fitted(const Runs& runs, Values from, int evaluations) {
    struct Corner {
        Values v;
        double loss;
    };
    const auto corner = [&](const Values& v) { return Corner{v, v[acceptance] < 0.98 ? loss(runs, v) : 9}; };
    std::vector<Corner> simplex{corner(from)};
    for (std::size_t i = 0; i < constants; ++i) {
        Values v = from;
        v[i] *= std::exp(i == acceptance ? -0.1 : i % 2 == 0 ? 0.25 : -0.25);
        simplex.push_back(corner(v));
    }
    const auto between = [&](const Values& centre, const Values& v, double by) {
        Values w;
        for (std::size_t i = 0; i < constants; ++i)
            w[i] = std::exp(std::log(centre[i]) + by * (std::log(v[i]) - std::log(centre[i])));
        return corner(w);
    };
    for (int n = 0; n < evaluations;) {
        std::sort(simplex.begin(), simplex.end(),
                  [](const Corner& a, const Corner& b) { return a.loss < b.loss; });
        Values centre;
        for (std::size_t i = 0; i < constants; ++i) {
            double sum = 0;
            for (std::size_t k = 0; k + 1 < simplex.size(); ++k) sum += std::log(simplex[k].v[i]);
            centre[i] = std::exp(sum / static_cast<double>(constants));
        }
        Corner& worst = simplex.back();
        const Corner reflected = between(centre, worst.v, -1);
        ++n;
        if (reflected.loss < simplex.front().loss) {
            const Corner further = between(centre, worst.v, -2);
            ++n;
            worst = further.loss < reflected.loss ? further : reflected;
        } else if (reflected.loss < simplex[constants - 1].loss) {
            worst = reflected;
        } else {
            const Corner inner = between(centre, worst.v, reflected.loss < worst.loss ? -0.5 : 0.5);
            ++n;
            if (inner.loss < std::min(reflected.loss, worst.loss)) {
                worst = inner;
            } else {
                for (std::size_t k = 1; k < simplex.size(); ++k)
                    simplex[k] = between(simplex[0].v, simplex[k].v, 0.5);
                n += static_cast<int>(constants);
            }
        }
    }
    return std::min_element(simplex.begin(), simplex.end(),
                            [](const Corner& a, const Corner& b) { return a.loss < b.loss; })
        ->v;
}

/// Restarts where it stopped, with a fresh simplex.
Values fitted(const Runs& runs) {
    Values v = start;
    for (int i = 0; i < 10; ++i) v = fitted(runs, v, 900);
    return v;
}

struct Predicted {
    const Run* run;
    Ratios ratios;
};

void line(const std::string& name, const std::vector<Predicted>& rows) {
    if (rows.empty()) return;
    std::vector<double> x, t, f;
    for (const Predicted& p : rows) {
        if (p.ratios.throughput > 0) x.push_back(p.ratios.throughput);
        if (p.ratios.tpot > 0) t.push_back(p.ratios.tpot);
        if (p.ratios.ttft > 0) f.push_back(p.ratios.ttft);
    }
    const ErrorSummary a = summarise(x), b = summarise(t), c = summarise(f);
    std::fprintf(stderr, "| %-36s | %4zu | %5.1f | %5.1f | %5.2f | %3.0f | %5.1f | %5.2f | %5.1f | %5.2f |\n",
                 name.c_str(), rows.size(), 100 * a.median_ape, 100 * a.mean_ape, a.median_ratio,
                 100 * a.within_20_percent, 100 * b.median_ape, b.median_ratio, 100 * c.median_ape,
                 c.median_ratio);
}

void table(const std::string& title, const std::vector<Predicted>& rows,
           const std::function<std::string(const Run&)>& key) {
    std::map<std::string, std::vector<Predicted>> groups;
    for (const Predicted& p : rows) groups[key(*p.run)].push_back(p);
    std::fprintf(stderr, "\n%s\n", title.c_str());
    for (const auto& [name, members] : groups) line(name, members);
}

std::string kind(const Run& r) {
    std::string s = r.gpu;
    s.append(" ").append(r.point.engine).append(" ").append(r.point.model);
    return s.append(r.drafts > 0 ? " MTP" : "");
}

bool of_headline(const Run& r) { return r.gpu != "h100_sxm" && r.gpu.rfind("mi", 0) != 0; }

/// The whole file; the acceptance of drafted tokens belongs to the recipes of the runs (hwmodels/measured/recipes.toml).
void write(const Values& v, std::size_t runs) {
    std::printf(
        "# SPDX-License-Identifier: Apache-2.0\n"
        "# What served engines take of their kernels where experts are spread by an all-to-all, and where a "
        "pool runs one\n"
        "# phase alone (prefill and decode apart). Laws: sim/hardware/profile/pool_law.h, sim/timing, "
        "sim/serving/two_pools.h.\n"
        "# Written by study_two_pools (tools/studies/serving/two_pools); command and errors in "
        "results/serving/README.md.\n"
        "schema = 1\ndate = \"2026-11\"\n\n"
        "[any]\nsource = \"%zu constants, the acceptance of drafted tokens among them, fitted to %zu "
        "published runs of prefill "
        "and decode apart; balance and link_share are set, not fitted\"\n",
        static_cast<std::size_t>(constants), runs);
    std::printf(
        "balance = 0.5\nlink_share = 0.8\nexperts = %.3g\nexperts_mxfp4 = %.3g\nexperts_wide = %.3g\n"
        "across_domains_us = %.3g\nprompts_across = %.3g\nburst_rounds = %.3g\nprompts = %.3g\nlone_prompt = "
        "%.3g\n",
        v[experts], v[experts_mxfp4], v[experts_wide], v[across], v[prompts_across], v[burst], v[prompts],
        v[lone]);
    for (std::size_t e = 0; e < engines.size(); ++e) {
        std::printf("\n[%s]\nsource = \"the same\"\nstep = %.3g\nall_to_all = %.3g\nfirst_token_ms = %.3g\n",
                    engines[e], v[step_trtllm + e], e == 1 ? v[exchange_sglang] : v[exchange_trtllm],
                    1e3 * v[first_trtllm + e]);
    }
}

}   // namespace

int main(int argc, char** argv) {
    std::map<std::string, std::size_t> skipped;
    const std::vector<Run> all = read_runs({argv + 1, argv + argc}, skipped);
    std::fprintf(stderr, "%zu runs\n", all.size());
    for (const auto& [reason, n] : skipped) std::fprintf(stderr, "left out: %4zu %s\n", n, reason.c_str());
    Runs nvidia;
    for (const Run& r : all)
        if (r.gpu.rfind("mi", 0) != 0) nvidia.push_back(&r);
    const auto predicted = [](const Runs& runs, const Values& v) {
        std::vector<Predicted> rows;
        for (const Run* r : runs) rows.push_back({r, ratios(*r, v)});
        return rows;
    };
    const auto headline = [](std::vector<Predicted> rows) {
        std::erase_if(rows, [](const Predicted& p) { return !of_headline(*p.run); });
        return rows;
    };
    std::fprintf(
        stderr,
        "| runs | n | X median %% | mean %% | ratio | in 20 %% | TPOT %% | ratio | TTFT %% | ratio |\n");
    line("start values", headline(predicted(nvidia, start)));
    const Values v = fitted(nvidia);
    for (std::size_t i = 0; i < constants; ++i) std::fprintf(stderr, "%s = %.4g\n", names[i], v[i]);
    const auto rows = predicted(nvidia, v);
    line("all NVIDIA without H100 over IB", headline(rows));
    line("all NVIDIA", rows);
    table("by kind", rows, kind);
    std::set<std::string> gpus;
    for (const Run* r : nvidia) gpus.insert(r->gpu);
    std::vector<Predicted> held_out;
    std::fprintf(stderr, "\none kind of GPU left out of the fit\n");
    for (const std::string& gpu : gpus) {
        Runs others, own;
        for (const Run* r : nvidia) (r->gpu == gpu ? own : others).push_back(r);
        const auto part = predicted(own, fitted(others));
        line(gpu, part);
        held_out.insert(held_out.end(), part.begin(), part.end());
    }
    line("all, without H100 over IB", headline(held_out));
    line("all", held_out);
    Runs amd;
    for (const Run& r : all)
        if (r.gpu.rfind("mi", 0) == 0) amd.push_back(&r);
    line("MI355X, constants of the others", predicted(amd, v));
    write(v, nvidia.size());
}
