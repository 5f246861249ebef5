// SPDX-License-Identifier: Apache-2.0
// Closed forms of loads that keep a replica full: N requests in flight, a burst, equal lengths in step.
#pragma once

#include <vector>

#include "moecost/serving/latency.h"
#include "moecost/serving/replica.h"

namespace moecost {

/// N requests always in flight, independent random lengths, no think time.
struct SteadyLoop {
    double running = 0;          // R = min(N, capacity)
    double decodes = 0;          // B, mean sequences in decode
    double rate = 0;             // X, requests/s
    double ttft = 0, tpot = 0;   // means, seconds
    double queued = 0;           // of ttft: N/X less what a request spends with the engine
    double preemptions = 0;      // of a request, where cache grows and memory binds
    double round = 0;            // L: mean time of a decode step with the prompts it meets
    double prompt_cost = 0;      // T_p: seconds one prompt costs everybody
    double arrivals = 0;         // a_1: prompts of others per decode step
    double backlog = 0;          // W in full steps, and what it was before the prefill-bound correction
    double backlog_free = 0;
    double backlogged = 0;   // P(W > 0)
    double load = 0;         // rho
    AtDecodes at;
};
/// R = min(N, capacity); start B = R, s_w = 1; 12 rounds of
///   a = R/(S + s_w) mixed, R/S prefill first;  a_1 = a (R - 1)/R;  f = share(a);  x = min(a P/f, C')
///   T_p = f/a (tp(B, x) - td) or f/a tp(0, x);  L = td + a_1 T_p
///   mixed: rho = a_1 D;  W = finite_queue(rho, R, c2_O) D (1 + c2_I) where D >= 1, else spitzer(rho, a_1 D^2 (1 + c2_I))
///          over = max(D (1 + a_1/2) - 1, 0) where D < 1;  s_w -> max(W + s_1 + over, R D - S)
///   TTFT = W tC + mean of own_time(B, n, mu), mu = 0 if mixed and D >= 1, else min(a_1, 60)
///   cycle = TTFT + S L;  B -> (B + R S L/cycle)/2
/// X = R/cycle, TPOT = L/y. Where cache grows and memory binds, r prompts of h come back for each answer (preemption.h), all
/// of them together with that of a new request:
///   P -> P + r h;  cycle = (1 + r) TTFT + S L;  R = (M - h/2)/(b context + (1 - b) h), b = S L/cycle;  TPOT more by the time outside.
/// Against simulation, N = 2 to 512: X 0.4 %, TPOT 0.4 %, TTFT 0.4 % median.
[[nodiscard]] SteadyLoop steady_loop(const Replica& replica, double requests);
/// X with more requests than the engine can hold, and how often each of them is taken out again.
[[nodiscard]] double full_rate(const Replica& replica);
[[nodiscard]] double full_preemptions(const Replica& replica);
/// Equal lengths started together stay in step for ever. Prefill first: exact. X within 2 %, TTFT within 25 %.
[[nodiscard]] SteadyLoop loop_in_step(const Replica& replica, double requests);

/// First-token times of n requests at once on an idle replica (n <= capacity), ascending, in equal shares of requests.
[[nodiscard]] std::vector<double> burst_times(const Replica& replica, double requests);

/// Times of a steady loop (not in step) as distributions; TPOT: lognormal over the prompts met,
///   variance a_1 T_p^2 (psi + c2_I)/k for k decode steps, psi = min(1, 1.13 c_O): a slot of length spread c_O sends
///   its prompts that regularly.
[[nodiscard]] Latency loop_ttft(const Replica& replica, const SteadyLoop& loop);
[[nodiscard]] Latency loop_tpot(const Replica& replica, const SteadyLoop& loop);

}   // namespace moecost
