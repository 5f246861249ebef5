// SPDX-License-Identifier: Apache-2.0
#include "moecost/plan/plan.h"

#include <algorithm>
#include <tuple>

namespace moecost {
namespace {

constexpr int most_gpus = 65536;         // of a deployment without a budget
constexpr std::size_t batch_size = 64;   // candidates between two looks at the best so far
constexpr double bound_slack = 0.98;     // bounds of times and energy: tiles of kernels ripple
constexpr std::size_t most_rivals = 8;

constexpr std::string_view beyond_budget = "more than the budget";
constexpr std::string_view dearer = "worse than the answer by its bound";
constexpr std::string_view too_slow = "an objective is missed even by a lone request";
constexpr std::string_view never_meets = "an objective is missed with any number of instances";
constexpr std::string_view no_price = "no price is known";

struct Candidate {
    std::size_t variant = 0;
    Layout layout;
    InstanceLimits limits;
};

/// What is asked of a round over all candidates.
struct Question {
    PlanGoal goal = PlanGoal::cost;
    Slo limits;
    int max_gpus = 0;
    double max_usd = 0;
    bool of_kinds = false;   // rivals and the best of each kind besides the best
};

/// What became of a candidate.
struct Outcome {
    Planned planned;
    std::string_view reason;   // where not possible
    std::uint64_t evaluated = 0;
};

/// The best first; equal scores: the cheaper, the smaller, the faster, the earlier.
bool better(const Planned& a, const Planned& b) {
    if (a.possible() != b.possible()) return a.possible();
    const auto key = [](const Planned& p) { return std::tuple(p.score, p.usd_per_hour, p.gpus(), p.e2e_s); };
    return key(a) < key(b);
}

class Search {
  public:
    Search(const PlanSpace& space, const CandidateLoop& loop)
        : space_(space), loop_(loop), load_(space.machines.front().scenario.traffic.load) {}

    PlanAnswer answer() {
        collect();
        const Slo& slo = space_.machines.front().scenario.slo;
        const Question asked{space_.goal, slo, space_.max_gpus, space_.max_usd_per_hour, true};
        const std::vector<Planned> found = solve(asked, {}, true);
        rank(found);
        if (answer_.best.possible())
            loosen(asked);
        else
            look_beyond(asked);
        return std::move(answer_);
    }

  private:
    // --- candidates ---------------------------------------------------------------------------------------------------

    struct OfVariant {
        std::vector<Candidate> runnable;
        std::map<std::string, std::uint64_t> rejected;
        std::vector<Rejected> list;
        Infeasible why;
        std::uint64_t evaluated = 0;
    };

    void collect() {
        const std::vector<Layout> layouts = layouts_of(space_.gpus, space_.fixed, space_.exchanges);
        std::vector<OfVariant> parts(space_.variants.size());
        loop_(parts.size(), [&](std::size_t v) { parts[v] = runnable(v, layouts); });
        for (OfVariant& part : parts) {
            candidates_.insert(candidates_.end(), part.runnable.begin(), part.runnable.end());
            for (const auto& [reason, count] : part.rejected) answer_.rejected[reason] += count;
            std::move(part.list.begin(), part.list.end(), std::back_inserter(answer_.list));
            answer_.evaluated += part.evaluated;
            if (!part.why.reason.empty()) answer_.why = part.why;
        }
        answer_.candidates = parts.size() * layouts.size();
        answer_.runnable = candidates_.size();
    }

    OfVariant runnable(std::size_t v, const std::vector<Layout>& layouts) const {
        OfVariant part;
        Trial trial = trial_at(v, {});
        Pool& pool = trial.scenario.pool();
        for (const Layout& layout : layouts) {
            if (const auto refusal = layout_refusal(trial.scenario.architecture, pool, layout)) {
                const std::string_view kind = refusal->launch ? "engine rule: " : "";
                reject(part, v, layout, std::string(kind).append(refusal->name()),
                       space_.list_rejected ? refusal->why() : Infeasible{});
                continue;
            }
            pool.layout = layout;
            const Expected<InstanceLimits> limits = instance_limits(trial);
            if (limits && limits->capacity > 0) {
                part.runnable.push_back({v, layout, *limits});
                continue;
            }
            part.why = limits ? Infeasible{"nothing fits", {}, {}, 0, 0} : limits.error();
            reject(part, v, layout, std::string(part.why.reason), part.why);
        }
        part.evaluated = trial.evaluated;
        return part;
    }

