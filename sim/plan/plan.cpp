// SPDX-License-Identifier: Apache-2.0
#include "moecost/plan/plan.h"

#include <algorithm>
#include <tuple>

#include "moecost/plan/near_miss.h"

namespace moecost {
namespace {

constexpr std::size_t batch_size = 64;   // candidates between two looks at the best so far
constexpr std::size_t most_rivals = 8;

/// The best first; equal scores: the cheaper, the smaller, of instances that span fewer domains, the faster, the earlier.
bool better(const Planned& a, const Planned& b) {
    if (a.possible() != b.possible()) return a.possible();
    const auto key = [](const Planned& p) {
        return std::tuple(p.score, p.usd_per_hour, p.gpus(), p.domains, p.e2e_s);
    };
    return key(a) < key(b);
}

class Search {
  public:
    Search(const PlanSpace& space, const CandidateLoop& loop)
        : space_(space), loop_(loop), candidate_(space) {}

    PlanAnswer answer() {
        collect();
        const Slo& slo = space_.machines.front().scenario.slo;
        const PlanRound asked{space_.goal, slo, space_.max_gpus, space_.max_usd_per_hour, true};
        const std::vector<Planned> found = solve(asked, {}, true);
        rank(found);
        if (answer_.best.possible()) {
            loosen(asked);
        } else {
            const NearMiss::BestOf best = [&](const PlanRound& other) { return best_of(other, {}); };
            NearMiss(candidate_, candidates_, asked, best).tell(answer_);
        }
        return std::move(answer_);
    }

  private:
    // --- candidates ---------------------------------------------------------------------------------------------------

    struct OfVariant {
        std::vector<PlanCandidate> runnable;
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
        Trial trial = candidate_.trial_at(v, {});
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
            order.emplace_back(
                candidate_.bound(candidates_[i], goal, candidate_.planned_capacity(candidates_[i])), i);
        std::sort(order.begin(), order.end());
        std::vector<std::size_t> list;
        for (const auto& [value, i] : order) list.push_back(i);
        return list;
    }

    /// Everything that may matter, in the order of candidates. `known`: a deployment that meets the limits already.
    std::vector<Planned> solve(const PlanRound& q, const Planned& known, bool count) {
        Best best{known, std::vector<Planned>(kinds())};
        std::vector<Planned> found;
        const std::vector<std::size_t> order = by_bound(q.goal);
        for (std::size_t first = 0; first < order.size(); first += batch_size) {
            const std::size_t n = std::min(batch_size, order.size() - first);
            std::vector<PlanAttempt> attempts(n);
            loop_(n, [&](std::size_t i) {
                const PlanCandidate& c = candidates_[order[first + i]];
                attempts[i] =
                    candidate_.attempt(c, q, cutoff(best, candidate_.machine_of(c.variant).kind, q.of_kinds));
            });
            for (std::size_t i = 0; i < n; ++i)
                note(candidates_[order[first + i]], attempts[i], best, found, count);
        }
        return found;
    }

    void note(const PlanCandidate& c, const PlanAttempt& o, Best& best, std::vector<Planned>& found,
              bool count) {
        answer_.evaluated += o.evaluated;
        if (!o.planned.possible()) {
            if (!count) return;
            ++answer_.rejected[std::string(o.reason)];
            if (space_.list_rejected)
                answer_.list.push_back({c.variant, c.layout, std::string(o.reason), {}});
            return;
        }
        Planned& of_kind = best.of_kind[candidate_.machine_of(c.variant).kind];
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
            const std::size_t kind = candidate_.machine_of(p.variant).kind;
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

    Planned best_of(const PlanRound& q, const Planned& known) {
        const std::vector<Planned> found = solve(q, known, false);
        const auto it = std::min_element(found.begin(), found.end(), better);
        return it != found.end() && better(*it, known) ? *it : known;
    }

    void loosen(PlanRound q) {
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

    const PlanSpace& space_;
    const CandidateLoop& loop_;
    Attempts candidate_;
    std::vector<PlanCandidate> candidates_;
    PlanAnswer answer_;
};

}   // namespace

std::string_view name_of(PlanGoal goal) {
    constexpr std::string_view names[] = {"cost", "latency", "throughput", "gpus", "energy"};
    return names[static_cast<std::size_t>(goal)];
}

PlanAnswer plan(const PlanSpace& space, const CandidateLoop& loop) {
    if (space.machines.empty() || space.variants.empty()) return {};
    return Search(space, loop).answer();
}

}   // namespace moecost
