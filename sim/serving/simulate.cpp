// SPDX-License-Identifier: Apache-2.0
#include "moecost/serving/simulate.h"

#include <algorithm>
#include <cmath>

#include "moecost/serving/simulation_record.h"
#include "moecost/serving/simulation_state.h"

namespace moecost {
namespace {

constexpr double never = 1e300;

class Run {
  public:
    Run(const SchedulerRules& rules, StepTable& steps, RequestSource source,
        const SimulationSettings& settings)
        : rules_(rules),
          steps_(steps),
          source_(std::move(source)),

          ranks_(static_cast<std::size_t>(std::max(rules.ranks, 1))),
          record_(settings) {
        mixed_ = rules.batching == Batching::chunked_prefill;
    }
    Simulation run();

  private:
    void start();
    void fetch();
    void arrive(double now);
    void enqueue(const TracedRequest& r, double now);
    [[nodiscard]] bool may_take_prompts() const;
    void plan(Rank& rank);
    [[nodiscard]] bool admit(Rank& rank);
    [[nodiscard]] double cache_used(const Rank& rank) const;
    void step();
    [[nodiscard]] std::int64_t jump(double decodes, double contexts, double& seconds);
    [[nodiscard]] std::int64_t steps_until_change() const;
    void leave(Rank& rank);
    void first_tokens(Rank& rank);
    void begin_decode(Rank& rank, std::uint32_t id);
    void preempt(Rank& rank);
    void answer(Rank& rank, std::uint32_t id);
    void drop_unservable();
    [[nodiscard]] EngineState state() const;

