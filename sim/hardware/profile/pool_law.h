// SPDX-License-Identifier: Apache-2.0
// What a served engine takes of its kernels where experts are spread by an all-to-all, and where a pool runs one phase
// alone. Fitted to published runs of two pools (hwmodels/pools.toml); profiles are fitted to one pool.
#pragma once

#include <string_view>

#include "moecost/base/quantity.h"

namespace moecost {

class DataStore;

/// Experts behind an all-to-all.
struct WideLaw {
    double experts = 1;      // time of routed experts over the kernel on the rows of its own rank
    double all_to_all = 1;   // time of dispatch and combine over the kernels alone
    double balance = 0;      // share of the spread of expert popularity that a load balancer takes away
    double straggler = 1;    // slowest rank over the mean where two half batches overlap
};

/// A pool that runs prompts alone or decode alone. Time of a step = step (kernels) + host, with `experts` in place of
/// `step` for routed experts that no all-to-all feeds.
struct PhaseLaw {
    double step = 1;
    double experts = 1;
    double mxfp4 = 1;            // of routed experts in MXFP4 besides, where the tensor cores multiply it
    double prompts = 1;          // of a step of prompts besides: in place of prefill_factor of the profile
    double lone_prompt = 1;      // the same of the steps of one request on its own
    Seconds across_domains;      // of each all-reduce that leaves the scale-up domain, besides its law
    double prompts_across = 1;   // of a step of prompts whose all-reduce leaves the domain, besides
    Seconds first_token;         // front end, routing to a worker of each pool, handover
    double burst_rounds =
        0;   // rounds of answers that the requests which start a run together stay together for
    double link_share = 1;   // of the link speed that the transfer of a cache gets
};

struct PoolLaw {
    WideLaw wide;
    PhaseLaw alone;
};

/// hwmodels/pools.toml: the values of an engine, those of `any` where it has none of its own.
[[nodiscard]] PoolLaw load_pool_law(const DataStore& data, std::string_view engine);

}   // namespace moecost
