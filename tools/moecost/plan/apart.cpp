// SPDX-License-Identifier: Apache-2.0
// The part of a plan where prefill and decode run apart.
#include <cmath>

#include "moecost/base/format.h"
#include "plan/plan.h"

namespace moecost::cli {
namespace {

void set_pool(const PlanQuestion& q, const PlannedPool& p, const Description& base, PoolChoices& c) {
    const Description& own = q.variants[p.variant];
    c.gpus = p.gpus();
    c.tp = p.layout.tp;
    c.pp = p.layout.pp;
    c.ep = p.layout.ep;
    c.attention_dp = p.layout.attention_dp;
    if (p.layout.all_to_all()) c.exchange = name_of(p.layout.exchange);
    if (own.gpu != base.gpu) c.gpu = own.gpu;
    if (own.cluster != base.cluster) c.cluster = own.cluster;
    if (own.weights != base.weights) c.weights = own.weights.empty() ? "auto" : own.weights;
    if (own.expert_weights != base.expert_weights)
        c.expert_weights = own.expert_weights.empty() ? "auto" : own.expert_weights;
    if (c.pp == 1) c.pp.reset();
    if (c.ep == 1) c.ep.reset();
    if (c.attention_dp == 1) c.attention_dp.reset();
}

}   // namespace

Description description_of(const PlanQuestion& q, const PlannedPools& p) {
    Description d = q.variants[p.decode.variant];
    const Description base = d;
    d.tp = d.pp = d.ep = d.attention_dp = std::nullopt;
    d.replicas.reset();
    d.chunk.reset();
    set_pool(q, p.prefill, base, d.prefill);
    set_pool(q, p.decode, base, d.decode);
    d.prefill.chunk = q.variants[p.prefill.variant].chunk;
    return d;
}

std::string deployment_name(const PlanQuestion& q, const PlannedPools& p) {
    const auto gpu = [&](const PlannedPool& pool) {
        std::string id =
            q.space.machines[q.space.variants[pool.variant].machine].scenario.pool().cluster.gpu.id;
        return is_marked(q, pool.variant) ? id.append("*") : id;
    };
    std::string s = std::to_string(p.prefill.gpus());
    if (gpu(p.prefill) != gpu(p.decode)) s.append(" x ").append(gpu(p.prefill));
    s.append(" + ").append(std::to_string(p.decode.gpus())).append(" x ").append(gpu(p.decode));
    return s.append(" = ").append(pools_name(scenario_of(q.space, p)));
}

std::string other_pools(const PlanQuestion& q, const PlanResult& r) {
    if (!r.apart || !r.best) return {};
    const double apart = r.apart->planned.usd_per_hour;   // of the whole deployment
    if (!(apart > 0) || !(apart < r.best->planned.usd_per_hour)) return {};
    std::string s("cheaper, prefill and decode apart (below): ");
    return s.append(deployment_name(q, r.apart->planned))
        .append(", ")
        .append(money(apart))
        .append(" per hour");
}

std::string apart_text(const PlanQuestion& q, const PlanResult& r, const Style& style) {
    const std::size_t width = style.width;
    if (r.near_apart) return near_apart_text(q, *r.near_apart, style);
    if (!r.apart && r.answer.miss == PlanMiss::price)
        return "  pairs are compared by cost: no price is known\n";
    if (!r.apart)
        return std::string("  no pair of pools carries this load, with at most ")
            .append(grouped(most_pool_workers))
            .append(" workers each\n");
    const ApartAnswer& a = *r.apart;
    std::string s("  ");
    s.append(deployment_name(q, a.planned)).append("\n  ");
    if (a.planned.usd_per_hour > 0) s.append(money(a.planned.usd_per_hour)).append(" per hour");
    if (r.best && r.best->planned.usd_per_hour > 0) {
        const double gain = a.planned.usd_per_hour / r.best->planned.usd_per_hour - 1;
        s.append(", ").append(percent(std::abs(gain))).append(gain < 0 ? " less than" : " more than");
        s.append(" the one pool above");
    }
    s.append("\n");
    const auto figure = [&](std::string_view key) { return shown(*figure_named(key), a.estimate.view()); };
    if (a.estimate.estimate) {
        std::string line("  TTFT ");
        line.append(figure("ttft_s")).append(", TPOT ").append(figure("tpot_s"));
        line.append("; prefill at ").append(figure("prefill_busy_share"));
        line.append(", decode at ").append(figure("decode_busy_share")).append(" of their capacity");
        s.append(line).append("\n");
    }
    s.append("  ").append(
        wrapped(std::string("chance to meet: ").append(chance_text(q, a.trust)), 4, width - 2));
    std::string command("moecost estimate ");
    command.append(options_of(a.estimate.description));
    return s.append("    ").append(wrapped(command, 8, width - 4));
}

}   // namespace moecost::cli
