// SPDX-License-Identifier: Apache-2.0
#include "moecost/plan/pools_search.h"

#include <algorithm>
#include <array>
#include <string>

#include "moecost/plan/handover.h"
#include "moecost/plan/pool_workers.h"

namespace moecost {
namespace {

constexpr int usual_budget = 64;            // GPUs, where throughput per GPU is asked for without one
constexpr std::size_t dense_workers = 12;   // of a phase, and pairs of them that are evaluated
constexpr std::size_t most_pairs = 400;
constexpr int most_attempts = 32;   // cheapest workers that turn out not to hold a percentile
constexpr int most_rounds = 64;     // of growing a pair until its objectives hold

/// What both pools of a pair have in common: drafted tokens too, since a cache is handed over with that of the module that
/// drafts.
struct Shared {
    std::string engine;
    DType cache{};
    double draft_tokens = 0;
    bool operator==(const Shared&) const = default;
};

class Search {
  public:
    Search(const PlanSpace& space, const CandidateLoop& loop) : space_(space), loop_(loop) {}

    PlannedPools answer() {
        const std::vector<Layout> layouts = layouts_of(space_.gpus, space_.fixed, space_.exchanges);
        std::vector<PhaseWorkers> prefill(space_.variants.size());
        std::vector<PhaseWorkers> decode(space_.variants.size());
        loop_(space_.variants.size(), [&](std::size_t v) {
            prefill[v] = phase_workers(space_, v, layouts, Phase::prefill);
            if (!repeats(v)) decode[v] = phase_workers(space_, v, layouts, Phase::decode);
        });
        PlannedPools best;
        std::uint64_t steps = 0;
        for (std::size_t v = 0; v < space_.variants.size(); ++v) {
            steps += prefill[v].steps + decode[v].steps;
            least_.ttft_s = std::min(least_.ttft_s, prefill[v].least_s);
            least_.tpot_s = std::min(least_.tpot_s, decode[v].least_s);
        }
        for (const Shared& s : shared()) {
            const std::vector<PoolWorker> from = all_of(s, prefill);
            const std::vector<PoolWorker> to = all_of(s, decode);
            for (const HandoverGroup& group : groups_of(from, to)) {
                PlannedPools pair = together(only(from, group, &HandoverGroup::takes_prefill),
                                             only(to, group, &HandoverGroup::takes_decode));
                if (pair.possible() && pair.score < best.score) best = pair;
            }
        }
        best.candidates = 2 * layouts.size() * space_.variants.size();
        best.evaluated = steps;
        return best;
    }

    /// The least mean time of a lone prompt and of a lone token that any worker shows.
    [[nodiscard]] Slo least() const { return least_; }

  private:
    [[nodiscard]] const PlanMachine& machine(std::size_t v) const {
        return space_.machines[space_.variants[v].machine];
    }
    [[nodiscard]] Shared of(std::size_t v) const {
        const PlanVariant& variant = space_.variants[v];
        return {machine(v).scenario.pool().profile.engine, variant.precision.kv_cache,
                variant.settings.draft_tokens};
    }
    [[nodiscard]] std::vector<Shared> shared() const {
        std::vector<Shared> list;
        for (std::size_t v = 0; v < space_.variants.size(); ++v) {
            if (std::find(list.begin(), list.end(), of(v)) == list.end()) list.push_back(of(v));
        }
        return list;
    }

    [[nodiscard]] std::vector<PoolWorker> all_of(const Shared& s,
                                                 const std::vector<PhaseWorkers>& all) const {
        std::vector<PoolWorker> list;
        for (const PhaseWorkers& of_variant : all) {
            for (const PoolWorker& w : of_variant.list)
                if (of(w.variant) == s) list.push_back(w);
        }
        return list;
    }
    static std::vector<PoolWorker> only(std::vector<PoolWorker> list, const HandoverGroup& group,
                                        bool (HandoverGroup::*takes)(const Layout&) const) {
        std::erase_if(list, [&](const PoolWorker& w) { return !(group.*takes)(w.layout); });
        return list;
    }
    /// Workers by what the engine lets them hand over.
    [[nodiscard]] std::vector<HandoverGroup> groups_of(const std::vector<PoolWorker>& prefill,
                                                       const std::vector<PoolWorker>& decode) const {
        return handover_groups(layouts(prefill), layouts(decode), [&](std::size_t p, std::size_t d) {
            return !refused(prefill[p], Role::prefill, decode[d]) &&
                   !refused(decode[d], Role::decode, prefill[p]);
        });
    }
    [[nodiscard]] bool refused(const PoolWorker& own, Role role, const PoolWorker& partner) const {
        const Scenario& s = machine(own.variant).scenario;
        const PlanVariant& variant = space_.variants[own.variant];
        const LaunchSettings settings{1.0 * own.layout.redundant_experts, variant.settings.draft_tokens, role,
                                      &partner.layout, true};
        return launch_problem(s.pool().rules, s.architecture, variant.precision, own.layout,
                              s.pool().cluster.gpu, settings)
            .has_value();
    }
    static std::vector<Layout> layouts(const std::vector<PoolWorker>& workers) {
        std::vector<Layout> list;
        for (const PoolWorker& w : workers) list.push_back(w.layout);
        return list;
    }