    void reject(OfVariant& part, std::size_t v, const Layout& layout, std::string reason,
                const Infeasible& why) const {
        ++part.rejected[reason];
        if (space_.list_rejected) part.list.push_back({v, layout, std::move(reason), to_text(why)});
    }

    // --- one candidate ------------------------------------------------------------------------------------------------

    [[nodiscard]] const PlanMachine& machine_of(std::size_t variant) const {
        return space_.machines[space_.variants[variant].machine];
    }
    [[nodiscard]] double price(const Candidate& c) const {
        return machine_of(c.variant).scenario.pool().price.usd_per_gpu_hour;
    }
    [[nodiscard]] Trial trial_at(std::size_t v, const Layout& layout) const {
        return trial_of(scenario_of(space_, v, layout, 1), machine_of(v).slower);
    }
    [[nodiscard]] double load() const { return size_of(load_).value_or(0); }
    [[nodiscard]] double planned_capacity(const Candidate& c) const {
        return is_rate(load_) ? space_.max_load * c.limits.capacity : c.limits.capacity;
    }
    [[nodiscard]] int replicas_for(double size) const {
        const double n = std::ceil(load() / size * (1 - 1e-12));
        return n < most_gpus ? std::max(1, static_cast<int>(n)) : most_gpus;
    }
    /// Instances that a budget pays for.
    [[nodiscard]] int affordable(const Candidate& c, const Question& q) const {
        const int gpus = c.layout.gpus();
        int n = most_gpus / gpus;
        if (q.max_gpus > 0) n = std::min(n, q.max_gpus / gpus);
        if (q.max_usd > 0) n = std::min(n, static_cast<int>(q.max_usd / (gpus * price(c)) * (1 + 1e-12)));
        return n;
    }

    /// No score of the candidate is lower when an instance gets at most `size`.
    [[nodiscard]] double bound(const Candidate& c, PlanGoal goal, double size) const {
        const double gpus = c.layout.gpus();
        switch (goal) {
            case PlanGoal::cost:
                return replicas_for(size) * gpus * price(c);
            case PlanGoal::gpus:
                return replicas_for(size) * gpus;
            case PlanGoal::throughput: {
                const double output = machine_of(c.variant).scenario.traffic.output;
                const double most = is_rate(load_) ? size * output : c.limits.full_tokens_per_s / bound_slack;
                return gpus / most;
            }
            case PlanGoal::latency:
                return c.limits.lone_e2e_s * bound_slack;
            case PlanGoal::energy:
                break;
        }
        return c.limits.least_joules * bound_slack;
    }

    [[nodiscard]] double score(const Candidate& c, PlanGoal goal, int replicas, const Trial& t,
                               const Estimate& e) const {
        switch (goal) {
            case PlanGoal::cost:
                return double{1} * replicas * c.layout.gpus() * price(c);
            case PlanGoal::gpus:
                return double{1} * replicas * c.layout.gpus();
            case PlanGoal::latency:
                return e.serving.e2e.value() * t.slower;
            case PlanGoal::throughput:
                return c.layout.gpus() / (e.serving.output_tokens_per_s.value() / t.slower);
            case PlanGoal::energy:
                break;
        }
        return e.cost.joules_per_output_token.value() * t.slower;
    }

