// SPDX-License-Identifier: Apache-2.0
// N requests always in the system under continuous batching: the mixture cycle.
#pragma once

#include <limits>

#include "moecost/serving/serving.h"

namespace moecost {

/// Everything the loop needs besides the load; built by serve().
struct ServingInput {
    StepTimer& timer;
    const ServingConstants& scalars;
    const EngineSettings& engine;
    const Layout& layout;
    const Traffic& traffic;
    double capacity;                                                 // sequences that fit
    double cache_tokens = std::numeric_limits<double>::infinity();   // of a rank
};
[[nodiscard]] ServingInput serving_input(StepTimer& timer, const ServingConstants& scalars,
                                         const EngineSettings& engine, const Layout& layout,
                                         const MemoryPlan& memory, const Traffic& traffic);

/// A step without prompts, checks of drafts included: verification() times the step, and the host for each sequence.
[[nodiscard]] StepTime decode_time(const ServingInput& in, const StepShape& shape);
/// A step with prompts; its decodes as above.
[[nodiscard]] StepTime prompt_time(const ServingInput& in, const StepShape& shape);

/// R = min(N, capacity) run. A cycle of one slot is its decode steps and the prompt work of all running slots:
///   S = O/y                                      decode steps of a request, y tokens per step (1 without drafting)
///   a = R_d/S                                    requests that enter per step
///   phi = max((1 - e^-akm)/m, min(a I/C, most))  share of the steps that carry prompts, C chunk of all ranks, m steps
///                                                between two of them (attention data parallelism; else 1): ranks step
///                                                together, so one rank's prompt makes it a prompt step of all, as long
///                                                as its busiest rank (prompt_ranks). A prompt stays on its rank: k
///                                                pieces, one in a step (k = 1 without such ranks); k (1 - e^-a) where
///                                                decodes wait for prompts and m = 1
///   x = min(a I/phi, C)                          prompt tokens in such a step
///   ex = pre (t(R_p, x) - min(1, S x/(R I)) t(R_d, 0)) mixed;  pre t(0, x) separate
///        R_p = min(R_d, S x/I): a step that is full of prompts brings no more sequences than it can; where a cycle has
///        more prompt steps R I/x than decode steps, those beyond are whole
///   T_p = ex I/x                                 seconds one prompt costs everybody
///   cycle = (S + A) t_d + R T_p                  A: steps between two polls for requests
///   TTFT = a lone + t_0 + (m/2 + k) t_d + kappa (R - 1) T_p/2 + A t_d     k: steps scheduled ahead
///        kappa = q + N/run: of `run` requests the first N start together, and wait for half of each other's prompts
///   TPOT = max((cycle - TTFT)/(O - 1), t_d/y)        no token comes faster than a decode step
///   R_d <- R (O - 1) TPOT/cycle                  Little's law, to the fixed point
///   TTFT += (N - R)/R cycle                      waiting for memory or a slot
///   X = N/(TTFT + (O - 1) TPOT)
/// A cycle is never shorter than the FLOP of its requests at datasheet peak. O = 1 decodes nothing: prompts follow one
/// another, TTFT = R T_p + t_0.
/// lone: the steps of the prompt in chunks of c, the chunk of one rank and stage: the first crosses all pp stages, each
/// further one follows a stage behind. Nobody holds a lone prompt back: m is 1 there, by 1/R. The chunk is of one prompt; of all R prompts where equal lengths keep up to
/// lockstep_requests in step. Where prompts stall decodes, equal lengths queue together in every round: kappa = queue_in_step.
/// Requests beyond the capacity of an engine whose cache grows: of each, r (preemption.h) come back with a prompt of h:
///   T_p of a prompt of I + r h tokens, and TPOT more by answers_waited/X/(O - 1), out of the wait for memory.
/// `run`: requests in all; 0: without end. `backlog`: more requests wait however many run (an endless queue). Errors on published points: results/accuracy.
[[nodiscard]] Serving closed_loop(const ServingInput& in, double requests, double run = 0,
                                  bool backlog = false);

/// `lone` of above: seconds of a prompt that meets no other, beside so many decodes.
[[nodiscard]] Seconds lone_prompt(const ServingInput& in, double decoding);

}   // namespace moecost
