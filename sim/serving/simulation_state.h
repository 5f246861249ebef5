// SPDX-License-Identifier: Apache-2.0
// What an event simulation holds of each request and of each attention rank.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <queue>
#include <vector>

namespace moecost {

inline constexpr std::uint32_t no_request = ~std::uint32_t{0};

/// A request inside the system; its slot is used again once it is answered.
struct Request {
    double arrival = 0, first = -1;
    double input = 1, output = 1;
    double prompt = 1;   // tokens to hold before it decodes: input, after a preemption the output so far too
    double todo = 0;     // of them to compute
    double prior = 0;    // of them computed or cached
    double generated = 1;                // output tokens when it begins to decode
    double number = 0;                   // in order of arrival
    std::int64_t begins = 0, ends = 0;   // decode steps
    double reserved = 0;
    std::uint32_t admission = 0;   // raised whenever it enters or leaves decode: older records are void
    bool waited = false, admitted = false, decoding = false;
    double admitted_at = 0;
};

/// A decode that ends with a step.
struct Finish {
    std::int64_t step;
    std::uint32_t request;
    std::uint32_t admission;
    bool operator>(const Finish& o) const { return step != o.step ? step > o.step : request > o.request; }
};
struct Admitted {
    std::uint32_t request;
    std::uint32_t admission;
};

/// One attention rank: its queue and what runs.
struct Rank {
    std::deque<std::uint32_t> waiting;
    std::priority_queue<Finish, std::vector<Finish>, std::greater<>> finishes;
    std::vector<Admitted> admitted;      // in order, for preemption; void entries stay until they are met
    std::uint32_t prompt = no_request;   // admitted, not finished
    double running = 0, decodes = 0, contexts = 0;
    double held =
        0;   // cache tokens promised (reserve) or of prompts (grow; contexts of decodes come on top)
    double blocked_at = -1;            // last time its queue found no slot or cache
    std::int64_t preempted_at = -1;    // decode step behind which somebody lost its cache
    double tokens = 0, attended = 0;   // prompts of the current step
    std::vector<std::uint32_t> finished;
};

}   // namespace moecost