    /// The least number of instances between two that meets the limits; times fall as instances are added.
    [[nodiscard]] int least_replicas(Trial& t, int least, int most) const {
        const auto good = [&](int n) {
            const Expected<Estimate> e = at_size(t, load() / n);
            return e && meets(t, *e);
        };
        if (good(least)) return least;
        int low = least;
        int high = low;
        for (int step = 1; high < most; step *= 2) {
            high = step < most - low ? low + step : most;
            if (good(high)) break;
            low = high;
            if (high == most) return 0;
        }
        if (high == low) return 0;
        while (high - low > 1) {
            const int middle = low + (high - low) / 2;
            (good(middle) ? high : low) = middle;
        }
        return high;
    }

    /// Where an instance is judged: the load of one of `replicas`, or, for throughput, all that it carries.
    [[nodiscard]] Outcome attempt(const Candidate& c, const Question& q, double cutoff) const {
        Outcome o;
        if (q.goal == PlanGoal::cost && !(price(c) > 0)) return {{}, no_price, 0};
        if (bound(c, q.goal, planned_capacity(c)) > cutoff) return {{}, dearer, 0};
        Trial t = trial_at(c.variant, c.layout);
        t.limits = q.limits;
        const double most = std::min(planned_capacity(c), most_within_limits(t, c.limits));
        work_out(c, q, cutoff, most, t, o);
        o.evaluated = t.evaluated;
        return o;
    }

    void work_out(const Candidate& c, const Question& q, double cutoff, double most, Trial& t,
                  Outcome& o) const {
        if (!(most > 0)) {
            o.reason = too_slow;
            return;
        }
        if (bound(c, q.goal, most) > cutoff) {
            o.reason = dearer;
            return;
        }
        const int afford = affordable(c, q);
        double size = most;
        if (q.goal == PlanGoal::throughput) {
            size = largest_size(t, most);
            if (!(size > 0)) {
                o.reason = never_meets;
                return;
            }
        }
        const int least = replicas_for(size);
        if (least > afford) {
            o.reason = beyond_budget;
            return;
        }
        const int n = q.goal == PlanGoal::throughput ? least
                      : q.goal == PlanGoal::latency  ? afford
                                                     : least_replicas(t, least, reach(c, q, cutoff, afford));
        if (n == 0) {
            o.reason = reach(c, q, cutoff, afford) < most_gpus / c.layout.gpus()
                           ? dearer_or_beyond(c, q, cutoff, afford)
                           : never_meets;
            return;
        }
        keep(c, q, n, q.goal == PlanGoal::throughput ? size : load() / n, t, o);
    }

    /// Instances beyond which the score is worse than what is known.
    [[nodiscard]] int reach(const Candidate& c, const Question& q, double cutoff, int afford) const {
        const double each = c.layout.gpus() * (q.goal == PlanGoal::cost ? price(c) : 1);
        if ((q.goal != PlanGoal::cost && q.goal != PlanGoal::gpus) || cutoff / each >= afford) return afford;
        return static_cast<int>(cutoff / each * (1 + 1e-12));
    }
    [[nodiscard]] std::string_view dearer_or_beyond(const Candidate& c, const Question& q, double cutoff,
                                                    int afford) const {
        return reach(c, q, cutoff, afford) < afford ? dearer : beyond_budget;
    }

    void keep(const Candidate& c, const Question& q, int n, double judged_at, Trial& t, Outcome& o) const {
        const Expected<Estimate> e = at_size(t, judged_at);
        if (!e || !meets(t, *e)) {
            o.reason = never_meets;
            return;
        }
        Planned& p = o.planned;
        p.variant = c.variant;
        p.layout = c.layout;
        p.replicas = n;
        p.limits = c.limits;
        p.size = load() / n;
        p.usd_per_hour = p.gpus() * price(c);
        p.score = score(c, q.goal, n, t, *e);
        p.e2e_s = e->serving.e2e.value() * t.slower;
        p.ratio = worst_ratio(t, *e);
    }

    // --- all candidates -----------------------------------------------------------------------------------------------

