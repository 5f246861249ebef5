// SPDX-License-Identifier: Apache-2.0
#include "moecost/plan/serving_table.h"

#include <algorithm>
#include <cmath>
#include <functional>

namespace moecost {
namespace {

// Fewer requests in flight are cheaper in rare cases (tiles of kernels): of 848,000 steps to twice as many, over four
// families, four engines and three accelerators, 0.3 % lowered the throughput, the worst by 6.4 %.
constexpr double least_price_below = 0.85;

bool within(double value, double limit, double loosened) { return limit <= 0 || value <= limit * loosened; }

/// What came of one load.
struct Rung {
    double requests = 0;
    double usd_per_mtok = HUGE_VAL;
    std::array<bool, serving_limits> meets{};   // the objectives, by the limit that is loosened
};

/// Walks one architecture on one machine; holds the scenario that it changes from point to point.
class Walk {
  public:
    Walk(const DeploymentSpace& space, std::size_t machine, const Architecture& architecture)
        : space_(space),
          machine_(machine),
          scenario_(space.machines[machine]),
          memory_(scenario_.pool().cluster.gpu.memory) {
        scenario_.architecture = architecture;
        weights_ = weights_of(scenario_);
        served_.why = {"no layout suits the model", {}, {}, 0, 0};
    }

    void try_layout(const Layout& layout) {
        Pool& p = scenario_.pool();
        if (layout_refusal(scenario_.architecture, p, layout)) return;
        p.layout = layout;
        const double fitting = capacity(1);
        const double loosened = capacity(relaxation);
        served_.fits = served_.fits || fitting > 0;
        if (!(loosened > 0)) return;
        if (space_.fill)
            climb(fitting, loosened);
        else
            try_listed(fitting, loosened);
    }

    [[nodiscard]] const Served& result() const { return served_; }

  private:
    /// Sequences that fit when the memory of a GPU is so many times larger; 0: none.
    double capacity(double times) {
        scenario_.pool().cluster.gpu.memory = memory_ * times;
        const Pool& p = scenario_.pool();
        const auto plan = plan_memory(scenario_.architecture, p.precision, weights_, p.layout, p.cluster,
                                      p.settings, scenario_.traffic, &p.rules);
        scenario_.pool().cluster.gpu.memory = memory_;
        if (plan) return plan->max_concurrency;
        if (times == 1) served_.why = plan.error();
        return 0;
    }

    /// The loads as they are given, more of them in flight than fit included.
    void try_listed(double fitting, double loosened) {
        const double own = size_of(scenario_.traffic.load).value_or(0);
        const auto loads = space_.concurrency.empty() ? std::span(&own, 1) : std::span(space_.concurrency);
        for (const double requests : loads) {
            if (fitting > 0) (void)try_load(requests, false);
            if (loosened > fitting) (void)try_load(requests, true);
        }
    }

    /// The most that fits, then the rungs downwards while they can still pay; then between the last that meets the
    /// objectives and the next. The same above it with more memory.
    void climb(double fitting, double loosened) {
        rungs_.clear();
        if (fitting > 0) descend(fitting);
        for (const ServingLimit v : {ServingLimit::none, ServingLimit::tpot, ServingLimit::ttft})
            fill(v, false);
        if (!(loosened > fitting)) return;
        if (rungs_.size() > 1) rungs_.erase(rungs_.begin(), rungs_.end() - 1);
        for (const double requests : space_.concurrency) {
            if (requests > fitting && requests < loosened) rungs_.push_back(try_load(requests, true));
        }
        rungs_.push_back(try_load(loosened, true));
        fill(ServingLimit::memory, true);
    }

    /// Listed loads, and steps of a fourth root of two below what fits: prices ripple with the tiles of kernels, so the
    /// fullest is not always the cheapest. Descending.
    [[nodiscard]] std::vector<double> loads_below(double fitting) const {
        std::vector<double> loads;
        for (const double share : {0.841, 0.707, 0.595}) loads.push_back(std::floor(fitting * share));
        for (const double c : space_.concurrency) loads.push_back(c);
        std::erase_if(loads, [&](double c) { return !(c >= 1 && c < fitting); });
        std::sort(loads.begin(), loads.end(), std::greater<>());
        loads.erase(std::unique(loads.begin(), loads.end()), loads.end());
        return loads;
    }

    void descend(double fitting) {
        rungs_.push_back(try_load(fitting, false));
        const auto pays = [&] {
            if (space_.cost == CostBasis::blended) return true;   // follows no such rule
            const double best = served_.best[static_cast<std::size_t>(ServingLimit::none)].usd_per_mtok;
            return rungs_.back().usd_per_mtok * least_price_below < best;
        };
        for (const double requests : loads_below(fitting)) {
            if (!pays()) break;
            rungs_.push_back(try_load(requests, false));
        }
        if (rungs_.back().requests > 1 && pays()) rungs_.push_back(try_load(1, false));
        std::reverse(rungs_.begin(), rungs_.end());
    }