    const SchedulerRules& rules_;
    StepTable& steps_;
    RequestSource source_;
    std::vector<Rank> ranks_;
    std::vector<Request> pool_;
    std::vector<std::uint32_t> free_;
    bool mixed_ = true;
    TracedRequest pending_;
    bool has_pending_ = false;
    double now_ = 0, number_ = 0, in_system_ = 0;
    std::int64_t decode_step_ = 0;
    double since_prompt_ = never;
    double step_count_ = 0;
    SimulationRecord record_;
};

void Run::fetch() { has_pending_ = source_.next(pending_); }

void Run::enqueue(const TracedRequest& r, double now) {
    std::uint32_t id = 0;
    if (free_.empty()) {
        id = static_cast<std::uint32_t>(pool_.size());
        pool_.emplace_back();
    } else {
        id = free_.back();
        free_.pop_back();
    }
    const std::uint32_t admission = pool_[id].admission + 1;
    Request& q = pool_[id];
    q = Request{};
    q.admission = admission;
    q.arrival = now;
    q.input = q.prompt = std::max(r.input, 1.0);
    q.output = std::max(r.output, 1.0);
    q.prior = std::clamp(r.cached, 0.0, q.input - 1);
    q.todo = q.input - q.prior;
    q.number = number_++;
    Rank* least = &ranks_[0];
    for (Rank& rank : ranks_) {
        const auto load = [](const Rank& x) { return x.running + static_cast<double>(x.waiting.size()); };
        if (load(rank) < load(*least)) least = &rank;
    }
    least->waiting.push_back(id);
    in_system_ += 1;
    record_.arrival();
}

void Run::start() {
    fetch();
    if (source_.in_flight <= 0) {
        if (has_pending_) now_ = pending_.arrival_s;
        return;
    }
    for (double i = 0; i < source_.in_flight && has_pending_; ++i) {
        enqueue(pending_, 0);
        fetch();
    }
}

void Run::arrive(double now) {
    if (source_.in_flight > 0) return;
    while (has_pending_ && pending_.arrival_s <= now) {
        enqueue(pending_, pending_.arrival_s);
        fetch();
    }
}

double Run::cache_used(const Rank& rank) const {
    return rules_.cache == CachePolicy::reserve ? rank.held : rank.held + rank.contexts;
}

/// Takes the head of the queue into the engine, if slots and cache allow.
bool Run::admit(Rank& rank) {
    // Who lost its cache does not come back before the others have decoded: where prompts go first, a request that fits
    // up to its first token would be computed and preempted for ever.
    if (rank.preempted_at == decode_step_) return false;
    const std::uint32_t id = rank.waiting.front();
    Request& q = pool_[id];
    const double need = admission_tokens(rules_, q.prompt, q.output - (q.generated - 1));
    if (rank.running >= rules_.max_sequences || cache_used(rank) + need > rules_.cache_tokens) {
        rank.blocked_at = now_;
        return false;
    }
    rank.waiting.pop_front();
    if (!q.admitted) {
        q.waited = rank.blocked_at > q.arrival;
        q.admitted = true;
        q.admitted_at = now_;
    }
    rank.running += 1;
    q.reserved = need;
    rank.held += need;
    rank.prompt = id;
    if (rules_.cache == CachePolicy::grow && std::isfinite(rules_.cache_tokens))
        rank.admitted.push_back({id, q.admission});
    return true;
}

bool Run::may_take_prompts() const {
    if (rules_.ranks < 2 || since_prompt_ >= rules_.prompt_interval) return true;
    return std::all_of(ranks_.begin(), ranks_.end(), [](const Rank& r) { return r.decodes == 0; });
}

void Run::plan(Rank& rank) {
    rank.tokens = rank.attended = 0;
    rank.finished.clear();
    double budget = prompt_budget(rules_, rank.decodes);
    while (budget >= 1) {
        if (rank.prompt == no_request && (rank.waiting.empty() || !admit(rank))) return;
        Request& q = pool_[rank.prompt];
        const double n = std::min(q.todo, budget);
        rank.attended += n * q.prior + n * (n + 1) / 2;
        rank.tokens += n;
        budget -= n;
        q.todo -= n;
        q.prior += n;
        if (q.todo > 0) return;
        rank.finished.push_back(rank.prompt);
        rank.prompt = no_request;
    }
}

/// Steps until a decode finishes, the cache is full or prompts may run again.
std::int64_t Run::steps_until_change() const {
    auto steps = std::int64_t{1} << 40;
    for (const Rank& r : ranks_) {
        if (!r.finishes.empty()) steps = std::min(steps, r.finishes.top().step - decode_step_);
        if (r.decodes > 0 && rules_.cache == CachePolicy::grow && std::isfinite(rules_.cache_tokens)) {
            const double room = rules_.cache_tokens - cache_used(r);
            steps =
                std::min(steps, static_cast<std::int64_t>(room / (r.decodes * rules_.tokens_per_step)) + 1);
        }
        const bool held_back =
            since_prompt_ < rules_.prompt_interval && (!r.waiting.empty() || r.prompt != no_request);
        if (held_back)
            steps = std::min(steps, static_cast<std::int64_t>(rules_.prompt_interval - since_prompt_));
    }
    return std::max(steps, std::int64_t{1});
}

/// Decode steps that nothing interrupts: their number and seconds. Step m takes t0 + (m - 1) slope, so that the first
/// m take m t0 + slope m (m - 1)/2; the next arrival ends the run with the step it falls into.
std::int64_t Run::jump(double decodes, double contexts, double& seconds) {
    const double gained = decodes * rules_.tokens_per_step;
    const double t0 = steps_.time(decodes, contexts, 0, 0);
    const auto few = static_cast<std::int64_t>(0.1 * contexts / gained) + 1;   // contexts nearly constant
    std::int64_t m = std::min(steps_until_change(), few);
    const double slope = m > 1 ? steps_.time(decodes, contexts + gained, 0, 0) - t0 : 0;
    if (m > 1 && has_pending_ && source_.in_flight <= 0) {
        const double gap = pending_.arrival_s - now_;
        const double b = t0 - slope / 2;
        const double reach = slope > 1e-15 ? (std::sqrt(b * b + 2 * slope * gap) - b) / slope : gap / t0;
        m = std::clamp(static_cast<std::int64_t>(std::ceil(reach)), std::int64_t{1}, m);
    }
    const auto n = static_cast<double>(m);
    seconds = n * t0 + slope * n * (n - 1) / 2;
    return m;
}

void Run::step() {
    const bool prompts_allowed = may_take_prompts();
    double tokens = 0, attended = 0, decodes = 0, contexts = 0;
    for (Rank& r : ranks_) {
        r.tokens = r.attended = 0;
        r.finished.clear();
        if (prompts_allowed) plan(r);
        tokens = std::max(tokens, r.tokens);
        attended = std::max(attended, r.attended);
        decodes = std::max(decodes, r.decodes);
        contexts = std::max(contexts, r.contexts);
    }
    const auto count = static_cast<double>(ranks_.size());
    std::int64_t decode_steps = 1;
    double seconds = 0;
    if (tokens > 0) {
        const double beside = mixed_ ? decodes * count : 0;
        seconds = steps_.time(beside, mixed_ ? contexts * count : 0, tokens * count, attended * count);
        if (!mixed_) decode_steps = 0;
        since_prompt_ = 0;
    } else if (decodes > 0) {
        decode_steps = jump(decodes * count, contexts * count, seconds);
    } else {
        drop_unservable();
        return;
    }
    EngineState held = state();
    held.steps = static_cast<double>(std::max<std::int64_t>(decode_steps, 1));
    held.prompt_tokens = tokens * count;
    if (tokens > 0) {
        const double without =
            mixed_ && decodes > 0 ? steps_.time(decodes * count, contexts * count, 0, 0) : 0;
        held.prompt_seconds = std::max(seconds - without, 0.0);
    }
    now_ += seconds;
    record_.hold(held, seconds, now_);
    step_count_ += static_cast<double>(std::max<std::int64_t>(decode_steps, 1));
    if (tokens <= 0) since_prompt_ += static_cast<double>(decode_steps);
    decode_step_ += decode_steps;
    for (Rank& r : ranks_) {
        r.contexts += static_cast<double>(decode_steps) * r.decodes * rules_.tokens_per_step;
        leave(r);
        first_tokens(r);
        if (rules_.cache == CachePolicy::grow && std::isfinite(rules_.cache_tokens)) preempt(r);
    }
}

/// Nothing runs and nothing can be admitted: the head of a queue is larger than the engine.
void Run::drop_unservable() {
    for (Rank& r : ranks_) {
        if (r.waiting.empty() || r.running > 0) continue;
        free_.push_back(r.waiting.front());
        r.waiting.pop_front();
        record_.refusal();
        in_system_ -= 1;
    }
}

void Run::leave(Rank& rank) {
    while (!rank.finishes.empty() && rank.finishes.top().step <= decode_step_) {
        const Finish f = rank.finishes.top();
        rank.finishes.pop();
        Request& q = pool_[f.request];
        if (!q.decoding || q.admission != f.admission) continue;   // preempted meanwhile
        rank.decodes -= 1;
        rank.contexts -= q.prompt + 1 + static_cast<double>(decode_step_ - q.begins) * rules_.tokens_per_step;
        answer(rank, f.request);
    }
}

void Run::first_tokens(Rank& rank) {
    for (const std::uint32_t id : rank.finished) {
        Request& q = pool_[id];
        if (q.first < 0) q.first = now_;
        record_.prompt(q.prompt);
        if (q.output - q.generated < 1) {
            answer(rank, id);
        } else {
            begin_decode(rank, id);
        }
    }
}

void Run::begin_decode(Rank& rank, std::uint32_t id) {
    Request& q = pool_[id];
    if (rules_.cache == CachePolicy::grow) {   // from now on its context counts
        rank.held -= q.reserved;
        q.reserved = 0;
    }
    q.decoding = true;
    q.begins = decode_step_;
    q.ends = decode_step_ +
             static_cast<std::int64_t>(std::ceil((q.output - q.generated) / rules_.tokens_per_step - 1e-9));
    rank.decodes += 1;
    rank.contexts += q.prompt + 1;
    rank.finishes.push({q.ends, id, q.admission});
}

void Run::preempt(Rank& rank) {
    while (cache_used(rank) > rules_.cache_tokens && rank.running > 1 && !rank.admitted.empty()) {
        const Admitted last = rank.admitted.back();
        rank.admitted.pop_back();
        Request& q = pool_[last.request];
        if (q.admission != last.admission || !q.decoding) continue;
        const double gained = static_cast<double>(decode_step_ - q.begins) * rules_.tokens_per_step;
        rank.decodes -= 1;
        rank.contexts -= q.prompt + 1 + gained;
        rank.running -= 1;
        q.decoding = false;
        q.admission += 1;
        q.generated += gained;
        q.prompt += gained;
        q.prior = 0;
        q.todo = q.prompt;
        rank.waiting.push_front(last.request);
        rank.preempted_at = decode_step_;
        record_.preemption();
    }
}

void Run::answer(Rank& rank, std::uint32_t id) {
    Request& q = pool_[id];
    rank.running -= 1;
    rank.held -= q.reserved;
    q.decoding = false;
    q.admission += 1;
    in_system_ -= 1;
    record_.answer({q.number, q.arrival, q.admitted_at, q.first, now_, q.input, q.output, q.waited});
    free_.push_back(id);
    if (source_.in_flight > 0 && has_pending_) {
        enqueue(pending_, now_);
        fetch();
    }
}

EngineState Run::state() const {
    EngineState s;
    s.in_system = in_system_;
    for (const Rank& r : ranks_) {
        s.decoding += r.decodes;
        s.waiting += static_cast<double>(r.waiting.size());
        s.cache_tokens += cache_used(r);
    }
    return s;
}

Simulation Run::run() {
    start();
    record_.start(now_);
    while (!record_.complete()) {
        arrive(now_);
        if (in_system_ > 0) {
            step();
            continue;
        }
        if (!has_pending_) break;
        const double gap = pending_.arrival_s - now_;
        now_ = pending_.arrival_s;
        record_.hold({}, gap, now_);
    }
    Simulation result = record_.result(now_);
    result.steps = step_count_;
    result.evaluations = steps_.evaluations();
    return result;
}

}   // namespace

Simulation simulate(const SchedulerRules& rules, StepTable& steps, RequestSource source,
                    const SimulationSettings& settings) {
    return Run(rules, steps, std::move(source), settings).run();
}

}   // namespace moecost
