// SPDX-License-Identifier: Apache-2.0
#include "moecost/hardware/profile/pool_law.h"

#include <string>

#include "moecost/base/data.h"

namespace moecost {
namespace {

constexpr Range factor{0.01, 100};

/// Reads onto what stands there already: an engine states what is its own.
void read_onto(PoolLaw& law, const Reader& r) {
    r.allow_only({"source", "experts_wide", "all_to_all", "balance", "straggler", "step", "experts",
                  "experts_mxfp4", "prompts", "lone_prompt", "across_domains_us", "prompts_across",
                  "first_token_ms", "burst_rounds", "link_share"});
    const auto number = [&](std::string_view key, double& value, Range range) {
        if (r.has(key)) value = r.number(key, range);
    };
    const auto seconds = [&](std::string_view key, Seconds& value, double unit) {
        if (r.has(key)) value = Seconds{r.number(key, {0, 1e6}) * unit};
    };
    number("experts_wide", law.wide.experts, factor);
    number("all_to_all", law.wide.all_to_all, factor);
    number("balance", law.wide.balance, {0, 0.99});
    number("straggler", law.wide.straggler, factor);
    number("step", law.alone.step, factor);
    number("experts", law.alone.experts, factor);
    number("experts_mxfp4", law.alone.mxfp4, factor);
    number("prompts", law.alone.prompts, factor);
    number("lone_prompt", law.alone.lone_prompt, factor);
    number("prompts_across", law.alone.prompts_across, factor);
    number("burst_rounds", law.alone.burst_rounds, {0, 100});
    number("link_share", law.alone.link_share, {0.01, 1});
    seconds("across_domains_us", law.alone.across_domains, 1e-6);
    seconds("first_token_ms", law.alone.first_token, 1e-3);
}

}   // namespace

PoolLaw load_pool_law(const DataStore& data, std::string_view engine) {
    const Document document = data.open("hwmodels", "pools", "table of pools");
    const Reader r(document);
    PoolLaw law;
    for (const std::string& key : r.keys()) {
        if (key == "any") read_onto(law, r.table(key));
    }
    if (r.has(engine) && engine != "schema" && engine != "date") read_onto(law, r.table(engine));
    return law;
}

}   // namespace moecost
