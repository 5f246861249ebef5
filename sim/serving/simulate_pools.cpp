// SPDX-License-Identifier: Apache-2.0
#include "moecost/serving/simulate_pools.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <queue>

#include "moecost/serving/simulation_record.h"

namespace moecost {
namespace {

using Id = std::uint32_t;

struct Job {
    Answer seen;
    double computed = 1;   // prompt tokens that no cache holds
    double ready = 0;      // its cache is with the decode pool
    double steps = 0;      // decode steps
};

struct Event {
    enum class Kind { arrival, prompts_done, handed_over, step } kind;
    double time;
    std::uint64_t order;   // events of one time in the order they were made
    std::size_t worker = 0;
    std::uint64_t version = 0;   // of the decode worker; older ones are void
    std::vector<Id> jobs{};
    bool operator>(const Event& o) const { return time != o.time ? time > o.time : order > o.order; }
};

struct Ending {
    double step;
    Id job;
    bool operator>(const Ending& o) const { return step != o.step ? step > o.step : job > o.job; }
};

/// Steps run one after another while anybody decodes; those that join wait for the next.
struct DecodeWorker {
    std::priority_queue<Ending, std::vector<Ending>, std::greater<>> endings;
    std::vector<Id> joining;
    double decoding = 0;
    double since = 0, seconds = 0;   // of the run of equal steps: its start, each step
    double done = 0;                 // steps before it
    std::uint64_t version = 0;
    [[nodiscard]] double requests() const { return decoding + static_cast<double>(joining.size()); }
};

class Run {
  public:
    Run(const TwoPools& pools, double tokens_per_step, RequestSource source,
        const SimulationSettings& settings)
        : pools_(pools),
          tokens_per_step_(tokens_per_step),
          source_(std::move(source)),
          idle_(static_cast<std::size_t>(std::max(pools.prompts.workers, 1.0))),
          decoders_(static_cast<std::size_t>(std::max(pools.decode.workers, 1.0))),
          slots_(std::max(std::floor(pools.decode.slots), 1.0)),
          settings_(settings),
          record_(settings_) {
        settings_.front_end += pools.handover.constant;
        for (std::size_t i = 0; i < idle_.size(); ++i) idle_[i] = i;
    }
    Simulation run();

  private:
    void push(Event e) {
        e.order = order_++;
        events_.push(std::move(e));
    }
    bool fetch() { return source_.next(pending_); }
    void enter(double now);
    void start_prompts();
    double take_prompts(std::vector<Id>& batch, bool waited);
    void hand_over(const std::vector<Id>& batch);
    void assign(Id id);
    void join(std::size_t worker, Id id);
    void plan_steps(std::size_t worker);
    void boundary(std::size_t worker);
    void answer(Id id);
    void handle(Event e);
    void advance(double time);

