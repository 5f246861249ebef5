// SPDX-License-Identifier: Apache-2.0
#include "moecost/serving/closed_loop.h"

#include <algorithm>
#include <cmath>

#include "moecost/serving/instance_replica.h"
#include "moecost/serving/preemption.h"
#include "moecost/timing/step_timer.h"
#include "moecost/traffic/length_presets.h"

namespace moecost {
namespace {

/// Checking drafts makes the decodes of a step longer, also beside prompts.
StepTime with_checks(const ServingInput& in, const StepShape& shape, StepTime time) {
    const Seconds total{
        with_checks(in.engine, in.layout.attention_dp, shape.decode_sequences, time.total.value())};
    time.by_class[static_cast<std::size_t>(OpClass::draft_checks)] += total - time.total;
    time.total = total;
    return time;
}

/// One pass of the cycle at a given number of decoding sequences.
struct Cycle {
    double chunk_share = 0;   // phi
    double tokens = 0;        // x
    StepTime decode;
    StepTime prompt;
    double prompt_at = 0;   // decoding sequences of the pass that timed the prompt step
    double beside = 0;      // of them in the prompt step
    Seconds per_prompt;     // T_p
    Seconds length;
};

class Loop {
  public:
    Loop(const ServingInput& in, double running, double together, const Preemption& again)
        : in_(in),
          running_(running),
          together_(together),
          again_(again.per_request * again.prompt),
          prompt_(in.traffic.computed_input()),
          steps_(in.traffic.output / in.engine.tokens_per_step()),
          chunk_(in.engine.chunk_tokens * in.layout.attention_dp * in.layout.pp),
          pieces_(in.layout.attention_dp > 1
                      ? std::max(std::ceil(prompt_ / (in.engine.chunk_tokens * in.layout.pp) - 1e-9), 1.0)
                      : 1),
          mixed_(in.engine.batching == Batching::chunked_prefill),
          held_(in.layout.attention_dp > 1 ? std::max(in.engine.prompt_interval, 1.0) : 1) {}

    [[nodiscard]] StepShape shape(double decoding, double prompt_tokens) const {
        StepShape s;
        // `decoding` is a mean over time; a step that decodes at all decodes at least one sequence.
        s.decode_sequences = decoding > 0 ? std::max(decoding, 1.0) : 0;
        s.decode_context = in_.traffic.mean_context();
        s.queries = 1 + in_.engine.draft_tokens;
        s.prefill_tokens = prompt_tokens;
        s.prompt = prompt_;
        s.prior = in_.traffic.input - prompt_;
        s.passes = std::max(pieces_, std::ceil(prompt_ / chunk_));
        return s;
    }
    [[nodiscard]] StepShape prompt_shape(double decoding, double tokens) const {
        StepShape s = shape(mixed_ ? decoding : 0, tokens);
        s.prompt_ranks = prompt_ranks(tokens, prompt_, in_.engine.chunk_tokens, in_.layout.attention_dp);
        return s;
    }

    /// The cycle at a number of decoding sequences. Seconds per prompt hardly depend on it: those of the pass before,
    /// where there was one, hold while the number moves by less than a twentieth.
    [[nodiscard]] Cycle cycle(double decoding, Cycle c) const {
        c.decode = decode_time(in_, shape(decoding, 0));
        if (std::abs(decoding - c.prompt_at) > 0.05 * decoding) {
            const double arrivals = decoding / steps_;
            const double prompt = prompt_ + again_;
            c.prompt_at = decoding;
            c.chunk_share = std::max(
                any_rank(arrivals), std::min(arrivals * prompt / chunk_, in_.scalars.law.most_prefill_steps));
            c.tokens = std::min(arrivals * prompt / c.chunk_share, chunk_);
            // Where every step carries all the prompt tokens it can, their requests bound the sequences in decode.
            c.beside = std::min(decoding, steps_ * c.tokens / prompt);
            c.prompt = prompt_time(in_, prompt_shape(c.beside, c.tokens));
            // Steps with prompts beyond the decode steps of a cycle carry the decodes of nobody.
            const double carried = std::min(1.0, steps_ * c.tokens / (running_ * prompt));
            c.per_prompt = extra(c.prompt.total, carried * c.decode.total) * (prompt / c.tokens);
        }
        c.length = max((steps_ + in_.engine.admission_steps) * c.decode.total + running_ * c.per_prompt,
                       running_ * request_flop(c, decoding));
        return c;
    }

