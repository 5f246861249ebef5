// SPDX-License-Identifier: Apache-2.0
// Event simulation of one engine instance: every request and every step, by the rules of the scheduler room.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "moecost/serving/latency.h"
#include "moecost/serving/scheduler.h"
#include "moecost/serving/step_table.h"
#include "moecost/traffic/lengths.h"
#include "moecost/traffic/load.h"

namespace moecost {

/// Where requests come from: `next` fills in one and says whether there was one. Arrivals ascend. With `in_flight`
/// above 0 arrivals are ignored: so many requests are there at the start, and each answer brings the next.
struct RequestSource {
    std::function<bool(TracedRequest&)> next;
    double in_flight = 0;
};
/// Independent lengths and gaps by their laws; endless. `prefix_hit_rate` of each prompt is cached.
/// Open loops, closed loops, offline queues, bursts and replays; the other loads have no requests to simulate.
[[nodiscard]] RequestSource request_source(const Load& load, const Lengths& lengths, double prefix_hit_rate,
                                           std::uint64_t seed);

struct SimulationSettings {
    double warm_up = 0;        // requests that run first and count for nothing
    double requests = 1e18;    // that count; the source may end before
    double front_end = 0;      // seconds added to every first token: tokeniser, network
    Slo slo;                   // per request, for the goodput
    int timeline_points = 0;   // at most; 0: none. The spacing doubles whenever they run out.
    std::function<void(double done)> progress{};   // told requests done, every 1024
};

/// State over an interval that ends at `time_s`: means of what runs and waits, work done.
struct TimelinePoint {
    double time_s = 0;
    double waiting = 0;
    double decoding = 0;
    double cache_tokens = 0;
    double arrivals_per_s = 0;
    double input_tokens_per_s = 0;
    double output_tokens_per_s = 0;
};

struct Simulation {
    double requests = 0;   // that count
    Seconds duration;   // from the last warm-up answer (or the first arrival) to the last answer that counts
    PerSecond requests_per_s;
    TokensPerSecond output_tokens_per_s;
    TokensPerSecond input_tokens_per_s;
    Latency ttft, tpot, e2e;         // tpot: of requests with more than one output token
    Seconds wait;                    // mean time until a request is admitted
    double waited = 0;               // share of requests that found no slot or no memory
    double decoding = 0;             // mean over time of sequences in decode
    double in_system = 0;            // mean over time of requests between arrival and answer
    double running = 0;              // of them let into the engine
    double busy_share = 0;           // of the time that anything is in the system
    double prefill_share = 0;        // of the busy time that prompts took
    double prompt_steps_share = 0;   // of the steps that carry prompts
    double prompt_tokens = 0;        // mean of such a step
    double preemptions = 0;          // per request
    double computed_again = 0;       // mean tokens of the prompt of one that comes back
    double goodput_share = 1;        // of requests that meet both objectives
    double refused = 0;              // requests that no empty engine could hold
    double beyond_context =
        0;   // of a trace, longer than the positions of the model: left out before it began
    double steps = 0;
    long evaluations = 0;   // of the real step law
    std::vector<TimelinePoint> timeline;
};

/// One event per step; runs of steps without prompts are one event (same results). A step:
///   1 arrivals up to now join the queue of the rank with the fewest requests;
///   2 each rank takes prompts, first come first served, up to prompt_budget, while slots and cache allow; a prompt
///     that does not finish blocks the next; prompt_interval holds prompts back while anybody decodes;
///   3 time advances by t of the busiest rank times the ranks; prefill-first steps with prompts decode nothing;
///   4 finished answers leave (in a closed loop their successors arrive), finished prompts have their first token;
///   5 growing cache beyond M preempts the latest admitted: its prompt and output so far become its prompt. The next
///     step lets nobody in (vLLM admits only where nothing was preempted).
/// Deterministic. TTFT = first token - arrival, TPOT = (answer - first token)/(O - 1).
[[nodiscard]] Simulation simulate(const SchedulerRules& rules, StepTable& steps, RequestSource source,
                                  const SimulationSettings& settings);

}   // namespace moecost