    /// Halves the interval in which an objective is missed, to one in 64. Only where it can pay: the rung that misses
    /// is cheaper than the best so far.
    void fill(ServingLimit v, bool more_memory) {
        const auto i = static_cast<std::size_t>(v);
        std::size_t last = rungs_.size();
        while (last > 0 && !rungs_[last - 1].meets[i]) --last;
        if (last == 0 || last == rungs_.size()) return;
        double low = rungs_[last - 1].requests;
        double high = rungs_[last].requests;
        if (!(rungs_[last].usd_per_mtok < served_.best[i].usd_per_mtok)) return;
        while (high - low > std::max(1.0, low / 64)) {
            const double middle = std::floor(0.5 * (low + high));
            if (!(middle > low)) return;
            (try_load(middle, more_memory).meets[i] ? low : high) = middle;
        }
    }

    Rung try_load(double requests, bool more_memory) {
        scenario_.traffic.load = resized(scenario_.traffic.load, requests);
        if (more_memory) scenario_.pool().cluster.gpu.memory = memory_ * relaxation;
        const auto e = evaluate(scenario_, weights_);
        scenario_.pool().cluster.gpu.memory = memory_;
        ++served_.evaluated;
        Rung rung{requests};
        if (!e) {
            served_.why = e.error();
            return rung;
        }
        judge(*e, more_memory, rung);
        for (std::size_t v = 0; v < serving_limits; ++v) {
            const bool counts = !more_memory || v == static_cast<std::size_t>(ServingLimit::memory);
            if (rung.meets[v] && counts) keep(served_.best[v], *e, rung.usd_per_mtok);
        }
        return rung;
    }

    void judge(const Estimate& e, bool more_memory, Rung& rung) {
        const double tpot = e.tpot_of_slo.value();
        const double ttft = e.ttft_of_slo.value();
        const Slo& slo = scenario_.slo;
        const bool tpot_ok = within(tpot, slo.tpot_s, 1);
        const bool ttft_ok = within(ttft, slo.ttft_s, 1);
        rung.usd_per_mtok = usd_per_mtok(e, space_.cost);
        rung.meets = {tpot_ok && ttft_ok, within(tpot, slo.tpot_s, relaxation) && ttft_ok,
                      tpot_ok && within(ttft, slo.ttft_s, relaxation), tpot_ok && ttft_ok};
        if (more_memory) return;
        served_.least_tpot_s = std::min(served_.least_tpot_s, tpot);
        served_.least_ttft_s = std::min(served_.least_ttft_s, ttft);
    }

    void keep(Deployment& best, const Estimate& e, double price) const {
        if (!(price < best.usd_per_mtok)) return;
        best.machine = machine_;
        best.layout = scenario_.pool().layout;
        best.requests = size_of(scenario_.traffic.load).value_or(0);
        best.usd_per_mtok = price;
        best.usd_per_hour = e.cost.usd_per_hour;
        best.output_tokens_per_s = e.serving.output_tokens_per_s.value();
        best.tpot_s = e.serving.tpot.value();
        best.ttft_s = e.serving.ttft.value();
        best.max_concurrency = e.memory.max_concurrency;
        best.provenance = e.provenance;
    }

    const DeploymentSpace& space_;
    std::size_t machine_;
    Scenario scenario_;
    WeightBytes weights_;
    Bytes memory_;
    Served served_;
    std::vector<Rung> rungs_;
};

}   // namespace

std::string_view name_of(CostBasis basis) {
    switch (basis) {
        case CostBasis::output:
            return "output";
        case CostBasis::total:
            return "total";
        case CostBasis::blended:
            break;
    }
    return "blended";
}

double usd_per_mtok(const Estimate& e, CostBasis basis) {
    switch (basis) {
        case CostBasis::output:
            return e.cost.usd_per_hour / (3600 * e.serving.output_tokens_per_s.value()) * 1e6;
        case CostBasis::total:
            return e.cost.usd_per_mtok_total;
        case CostBasis::blended:
            break;
    }
    return e.cost.usd_per_mtok_blended;
}

Served cheapest(const DeploymentSpace& space, std::size_t machine, std::span<const Layout> layouts,
                const Architecture& architecture) {
    Walk walk(space, machine, architecture);
    for (const Layout& layout : layouts) walk.try_layout(layout);
    return walk.result();
}

std::vector<std::vector<Served>> serving_table(const DeploymentSpace& space,
                                               std::span<const Architecture* const> architectures,
                                               const CandidateLoop& loop,
                                               const std::function<void(const Served&)>& finished) {
    const std::size_t machines = space.machines.size();
    std::vector<std::vector<Served>> table(architectures.size(), std::vector<Served>(machines));
    const std::vector<Layout> layouts = layouts_of(space.gpus, space.fixed, space.exchanges);
    loop(architectures.size() * machines, [&](std::size_t i) {
        Served& served = table[i / machines][i % machines];
        served = cheapest(space, i % machines, layouts, *architectures[i / machines]);
        if (finished) finished(served);
    });
    return table;
}

}   // namespace moecost