    /// Chunks make no difference to decode: one variant stands for all of them.
    [[nodiscard]] bool repeats(std::size_t v) const {
        const PlanVariant& a = space_.variants[v];
        return std::any_of(space_.variants.begin(), space_.variants.begin() + static_cast<std::ptrdiff_t>(v),
                           [&](const PlanVariant& b) {
                               return a.machine == b.machine && a.precision == b.precision &&
                                      a.settings.draft_tokens == b.settings.draft_tokens;
                           });
    }

    [[nodiscard]] double score(const PlannedPool& p) const {
        return space_.goal == PlanGoal::gpus ? double{1} * p.gpus() : p.usd_per_hour;
    }

    /// The cheapest pool that carries a load, of which a worker takes *each; equal: fewer GPUs.
    [[nodiscard]] PlannedPool cheapest(const std::vector<PoolWorker>& all, double load,
                                       double PoolWorker::*each) const {
        PlannedPool best;
        for (const PoolWorker& w : all) {
            if (space_.goal != PlanGoal::gpus && !(w.usd > 0)) continue;
            const double n = std::ceil(load / (w.*each) * (1 - 1e-9));
            if (n > most_pool_workers) continue;
            PlannedPool p{w.variant, w.layout, std::max(1, static_cast<int>(n)), 0};
            p.usd_per_hour = p.replicas * w.usd;
            const bool better = best.replicas == 0 || score(p) < score(best) ||
                                (score(p) == score(best) && p.gpus() < best.gpus());
            if (better) best = p;
        }
        return best;
    }

    /// The best pair of workers that may hand over to each other.
    [[nodiscard]] PlannedPools together(const std::vector<PoolWorker>& prefill,
                                        const std::vector<PoolWorker>& decode) const {
        if (space_.goal == PlanGoal::throughput) return most_per_gpu(prefill, decode);
        const Load& load = space_.machines.front().scenario.traffic.load;
        const double size = size_of(load).value_or(0);
        std::vector<PoolWorker> from = prefill;
        std::vector<PoolWorker> to = decode;
        for (int attempt = 0; attempt < most_attempts; ++attempt) {
            PlannedPools pair;
            if (is_rate(load)) {
                pair.prefill = cheapest(from, size, &PoolWorker::carries);
                pair.decode = cheapest(to, size, &PoolWorker::carries);
            } else {   // the decode pool holds what is in flight; prefill grows until the first token is in time
                pair.decode = cheapest(to, size, &PoolWorker::holds);
                pair.prefill = cheapest(from, 1e-9, &PoolWorker::carries);
            }
            if (!pair.possible()) return pair;
            const Grown grown = grow(pair);
            if (grown == Grown::holds) return pair;
            // No number of these workers holds the percentile: the next cheapest.
            leave_out(grown == Grown::prefill_misses ? pair.prefill : pair.decode,
                      grown == Grown::prefill_misses ? from : to);
        }
        return {};
    }

    static void leave_out(const PlannedPool& p, std::vector<PoolWorker>& list) {
        std::erase_if(list,
                      [&](const PoolWorker& w) { return w.variant == p.variant && w.layout == p.layout; });
    }

    /// The workers of one phase that carry most per GPU, within the budget.
    [[nodiscard]] std::vector<PoolWorker> densest(const std::vector<PoolWorker>& all) const {
        std::vector<PoolWorker> list;
        for (const PoolWorker& w : all)
            if (w.layout.gpus() < budget()) list.push_back(w);
        const auto density = [](const PoolWorker& w) { return w.carries / w.layout.gpus(); };
        std::stable_sort(list.begin(), list.end(),
                         [&](const PoolWorker& a, const PoolWorker& b) { return density(a) > density(b); });
        if (list.size() > dense_workers) list.erase(list.begin() + dense_workers, list.end());
        return list;
    }
    [[nodiscard]] int budget() const { return space_.max_gpus > 0 ? space_.max_gpus : usual_budget; }

