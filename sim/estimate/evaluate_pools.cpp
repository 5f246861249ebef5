// SPDX-License-Identifier: Apache-2.0
// evaluate() where prefill and decode run apart.
#include <algorithm>
#include <cmath>

#include "moecost/cost/power.h"
#include "moecost/estimate/pools.h"
#include "moecost/model/cache.h"
#include "moecost/serving/capacity.h"
#include "moecost/serving/simulate_pools.h"
#include "moecost/timing/calibrated_hardware.h"
#include "moecost/timing/step_timer.h"

namespace moecost {
namespace {

bool within(Seconds value, double limit_s) { return limit_s <= 0 || value.value() <= limit_s; }

/// Both workers and what they are timed with. Refers to the scenario.
struct Workers {
    CalibratedHardware prefill_machine, decode_machine;
    StepTimer prefill, decode;
    PromptSteps prompts;
    DecodeSteps steps;

    explicit Workers(const Scenario& s)
        : prefill_machine(machine(s.pools.front())),
          decode_machine(machine(s.pools.back())),
          prefill(s.architecture, s.pools.front().precision, s.pools.front().layout, prefill_machine,
                  Phase::prefill),
          decode(s.architecture, s.pools.back().precision, s.pools.back().layout, decode_machine,
                 Phase::decode),
          prompts(prefill, s.pools.front(), s.traffic),
          steps(decode, s.pools.back(), s.traffic) {}
    Workers(const Workers&) = delete;
    Workers& operator=(const Workers&) = delete;

    static CalibratedHardware machine(const Pool& p) {
        return calibrated_hardware(p.cluster, p.profile, p.precision);
    }
};

Traffic lengths_alone(const Traffic& t, double output) {
    Traffic alone;
    alone.input = t.input;
    alone.output = output;
    alone.prefix_hit_rate = t.prefix_hit_rate;
    alone.equal_lengths = t.equal_lengths;
    return alone;
}

Expected<MemoryPlan> memory_of(const Scenario& s, const Pool& p, const WeightBytes& weights, double output) {
    Expected<MemoryPlan> m = plan_memory(s.architecture, p.precision, weights, p.layout, p.cluster,
                                         p.settings, lengths_alone(s.traffic, output), &p.rules);
    if (m) return m;
    Infeasible why = m.error();
    why.detail = p.role == Role::prefill ? "a worker of the prefill pool" : "a worker of the decode pool";
    return why;
}

/// Each kind of load by its law.
struct Dispatch {
    const Scenario& s;
    const TwoPools& pools;

