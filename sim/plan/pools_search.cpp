// SPDX-License-Identifier: Apache-2.0
#include "moecost/plan/pools_search.h"

#include <algorithm>
#include <array>
#include <string>

#include "moecost/estimate/pools.h"
#include "moecost/plan/handover.h"
#include "moecost/timing/calibrated_hardware.h"
#include "moecost/timing/step_timer.h"

namespace moecost {
namespace {

constexpr int most_workers = 4096;
constexpr int usual_budget = 64;            // GPUs, where throughput per GPU is asked for without one
constexpr std::size_t dense_workers = 12;   // of a phase, and pairs of them that are evaluated
constexpr std::size_t most_pairs = 400;
constexpr int most_attempts = 32;   // cheapest workers that turn out not to hold a percentile
constexpr int most_rounds = 64;     // of growing a pair until its objectives hold

/// One layout of one variant as a worker of a phase.
struct Worker {
    std::size_t variant = 0;
    Layout layout;
    double usd = 0;            // per hour
    double holds = 0;          // sequences of a decode worker within the objectives
    double carries = 0;        // requests/s within the objectives and max_load, before `slower`
    std::uint64_t steps = 0;   // evaluations of the step law
};

/// What both pools of a pair have in common: drafted tokens too, since a cache is handed over with that of the module that
/// drafts.
struct Shared {
    std::string engine;
    DType cache{};
    double draft_tokens = 0;
    bool operator==(const Shared&) const = default;
};

/// A percentile lies above the mean: the pair as a whole is judged later.
double mean_limit(double limit, double level) {
    return limit <= 0 || (level > 0 && level < 0.5) ? HUGE_VAL : limit;
}

class Search {
  public:
    Search(const PlanSpace& space, const CandidateLoop& loop) : space_(space), loop_(loop) {}

