// SPDX-License-Identifier: Apache-2.0
// What an engine whose cache grows does when requests queue for it: it admits a prompt as soon as the prompt alone fits,
// and takes the latest out again when the answers outgrow the memory.
#pragma once

#include "moecost/serving/replica.h"

namespace moecost {

/// Requests of a full engine come back r times each, to compute their prompt and their answer so far once more.
struct Preemption {
    double per_request = 0;   // r
    double prompt = 0;        // h, tokens of a prompt that comes back: E[I] + g
};

/// Requests stand in one line, by arrival: those below a border run. An answer that ends frees I + O tokens and moves the
/// border up by 1 + r places, what the others grow meanwhile (O tokens, by conservation) moves it down by r:
///   r = E[O]/h,  h = E[I] + g
/// g, the answer so far of one at the border, is what it gained between crossings of that walk (jumps 1 + r, drift r, so that the
/// line moves by one for each answer): a stay of tau answers, 1 + r of them on average before the last time out,
///   g = E[O] (1 + r) tau/K,  tau = 1/(x q),  1 - e^-x = q x,  q = r/(1 + r)       K = M/context requests run
/// A border moves no further than the engine is large: 1/g -> 1/g + 1/(z E[O]), z = 0.24 (1 + E[O]/E[I])^(-1/4); outputs
/// spread by less than a quarter stay in the company they came in, which leaves together: K -> K min(1, 16 c2_O).
/// Several answers in a step free memory before the growth of the step is missed, N ~ Poisson(s), s = K/S in a step:
///   r -> r E[max(s O - N (I + O), 0)]/(s O)
/// The law r = O/h and tau are derived; 0.24, 1/4 and 16 were read off 70 runs of the event simulator (K 8 to 512, O/I 1/4
/// to 16, five laws of lengths, steps of one second): r within 9 % in the median. Nothing where the whole answer or a
/// share of it is promised at admission, or where memory has no end.
[[nodiscard]] Preemption preemption(const Replica& replica);

/// How much of the time memory, not slots or requests, limits a rank with at most n of them:
///   P(n sequences outgrow M) = Phi((n context - M)/sqrt(n v)),  v the variance of one resident context.
[[nodiscard]] double memory_pressure(const Replica& replica, double requests_of_rank);

/// The replica whose prompts are those that an answer lets in together: the prompt of one new request and those of r that
/// come back, P + r h tokens for each answer.
[[nodiscard]] Replica with_company(const Replica& replica, const Preemption& preempted);

/// Time that a request spends outside after it was taken out, over the time 1/X between two answers: from below the
/// border it is half a jump and half a place to go, at one place for an answer; those that came in company wait for it to
/// leave. With w = min(1, 16 c2_O):
///   w r (1 + r/2) + (1 - w) 0.17 r K        0.17 read off the same runs
[[nodiscard]] double answers_waited(const Replica& replica, const Preemption& preempted);

}   // namespace moecost