    /// Ranks step together: a step is a prompt step where any of them has a piece of one. Prompts held back for some steps
    /// come together; where decodes wait until all are done nobody joins them.
    [[nodiscard]] double any_rank(double arrivals) const {
        if (mixed_ || held_ > 1) return (1 - std::exp(-arrivals * pieces_ * held_)) / held_;
        return pieces_ * (1 - std::exp(-arrivals));
    }

    /// FLOP of a request at datasheet peak: however a cycle is cut into steps, it is no shorter than all of them.
    [[nodiscard]] Seconds request_flop(const Cycle& c, double decoding) const {
        const Seconds beside =
            mixed_ ? c.beside / std::max(decoding, 1.0) * c.decode.compute_busy : Seconds{0};
        return steps_ / std::max(decoding, 1.0) * c.decode.compute_busy +
               (prompt_ + again_) / c.tokens * max(c.prompt.compute_busy - beside, Seconds{0});
    }

    /// Seconds a step with prompts takes beyond the decodes it carries.
    [[nodiscard]] Seconds extra(Seconds prompt_step, Seconds decode_step) const {
        const double pre = in_.scalars.prefill_factor * in_.engine.prompt_work();
        return mixed_ ? pre * (prompt_step - decode_step) : pre * prompt_step;
    }

    /// Time to first token of a request that meets no queue: its chunks cross all stages, one behind the other, so the
    /// first takes the time of a step and each further one a stage of it. `all_decoding` is the step of all running
    /// sequences without prompts.
    [[nodiscard]] Seconds lone(double decoding, Seconds all_decoding) const {
        const double stages = in_.layout.pp;
        const double chunk = chunk_ / stages;         // of one stage
        const double own = in_.engine.chunk_tokens;   // of one rank, which a prompt stays on
        const double together = in_step() ? running_ * prompt_ : prompt_;
        const double piece = std::min(chunk, std::max(std::min(prompt_, own), together / stages));
        const Seconds decode = mixed_ ? all_decoding : Seconds{0};
        const auto step = [&](double tokens) {
            return decode + extra(prompt_time(in_, prompt_shape(decoding, tokens * stages)).total, decode);
        };
        const Seconds first = step(piece);
        if (prompt_ <= own) return first;
        const double whole = std::floor(prompt_ / own);
        const double rest = prompt_ - whole * own;
        return (1 + (whole - 1) / stages) * first + (rest >= 1 ? step(rest) / stages : Seconds{0});
    }

    /// Equal lengths that started together stay in step where prompts do not share steps with decodes.
    [[nodiscard]] bool in_step() const {
        return in_.traffic.equal_lengths && running_ <= in_.scalars.lockstep_requests;
    }
    /// Share of the other slots whose prompts come first: all of them in the burst that a run begins with.
    [[nodiscard]] double queueing() const {
        const bool cohorts = in_.traffic.equal_lengths && !mixed_;
        return cohorts ? in_.scalars.queue_in_step : in_.scalars.queue + together_;
    }

    [[nodiscard]] Seconds first_token(const Cycle& c, Seconds lone_time) const {
        return in_.scalars.lone * lone_time + in_.scalars.first_token + Seconds{in_.traffic.restore_s} +
               ((1 + (held_ - 1) * (1 - 1 / std::max(running_, 1.0))) / 2 + in_.scalars.first_token_steps +
                in_.engine.admission_steps) *
                   c.decode.total +
               (queueing() / 2 * (running_ - 1)) * c.per_prompt;
    }

