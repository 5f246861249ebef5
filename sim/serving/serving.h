// SPDX-License-Identifier: Apache-2.0
// Requests through steps: what one instance delivers under a load.
#pragma once

#include <string_view>

#include "moecost/base/expected.h"
#include "moecost/hardware/profile/profile.h"
#include "moecost/serving/memory.h"
#include "moecost/timing/step_time.h"
#include "moecost/traffic/traffic.h"

namespace moecost {

class StepTimer;

/// Definitions: TTFT is client-side, from sending a request to its first token, queueing included; TPOT is
/// (E2E - TTFT)/(output tokens - 1). All times are means.
struct Serving {
    PerSecond requests_per_s;
    TokensPerSecond output_tokens_per_s;
    TokensPerSecond input_tokens_per_s;
    Seconds tpot;
    Seconds ttft;
    Seconds ttft_queue;   // of it: waiting for memory or a slot
    Seconds e2e;
    double running = 0;         // sequences inside the engine
    double decoding = 0;        // of them in decode
    double busy_share = 1;      // of the time that anything runs at all
    double prefill_share = 0;   // of busy GPU time that goes to prompts
    StepShape decode_step;      // the step that carries no prompts
    StepShape prompt_step;      // the step that does; no prefill tokens: there is none
    StepTime decode_time;
    StepTime prompt_time;             // before prefill_factor
    double prefill_steps_share = 0;   // of the steps that carry prompts
    Provenance provenance = Provenance::calibrated;
    std::string_view
        doubt{};   // why the closed form is not to be relied on here; empty: it is in its tested range
};

/// The load of the traffic on one instance. Infeasible when a rate exceeds the capacity or a batch does not fit.
[[nodiscard]] Expected<Serving> serve(StepTimer& timer, const ServingConstants& scalars,
                                      const EngineSettings& engine, const Layout& layout,
                                      const MemoryPlan& memory, const Traffic& traffic);

}   // namespace moecost
