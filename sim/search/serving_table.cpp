// SPDX-License-Identifier: Apache-2.0
#include "search/serving_table.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <exception>
#include <mutex>
#include <thread>

namespace moecost {
namespace {

bool allows(int fixed, int degree) { return fixed == 0 || fixed == degree; }

std::vector<int> divisors(int n) {
    std::vector<int> result;
    for (int d = 1; d <= n; ++d) {
        if (n % d == 0) result.push_back(d);
    }
    return result;
}

void add_layouts(std::vector<Layout>& list, int gpus, const FixedDegrees& fixed, ExpertExchange exchange) {
    for (const int tp : divisors(gpus)) {
        for (const int pp : divisors(gpus / tp)) {
            const int dp = gpus / tp / pp;
            if (!allows(fixed.tp, tp) || !allows(fixed.pp, pp) || !allows(fixed.attention_dp, dp)) continue;
            for (const int ep : divisors(tp * dp)) {
                if (!allows(fixed.ep, ep)) continue;
                Layout layout;
                layout.tp = tp;
                layout.pp = pp;
                layout.ep = ep;
                layout.attention_dp = dp;
                layout.exchange = exchange;
                list.push_back(layout);
            }
        }
    }
}

bool within(double value, double limit, double loosened) { return limit <= 0 || value <= limit * loosened; }

/// Walks one architecture on one machine; holds the scenario that it changes from point to point.
class Walk {
  public:
    Walk(const ServingSpace& space, std::size_t machine, const Architecture& architecture)
        : space_(space),
          machine_(machine),
          scenario_(space.machines[machine]),
          memory_(scenario_.cluster.gpu.memory) {
        scenario_.architecture = architecture;
        scenario_.refresh();
        served_.why = {"no layout suits the model", {}, {}, 0, 0};
    }

    void try_layout(const Layout& layout) {
        if (layout_problem(scenario_.architecture, layout)) return;
        scenario_.layout = layout;
        const double fitting = capacity(1);
        const double loosened = capacity(relaxation);
        if (fitting > 0) served_.fits = true;
        if (!(loosened > 0)) return;
        if (space_.concurrency.empty()) {
            try_load(scenario_.traffic.requests, fitting > 0);
            if (loosened > fitting) try_load_in_more_memory(scenario_.traffic.requests);
            return;
        }
        for (const double requests : space_.concurrency) {
            if (requests < fitting) try_load(requests, true);
        }
        if (fitting > 0) try_load(fitting, true);
        if (!(loosened > fitting)) return;
        for (const double requests : space_.concurrency) {
            if (requests > fitting && requests < loosened) try_load_in_more_memory(requests);
        }
        try_load_in_more_memory(loosened);
    }

    [[nodiscard]] const Served& result() const { return served_; }

  private:
    /// Sequences that fit when the memory of a GPU is so many times larger; 0: none.
    double capacity(double times) {
        scenario_.cluster.gpu.memory = memory_ * times;
        const auto plan =
            plan_memory(scenario_.architecture, scenario_.precision, scenario_.weights, scenario_.layout,
                        scenario_.cluster, scenario_.engine, scenario_.traffic);
        scenario_.cluster.gpu.memory = memory_;
        if (plan) return plan->max_concurrency;
        if (times == 1) served_.why = plan.error();
        return 0;
    }

    void try_load(double requests, bool fits) {
        if (!fits) return;
        scenario_.traffic.requests = requests;
        const auto e = evaluate(scenario_);
        ++served_.evaluated;
        if (!e) {
            served_.why = e.error();
            return;
        }
        const double tpot = e->serving.tpot.value();
        const double ttft = e->serving.ttft.value();
        served_.least_tpot_s = std::min(served_.least_tpot_s, tpot);
        served_.least_ttft_s = std::min(served_.least_ttft_s, ttft);
        const Slo& slo = scenario_.slo;
        const bool tpot_ok = within(tpot, slo.tpot_s, 1);
        const bool ttft_ok = within(ttft, slo.ttft_s, 1);
        if (tpot_ok && ttft_ok) {
            for (Deployment& best : served_.best) keep(best, *e);
        } else if (ttft_ok && within(tpot, slo.tpot_s, relaxation)) {
            keep(at(ServingLimit::tpot), *e);
        } else if (tpot_ok && within(ttft, slo.ttft_s, relaxation)) {
            keep(at(ServingLimit::ttft), *e);
        }
    }

