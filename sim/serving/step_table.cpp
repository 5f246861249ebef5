// SPDX-License-Identifier: Apache-2.0
#include "moecost/serving/step_table.h"

#include <algorithm>
#include <cmath>

#include "moecost/base/numerics.h"
#include "moecost/serving/scheduler.h"
#include "moecost/timing/step_timer.h"

namespace moecost {
namespace {

constexpr double unknown = -1e300;
constexpr double context_ratio = 1.5;
constexpr std::size_t contexts = 48;   // grid points; the mean is in the middle

/// A grid of even spacing `unit` up to `linear` points, then of ratio 1 + 1/linear: position of x and back.
double position(double x, double unit, double linear) {
    const double i = x / unit;
    return i <= linear ? i : linear * (1 + fast_log2(i / linear) / 1.4426950408889634074);
}
double at_position(double i, double unit, double linear) {
    return unit * (i <= linear ? i : linear * std::exp(i / linear - 1));
}

double& slot(std::vector<std::vector<double>>& table, std::size_t row, std::size_t column) {
    if (row >= table.size()) table.resize(row + 1);
    if (column >= table[row].size()) table[row].resize(column + 8, unknown);
    return table[row][column];
}

}   // namespace

StepFunction step_function(StepTimer& timer, const ServingConstants& constants,
                           const EngineSettings& settings, const Layout& layout, const Traffic& traffic) {
    const double prompt = traffic.computed_input();
    const double chunk = settings.chunk_tokens * layout.pp;   // a prompt stays on its attention rank
    const double passes = std::max(1.0, std::ceil(prompt / chunk));
    const bool mixed = settings.batching == Batching::chunked_prefill;
    const double pre = constants.prefill_factor * settings.prompt_work();
    const double queries = 1 + settings.draft_tokens;
    const auto shape = [=](double decodes, double contexts) {
        StepShape s;
        // A mean over time; a step that decodes at all decodes at least one sequence.
        s.decode_sequences = decodes > 0 ? std::max(decodes, 1.0) : 0;
        s.decode_context = decodes > 0 ? std::max(contexts / decodes, 1.0) : 0;
        s.queries = queries;
        return s;
    };
    // A step with prompts is asked along with the one without: the last of those is remembered.
    struct Last {
        double decodes = -1, contexts = -1, seconds = 0;
    };
    auto without_prompts = [=, &timer, last = Last{}](const StepShape& s, double contexts) mutable {
        if (last.decodes != s.decode_sequences || last.contexts != contexts)
            last = {s.decode_sequences, contexts, timer.time(s).total.value()};
        return last.seconds;
    };
    // Checks of drafts: the same beside prompts.
    const double ranks = layout.attention_dp;
    const auto checked = [=](double decodes, double seconds) {
        return with_checks(settings, ranks, decodes, seconds);
    };
    return [=, &timer](double decodes, double contexts, double tokens, double attended) mutable {
        if (tokens <= 0)
            return checked(std::max(decodes, decodes > 0 ? 1.0 : 0.0),
                           without_prompts(shape(decodes, contexts), contexts));
        // A mixed step without decodes is the limit of one with few: what it saves of a decode step is that of one.
        const double beside = mixed ? std::max(decodes, 1.0) : 0.0;
        const double read = mixed && decodes < 1 ? traffic.mean_context() : contexts;
        StepShape s = shape(beside, read);
        const double without = mixed ? without_prompts(s, read) : 0.0;
        s.prefill_tokens = tokens;
        s.prompt = prompt;
        s.prior = std::max(attended / tokens - (prompt + 1) / 2, 0.0);
        s.passes = passes;
        s.prompt_ranks = prompt_ranks(tokens, prompt, settings.chunk_tokens, layout.attention_dp);
        return checked(beside, without) + pre * (timer.time(s).total.value() - without);
    };
}

StepTable::StepTable(StepFunction exact, double context, double keys, StepGrid grid)
    : exact_(std::move(exact)), context_(std::max(context, 1.0)), keys_(keys), grid_(grid) {}

double StepTable::ask(double decodes, double contexts, double prompt_tokens, double attended) {
    ++evaluations_;
    return exact_(decodes, contexts, prompt_tokens, attended);
}

double StepTable::decode_node(std::size_t b, std::size_t context) {
    double& known = slot(decode_, b, context);
    if (known == unknown) {
        const double decodes = at_position(static_cast<double>(b), 1, grid_.decodes);
        const double tokens =
            context_ * std::pow(context_ratio, static_cast<double>(context) - contexts / 2.0);
        const double t = ask(decodes, decodes * tokens, 0, 0);
        return slot(decode_, b, context) = t;
    }
    return known;
}

double StepTable::decode_at(std::size_t b, double context) {
    if (context == context_ || b == 0) return decode_node(b, contexts / 2);
    constexpr double per_octave = 1.7095112913514547;   // ln 2/ln 1.5
    const double x = fast_log2(std::max(context, 1e-3) / context_) * per_octave + contexts / 2.0;
    const auto i = static_cast<std::size_t>(std::clamp(x, 0.0, contexts - 2.0));
    // Linear in the context itself: attention reads it token by token.
    const double low = context_ * std::pow(context_ratio, static_cast<double>(i) - contexts / 2.0);
    const double share = (context - low) / (low * (context_ratio - 1));
    if (std::abs(share) < 1e-12) return decode_node(b, i);
    const double t = decode_node(b, i);
    return t + share * (decode_node(b, i + 1) - t);
}

double StepTable::excess_node(std::size_t b, std::size_t p) {
    double& known = slot(excess_, b, p);
    if (known == unknown) {
        const double decodes = at_position(static_cast<double>(b), 1, grid_.decodes);
        const double tokens = at_position(static_cast<double>(p), grid_.prompt_tokens, grid_.prompts);
        const double beside = b == 0 ? 0 : decode_node(b, contexts / 2);
        const double t = p == 0 ? 0 : ask(decodes, decodes * context_, tokens, tokens * keys_) - beside;
        return slot(excess_, b, p) = t;
    }
    return known;
}

double StepTable::excess(double decodes, double prompt_tokens) {
    const double x = position(decodes, 1, grid_.decodes);
    const double y = position(prompt_tokens, grid_.prompt_tokens, grid_.prompts);
    const auto b = static_cast<std::size_t>(x);
    const auto p = static_cast<std::size_t>(y);
    const double low = at_position(static_cast<double>(p), grid_.prompt_tokens, grid_.prompts);
    const double high = at_position(static_cast<double>(p + 1), grid_.prompt_tokens, grid_.prompts);
    const double v = (prompt_tokens - low) / (high - low);
    const auto along = [&](std::size_t row) {
        // Without decodes nothing is left of a step when its prompts vanish but its fixed part: no zero node there.
        const std::size_t first = row == 0 && p == 0 ? 1 : p;
        if (first != p) return excess_node(row, 1);
        const double e = excess_node(row, p);
        return v <= 0 ? e : e + v * (excess_node(row, p + 1) - e);
    };
    const double e = along(b);
    const double u = x - static_cast<double>(b);
    return u < 1e-12 || b == 0 ? e : e + u * (along(b + 1) - e);
}

double StepTable::attended_slope(double prompt_tokens, double decodes) {
    const double y = position(prompt_tokens, grid_.prompt_tokens, grid_.prompts);
    const auto p = std::max<std::size_t>(static_cast<std::size_t>(y + 0.5), 1);
    if (p >= slope_.size()) slope_.resize(p + 8, unknown);
    if (slope_[p] == unknown) {
        const double tokens = at_position(static_cast<double>(p), grid_.prompt_tokens, grid_.prompts);
        const double more = tokens * std::max(keys_, 64.0);
        const double b = std::floor(decodes);
        const double base = ask(b, b * context_, tokens, tokens * keys_);
        slope_[p] = (ask(b, b * context_, tokens, tokens * keys_ + more) - base) / more;
    }
    return slope_[p];
}

double StepTable::time(double decodes, double contexts_sum, double prompt_tokens, double attended) {
    if (exactly_) return ask(decodes, contexts_sum, prompt_tokens, attended);
    double t = 0;
    if (decodes > 0) {
        const double context = std::abs(contexts_sum - decodes * context_) < 1e-9 * contexts_sum
                                   ? context_
                                   : contexts_sum / decodes;
        const double x = std::max(position(decodes, 1, grid_.decodes), 1.0);
        const auto b = static_cast<std::size_t>(x);
        t = decode_at(b, context);
        if (x - static_cast<double>(b) > 1e-12)
            t += (x - static_cast<double>(b)) * (decode_at(b + 1, context) - t);
    }
    if (prompt_tokens <= 0) return t;
    t += excess(decodes > 0 ? std::max(decodes, 1.0) : 0, prompt_tokens);
    const double beyond = attended - prompt_tokens * keys_;
    if (std::abs(beyond) > 1e-9 * attended) t += attended_slope(prompt_tokens, decodes) * beyond;
    return t;
}

}   // namespace moecost