    /// Scores beyond which a candidate of a kind does not matter.
    struct Best {
        Planned overall;
        std::vector<Planned> of_kind;
    };
    [[nodiscard]] double cutoff(const Best& best, std::size_t kind, bool of_kinds) const {
        if (!of_kinds) return best.overall.score;
        return std::max(best.of_kind[kind].score, rival_factor * best.overall.score);
    }

    [[nodiscard]] std::vector<std::size_t> by_bound(PlanGoal goal) const {
        std::vector<std::pair<double, std::size_t>> order;
        for (std::size_t i = 0; i < candidates_.size(); ++i)
            order.emplace_back(bound(candidates_[i], goal, planned_capacity(candidates_[i])), i);
        std::sort(order.begin(), order.end());
        std::vector<std::size_t> list;
        for (const auto& [value, i] : order) list.push_back(i);
        return list;
    }

    /// Everything that may matter, in the order of candidates. `known`: a deployment that meets the limits already.
    std::vector<Planned> solve(const Question& q, const Planned& known, bool count) {
        Best best{known, std::vector<Planned>(kinds())};
        std::vector<Planned> found;
        const std::vector<std::size_t> order = by_bound(q.goal);
        for (std::size_t first = 0; first < order.size(); first += batch_size) {
            const std::size_t n = std::min(batch_size, order.size() - first);
            std::vector<Outcome> outcomes(n);
            loop_(n, [&](std::size_t i) {
                const Candidate& c = candidates_[order[first + i]];
                outcomes[i] = attempt(c, q, cutoff(best, machine_of(c.variant).kind, q.of_kinds));
            });
            for (std::size_t i = 0; i < n; ++i)
                note(candidates_[order[first + i]], outcomes[i], best, found, count);
        }
        return found;
    }

    void note(const Candidate& c, const Outcome& o, Best& best, std::vector<Planned>& found, bool count) {
        answer_.evaluated += o.evaluated;
        if (!o.planned.possible()) {
            if (!count) return;
            ++answer_.rejected[std::string(o.reason)];
            if (space_.list_rejected)
                answer_.list.push_back({c.variant, c.layout, std::string(o.reason), {}});
            return;
        }
        Planned& of_kind = best.of_kind[machine_of(c.variant).kind];
        if (better(o.planned, of_kind)) of_kind = o.planned;
        if (better(o.planned, best.overall)) best.overall = o.planned;
        found.push_back(o.planned);
    }

    [[nodiscard]] std::size_t kinds() const {
        std::size_t n = 0;
        for (const PlanMachine& m : space_.machines) n = std::max(n, m.kind + 1);
        return n;
    }

    // --- the answer ---------------------------------------------------------------------------------------------------

    [[nodiscard]] bool alike(const Planned& a, const Planned& b) const {
        return a.layout == b.layout &&
               space_.variants[a.variant].machine == space_.variants[b.variant].machine;
    }

    void rank(std::vector<Planned> found) {
        std::stable_sort(found.begin(), found.end(), better);
        std::vector<bool> seen(kinds(), false);
        for (const Planned& p : found) {
            const std::size_t kind = machine_of(p.variant).kind;
            if (!seen[kind]) answer_.of_kind.push_back(p);
            seen[kind] = true;
            if (!answer_.best.possible()) {
                answer_.best = p;
                continue;
            }
            const auto known = [&](const Planned& r) { return alike(p, r); };
            const bool near = p.score <= rival_factor * answer_.best.score;
            if (near && !known(answer_.best) && answer_.rivals.size() < most_rivals &&
                std::none_of(answer_.rivals.begin(), answer_.rivals.end(), known))
                answer_.rivals.push_back(p);
        }
    }

    Planned best_of(const Question& q, const Planned& known) {
        const std::vector<Planned> found = solve(q, known, false);
        const auto it = std::min_element(found.begin(), found.end(), better);
        return it != found.end() && better(*it, known) ? *it : known;
    }