    /// Output tokens/s per GPU: pairs of dense workers in every number that the budget holds, most of the lesser capacity
    /// per GPU first, until as many as are tried have been evaluated under the load.
    [[nodiscard]] PlannedPools most_per_gpu(const std::vector<PoolWorker>& prefill,
                                            const std::vector<PoolWorker>& decode) const {
        struct Tried {
            double bound;
            PlannedPools pair;
        };
        std::vector<Tried> list;
        const std::vector<PoolWorker> from = densest(prefill);
        const std::vector<PoolWorker> to = densest(decode);
        for (const PoolWorker& p : from) {
            for (const PoolWorker& d : to) {
                for (int u = 1; u * p.layout.gpus() < budget(); ++u) {
                    for (int v = 1; u * p.layout.gpus() + v * d.layout.gpus() <= budget(); ++v) {
                        PlannedPools pair;
                        pair.prefill = {p.variant, p.layout, u, 0};
                        pair.decode = {d.variant, d.layout, v, 0};
                        list.push_back(
                            {std::min(u * p.carries / space_.max_load, v * d.carries) / pair.gpus(), pair});
                    }
                }
            }
        }
        std::stable_sort(list.begin(), list.end(),
                         [](const Tried& a, const Tried& b) { return a.bound > b.bound; });
        PlannedPools best;
        for (std::size_t i = 0; i < std::min(list.size(), most_pairs); ++i) {
            PlannedPools pair = list[i].pair;
            settle(pair);
            if (space_.max_usd_per_hour > 0 && pair.usd_per_hour > space_.max_usd_per_hour) continue;
            const Expected<Estimate> e = evaluate(scenario_of(space_, pair));
            if (!e || !e->meets_slo) continue;
            const double slower =
                std::max(space_.slower_of(pair.prefill.variant), space_.slower_of(pair.decode.variant));
            pair.score = slower * pair.gpus() / e->serving.output_tokens_per_s.value();
            pair.ttft_s = e->ttft_of_slo.value() * slower;
            pair.tpot_s = e->tpot_of_slo.value() * slower;
            if (pair.score < best.score) best = pair;
        }
        return best;
    }

    static Expected<Estimate> at_rate_of(Scenario s, double slower) {
        if (auto* open = std::get_if<OpenLoop>(&s.traffic.load)) open->rate *= slower;
        return evaluate(s);
    }

    enum class Grown { holds, prefill_misses, decode_misses };

    /// More workers of the pool that misses its objective, until the pair holds, or until more of them change nothing.
    Grown grow(PlannedPools& pair) const {
        double last_ttft = HUGE_VAL;
        double last_tpot = HUGE_VAL;
        Grown misses = Grown::prefill_misses;
        for (int round = 0; round < most_rounds; ++round) {
            settle(pair);
            // A machine y times slower serves rate r as the predicted one serves y r, in times y times as long: each pool
            // by its own y.
            const double slow_prefill = space_.slower_of(pair.prefill.variant);
            const double slow_decode = space_.slower_of(pair.decode.variant);
            const Scenario s = scenario_of(space_, pair);
            const Expected<Estimate> e = at_rate_of(s, slow_prefill);
            const Expected<Estimate> of_decode = slow_decode == slow_prefill ? e : at_rate_of(s, slow_decode);
            bool more_prefill = false;
            bool more_decode = false;
            if (e && of_decode) {
                const double ttft = pair.ttft_s = e->ttft_of_slo.value() * slow_prefill;
                const double tpot = pair.tpot_s = of_decode->tpot_of_slo.value() * slow_decode;
                more_prefill = s.slo.ttft_s > 0 && ttft > s.slo.ttft_s;
                more_decode = s.slo.tpot_s > 0 && tpot > s.slo.tpot_s;
                if (!more_prefill && !more_decode) return Grown::holds;
                misses = more_prefill ? Grown::prefill_misses : Grown::decode_misses;
                if (more_prefill && ttft > 0.999 * last_ttft) return Grown::prefill_misses;
                if (more_decode && tpot > 0.999 * last_tpot) return Grown::decode_misses;
                if (more_prefill) last_ttft = ttft;
                if (more_decode) last_tpot = tpot;
            } else {
                const std::string& detail = (e ? of_decode : e).error().detail;
                more_prefill = detail.find("prefill") != std::string::npos;
                more_decode = !more_prefill;
                misses = more_prefill ? Grown::prefill_misses : Grown::decode_misses;
            }
            if (more_prefill) pair.prefill.replicas += std::max(1, pair.prefill.replicas / 16);
            if (more_decode) pair.decode.replicas += std::max(1, pair.decode.replicas / 16);
        }
        return misses;
    }

