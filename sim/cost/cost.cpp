// SPDX-License-Identifier: Apache-2.0
#include "moecost/cost/cost.h"

#include <algorithm>

namespace moecost {
namespace {

constexpr double seconds_per_hour = 3600;
constexpr double million = 1e6;

double per_token(double dollars_per_s, double tokens_per_s) {
    return tokens_per_s > 0 ? dollars_per_s / tokens_per_s * million : 0;
}

}   // namespace

Cost cost_of(const Serving& serving, const Traffic& traffic, const CostInput& input) {
    Cost cost;
    cost.usd_per_hour = input.gpus * input.usd_per_gpu_hour;
    const double rent = cost.usd_per_hour / seconds_per_hour;   // dollars per second
    const double requests = serving.requests_per_s.value();
    const double output = serving.output_tokens_per_s.value();
    const double computed = serving.input_tokens_per_s.value() > 0 ? requests * traffic.computed_input() : 0;
    // With one kind of token only, it carries the whole rent.
    const double prompts = output <= 0 ? 1 : computed <= 0 ? 0 : serving.prefill_share;
    cost.usd_per_mtok_input = per_token(prompts * rent, computed);
    cost.usd_per_mtok_output = per_token((1 - prompts) * rent, output);
    const double parts = input.blend_input_parts;
    if (computed > 0 && output > 0)
        cost.usd_per_mtok_blended =
            (parts * cost.usd_per_mtok_input + cost.usd_per_mtok_output) / (parts + 1);
    cost.usd_per_mtok_total = per_token(rent, serving.input_tokens_per_s.value() + output);

    const Seconds read = input.cache_bytes_per_token / input.gpu->memory_bandwidth;
    const double held = input.cache_bytes_per_token / input.gpu->memory;
    const Seconds resident =
        serving.e2e - serving.ttft_queue;   // a request that waits for a slot holds nothing
    // An engine whose memory is so short that holding a token costs more than computing it would evict it.
    if (computed > 0)
        cost.usd_per_mtok_cached =
            std::min(rent * (read + resident * held).value() * million, cost.usd_per_mtok_input);

    cost.watts_per_gpu = power_of(serving, *input.gpu, input.power);
    if (output > 0) {
        cost.joules_per_output_token = JoulesPerToken{cost.watts_per_gpu.value() * input.gpus / output};
    }
    return cost;
}

}   // namespace moecost