    [[nodiscard]] Seconds per_token(const Cycle& c, Seconds ttft) const {
        const double output = in_.traffic.output;
        return max((c.length - ttft) / (output - 1), c.decode.total / in_.engine.tokens_per_step());
    }

  private:
    const ServingInput& in_;
    double running_;
    double together_;   // share of the requests that start together
    double again_;      // prompt tokens that a request computes once more
    double prompt_;
    double steps_;   // decode steps of a request
    double chunk_;
    double pieces_;   // of a prompt, one in a step: it stays on its attention rank; 1 without such ranks
    bool mixed_;
    double held_;   // steps from one that carries prompts to the next that may
};

/// Requests of one output token decode nothing: prompts follow one another, R T_p seconds from first to last.
Serving prompts_only(const ServingInput& in, const Loop& loop, double requests, double running) {
    const double prompt = in.traffic.computed_input();
    const double chunk = in.engine.chunk_tokens * in.layout.attention_dp * in.layout.pp;
    Serving s;
    s.prompt_step = loop.shape(0, std::min(running * prompt, chunk));
    s.prompt_time = in.timer.time(s.prompt_step);
    const Seconds per_prompt =
        s.prompt_time.served(in.scalars.prefill_factor) * (prompt / s.prompt_step.prefill_tokens);
    const Seconds served = max(running * per_prompt, loop.lone(0, Seconds{0})) + in.scalars.first_token;
    s.ttft_queue = std::max(requests - running, 0.0) / running * served;
    s.ttft = s.e2e = served + s.ttft_queue;
    s.requests_per_s = PerSecond{requests / s.e2e.value()};
    s.running = running;
    s.prefill_share = s.prefill_steps_share = 1;
    s.provenance = s.prompt_time.provenance;
    return s;
}

/// The cycle and what a request sees of it, at a number of decoding sequences.
struct Pass {
    Cycle cycle;
    Seconds ttft;
    Seconds tpot;
    double decoding = 0;   // sequences it was timed with
    double little = 0;     // sequences that decode at these times, by Little's law
};

class FixedPoint {
  public:
    FixedPoint(const ServingInput& in, double running, double together, const Preemption& again)
        : loop_(in, running, together, again), in_(in), running_(running) {}

    [[nodiscard]] const Loop& loop() const { return loop_; }

    /// Where the number of decoding sequences is what the cycle makes of it. Half steps get there in a few passes; where
    /// outputs are so short that they swing around it, the interval between too few and too many is halved.
    [[nodiscard]] Pass solve() {
        Pass pass = at(running_, {});
        for (int i = 1; i < most_passes && !settled(pass); ++i)
            pass = at(i == 1 ? pass.little : (pass.decoding + pass.little) / 2, pass.cycle);
        return settled(pass) ? pass : halved();
    }

  private:
    static constexpr int most_passes = 10;
    static constexpr int halvings = 20;

    static bool settled(const Pass& p) { return std::abs(p.little - p.decoding) < 1e-2 * p.decoding; }
    Pass at(double decoding, const Cycle& before) {
        Pass p{loop_.cycle(decoding, before), {}, {}, decoding, 0};
        if (lone_ == Seconds{}) lone_ = loop_.lone(running_, p.cycle.decode.total);
        p.ttft = loop_.first_token(p.cycle, lone_);
        p.tpot = loop_.per_token(p.cycle, p.ttft);
        p.little = running_ * ((in_.traffic.output - 1) * p.tpot / p.cycle.length);
        return p;
    }
    Pass halved() {
        double low = 0;
        double high = running_;
        Pass pass;
        for (int i = 0; i < halvings; ++i) {
            const double middle = (low + high) / 2;
            pass = at(middle, {});
            (pass.little > middle ? low : high) = middle;
        }
        return pass;
    }

