// SPDX-License-Identifier: Apache-2.0
// Closed form of requests that arrive at a rate: how many decode, how long prompts wait, with percentiles.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "moecost/serving/latency.h"
#include "moecost/serving/replica.h"

namespace moecost {

/// The loaded round at B decodes and rate lambda.
struct LoadedRound {
    AtDecodes at;
    double load = 0;          // rho_C = lambda D tC: share of the time that full prompt steps would take
    double round = 0;         // L, mean time of a decode step with the prompts it meets
    double arrivals = 0;      // a = lambda L
    double share = 0;         // f, steps with prompts
    double tokens = 0;        // x, prompt tokens of such a step
    double prompt_cost = 0;   // T_p = (L - td)/a
    [[nodiscard]] double gain() const { return round / at.decode; }
};
/// L = td + f (tp(B, x) - td) mixed, td + (a P/x) tp(0, x) prefill first, with a = lambda L, f = share(a), x = min(a P/f,
/// C'); at most td/(1 - rho_C) + tC. Prefill first with D < 1: arrivals during a batch make the next batch. Nothing when
/// rho_C >= 1: prompts alone fill all time.
[[nodiscard]] std::optional<LoadedRound> loaded_round(const Replica& replica, double decodes, double rate);

/// A part of the distribution of the time to first token: U u + shift + Z, u uniform on (0, 1), Z = 0 with chance 1 - p,
/// else exponential of mean m.
struct TtftPart {
    double weight, uniform, shift, chance, mean;
};
struct PromptWait {
    std::vector<TtftPart> parts;   // filled on request
    double mean = 0;               // TTFT without waiting for a slot
    double service_cv2 = 0;        // squared variation of the seconds a prompt costs
    double behind = 0;             // prompts still to be done, above average, when the own decode begins
};
/// Several prompts per step (D (1 + c_S) < 1): arrivals see time averages, a prompt joins the step after the one it lands
/// in together with all who landed there; what full steps leave over is a random walk. One prompt fills steps: a queue
/// with the decode steps as vacations (Pollaczek and Khinchine). `burstiness`: ca2 of the gaps.
[[nodiscard]] PromptWait prompt_wait(const Replica& replica, const LoadedRound& round, double rate,
                                     double burstiness, bool with_parts);

struct OpenLoopAnswer {
    double capacity = 0;   // Xs, requests/s that all slots deliver
    bool stable = false;
    double decodes = 0;   // E[B]
    double decodes_variance = 0;
    double ttft = 0, tpot = 0;   // means, seconds
    double waits = 0;            // P(wait for a slot or memory)
    double slot_wait = 0;        // mean wait of those
    LoadedRound round;           // at E[B]
    PromptWait prompts;
    double slope = 0;   // dL/dB
    double base = 0;    // seconds per decode step without what was left behind
    double prefill_share = 0;
};
/// Number in decode as a birth-death process: nu(B) = B/T(B), T = S L + what was left behind, stretched by the busy
/// period; beyond the slots only answers admit requests (closed loop of all slots, Xs). Unstable when rate >= Xs or
/// prompts alone fill all time. Poisson, load 0.1 to 0.85: TPOT 0.6 %, TTFT 0.5 % median against simulation.
[[nodiscard]] OpenLoopAnswer open_loop(const Replica& replica, double rate, double burstiness,
                                       bool percentiles);

/// Outputs of fewer tokens than this are mostly the prompts they meet.
inline constexpr double few_tokens = 16;
inline constexpr std::string_view few_tokens_doubt =
    "half of the outputs are a few tokens: their time is that of the prompts they meet";

/// Why the percentiles of an answer are not to be relied on; empty: they are within their tested range. Requests that
/// often wait for a slot, loads beyond 0.95, outputs of a few tokens (`median_output`), prompts that outgrow their rank.
[[nodiscard]] std::string_view doubt(const Replica& replica, const OpenLoopAnswer& answer, double rate,
                                     double median_output);

[[nodiscard]] Latency open_ttft(const OpenLoopAnswer& answer);
/// Per output length a lognormal: mean (base + ex(k)/k)/y; variance of the number in decode over the own stay, of the
/// prompts met, of what was left behind. Chunked prefill: no token takes longer than 1.05 full steps.
[[nodiscard]] Latency open_tpot(const Replica& replica, const OpenLoopAnswer& answer, double rate,
                                double burstiness);

/// E2E = TTFT + (O - 1) TPOT as a lognormal for each output length, from the spreads of both.
[[nodiscard]] Latency end_to_end(const Length& output, const Latency& ttft, const Latency& tpot);

}   // namespace moecost