    PlannedPools answer() {
        const std::vector<Layout> layouts = layouts_of(space_.gpus, space_.fixed, space_.exchanges);
        std::vector<std::vector<Worker>> prefill(space_.variants.size());
        std::vector<std::vector<Worker>> decode(space_.variants.size());
        loop_(space_.variants.size(), [&](std::size_t v) {
            if (!repeats(v, true)) prefill[v] = workers(v, layouts, Phase::prefill);
            if (!repeats(v, false)) decode[v] = workers(v, layouts, Phase::decode);
        });
        PlannedPools best;
        for (std::size_t v = 0; v < space_.variants.size(); ++v) {
            for (const Worker& w : decode[v]) best.evaluated += w.steps;
            for (const Worker& w : prefill[v]) best.evaluated += w.steps;
        }
        const std::uint64_t steps = best.evaluated;
        for (const Shared& s : shared()) {
            const std::vector<Worker> from = all_of(s, prefill);
            const std::vector<Worker> to = all_of(s, decode);
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

    [[nodiscard]] std::vector<Worker> all_of(const Shared& s,
                                             const std::vector<std::vector<Worker>>& all) const {
        std::vector<Worker> list;
        for (const auto& of_variant : all) {
            for (const Worker& w : of_variant)
                if (of(w.variant) == s) list.push_back(w);
        }
        return list;
    }
    static std::vector<Worker> only(std::vector<Worker> list, const HandoverGroup& group,
                                    bool (HandoverGroup::*takes)(const Layout&) const) {
        std::erase_if(list, [&](const Worker& w) { return !(group.*takes)(w.layout); });
        return list;
    }
    /// Workers by what the engine lets them hand over.
    [[nodiscard]] std::vector<HandoverGroup> groups_of(const std::vector<Worker>& prefill,
                                                       const std::vector<Worker>& decode) const {
        return handover_groups(layouts(prefill), layouts(decode), [&](std::size_t p, std::size_t d) {
            return !refused(prefill[p], Role::prefill, decode[d]) &&
                   !refused(decode[d], Role::decode, prefill[p]);
        });
    }
    [[nodiscard]] bool refused(const Worker& own, Role role, const Worker& partner) const {
        const Scenario& s = machine(own.variant).scenario;
        const PlanVariant& variant = space_.variants[own.variant];
        const LaunchSettings settings{1.0 * own.layout.redundant_experts, variant.settings.draft_tokens, role,
                                      &partner.layout, true};
        return launch_problem(s.pool().rules, s.architecture, variant.precision, own.layout,
                              s.pool().cluster.gpu, settings)
            .has_value();
    }
    static std::vector<Layout> layouts(const std::vector<Worker>& workers) {
        std::vector<Layout> list;
        for (const Worker& w : workers) list.push_back(w.layout);
        return list;
    }

    /// Chunks make no difference to decode: one variant stands for all of them.
    [[nodiscard]] bool repeats(std::size_t v, bool prefill) const {
        if (prefill) return false;
        const PlanVariant& a = space_.variants[v];
        return std::any_of(space_.variants.begin(), space_.variants.begin() + static_cast<std::ptrdiff_t>(v),
                           [&](const PlanVariant& b) {
                               return a.machine == b.machine && a.precision == b.precision &&
                                      a.settings.draft_tokens == b.settings.draft_tokens;
                           });
    }

    std::vector<Worker> workers(std::size_t v, const std::vector<Layout>& layouts, Phase phase) const {
        Scenario s = scenario_of(space_, v, {}, 1);
        Pool& pool = s.pool();
        pool.role = phase == Phase::prefill ? Role::prefill : Role::decode;
        const WeightBytes weights = weights_of(s);
        const CalibratedHardware hardware = calibrated_hardware(pool.cluster, pool.profile, pool.precision);
        std::vector<Worker> list;
        for (const Layout& layout : layouts) {
            if (layout_refusal(s.architecture, pool, layout)) continue;
            if (layout.exchange == ExpertExchange::nvlink && layout.stage_gpus() > pool.cluster.domain)
                continue;
            pool.layout = layout;
            Traffic t = s.traffic;
            if (phase == Phase::prefill) t.output = 1;
            const Expected<MemoryPlan> memory = plan_memory(
                {s.architecture, pool.precision, weights, layout, pool.cluster, pool.settings, &pool.rules},
                t);
            if (!memory) continue;
            StepTimer timer(s.architecture, pool.precision, layout, hardware, phase);
            Worker w{v, layout, layout.gpus() * pool.price.usd_per_gpu_hour, 0, 0, 0};
            if (phase == Phase::prefill)
                judge_prompts(s, timer, w);
            else
                judge_decode(s, timer, memory->max_concurrency, w);
            if (w.carries > 0) list.push_back(w);
        }
        return list;
    }

    void judge_prompts(const Scenario& s, StepTimer& timer, Worker& w) const {
        const double slower = machine(w.variant).slower;
        PromptSteps prompts(timer, s.pool(), s.traffic);
        w.steps = 2;
        const double alone =
            prompts.lone(1, s.traffic.computed_input()) + s.pool().profile.pools.alone.first_token.value();
        if (alone * slower > mean_limit(s.slo.ttft_s, s.slo.ttft_level)) return;
        w.carries =
            space_.max_load * prompts.full_prompts() / (prompts.seconds(prompts.full_tokens()) * slower);
    }

    /// The largest batch whose TPOT holds, by halving over the slots; requests/s of it.
    void judge_decode(const Scenario& s, StepTimer& timer, double slots, Worker& w) const {
        const double slower = machine(w.variant).slower;
        DecodeSteps steps(timer, s.pool(), s.traffic);
        const double tokens = s.pool().settings.tokens_per_step();
        const double limit = mean_limit(s.slo.tpot_s, s.slo.tpot_level) / slower * tokens;
        const auto step = [&](double b) {
            ++w.steps;
            return steps.seconds(b);
        };
        const double full = step(slots);   // every slot busy
        double low = slots;
        double seconds = full;
        if (full > limit) {
            double high = slots;
            low = 1;
            seconds = step(1);
            if (seconds > limit) return;
            while (high / low > 1.02) {
                const double middle = std::sqrt(low * high);
                const double t = step(middle);
                (t > limit ? high : low) = middle;
                if (t <= limit) seconds = t;
            }
        }
        const double rounds = slower * std::max(s.traffic.output - 1, 1.0) / tokens;
        w.carries = std::min(low / (seconds * rounds), space_.max_load * slots / (full * rounds));
        w.holds = low;
    }

    [[nodiscard]] double score(const PlannedPool& p) const {
        return space_.goal == PlanGoal::gpus ? double{1} * p.gpus() : p.usd_per_hour;
    }

    /// The cheapest pool that carries a load, of which a worker takes *each; equal: fewer GPUs.
    [[nodiscard]] PlannedPool cheapest(const std::vector<Worker>& all, double load,
                                       double Worker::*each) const {
        PlannedPool best;
        for (const Worker& w : all) {
            if (space_.goal != PlanGoal::gpus && !(w.usd > 0)) continue;
            const double n = std::ceil(load / (w.*each) * (1 - 1e-9));
            if (n > most_workers) continue;
            PlannedPool p{w.variant, w.layout, std::max(1, static_cast<int>(n)), 0};
            p.usd_per_hour = p.replicas * w.usd;
            const bool better = best.replicas == 0 || score(p) < score(best) ||
                                (score(p) == score(best) && p.gpus() < best.gpus());
            if (better) best = p;
        }
        return best;
    }

    /// The best pair of workers that may hand over to each other.
    [[nodiscard]] PlannedPools together(const std::vector<Worker>& prefill,
                                        const std::vector<Worker>& decode) const {
        if (space_.goal == PlanGoal::throughput) return most_per_gpu(prefill, decode);
        const Load& load = space_.machines.front().scenario.traffic.load;
        const double size = size_of(load).value_or(0);
        std::vector<Worker> from = prefill;
        std::vector<Worker> to = decode;
        for (int attempt = 0; attempt < most_attempts; ++attempt) {
            PlannedPools pair;
            if (is_rate(load)) {
                pair.prefill = cheapest(from, size, &Worker::carries);
                pair.decode = cheapest(to, size, &Worker::carries);
            } else {   // the decode pool holds what is in flight; prefill grows until the first token is in time
                pair.decode = cheapest(to, size, &Worker::holds);
                pair.prefill = cheapest(from, 1e-9, &Worker::carries);
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

    static void leave_out(const PlannedPool& p, std::vector<Worker>& list) {
        std::erase_if(list, [&](const Worker& w) { return w.variant == p.variant && w.layout == p.layout; });
    }

    /// The workers of one phase that carry most per GPU, within the budget.
    [[nodiscard]] std::vector<Worker> densest(const std::vector<Worker>& all) const {
        std::vector<Worker> list;
        for (const Worker& w : all)
            if (w.layout.gpus() < budget()) list.push_back(w);
        const auto density = [](const Worker& w) { return w.carries / w.layout.gpus(); };
        std::stable_sort(list.begin(), list.end(),
                         [&](const Worker& a, const Worker& b) { return density(a) > density(b); });
        if (list.size() > dense_workers) list.erase(list.begin() + dense_workers, list.end());
        return list;
    }
    [[nodiscard]] int budget() const { return space_.max_gpus > 0 ? space_.max_gpus : usual_budget; }

    /// Output tokens/s per GPU: pairs of dense workers in every number that the budget holds, most of the lesser capacity
    /// per GPU first, until as many as are tried have been evaluated under the load.
    [[nodiscard]] PlannedPools most_per_gpu(const std::vector<Worker>& prefill,
                                            const std::vector<Worker>& decode) const {
        struct Tried {
            double bound;
            PlannedPools pair;
        };
        std::vector<Tried> list;
        const std::vector<Worker> from = densest(prefill);
        const std::vector<Worker> to = densest(decode);
        for (const Worker& p : from) {
            for (const Worker& d : to) {
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
            const Expected<Estimate> e = evaluate(scenario_of(space_, pair));
            if (!e || !e->meets_slo) continue;
            const double slower =
                std::max(machine(pair.prefill.variant).slower, machine(pair.decode.variant).slower);
            pair.score = slower * pair.gpus() / e->serving.output_tokens_per_s.value();
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
            const double slow_prefill = machine(pair.prefill.variant).slower;
            const double slow_decode = machine(pair.decode.variant).slower;
            const Scenario s = scenario_of(space_, pair);
            const Expected<Estimate> e = at_rate_of(s, slow_prefill);
            const Expected<Estimate> of_decode = slow_decode == slow_prefill ? e : at_rate_of(s, slow_decode);
            bool more_prefill = false;
            bool more_decode = false;
            if (e && of_decode) {
                const double ttft = e->ttft_of_slo.value() * slow_prefill;
                const double tpot = of_decode->tpot_of_slo.value() * slow_decode;
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
};

}   // namespace

PlannedPools plan_pools(const PlanSpace& space, const CandidateLoop& loop) {
    const bool asks = !space.machines.empty() && !space.variants.empty();
    if (!asks) return {};
    const Load& load = space.machines.front().scenario.traffic.load;
    if (!is_rate(load) && !std::holds_alternative<ClosedLoop>(load)) return {};
    PlannedPools best = Search(space, loop).answer();
    const bool too_many = space.max_gpus > 0 && best.gpus() > space.max_gpus;
    const bool too_dear = space.max_usd_per_hour > 0 && best.usd_per_hour > space.max_usd_per_hour;
    if (too_many || too_dear) best.prefill.replicas = 0;
    return best;
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
