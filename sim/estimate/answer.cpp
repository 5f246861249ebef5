// SPDX-License-Identifier: Apache-2.0
#include "moecost/estimate/answer.h"

#include <algorithm>
#include <cmath>

#include "moecost/estimate/pools.h"
#include "moecost/serving/scheduler.h"
#include "moecost/timing/calibrated_hardware.h"
#include "moecost/timing/step_plans.h"
#include "moecost/timing/step_timer.h"
#include "moecost/traffic/length_presets.h"

namespace moecost {
namespace {

using By = AnswerOptions::By;

/// One instance of the only pool with everything that the serving laws refer to.
struct Bench {
    Traffic traffic;   // the part of one instance
    Lengths lengths;
    MemoryPlan memory;
    CalibratedHardware hardware;
    StepPlans plans{bands_of_one_answer};
    StepTimer timer;
    const Pool& pool;

    Bench(const Scenario& s, Traffic part, MemoryPlan plan)
        : traffic(std::move(part)),
          lengths(lengths_of(traffic)),
          memory(plan),
          hardware(calibrated_hardware(s.pool().cluster, s.pool().profile, s.pool().precision)),
          timer(s.architecture, s.pool().precision, s.pool().layout, hardware, Phase::both,
                plans.of(s.pool().layout, Phase::both)),
          pool(s.pool()) {
        if (std::holds_alternative<Offline>(traffic.load)) timer.without_streaming();
    }
    Bench(const Bench&) = delete;
    Bench& operator=(const Bench&) = delete;
    [[nodiscard]] EngineInstance instance() {
        return {timer, pool.profile.serving, pool.settings, pool.layout, memory};
    }
    /// The hits that the cache can have; a trace that is replayed finds its own.
    void settle(const PrefixReuse& reuse) {
        if (!reuse.known() || std::holds_alternative<Replay>(traffic.load)) return;
        SettledTraffic s = with_prefix_hits(reuse, timer, pool.profile.serving, pool.settings, pool.layout,
                                            memory, std::move(traffic));
        traffic = std::move(s.traffic);
        hits = s.hits;
        lengths = lengths_of(traffic);
    }
    TierHits hits;
};

/// Calls f with a bench of the scenario.
template <class Result, class F>
Expected<Result> with_bench(const Scenario& s, F f) {
    const Pool& p = s.pool();
    if (const auto problem = layout_problem(s.architecture, p.layout)) return *problem;
    Traffic part = s.traffic;
    part.load = per_instance(part.load, p.replicas);
    const Expected<MemoryPlan> memory = plan_memory(s.architecture, p.precision, weights_of(s), p.layout,
                                                    p.cluster, p.settings, part, &p.rules);
    if (!memory) return memory.error();
    Bench bench(s, std::move(part), *memory);
    bench.settle(s.reuse);
    return f(bench);
}

bool at_a_rate(const Load& load) {
    return std::holds_alternative<OpenLoop>(load) || std::holds_alternative<Replay>(load);
}

std::vector<LatencyObjective> objectives_of(const Slo& slo) {
    std::vector<LatencyObjective> list;
    if (slo.ttft_s > 0) list.push_back({LatencyObjective::Of::ttft, slo.ttft_level, Seconds{slo.ttft_s}});
    if (slo.tpot_s > 0) list.push_back({LatencyObjective::Of::tpot, slo.tpot_level, Seconds{slo.tpot_s}});
    return list;
}

void judge(const Slo& slo, Estimate& e) {
    const ServingLatency& l = *e.latency;
    e.ttft_of_slo = slo.ttft_level > 0 ? l.ttft.quantile(slo.ttft_level) : e.serving.ttft;
    e.tpot_of_slo = slo.tpot_level > 0 ? l.tpot.quantile(slo.tpot_level) : e.serving.tpot;
    const auto within = [](Seconds value, double limit) { return limit <= 0 || value.value() <= limit; };
    e.meets_slo = within(e.ttft_of_slo, slo.ttft_s) && within(e.tpot_of_slo, slo.tpot_s);
}

/// The closed form with its distributions.
Expected<Estimate> by_closed_form(const Scenario& s) {
    Expected<Estimate> e = evaluate(s);
    if (!e) return e;
    const auto latency =
        s.two_pools() ? latency_of_pools(s, *e) : with_bench<ServingLatency>(s, [&](Bench& b) {
            return serving_latency(b.instance(), b.traffic, b.lengths, b.traffic.load, e->serving);
        });
    if (!latency) return latency.error();
    e->latency = *latency;
    if (e->serving.doubt.empty()) e->serving.doubt = latency->why_not;
    judge(s.slo, *e);
    e->goodput_share = goodput_share(*latency, objectives_of(s.slo));
    return e;
}

/// Means of a simulation as those of a closed form, with its mean steps.
Serving serving_of(const Simulation& m, Bench& b) {
    Serving s;
    s.requests_per_s = m.requests_per_s;
    s.output_tokens_per_s = m.output_tokens_per_s;
    s.input_tokens_per_s = m.input_tokens_per_s;
    s.tpot = m.tpot.mean;
    s.ttft = m.ttft.mean;
    s.ttft_queue = m.wait;
    s.e2e = m.e2e.mean;
    s.running = m.running;
    s.decoding = m.decoding;
    s.busy_share = m.busy_share;
    s.prefill_share = m.prefill_share;
    s.prefill_steps_share = m.prompt_steps_share;
    s.decode_step.decode_sequences = std::max(m.decoding, 1.0);
    s.decode_step.decode_context = b.traffic.mean_context();
    s.decode_step.queries = 1 + b.pool.settings.draft_tokens;
    s.decode_time = b.timer.time(s.decode_step);
    if (m.prompt_tokens > 0) {
        s.prompt_step = b.pool.settings.batching == Batching::chunked_prefill ? s.decode_step : StepShape{};
        s.prompt_step.prefill_tokens = m.prompt_tokens;
        s.prompt_step.prompt = b.traffic.computed_input();
        s.prompt_step.prior = b.traffic.input - s.prompt_step.prompt;
        s.prompt_step.prompt_ranks = prompt_ranks(m.prompt_tokens, s.prompt_step.prompt,
                                                  b.pool.settings.chunk_tokens, b.pool.layout.attention_dp);
        s.prompt_time = b.timer.time(s.prompt_step);
    }
    s.provenance = weaker(s.decode_time.provenance, s.prompt_time.provenance);
    return s;
}

ServingLatency latency_of(const Simulation& m) {
    ServingLatency l;
    l.ttft = m.ttft;
    l.tpot = m.tpot;
    l.e2e = m.e2e;
    l.waits = m.waited;
    l.slot_wait = m.waited > 0 ? m.wait / m.waited : Seconds{0};
    l.preemptions = m.preemptions;
    return l;
}

/// What the closed form says of the capacity; a trace may ask for more for a while.
void add_capacity(Bench& b, const Scenario& s, Estimate& e) {
    if (!at_a_rate(b.traffic.load)) return;
    const auto lone = serving_latency(b.instance(), b.traffic, b.lengths, OpenLoop{1e-6}, {});
    if (!lone) return;
    ServingLatency& l = *e.latency;
    l.capacity = lone->capacity;
    l.load = size_of(per_instance(s.traffic.load, s.pool().replicas)).value_or(0);
    if (const auto* replay = std::get_if<Replay>(&b.traffic.load)) l.load = replay->rate;
    l.load = l.load > 0 ? l.load / l.capacity.value() : e.serving.requests_per_s / l.capacity;
    l.saturation = l.load < 0.85  ? Saturation::stable
                   : l.load < 1.0 ? Saturation::near
                                  : Saturation::overloaded;
}

/// Just below what the closed form takes for the capacity: where requests waited longer the longer the run was, the queue
/// grew all along, and what was served is the capacity. Long runs alone tell.
void mark_growing_queue(double offered, const Simulation& m, Estimate& e) {
    constexpr double enough_requests = 5000, share_of_run = 0.01, served_share = 0.98;
    if (!(offered > 0) || m.requests < enough_requests) return;
    const bool waits = m.ttft.mean.value() > share_of_run * m.requests / offered;
    const double served = e.serving.requests_per_s.value();
    if (!waits || served > served_share * offered) return;
    e.latency->capacity = e.serving.requests_per_s;
    e.latency->load = offered / served;
    e.latency->saturation = Saturation::overloaded;
}

SimulatedLoad how_to_simulate(const Scenario& s, const AnswerOptions& o) {
    SimulatedLoad how;
    how.requests = o.requests;
    how.seed = o.seed;
    how.timeline_points = o.timeline_points;
    how.slo = s.slo;
    how.progress = o.progress;
    how.trace = o.trace;
    return how;
}

Expected<Estimate> pools_by_simulation(const Scenario& s, const AnswerOptions& o, std::string_view doubt) {
    Expected<Estimate> e = simulated_pools(s, how_to_simulate(s, o));
    if (!e) return e;
    if (e->simulation->requests <= 0)
        return Infeasible{"no request of the trace can be served", {}, {}, 0, 0};
    e->serving.doubt = doubt;
    add_intervals(s, *e);
    judge(s.slo, *e);
    return e;
}

Expected<Estimate> by_simulation(const Scenario& s, const AnswerOptions& o, std::string_view doubt) {
    if (s.two_pools()) return pools_by_simulation(s, o, doubt);
    return with_bench<Estimate>(s, [&](Bench& b) -> Expected<Estimate> {
        const SimulatedLoad how = how_to_simulate(s, o);
        Expected<Simulation> m = simulated(b.instance(), b.traffic, b.lengths, b.traffic.load, how);
        if (!m) return m.error();
        if (m->requests <= 0) {
            return Infeasible{"no request of the trace fits beside the weights", "cache of a rank", "tokens",
                              0, 0};
        }
        Estimate e;
        e.memory = b.memory;
        e.replicas = s.pool().replicas;
        e.serving = serving_of(*m, b);
        e.serving.doubt = doubt;
        e.hits = b.hits;
        e.latency = latency_of(*m);
        e.goodput_share = m->goodput_share;
        e.cost = cost_of(e.serving, b.traffic, cost_input(s));
        e.provenance = e.serving.provenance;
        add_intervals(s, e);
        judge(s.slo, e);
        add_capacity(b, s, e);
        if (const auto* open = std::get_if<OpenLoop>(&b.traffic.load)) mark_growing_queue(open->rate, *m, e);
        e.simulation = std::make_shared<const Simulation>(std::move(*m));
        return e;
    });
}

}   // namespace

Expected<Estimate> answer(const Scenario& s, const AnswerOptions& o) {
    if (std::holds_alternative<Replay>(s.traffic.load) && o.by != By::closed_form)
        return by_simulation(s, o, "a trace has no steady state");
    Expected<Estimate> e = by_closed_form(s);
    if (!e || o.by == By::closed_form) return e;
    const bool wanted = o.by == By::simulation;
    const bool needed = comes_and_goes(s.traffic.load) && !e->serving.doubt.empty();
    return wanted || needed ? by_simulation(s, o, e->serving.doubt) : e;
}

namespace {

bool good(const Expected<Estimate>& e) { return e && e->meets_slo; }

/// Bisection of the simulated rate between two that the closed form gives, to 1 %.
double simulated_rate(Scenario s, const AnswerOptions& o, double low, double high, double burstiness) {
    AnswerOptions by = o;
    by.by = By::simulation;
    for (int i = 0; i < 12 && high - low > 0.01 * high; ++i) {
        const double rate = (low + high) / 2;
        s.traffic.load = OpenLoop{rate, burstiness};
        (good(answer(s, by)) ? low : high) = rate;
    }
    return low;
}

/// The same of two pools: bisection of their closed form to 0.1 %, then as one pool.
Expected<PerSecond> highest_rate_of_pools(const Scenario& s, const AnswerOptions& o, double burstiness) {
    Scenario at = s;
    at.traffic.load = OpenLoop{1e-6, burstiness};
    const Expected<Estimate> lone = by_closed_form(at);
    if (!lone) return lone.error();
    if (!lone->meets_slo) {
        const bool first = s.slo.ttft_s > 0 && lone->ttft_of_slo.value() > s.slo.ttft_s;
        return Infeasible{"an objective is tighter than one lone request", "time of a lone request", "s",
                          (first ? lone->ttft_of_slo : lone->tpot_of_slo).value(),
                          first ? s.slo.ttft_s : s.slo.tpot_s};
    }
    const double capacity = lone->latency->capacity.value();
    double low = 0;
    double high = capacity;
    std::string_view doubt;
    for (int i = 0; i < 30 && high - low > 1e-3 * high; ++i) {
        const double rate = (low + high) / 2;
        at.traffic.load = OpenLoop{rate, burstiness};
        const Expected<Estimate> e = by_closed_form(at);
        if (good(e)) doubt = e->serving.doubt;
        (good(e) ? low : high) = rate;
    }
    const bool certain = o.by == By::closed_form || (o.by == By::automatic && doubt.empty());
    return PerSecond{certain ? low : simulated_rate(at, o, 0, capacity, burstiness)};
}

}   // namespace

Expected<PerSecond> highest_rate(const Scenario& s, const AnswerOptions& o) {
    const std::vector<LatencyObjective> objectives = objectives_of(s.slo);
    if (objectives.empty()) return Infeasible{"the highest rate needs an objective", {}, {}, 0, 0};
    const auto* open = std::get_if<OpenLoop>(&s.traffic.load);
    const double burstiness = open != nullptr ? open->burstiness : 1;
    if (s.two_pools()) return highest_rate_of_pools(s, o, burstiness);
    const double replicas = s.pool().replicas;
    Scenario at = s;
    at.traffic.load = OpenLoop{1e-6, burstiness};
    double capacity = 0;   // of an instance
    const Expected<PerSecond> of_instance = with_bench<PerSecond>(at, [&](Bench& b) {
        const auto lone = serving_latency(b.instance(), b.traffic, b.lengths, b.traffic.load, {});
        if (lone) capacity = lone->capacity.value();
        return highest_rate(b.instance(), b.traffic, b.lengths, burstiness, objectives);
    });
    if (!of_instance) return of_instance;
    const double found = of_instance->value() * replicas;
    if (o.by == By::closed_form || found <= 0) return PerSecond{found};
    at.traffic.load = OpenLoop{found, burstiness};
    const Expected<Estimate> there = evaluate(at);
    if (o.by == By::automatic && there && there->serving.doubt.empty()) return PerSecond{found};
    return PerSecond{simulated_rate(at, o, 0, capacity * replicas, burstiness)};
}

}   // namespace moecost
