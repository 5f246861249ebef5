// SPDX-License-Identifier: Apache-2.0
// moecost plan: what should be rented for this load, within these objectives?
#include "plan/plan.h"

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
    if (a.nearest.possible()) r.nearest = shown_one(q, data, a.nearest, a.nearest.ratio <= 1);
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

std::string shortfall(const PlanQuestion& q, const PlanResult& r) {
    std::string s("moecost: infeasible: ");
    const PlanAnswer& a = r.answer;
    if (!r.nearest) {
        s.append("no deployment runs");
        if (!a.why.reason.empty()) s.append(": ").append(to_text(a.why));
        for (const auto& [reason, count] : q.rejected) s.append("; ").append(reason);
        return s.append("\n");
    }
    s.append("nothing meets the objectives");
    if (q.space.max_gpus > 0) s.append(" on ").append(std::to_string(q.space.max_gpus)).append(" GPUs");
    if (q.space.max_usd_per_hour > 0)
        s.append(" for ").append(money(q.space.max_usd_per_hour)).append(" an hour");
    return s.append("; the nearest is ").append(deployment_name(q, r.nearest->planned)).append("\n");
}

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

void add_apart(const PlanQuestion& q, const DataStore& data, PlanResult& r, const CandidateLoop& loop) {
    const PlannedPools found = plan_pools(demanded(q), loop);
    r.pairs_tried = found.candidates;
    if (!found.possible()) return;
    r.apart = ApartAnswer{found, answer_for(data, description_of(q, found)), trust_of(q.space, found)};
}

struct Asked {
    PlanQuestion question;
    PlanAnswer answer;
};
/// A demanded chance is the product of two: how it is best split depends on which objective is near, so three are tried.
Asked best_of_splits(const Invocation& in, const auto& loop_of) {
    Asked best{plan_question(in, 0.95), {}};
    if (!best.question.one_pool) return best;
    best.answer = moecost::plan(demanded(best.question), loop_of(best.question));
    if (best.question.chance == 0 || best.question.space.machines.empty()) return best;
    for (const double split : {0.5, 0.05}) {
        Asked other{plan_question(in, split), {}};
        other.answer = moecost::plan(demanded(other.question), loop_of(other.question));
        if (other.answer.best.score < best.answer.best.score) best = std::move(other);
    }
    return best;
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
    if (q.two_pools) add_apart(q, in.data, r, loop);
    add_day(q, r);
    add_frontier(q, r, in.line, loop);
    add_launch(r, in);
    write_files(q, r, in.line);
    Answer answer;
    answer.status = r.best || r.apart ? answered : infeasible;
    if (!r.best && !r.apart) answer.messages = shortfall(q, r);
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