    const TwoPools& pools_;
    double tokens_per_step_;
    RequestSource source_;
    TracedRequest pending_{};
    std::vector<Job> jobs_;
    std::vector<Id> free_;
    std::deque<Id> queue_;            // before prefill
    std::deque<Id> waits_for_slot_;   // cache computed, no decode worker has room
    std::vector<std::size_t> idle_;   // prefill workers
    std::vector<DecodeWorker> decoders_;
    std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
    std::uint64_t order_ = 0;
    double slots_;
    double now_ = 0, links_free_ = 0, number_ = 0, in_system_ = 0, busy_prefill_ = 0;
    SimulationSettings settings_;
    SimulationRecord record_;
};

/// The pending request joins the queue of prompts.
void Run::enter(double now) {
    Id id = static_cast<Id>(jobs_.size());
    if (free_.empty()) {
        jobs_.emplace_back();
    } else {
        id = free_.back();
        free_.pop_back();
    }
    Job& j = jobs_[id];
    j = {};
    j.seen = {number_++, now, now, 0, 0, std::max(pending_.input, 1.0), std::max(pending_.output, 1.0),
              false};
    j.computed = std::max(j.seen.input - pending_.cached, 1.0);
    j.steps = std::ceil((j.seen.output - 1) / tokens_per_step_ - 1e-9);
    queue_.push_back(id);
    in_system_ += 1;
    record_.arrival();
}

/// Prompts of the queue that fill a full step on average; seconds until they are computed.
double Run::take_prompts(std::vector<Id>& batch, bool waited) {
    const PromptPool& p = pools_.prompts;
    const double room = p.full_prompts * p.tokens;
    double tokens = 0;
    while (!queue_.empty()) {
        Job& j = jobs_[queue_.front()];
        if (!batch.empty() && tokens + j.computed / 2 > room) break;
        tokens += j.computed;
        j.seen.waited = waited;
        j.seen.admitted = now_;
        batch.push_back(queue_.front());
        queue_.pop_front();
    }
    const auto n = static_cast<double>(batch.size());
    if (!waited && n == 1) return p.lone(1, tokens);
    return tokens < room ? p.step(tokens) : p.full * tokens / room;
}

void Run::start_prompts() {
    while (!idle_.empty() && !queue_.empty()) {
        const bool waited = jobs_[queue_.front()].seen.arrival < now_;
        std::vector<Id> batch;
        const double seconds = take_prompts(batch, waited);
        const std::size_t worker = idle_.back();
        idle_.pop_back();
        busy_prefill_ += 1;
        push({Event::Kind::prompts_done, now_ + seconds, 0, worker, 0, std::move(batch)});
    }
}

void Run::hand_over(const std::vector<Id>& batch) {
    const Handover& h = pools_.handover;
    for (const Id id : batch) {
        Job& j = jobs_[id];
        record_.prompt(j.seen.input);
        const double share = j.computed / std::max(pools_.prompts.tokens, 1.0);
        links_free_ = std::max(links_free_, now_) + h.per_prompt;
        j.ready = std::max(now_ + h.exposed(now_ - j.seen.admitted) * share, links_free_);
        push({Event::Kind::handed_over, j.ready, 0, 0, 0, {id}});
    }
}

/// To the decode worker with the fewest requests, or into the queue for a slot.
void Run::assign(Id id) {
    if (jobs_[id].steps <= 0) {
        jobs_[id].seen.first = now_;
        answer(id);
        return;
    }
    std::size_t least = 0;
    for (std::size_t i = 1; i < decoders_.size(); ++i)
        if (decoders_[i].requests() < decoders_[least].requests()) least = i;
    if (decoders_[least].requests() >= slots_) {
        waits_for_slot_.push_back(id);
        return;
    }
    join(least, id);
}

void Run::join(std::size_t worker, Id id) {
    DecodeWorker& w = decoders_[worker];
    jobs_[id].seen.first = now_;
    w.joining.push_back(id);
    if (w.decoding == 0) {
        if (w.joining.size() == 1) boundary(worker);
        return;
    }
    // The run of steps ends with the step that is under way.
    const double over = std::ceil((now_ - w.since) / w.seconds - 1e-9);
    const double end = w.since + std::max(over, 1.0) * w.seconds;
    push({Event::Kind::step, end, 0, worker, ++w.version, {}});
}

/// At the boundary of a step: answers leave, those that wait join, the next run of steps begins.
void Run::boundary(std::size_t worker) {
    DecodeWorker& w = decoders_[worker];
    if (w.decoding > 0) w.done += std::round((now_ - w.since) / w.seconds);
    while (!w.endings.empty() && w.endings.top().step <= w.done + 0.5) {
        const Id id = w.endings.top().job;
        w.endings.pop();
        w.decoding -= 1;
        answer(id);
        if (waits_for_slot_.empty()) continue;
        const Id next = waits_for_slot_.front();
        waits_for_slot_.pop_front();
        jobs_[next].seen.first = now_;
        w.joining.push_back(next);
    }
    for (const Id id : w.joining) {
        w.endings.push({w.done + jobs_[id].steps, id});
        w.decoding += 1;
    }
    w.joining.clear();
    plan_steps(worker);
}

void Run::plan_steps(std::size_t worker) {
    DecodeWorker& w = decoders_[worker];
    ++w.version;
    if (w.decoding == 0) return;
    w.since = now_;
    w.seconds = pools_.decode.step(w.decoding);
    const double steps = std::max(w.endings.top().step - w.done, 1.0);
    push({Event::Kind::step, now_ + steps * w.seconds, 0, worker, w.version, {}});
}

void Run::answer(Id id) {
    Job& j = jobs_[id];
    j.seen.end = now_;
    in_system_ -= 1;
    record_.answer(j.seen);
    free_.push_back(id);
    if (source_.in_flight > 0 && fetch()) enter(now_);
}

void Run::handle(Event e) {
    switch (e.kind) {
        case Event::Kind::arrival:
            enter(now_);
            if (fetch()) push({Event::Kind::arrival, pending_.arrival_s, 0});
            break;
        case Event::Kind::prompts_done:
            idle_.push_back(e.worker);
            busy_prefill_ -= 1;
            hand_over(e.jobs);
            break;
        case Event::Kind::handed_over:
            assign(e.jobs.front());
            break;
        case Event::Kind::step:
            if (e.version == decoders_[e.worker].version) boundary(e.worker);
            break;
    }
    start_prompts();
}

/// The state holds until `time`.
void Run::advance(double time) {
    EngineState s;
    s.in_system = in_system_;
    s.running = in_system_ - static_cast<double>(queue_.size() + waits_for_slot_.size());
    for (const DecodeWorker& w : decoders_) s.decoding += w.decoding;
    s.waiting = static_cast<double>(queue_.size() + waits_for_slot_.size());
    s.prompt_seconds = busy_prefill_ / pools_.prompts.workers * (time - now_);
    record_.hold(s, time - now_, time);
    now_ = time;
}

Simulation Run::run() {
    bool more = fetch();
    if (source_.in_flight > 0) {
        for (double i = 0; i < source_.in_flight && more; ++i) {
            enter(0);
            more = i + 1 < source_.in_flight && fetch();
        }
        start_prompts();
    } else if (more) {
        now_ = pending_.arrival_s;
        push({Event::Kind::arrival, now_, 0});
    }
    record_.start(now_);
    while (!record_.complete() && !events_.empty()) {
        Event e = events_.top();
        events_.pop();
        advance(e.time);
        handle(std::move(e));
    }
    return record_.result(now_);
}

}   // namespace

Simulation simulate_pools(const TwoPools& pools, double tokens_per_step, RequestSource source,
                          const SimulationSettings& settings) {
    return Run(pools, tokens_per_step, std::move(source), settings).run();
}

}   // namespace moecost