    Loop loop_;
    const ServingInput& in_;
    double running_;
    Seconds lone_;
};

}   // namespace

StepTime decode_time(const ServingInput& in, const StepShape& shape) {
    return with_checks(in, shape, in.timer.time(shape));
}

StepTime prompt_time(const ServingInput& in, const StepShape& shape) {
    StepTime time = in.timer.time(shape);
    if (in.engine.draft_tokens <= 0 || shape.decode_sequences <= 0) return time;
    StepShape decodes = shape;
    decodes.prefill_tokens = 0;
    const StepTime without = in.timer.time(decodes);
    const Seconds checks = with_checks(in, decodes, without).total - without.total;
    time.by_class[static_cast<std::size_t>(OpClass::draft_checks)] += checks;
    time.total += checks;
    return time;
}

namespace {

/// What is taken out again of so many requests, and how many answers it waits for outside.
struct TakenOut {
    Preemption again;
    double answers = 0;
};
TakenOut taken_out(const ServingInput& in, double requests) {
    constexpr double roomy = 0.8;   // of the memory: nothing is taken out below
    if (requests < roomy * in.capacity || in.engine.output_reserve > 0.5 || in.traffic.output <= 1) return {};
    Replica r;
    r.lengths = length_law(lengths_of(in.traffic), in.traffic.prefix_hit_rate);
    r.rules = engine_limits(in);
    TakenOut t{preemption(r), 0};
    t.again.per_request *= memory_pressure(r, requests / in.layout.attention_dp);
    t.answers = answers_waited(r, t.again);
    return t;
}

/// Those outside wait for their next token where they waited for memory before their first.
void wait_outside(double answers, double output, Serving& s) {
    const Seconds wait = min(Seconds{answers / s.requests_per_s.value()}, s.ttft_queue);
    s.ttft_queue = s.ttft_queue - wait;
    s.ttft = s.ttft - wait;
    s.tpot += wait / (output - 1);
}

}   // namespace

Seconds lone_prompt(const ServingInput& in, double decoding) {
    const Loop loop(in, 1, 0, {});
    const Seconds decode = decoding > 0 ? decode_time(in, loop.shape(decoding, 0)).total : Seconds{0};
    return loop.lone(decoding, decode);
}

Serving closed_loop(const ServingInput& in, double requests, double run, bool backlog) {
    const double running = std::min(requests, in.capacity);
    const double output = in.traffic.output;
    const TakenOut out = taken_out(in, backlog ? HUGE_VAL : requests);
    FixedPoint point(in, running, run > requests ? requests / run : 0, out.again);
    if (output <= 1) return prompts_only(in, point.loop(), requests, running);
    const Pass pass = point.solve();
    const Cycle& c = pass.cycle;
    Serving s;
    s.ttft_queue = std::max(requests - running, 0.0) / running * c.length;
    s.ttft = pass.ttft + s.ttft_queue;
    s.tpot = pass.tpot;
    s.e2e = s.ttft + (output - 1) * s.tpot;
    s.requests_per_s = PerSecond{requests / s.e2e.value()};
    s.running = running;
    // Little's law: the first token's way through the front end holds no slot of the engine's cycle.
    s.decoding = std::min(s.requests_per_s.value() * (output - 1) * s.tpot.value(), running);
    s.prefill_share = std::min(1.0, s.requests_per_s.value() * c.per_prompt.value());
    s.decode_step = point.loop().shape(pass.decoding, 0);
    s.prompt_step = point.loop().prompt_shape(c.beside, c.tokens);
    s.decode_time = c.decode;
    s.prompt_time = c.prompt;
    s.prefill_steps_share = std::min(c.chunk_share, 1.0);
    s.provenance = weaker(c.decode.provenance, c.prompt.provenance);
    if (out.answers > 0) wait_outside(out.answers, output, s);
    return s;
}

}   // namespace moecost