    void settle(PlannedPools& pair) const {
        for (PlannedPool* p : {&pair.prefill, &pair.decode})
            p->usd_per_hour = p->gpus() * machine(p->variant).scenario.pool().price.usd_per_gpu_hour;
        pair.usd_per_hour = pair.prefill.usd_per_hour + pair.decode.usd_per_hour;
        pair.score = score(pair.prefill) + score(pair.decode);
    }

    const PlanSpace& space_;
    const CandidateLoop& loop_;
    Slo least_{HUGE_VAL, HUGE_VAL, 0, 0};
};

bool asks_of_pools(const PlanSpace& space) {
    if (space.machines.empty() || space.variants.empty()) return false;
    const Load& load = space.machines.front().scenario.traffic.load;
    return is_rate(load) || std::holds_alternative<ClosedLoop>(load);
}

bool within_budget(const PlanSpace& space, const PlannedPools& p) {
    if (!p.possible() || (space.max_gpus > 0 && p.gpus() > space.max_gpus)) return false;
    return space.max_usd_per_hour == 0 || p.usd_per_hour <= space.max_usd_per_hour * (1 + 1e-12);
}

/// The best pair by the goal; where it breaks a budget, that of the fewest GPUs or dollars, which may not.
PlannedPools best_pair(const PlanSpace& space, const CandidateLoop& loop, Slo* least = nullptr) {
    Search search(space, loop);
    PlannedPools best = search.answer();
    if (least != nullptr) *least = search.least();
    if (!best.possible() || within_budget(space, best) || space.goal == PlanGoal::throughput) return best;
    PlanSpace other = space;
    other.goal = space.max_gpus > 0 && best.gpus() > space.max_gpus ? PlanGoal::gpus : PlanGoal::cost;
    return other.goal == space.goal ? best : Search(other, loop).answer();
}

PlanSpace without_budget(PlanSpace space) {
    if (space.max_gpus > 0) space.goal = PlanGoal::gpus;
    if (space.max_gpus == 0 && space.max_usd_per_hour > 0) space.goal = PlanGoal::cost;
    space.max_gpus = 0;
    space.max_usd_per_hour = 0;
    return space;
}

}   // namespace

PlannedPools plan_pools(const PlanSpace& space, const CandidateLoop& loop) {
    if (!asks_of_pools(space)) return {};
    PlannedPools best = best_pair(space, loop);
    if (!within_budget(space, best)) best.prefill.replicas = 0;
    return best;
}

NearestPools nearest_pools(const PlanSpace& space, const CandidateLoop& loop) {
    constexpr int most_tries = 6;
    constexpr double further = 1.25;   // percentiles lie above the means that workers are judged by
    NearestPools nearest;
    if (!asks_of_pools(space)) return nearest;
    const PlanSpace open = without_budget(space);
    nearest.pair = best_pair(open, loop, &nearest.least);
    if (nearest.pair.possible()) return nearest;
    PlanSpace looser = space;
    double room = room_over_reached;
    for (int i = 0; i < most_tries && !nearest.pair.possible(); ++i, room *= further) {
        for (std::size_t m = 0; m < space.machines.size(); ++m) {
            Slo& slo = looser.machines[m].scenario.slo;
            const Slo& asked = space.machines[m].scenario.slo;
            if (asked.ttft_s > 0) slo.ttft_s = std::max(asked.ttft_s, room * nearest.least.ttft_s);
            if (asked.tpot_s > 0) slo.tpot_s = std::max(asked.tpot_s, room * nearest.least.tpot_s);
        }
        nearest.pair = best_pair(looser, loop);
        if (within_budget(space, nearest.pair)) break;
        nearest.pair = best_pair(without_budget(looser), loop);
    }
    return nearest;
}

Scenario scenario_of(const PlanSpace& space, const PlannedPools& p) {
    Scenario s = scenario_of(space, p.decode.variant, p.decode.layout, p.decode.replicas);
    Pool prefill = scenario_of(space, p.prefill.variant, p.prefill.layout, p.prefill.replicas).pool();
    prefill.role = Role::prefill;
    s.pool().role = Role::decode;
    s.pools.insert(s.pools.begin(), std::move(prefill));
    return s;
}

}   // namespace moecost
