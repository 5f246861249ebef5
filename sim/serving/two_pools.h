// SPDX-License-Identifier: Apache-2.0
// Prefill and decode apart: a pool of workers computes prompts, hands their cache over, another pool decodes.
#pragma once

#include <functional>
#include <string_view>

#include "moecost/serving/latency.h"
#include "moecost/traffic/length_presets.h"
#include "moecost/traffic/load.h"

namespace moecost {

/// Equal workers that compute prompts, behind one queue. Seconds are those of one worker.
struct PromptPool {
    double workers = 1;        // u
    double tokens = 1;         // P, of a mean prompt, those that no cache holds
    double side_by_side = 1;   // prompts that a worker computes at once without one waiting for another
    double full_prompts = 1;   // prompts of a full step; below 1 where a prompt takes several
    std::function<double(double)> step;   // of a step with this many prompt tokens, up to those of a full one
    std::function<double(double, double)>
        lone;          // of this many prompts of this many tokens at once, idle worker
    double full = 0;   // of a full step
    /// s: seconds per prompt of the whole pool, every step full.
    [[nodiscard]] double per_prompt() const { return full / (workers * full_prompts); }
};
/// Equal workers that decode, requests dealt out evenly.
struct DecodePool {
    double workers = 1;                   // v
    double slots = 1;                     // sequences that fit a worker
    double steps = 1;                     // S = (O - 1)/y decode steps of a request, y tokens each
    double cv2 = 0;                       // squared variation of S over requests
    std::function<double(double)> step;   // seconds of a step with this many sequences on a worker
};
/// From one pool to the other.
struct Handover {
    double constant = 0;     // seconds before the first token: front end, routing
    double transfer = 0;     // of the cache of a prompt, its rank's link alone
    double hidden = 0;       // share of it that may hide behind the prompt's own steps
    double per_prompt = 0;   // seconds per prompt of all links together
    double burst_rounds = 0;
    /// What a request waits for: transfer - min(hidden transfer, own prompt).
    [[nodiscard]] double exposed(double own) const {
        return transfer - (hidden * transfer < own ? hidden * transfer : own);
    }
};
struct TwoPools {
    PromptPool prompts;
    DecodePool decode;
    Handover handover;
};

/// What binds: the pool or the links with the largest share of its capacity in use, the slots of the decode pool, or the
/// requests in flight where nothing is busier than half.
enum class PoolLimit { requests, prefill, decode, transfer };
[[nodiscard]] std::string_view name_of(PoolLimit limit);

struct TwoPoolsAnswer {
    double rate = 0;                    // X, requests/s
    double ttft = 0, decode_time = 0;   // means, seconds; decode_time = S td, from first to last token
    double own = 0;                     // of ttft: steps of the own prompt
    double alone = 0, shared = 0;       // of own: of a prompt that met an idle worker, of one that waited
    double residual = 0;                // of wait: mean rest of the step that was under way
    double wait = 0;                    // of ttft: queue before prefill
    double slot_wait = 0;               // of ttft: for a slot of the decode pool
    double burst = 0;                   // of ttft: start of a run of finite length
    double waits = 0;                   // P(wait > 0)
    double slot_waits = 0;              // P(slot_wait > 0)
    double decodes = 0;                 // B, sequences of a decode worker
    double decodes_variance = 0;
    double step = 0;                                                           // td at B
    double prefill_capacity = 0, decode_capacity = 0, transfer_capacity = 0;   // requests/s
    bool stable = true;   // of a rate: below the capacity of both pools and the links
    [[nodiscard]] double capacity() const;
    [[nodiscard]] PoolLimit limit() const;
};
/// A pool that computes or hands over nothing, or decodes nothing: its capacity.
inline constexpr double no_limit = 1e300;

/// The capacities alone.
[[nodiscard]] TwoPoolsAnswer capacities_apart(const TwoPools& pools);

/// N requests always in flight. With s = per_prompt(), b = B, td = step(b):
///   T0 = constant + own + exposed;   Z = T0 + S td;   X = N/(Z + W);   rho = X s
///   W <- (W + max(s (rho/2 + X W (N - 1)/N), N max(s, s_x) - Z))/2;   v B <- (v B + min(N, X S td))/2
/// own: lone steps of min(N/u, side_by_side) prompts. s_x: per_prompt of the links. B never exceeds the slots; what that
/// costs is slot_wait. A run of n requests that starts with N at once keeps them together for some rounds:
///   TTFT += min(1, burst_rounds N/n) N s/2,   nothing in an endless run (n = 0).
/// Start burst, finite-source queue and prefill rate took the error of published runs from 16 to 12 % (2026-11).
[[nodiscard]] TwoPoolsAnswer closed_loop_apart(const TwoPools& pools, double requests, double of_run = 0);

/// Requests arrive at a rate, with ca2 = burstiness of their gaps. Prompts: u servers with one queue,
///   full_prompts < 2:  W = ErlangC(u, u rho) s/(1 - rho) (ca2 + c2)/2,  rho = lambda s
///   else batches: m = min(lambda tb/u, full_prompts), tb = step(max(m, 1) P);  pw = ErlangC(u, u min(lambda tb/(max(m, 1) u), .98))
///     W = pw tb/(2 u) + spitzer(rho, rho D (1 + c2) ca2/u) tC,  rho = lambda s,  D = 1/full_prompts
///     own = (1 - pw) t1 + pw step(min(1 + m, full_prompts) P)
/// Decode: birth and death of the n requests of the pool, each worker with n/v of them,
///   nu(n) = n/((S + 1/2) td(n/v)) below the v slots c, where the half step is the wait for the next one;  nu(c) and
///   beyond: X_d = v c/(S td(c)), the capacity of the pool: the next one comes in as one leaves.
/// A slot is waited for with the chance of n >= c v, a mean of noise/(X_d - lambda), as one pool waits for one (open_loop.h):
///   pi(n)^(1/((ca2 + 1)/2)), its tail geometric of ratio (lambda/X_d)^(1/noise);  noise = (ca2 + cs)/2,
///   cs = c2_O + (1 - c2_O)/(1 + 1/((X_d - lambda) T)),  T = S td(c)
/// ca2 there is that of what prefill lets through: 1 + (1 - rho^2)(ca2 - 1) + rho^2 (c2 - 1)/sqrt(u) (Whitt 1983).
/// The wait is part of TTFT: a client of vLLM's NIXL connector (the decode worker computes the last prompt token), SGLang
/// (the decode worker allocates before the transfer) and TensorRT-LLM (first_gen_tokens go on to the generation server)
/// sees its first token when the decode worker has the request.
/// Against simulation (45 cases, loads 0.4 to 0.9): TTFT within 9 % for one prefill worker, 22 % for two; TPOT 2 %.
[[nodiscard]] TwoPoolsAnswer open_loop_apart(const TwoPools& pools, double rate, double burstiness,
                                             double prompt_cv2);

/// An endless queue: the least of the capacities; B follows.
[[nodiscard]] TwoPoolsAnswer offline_apart(const TwoPools& pools);

/// Why the percentiles of a rate are not to be relied on, as doubt() of open_loop.h; empty: they are within their tested
/// range.
[[nodiscard]] std::string_view doubt_apart(const TwoPoolsAnswer& answer);

/// Distributions behind the means. TTFT: the own prompt by its length, alone, or with chance `waits` shared and behind the
/// rest of a step (uniform) and an exponential wait; with chance `slot_waits` another one for a slot (in a loop both waits
/// are those of a queue of constant length, the same for all); and in a run of finite
/// length a first wave spread evenly over N s. TPOT: lognormal over the number in decode,
/// variance (dtd/dB)^2 Var B 2/3.
struct TwoPoolsLatency {
    Latency ttft, tpot, e2e;
};
[[nodiscard]] TwoPoolsLatency latency_apart(const TwoPools& pools, const TwoPoolsAnswer& answer,
                                            const Lengths& lengths, const Load& load);

}   // namespace moecost
