// SPDX-License-Identifier: Apache-2.0
// moecost plan: what should be rented for this load, within these objectives?
#include "plan/plan.h"

#include <algorithm>

#include "launch/launch.h"
#include "moecost/base/file.h"
#include "moecost/base/format.h"
#include "moecost/base/parallel.h"
#include "text.h"

namespace moecost::cli {
namespace {

PlannedAnswer shown_one(const PlanQuestion& q, const DataStore& data, const Planned& p, bool meets) {
    PlannedAnswer a{p, answer_for(data, description_of(q, p)), {}};
    if (meets) a.trust = trust_of(q.space, p);
    return a;
}

/// With as much of the load as it carries.
PlannedAnswer carrying(const PlanQuestion& q, const DataStore& data, const Planned& p, double load) {
    Description d = description_of(q, p);
    d.load = resized(*d.load, load);
    return {p, answer_for(data, d), {}};
}

/// Every deployment that the answer names, worked out once more as `estimate` does.
PlanResult result_of(const PlanQuestion& q, const DataStore& data, PlanAnswer found,
                     const CandidateLoop& loop) {
    PlanResult r;
    r.answer = std::move(found);
    const PlanAnswer& a = r.answer;
    r.rivals.resize(a.rivals.size());
    r.of_kind.resize(a.of_kind.size());
    if (a.best.possible()) r.best = shown_one(q, data, a.best, true);
    loop(a.rivals.size(), [&](std::size_t i) { r.rivals[i] = shown_one(q, data, a.rivals[i], true); });
    loop(a.of_kind.size(), [&](std::size_t i) { r.of_kind[i] = shown_one(q, data, a.of_kind[i], true); });
    for (std::size_t i = 0; i < plan_limits; ++i) {
        if (a.loosened[i].possible()) r.loosened[i] = shown_one(q, data, a.loosened[i], false);
    }
    if (a.nearest.possible()) r.nearest = shown_one(q, data, a.nearest, a.miss != PlanMiss::objectives);
    if (a.smallest.possible()) r.smallest = carrying(q, data, a.smallest, a.smallest.size);
    if (a.within_budget.possible()) r.within_budget = carrying(q, data, a.within_budget, a.carried);
    return r;
}

void add_day(const PlanQuestion& q, PlanResult& r) {
    if (!q.day || !r.best) return;
    const Planned& p = r.best->planned;
    const Traffic& traffic = r.best->estimate.scenario->traffic;
    const double most = std::min(r.best->trust.largest_size, q.space.max_load * p.limits.capacity);
    r.day = day_of(*q.day, most, p.usd_per_hour / p.replicas, traffic.input, traffic.output);
}

}   // namespace

std::string sized_slower(const PlanQuestion& q, const PlanResult& r) {
    std::vector<std::size_t> variants;
    const auto add = [&](const auto& list) {
        for (const PlannedAnswer& a : list) variants.push_back(a.planned.variant);
    };
    for (const auto* one : {&r.best, &r.nearest, &r.within_budget})
        if (*one) variants.push_back((*one)->planned.variant);
    add(r.rivals);
    add(r.of_kind);
    std::vector<std::string> told;
    for (const std::size_t v : variants) {
        if (!is_marked(q, v)) continue;
        const PlanVariant& variant = q.space.variants[v];
        std::string s = q.space.machines[variant.machine].scenario.pool().cluster.gpu.id;
        if (variant.slower > 1) s.append(" with ").append(precision_name(variant.precision));
        s.append(" ").append(significant(q.space.slower_of(v), 3)).append(" times");
        if (std::find(told.begin(), told.end(), s) == told.end()) told.push_back(s);
    }
    std::string list;
    for (const std::string& s : told) list.append(list.empty() ? "" : ", ").append(s);
    return list;
}

namespace {

void add_frontier(const PlanQuestion& q, PlanResult& r, const CommandLine& line, const CandidateLoop& loop) {
    if (line.has("frontier")) r.frontier = speed_frontier(q.space, loop);
}

/// With the TTFT objective of each machine as far below the asked one as the demanded chance wants. The trial multiplies
/// times by `slower`, which is about the speed alone.
PlanSpace demanded(const PlanQuestion& q) {
    PlanSpace space = q.space;
    for (std::size_t i = 0; i < space.machines.size() && q.chance > 0; ++i)
        space.machines[i].scenario.slo.ttft_s *= space.machines[i].slower / q.ttft_room[i];
    return space;
}

/// Raises what is assumed to lie outside the fitted ranges of the machines of a deployment; false: it was enough.
bool raise(const LogSpread& found, std::size_t machine, Sizing& sizing) {
    constexpr double noticeable = 1e-3;
    if (sizing.beyond.size() <= machine) sizing.beyond.resize(machine + 1);
    LogSpread& assumed = sizing.beyond[machine];
    bool raised = false;
    for (double LogSpread::*x : {&LogSpread::throughput, &LogSpread::tpot, &LogSpread::ttft}) {
        if (found.*x <= assumed.*x + noticeable) continue;
        assumed.*x = found.*x;
        raised = true;
    }
    return raised;
}

constexpr int most_raises = 4;

void add_apart(const Invocation& in, const PlanQuestion& asked, Sizing sizing, PlanResult& r,
               const CandidateLoop& loop) {
    const DataStore& data = in.data;
    PlannedPools found = plan_pools(demanded(asked), loop);
    r.pairs_tried = found.candidates;
    const auto raised = [&](const PlannedPools& p) {
        const LogSpread beyond = beyond_of(asked.space, p);
        const bool prefill = raise(beyond, asked.space.variants[p.prefill.variant].machine, sizing);
        return raise(beyond, asked.space.variants[p.decode.variant].machine, sizing) || prefill;
    };
    for (int i = 0; i < most_raises && asked.chance > 0 && found.possible() && raised(found); ++i)
        found = plan_pools(demanded(plan_question(in, sizing)), loop);
    if (found.possible()) {
        r.apart =
            ApartAnswer{found, answer_for(data, description_of(asked, found)), trust_of(asked.space, found)};
        return;
    }
    if (r.best) return;
    NearestPools nearest = nearest_pools(demanded(asked), loop);
    for (int i = 0; i < most_raises && asked.chance > 0 && nearest.pair.possible() && raised(nearest.pair);
         ++i)
        nearest = nearest_pools(demanded(plan_question(in, sizing)), loop);
    if (!nearest.pair.possible()) return;
    r.near_apart = ApartAnswer{nearest.pair, answer_for(data, description_of(asked, nearest.pair)),
                               trust_of(asked.space, nearest.pair), nearest.least};
}

struct Asked {
    PlanQuestion question;
    PlanAnswer answer;
    Sizing sizing;
};

/// A demanded chance widens with what an answer has outside the fitted ranges, which is known with the answer alone: asked
/// again until what was assumed is enough for everything that is shown.
Asked answered_with(const Invocation& in, Sizing sizing, const auto& loop_of) {
    for (int i = 0;; ++i) {
        Asked a{plan_question(in, sizing), {}, sizing};
        const PlanQuestion& q = a.question;
        if (!q.one_pool) return a;
        a.answer = moecost::plan(demanded(q), loop_of(q));
        std::vector<Planned> shown = a.answer.rivals;
        shown.insert(shown.end(), a.answer.of_kind.begin(), a.answer.of_kind.end());
        if (a.answer.nearest.possible()) shown.push_back(a.answer.nearest);
        if (q.chance == 0 || i == most_raises) return a;
        bool raised = false;
        for (const Planned& p : shown)
            raised = raise(beyond_of(q.space, p), q.space.variants[p.variant].machine, sizing) || raised;
        if (!raised) return a;
    }
}

/// A demanded chance is the product of two: how it is best split depends on which objective is near, so three are tried.
Asked best_of_splits(const Invocation& in, const auto& loop_of) {
    Asked best = answered_with(in, {0.95, {}}, loop_of);
    if (best.question.chance == 0 || best.question.space.machines.empty() || !best.question.one_pool)
        return best;
    for (const double split : {0.5, 0.05}) {
        Asked other = answered_with(in, {split, {}}, loop_of);
        if (other.answer.best.score < best.answer.best.score) best = std::move(other);
    }
    return best;
}

/// Where nothing runs: the first of these restrictions that keeps it so.
void add_relaxed(const PlanQuestion& q, const CommandLine& line, PlanResult& r, const CandidateLoop& loop) {
    if (r.answer.miss != PlanMiss::runs || q.space.machines.empty()) return;
    const bool degrees = q.space.fixed.tp > 0 || q.space.fixed.pp > 0 || q.space.fixed.ep > 0 ||
                         q.space.fixed.attention_dp > 0;
    const std::vector<int> any{1, 2, 4, 8, 16, 32, 64, 128, 256};
    for (const auto& [gpus, free] : {std::pair(true, false), std::pair(false, true), std::pair(true, true)}) {
        if (free && !degrees) continue;
        PlanSpace space = q.space;
        space.goal = PlanGoal::gpus;
        space.max_gpus = 0;
        space.max_usd_per_hour = 0;
        space.list_rejected = false;
        if (gpus) space.gpus = any;
        if (free) space.fixed = {};
        const Planned p = moecost::plan(space, loop).best;
        if (!p.possible()) continue;
        std::string options;
        if (gpus) options.append("--instance-gpus ").append(std::to_string(p.layout.gpus()));
        if (free) options.append(gpus ? " and leaving out" : "leaving out");
        std::string_view between = " --";
        for (const char* key : {"tp", "pp", "ep", "attention-dp"}) {
            if (!free || !line.has(key)) continue;
            options.append(between).append(key);
            between = ", --";
        }
        r.relaxed = Relaxed{options, free, p};
        return;
    }
}

void write_files(const PlanQuestion& q, const PlanResult& r, const CommandLine& line) {
    if (const std::string* file = line.find("rejected")) write_file(*file, rejected_csv(q, r.answer));
    if (const std::string* file = line.find("frontier")) write_file(*file, frontier_csv(q, *r.frontier));
}

/// The commands of the answer, after it.
void add_launch(PlanResult& r, const Invocation& in) {
    if (!in.line.has("launch") || !r.best) return;
    r.launch = launch_answer(in, r.best->estimate.description).output;
}

}   // namespace

Answer run_plan(const Invocation& in) {
    const auto loop_of = [](const PlanQuestion& question) -> CandidateLoop {
        return [threads = question.threads](std::size_t count, const std::function<void(std::size_t)>& work) {
            for_each_index(count, threads, work);
        };
    };
    Asked asked = best_of_splits(in, loop_of);
    const PlanQuestion& q = asked.question;
    const CandidateLoop loop = loop_of(q);
    PlanResult r = result_of(q, in.data, std::move(asked.answer), loop);
    if (q.two_pools) add_apart(in, q, asked.sizing, r, loop);
    add_relaxed(q, in.line, r, loop);
    add_day(q, r);
    add_frontier(q, r, in.line, loop);
    add_launch(r, in);
    write_files(q, r, in.line);
    Answer answer;
    answer.status = r.best || r.apart ? answered : infeasible;
    if (!r.best && !r.apart) answer.messages = near_message(q, r);
    if (r.best) answer.next = std::string("moecost launch ").append(options_of(r.best->estimate.description));
    switch (in.format) {
        case Format::json:
            answer.output = plan_json(q, r);
            break;
        case Format::csv:
            answer.output = plan_csv(q, r);
            break;
        case Format::text:
            answer.output = plan_text(q, r, in);
            break;
    }
    return answer;
}

}   // namespace moecost::cli