    void try_load_in_more_memory(double requests) {
        scenario_.cluster.gpu.memory = memory_ * relaxation;
        scenario_.traffic.requests = requests;
        const auto e = evaluate(scenario_);
        scenario_.cluster.gpu.memory = memory_;
        ++served_.evaluated;
        if (!e) return;
        const bool meets = within(e->serving.tpot.value(), scenario_.slo.tpot_s, 1) &&
                           within(e->serving.ttft.value(), scenario_.slo.ttft_s, 1);
        if (meets) keep(at(ServingLimit::memory), *e);
    }

    Deployment& at(ServingLimit limit) { return served_.best[static_cast<std::size_t>(limit)]; }

    void keep(Deployment& best, const Estimate& e) const {
        const double price = usd_per_mtok(e, space_.cost);
        if (!(price < best.usd_per_mtok)) return;
        best.machine = machine_;
        best.layout = scenario_.layout;
        best.requests = scenario_.traffic.requests;
        best.usd_per_mtok = price;
        best.usd_per_hour = e.cost.usd_per_hour;
        best.output_tokens_per_s = e.serving.output_tokens_per_s.value();
        best.tpot_s = e.serving.tpot.value();
        best.ttft_s = e.serving.ttft.value();
        best.max_concurrency = e.memory.max_concurrency;
        best.provenance = e.provenance;
    }

    const ServingSpace& space_;
    std::size_t machine_;
    Scenario scenario_;
    Bytes memory_;
    Served served_;
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

std::vector<Layout> layouts_of(std::span<const int> gpus, const FixedDegrees& fixed,
                               ExpertExchange exchange) {
    std::vector<int> counts(gpus.begin(), gpus.end());
    std::sort(counts.begin(), counts.end());
    counts.erase(std::unique(counts.begin(), counts.end()), counts.end());
    std::vector<Layout> list;
    for (const int n : counts) add_layouts(list, n, fixed, exchange);
    return list;
}

Served cheapest(const ServingSpace& space, std::size_t machine, std::span<const Layout> layouts,
                const Architecture& architecture) {
    Walk walk(space, machine, architecture);
    for (const Layout& layout : layouts) walk.try_layout(layout);
    return walk.result();
}

std::vector<std::vector<Served>> serving_table(const ServingSpace& space,
                                               std::span<const Architecture* const> architectures,
                                               const TableOptions& options) {
    using Clock = std::chrono::steady_clock;
    const std::size_t machines = space.machines.size();
    std::vector<std::vector<Served>> table(architectures.size(), std::vector<Served>(machines));
    std::vector<std::vector<Layout>> layouts;
    for (const Scenario& s : space.machines) {
        layouts.push_back(layouts_of(space.gpus, space.fixed, s.layout.exchange));
    }
    const auto start = Clock::now();
    auto reported = start;
    TableProgress progress{0, architectures.size() * machines, 0, 0};
    std::atomic<std::size_t> next{0};
    std::mutex mutex;
    std::exception_ptr failure;
    const auto finished = [&](const Served& served) {
        const std::lock_guard lock(mutex);
        ++progress.done;
        progress.evaluated += served.evaluated;
        const auto now = Clock::now();
        const bool last = progress.done == progress.all;
        if (!options.progress || (!last && now - reported < std::chrono::milliseconds(100))) return;
        reported = now;
        progress.seconds = std::chrono::duration<double>(now - start).count();
        options.progress(progress);
    };
    const auto work = [&] {
        try {
            for (std::size_t i = next++; i < progress.all; i = next++) {
                if (options.stop != nullptr && *options.stop) return;
                Served& served = table[i / machines][i % machines];
                served = cheapest(space, i % machines, layouts[i % machines], *architectures[i / machines]);
                finished(served);
            }
        } catch (const std::exception&) {
            const std::lock_guard lock(mutex);
            if (!failure) failure = std::current_exception();
            next = progress.all;
        }
    };
    {
        std::vector<std::jthread> threads;
        for (unsigned i = 1; i < options.threads; ++i) threads.emplace_back(work);
        work();
    }
    if (failure) std::rethrow_exception(failure);
    return table;
}

}   // namespace moecost