    void loosen(Question q) {
        q.of_kinds = false;
        const Slo asked = q.limits;
        if (asked.ttft_s > 0) {
            q.limits.ttft_s = asked.ttft_s * plan_relaxation;
            answer_.loosened[static_cast<std::size_t>(PlanLimit::ttft)] = best_of(q, answer_.best);
        }
        q.limits = asked;
        if (asked.tpot_s > 0) {
            q.limits.tpot_s = asked.tpot_s * plan_relaxation;
            answer_.loosened[static_cast<std::size_t>(PlanLimit::tpot)] = best_of(q, answer_.best);
        }
    }

    /// Nothing within the objectives and the budget: the smallest that meets the objectives, or what misses them least.
    void look_beyond(Question q) {
        q.of_kinds = false;
        const bool budget = q.max_gpus > 0 || q.max_usd > 0;
        if (budget) {
            Question open = q;
            open.goal = q.max_gpus > 0 ? PlanGoal::gpus : PlanGoal::cost;
            open.max_gpus = 0;
            open.max_usd = 0;
            answer_.nearest = best_of(open, {});
        }
        if (answer_.nearest.possible()) return carry_most(q);
        answer_.nearest = closest(q.limits);
    }

    /// The largest part of the load that the budget carries within the objectives.
    void carry_most(const Question& q) {
        std::vector<std::pair<double, std::size_t>> order;
        for (std::size_t i = 0; i < candidates_.size(); ++i) {
            const double most = affordable(candidates_[i], q) * planned_capacity(candidates_[i]);
            if (most > 0) order.emplace_back(-most, i);
        }
        std::sort(order.begin(), order.end());
        for (const auto& [most, i] : order) {
            if (-most <= answer_.carried) break;
            const Candidate& c = candidates_[i];
            const int n = affordable(c, q);
            Trial t = trial_at(c.variant, c.layout);
            t.limits = q.limits;
            const double cap = std::min(planned_capacity(c), most_within_limits(t, c.limits));
            const double size = cap * n > answer_.carried ? largest_size(t, cap) : 0;
            answer_.evaluated += t.evaluated;
            if (size * n <= answer_.carried) continue;
            answer_.carried = size * n;
            answer_.within_budget = {c.variant, c.layout, n, 0, n * c.layout.gpus() * price(c),
                                     size,      c.limits, 0, 0};
        }
    }

    [[nodiscard]] Planned closest(const Slo& limits) const {
        Planned nearest;
        nearest.ratio = HUGE_VAL;
        for (const Candidate& c : candidates_) {
            double ratio = 0;
            if (limits.ttft_s > 0) ratio = std::max(ratio, c.limits.lone_ttft_s / limits.ttft_s);
            if (limits.tpot_s > 0) ratio = std::max(ratio, c.limits.lone_tpot_s / limits.tpot_s);
            if (!(ratio < nearest.ratio)) continue;
            nearest = {
                c.variant,           c.layout, replicas_for(planned_capacity(c)), HUGE_VAL, 0, 0, c.limits,
                c.limits.lone_e2e_s, ratio};
            nearest.usd_per_hour = nearest.gpus() * price(c);
        }
        return nearest;
    }

    const PlanSpace& space_;
    const CandidateLoop& loop_;
    Load load_;
    std::vector<Candidate> candidates_;
    PlanAnswer answer_;
};

}   // namespace

std::string_view name_of(PlanGoal goal) {
    constexpr std::string_view names[] = {"cost", "latency", "throughput", "gpus", "energy"};
    return names[static_cast<std::size_t>(goal)];
}

Scenario scenario_of(const PlanSpace& space, std::size_t variant, const Layout& layout, int replicas) {
    const PlanVariant& v = space.variants[variant];
    Scenario s = space.machines[v.machine].scenario;
    s.pool().precision = v.precision;
    s.pool().settings = v.settings;
    s.pool().layout = layout;
    s.pool().replicas = replicas;
    return s;
}

PlanAnswer plan(const PlanSpace& space, const CandidateLoop& loop) {
    if (space.machines.empty() || space.variants.empty()) return {};
    return Search(space, loop).answer();
}

}   // namespace moecost