    Expected<TwoPoolsAnswer> operator()(const ClosedLoop& l) const {
        return closed_loop_apart(pools, l.concurrency, l.requests);
    }
    Expected<TwoPoolsAnswer> operator()(const Offline&) const { return offline_apart(pools); }
    Expected<TwoPoolsAnswer> operator()(const OpenLoop& l) const {
        const Lengths lengths = lengths_of(s.traffic);
        const double m = mean(lengths.input);
        const double cv2 = moment(lengths.input, 2) / (m * m) - 1;
        const TwoPoolsAnswer a = open_loop_apart(pools, l.rate, l.burstiness, std::max(cv2, 0.0));
        if (a.stable) return a;
        Infeasible why{"the offered load exceeds the capacity", "arrival rate", "requests/s", l.rate,
                       a.capacity()};
        const bool prefill = a.capacity() == a.prefill_capacity;
        why.detail = prefill                             ? "of the prefill pool"
                     : a.capacity() == a.decode_capacity ? "of the decode pool"
                                                         : "of the links between the pools";
        if (a.capacity() == a.transfer_capacity) return why;
        const Pool& p = prefill ? s.pools.front() : s.pools.back();
        const double needed = std::ceil(p.replicas * l.rate / a.capacity() * (1 + 1e-9));
        why.fix = prefill ? "--prefill-gpus " : "--decode-gpus ";
        why.fix.append(std::to_string(static_cast<long>(needed) * p.layout.gpus()));
        return why;
    }
    Expected<TwoPoolsAnswer> operator()(const Replay& l) const {
        if (l.rate > 0) return (*this)(OpenLoop{l.rate, l.burstiness});
        return Infeasible{"a trace has no steady state: it is simulated", {}, {}, 0, 0};
    }
    template <class Other>
    Expected<TwoPoolsAnswer> operator()(const Other&) const {
        Infeasible why{"two pools serve requests: a loop, a rate or an endless queue", {}, {}, 0, 0};
        why.fix = "--concurrency, --rate or --offline, or one pool";
        return why;
    }
};

double tokens_of(const Traffic& t) { return std::max(t.output - 1, 0.0); }

Serving serving_of(const Scenario& s, const TwoPools& pools, const TwoPoolsAnswer& a, Workers& w) {
    Serving r;
    const Traffic& t = s.traffic;
    r.requests_per_s = PerSecond{a.rate};
    r.output_tokens_per_s = TokensPerSecond{a.rate * t.output};
    r.input_tokens_per_s = TokensPerSecond{a.rate * t.input};
    r.ttft = Seconds{a.ttft};
    r.ttft_queue = Seconds{a.wait + a.slot_wait};
    r.tpot = tokens_of(t) > 0 ? Seconds{a.decode_time / tokens_of(t)} : Seconds{0};
    r.e2e = r.ttft + Seconds{a.decode_time};
    r.running = a.rate * (a.ttft - a.slot_wait + a.decode_time);
    r.decoding = a.decodes * pools.decode.workers;
    r.decode_step = w.steps.shape(std::max(a.decodes, 1.0));
    r.decode_time = w.decode.time(r.decode_step);
    r.prompt_step = w.prompts.shape(w.prompts.full_tokens());
    r.prompt_time = w.prefill.time(r.prompt_step);
    r.prefill_steps_share = 0;
    r.provenance = weaker(r.decode_time.provenance, r.prompt_time.provenance);
    return r;
}

/// Rent per hour of a pool; its GPUs where no rent is known.
double weight_of(const Pool& p) { return p.gpus() * (p.price.known() ? p.price.usd_per_gpu_hour : 1); }

Cost cost_of_pools(const Scenario& s, Serving serving, const TwoPoolsAnswer& a) {
    const Pool& from = s.pools.front();
    const Pool& to = s.pools.back();
    const bool known = from.price.known() && to.price.known();
    // The rent of the prefill pool is what prompts cost, that of the decode pool what outputs cost.
    serving.prefill_share = weight_of(from) / (weight_of(from) + weight_of(to));
    CostInput c;
    c.gpus = s.gpus();
    c.usd_per_gpu_hour = known ? (weight_of(from) + weight_of(to)) / c.gpus : 0;
    c.blend_input_parts = s.blend_input_parts;
    c.cache_bytes_per_token =
        kv_bytes_per_token(s.architecture, to.precision.kv_cache, to.layout.tp) / to.layout.pp;
    c.gpu = &to.cluster.gpu;
    c.power = s.power;
    Cost cost = cost_of(serving, s.traffic, c);
    serving.prefill_share = 1;
    serving.busy_share = std::min(1.0, a.rate / a.prefill_capacity);
    const double prefill = power_of(serving, from.cluster.gpu, s.power).value() * from.gpus();
    serving.prefill_share = 0;
    serving.busy_share = a.decodes > 0 ? std::min(1.0, a.decodes) : 0;
    const double decode = power_of(serving, to.cluster.gpu, s.power).value() * to.gpus();
    cost.watts_per_gpu = Watts{(prefill + decode) / s.gpus()};
    if (serving.output_tokens_per_s.value() > 0)
        cost.joules_per_output_token =
            JoulesPerToken{(prefill + decode) / serving.output_tokens_per_s.value()};
    return cost;
}

void judge(const Scenario& s, const TwoPools& pools, const TwoPoolsAnswer& a, Estimate& e) {
    e.ttft_of_slo = e.serving.ttft;
    e.tpot_of_slo = e.serving.tpot;
    if (s.slo.of_percentiles()) {
        const TwoPoolsLatency l = latency_apart(pools, a, lengths_of(s.traffic), s.traffic.load);
        if (s.slo.ttft_level > 0) e.ttft_of_slo = l.ttft.quantile(s.slo.ttft_level);
        if (s.slo.tpot_level > 0) e.tpot_of_slo = l.tpot.quantile(s.slo.tpot_level);
    }
    e.meets_slo = within(e.ttft_of_slo, s.slo.ttft_s) && within(e.tpot_of_slo, s.slo.tpot_s);
}

/// Prefill workers that keep one decode worker busy at this time per output token.
double matched(const TwoPools& p, const TwoPoolsAnswer& a) {
    if (a.decode_time <= 0) return 0;
    const double taken = a.decodes / a.decode_time;   // requests/s of a decode worker
    return taken * p.prompts.per_prompt() * p.prompts.workers;
}

}   // namespace

namespace {

/// Both pools of a scenario as their laws see them; what they refer to lives as long.
struct PoolsBench {
    Workers workers;
    MemoryPlan prompt_memory, memory;
    TwoPools pools;
    PoolsBench(const Scenario& s, const MemoryPlan& of_prompts, const MemoryPlan& of_decode)
        : workers(s),
          prompt_memory(of_prompts),
          memory(of_decode),
          pools(two_pools_of(s, workers.prompts, workers.steps, of_decode.max_concurrency)) {}
};

/// Calls f with a bench of the scenario.
template <class Result, class F>
Expected<Result> with_bench(const Scenario& s, const WeightBytes& weights, F f) {
    const Pool& from = s.pools.front();
    const Pool& to = s.pools.back();
    for (const Pool& p : s.pools) {
        if (const auto problem = layout_problem(s.architecture, p.layout)) return *problem;
    }
    const bool same = from.precision == to.precision;
    const Expected<MemoryPlan> prompt_memory =
        memory_of(s, from, same ? weights : weight_bytes(s.architecture, from.precision), 1);
    if (!prompt_memory) return prompt_memory.error();
    const Expected<MemoryPlan> memory = memory_of(s, to, weights, s.traffic.output);
    if (!memory) return memory.error();
    PoolsBench bench(s, *prompt_memory, *memory);
    return f(bench);
}

Estimate estimate_of(const Scenario& s, PoolsBench& b, const TwoPoolsAnswer& answer) {
    const Pool& from = s.pools.front();
    const Pool& to = s.pools.back();
    Estimate e;
    e.serving = serving_of(s, b.pools, answer, b.workers);
    e.memory = b.memory;
    e.cost = cost_of_pools(s, e.serving, answer);
    e.serving.prefill_share = weight_of(from) / (weight_of(from) + weight_of(to));
    e.provenance = e.serving.provenance;
    e.pools = PoolsEstimate{answer,
                            b.prompt_memory,
                            Seconds{b.pools.handover.exposed(answer.own)},
                            b.pools.decode.workers * b.pools.decode.slots,
                            matched(b.pools, answer),
                            {}};
    return e;
}

/// What a simulation says in the words of the closed form.
TwoPoolsAnswer answer_of(const Simulation& m, const PoolsBench& b) {
    TwoPoolsAnswer a = capacities_apart(b.pools);
    a.rate = m.requests_per_s.value();
    a.ttft = m.ttft.mean.value();
    a.decode_time = m.e2e.mean.value() - a.ttft;
    a.own = b.pools.prompts.lone(1, b.pools.prompts.tokens);
    const double first = b.pools.handover.constant + a.own + b.pools.handover.exposed(a.own);
    a.wait = std::max(a.ttft - first, 0.0);
    a.waits = m.waited;
    a.decodes = m.decoding / b.pools.decode.workers;
    a.step = b.pools.decode.step(std::max(a.decodes, 1.0));
    return a;
}

ServingLatency tails_of(TwoPoolsLatency l, const TwoPoolsAnswer& a) {
    ServingLatency s;
    s.ttft = l.ttft;
    s.tpot = l.tpot;
    s.e2e = l.e2e;
    s.capacity = PerSecond{a.capacity()};
    s.load = a.rate / a.capacity();
    s.saturation = s.load < 0.85 ? Saturation::stable
                   : s.load < 1  ? Saturation::near
                                 : Saturation::overloaded;
    s.waits = a.slot_waits;
    s.slot_wait = Seconds{a.slot_waits > 0 ? a.slot_wait / a.slot_waits : 0};
    return s;
}

}   // namespace

Expected<Estimate> evaluate_pools(const Scenario& s, const WeightBytes& weights) {
    return with_bench<Estimate>(s, weights, [&](PoolsBench& b) -> Expected<Estimate> {
        const Expected<TwoPoolsAnswer> answer = std::visit(Dispatch{s, b.pools}, s.traffic.load);
        if (!answer) return answer.error();
        Estimate e = estimate_of(s, b, *answer);
        const Load& load = s.traffic.load;
        if (std::holds_alternative<OpenLoop>(load) || std::holds_alternative<Replay>(load))
            e.serving.doubt = doubt_apart(*answer);
        judge(s, b.pools, *answer, e);
        const Pool& to = s.pools.back();
        if (s.asks_capacity)   // of a decode worker, where sequences stay
            e.capacity = capacity_of(
                {s.architecture, to.precision, weights, to.layout, to.cluster, to.settings, &to.rules},
                s.traffic.input + s.traffic.output,
                std::max(1.0, std::ceil(e.serving.decoding / b.pools.decode.workers)));
        return e;
    });
}

Expected<ServingLatency> latency_of_pools(const Scenario& s, const Estimate& e) {
    return with_bench<ServingLatency>(s, weights_of(s), [&](PoolsBench& b) -> Expected<ServingLatency> {
        const TwoPoolsAnswer& a = e.pools->answer;
        ServingLatency l = tails_of(latency_apart(b.pools, a, lengths_of(s.traffic), s.traffic.load), a);
        l.why_not = e.serving.doubt;
        l.valid = l.why_not.empty();
        return l;
    });
}

Expected<Estimate> simulated_pools(const Scenario& s, const SimulatedLoad& o) {
    const Load& load = s.traffic.load;
    if (!comes_and_goes(load))
        return Infeasible{"this load has no requests that come and go: nothing to simulate", {}, {}, 0, 0};
    return with_bench<Estimate>(s, weights_of(s), [&](PoolsBench& b) -> Expected<Estimate> {
        const SimulationSettings settings = simulation_settings(load, o);
        const Lengths lengths = lengths_of(s.traffic);   // the source draws from them
        RequestSource source = request_source(load, lengths, s.traffic.prefix_hit_rate, o.seed);
        if (o.trace) source.next = o.trace;
        Simulation m =
            simulate_pools(b.pools, s.pools.back().settings.tokens_per_step(), std::move(source), settings);
        const TwoPoolsAnswer a = answer_of(m, b);
        Estimate e = estimate_of(s, b, a);
        e.serving.tpot = m.tpot.mean;
        e.latency = tails_of({m.ttft, m.tpot, m.e2e}, a);
        e.latency->waits = m.waited;
        e.latency->slot_wait = m.waited > 0 ? m.wait / m.waited : Seconds{0};
        if (const auto* open = std::get_if<OpenLoop>(&load)) e.latency->load = open->rate / a.capacity();
        e.goodput_share = m.goodput_share;
        e.simulation = std::make_shared<const Simulation>(std::move(m));
        return e;
    });
}

namespace {

/// The pool that serves all of the GPUs in its layout; no replicas: it does not divide them.
Pool alone(Pool p, int gpus) {
    p.role = Role::both;
    p.profile.serving.pace = p.pace_together;
    p.replicas = gpus % p.layout.gpus() == 0 ? gpus / p.layout.gpus() : 0;
    return p;
}

}   // namespace

void compare_with_one_pool(const Scenario& s, Estimate& e) {
    if (!e.pools || s.pools.front().cluster.id != s.pools.back().cluster.id) return;
    OnePool best;
    for (const Pool& own : {s.pools.back(), s.pools.front()}) {
        Scenario one = s;
        one.pools = {alone(own, s.gpus())};
        if (one.pool().replicas == 0 || launch_refusal(one)) continue;
        const Expected<Estimate> answer = evaluate(one);
        if (!answer) continue;
        const double tokens = answer->replicas * answer->serving.output_tokens_per_s.value();
        const bool better = !best.known() || (answer->meets_slo && !best.meets_slo) ||
                            (answer->meets_slo == best.meets_slo && tokens > best.output_tokens_per_s);
        if (!better) continue;
        best = {own.layout,           one.pool().replicas,  tokens,           answer->cost.usd_per_mtok_total,
                answer->serving.ttft, answer->serving.tpot, answer->meets_slo};
    }
    e.pools->one_pool = best;
}

}   // namespace moecost
