// SPDX-License-Identifier: Apache-2.0
#include "moecost/plan/pool_workers.h"

#include <algorithm>

#include "moecost/estimate/pools.h"
#include "moecost/timing/calibrated_hardware.h"
#include "moecost/timing/step_timer.h"

namespace moecost {
namespace {

double mean_limit(double limit, double level) {
    return limit <= 0 || (level > 0 && level < 0.5) ? HUGE_VAL : limit;
}

/// Judges the workers of one variant; refers to the scenario, whose layout the caller sets.
class Judge {
  public:
    Judge(const Scenario& scenario, double slower, double max_load, PhaseWorkers& found)
        : s_(scenario), slower_(slower), max_load_(max_load), found_(found) {}

    void judge_prompts(StepTimer& timer, PoolWorker& w) const {
        PromptSteps prompts(timer, s_.pool(), s_.traffic);
        found_.steps += 2;
        const double alone = slower_ * (prompts.lone(1, s_.traffic.computed_input()) +
                                        s_.pool().profile.pools.alone.first_token.value());
        found_.least_s = std::min(found_.least_s, alone);
        if (alone > mean_limit(s_.slo.ttft_s, s_.slo.ttft_level)) return;
        w.carries = max_load_ * prompts.full_prompts() / (prompts.seconds(prompts.full_tokens()) * slower_);
    }

    /// The largest batch whose TPOT holds, by halving over the slots; requests/s of it.
    void judge_decode(StepTimer& timer, double slots, PoolWorker& w) const {
        DecodeSteps steps(timer, s_.pool(), s_.traffic);
        const double tokens = s_.pool().settings.tokens_per_step();
        const double limit = mean_limit(s_.slo.tpot_s, s_.slo.tpot_level) / slower_ * tokens;
        const auto step = [&](double b) {
            ++found_.steps;
            return steps.seconds(b);
        };
        const double full = step(slots);   // every slot busy
        double low = slots;
        double seconds = full;
        if (full > limit) {
            double high = slots;
            low = 1;
            seconds = step(1);
            found_.least_s = std::min(found_.least_s, seconds * slower_ / tokens);
            if (seconds > limit) return;
            while (high / low > 1.02) {
                const double middle = std::sqrt(low * high);
                const double t = step(middle);
                (t > limit ? high : low) = middle;
                if (t <= limit) seconds = t;
            }
        }
        found_.least_s = std::min(found_.least_s, seconds * slower_ / tokens);
        const double rounds = slower_ * std::max(s_.traffic.output - 1, 1.0) / tokens;
        w.carries = std::min(low / (seconds * rounds), max_load_ * slots / (full * rounds));
        w.holds = low;
    }

  private:
    const Scenario& s_;
    double slower_, max_load_;
    PhaseWorkers& found_;
};

}   // namespace

PhaseWorkers phase_workers(const PlanSpace& space, std::size_t v, const std::vector<Layout>& layouts,
                           Phase phase) {
    Scenario s = scenario_of(space, v, {}, 1);
    Pool& pool = s.pool();
    pool.role = phase == Phase::prefill ? Role::prefill : Role::decode;
    const WeightBytes weights = weights_of(s);
    const CalibratedHardware hardware = calibrated_hardware(pool.cluster, pool.profile, pool.precision);
    PhaseWorkers found;
    const Judge judge(s, space.slower_of(v), space.max_load, found);
    Traffic traffic = s.traffic;
    if (phase == Phase::prefill) traffic.output = 1;
    for (const Layout& layout : layouts) {
        if (layout_refusal(s.architecture, pool, layout)) continue;
        if (layout.exchange == ExpertExchange::nvlink && layout.stage_gpus() > pool.cluster.domain) continue;
        pool.layout = layout;
        const Expected<MemoryPlan> memory = plan_memory(
            {s.architecture, pool.precision, weights, layout, pool.cluster, pool.settings, &pool.rules},
            traffic);
        if (!memory) continue;
        StepTimer timer(s.architecture, pool.precision, layout, hardware, phase);
        PoolWorker w{v, layout, layout.gpus() * pool.price.usd_per_gpu_hour, 0, 0};
        if (phase == Phase::prefill)
            judge.judge_prompts(timer, w);
        else
            judge.judge_decode(timer, memory->max_concurrency, w);
        if (w.carries > 0) found.list.push_back(w);
    }
    return found;
}

}   // namespace moecost
