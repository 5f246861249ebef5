// SPDX-License-Identifier: Apache-2.0
#include "moecost/plan/candidate_layouts.h"

#include <algorithm>

namespace moecost {
namespace {

bool allows(int fixed, int degree) { return fixed == 0 || fixed == degree; }

std::vector<int> divisors(int n) {
    std::vector<int> result;
    for (int d = 1; d <= n; ++d) {
        if (n % d == 0) result.push_back(d);
    }
    return result;
}

void add_exchanges(std::vector<Layout>& list, Layout layout, std::span<const ExpertExchange> exchanges) {
    for (const ExpertExchange exchange : exchanges) {
        layout.exchange = exchange;
        list.push_back(layout);
        if (layout.ep == 1) return;   // nothing to exchange
    }
}

void add_layouts(std::vector<Layout>& list, int gpus, const FixedDegrees& fixed,
                 std::span<const ExpertExchange> exchanges) {
    for (const int tp : divisors(gpus)) {
        for (const int pp : divisors(gpus / tp)) {
            const int dp = gpus / tp / pp;
            if (!allows(fixed.tp, tp) || !allows(fixed.pp, pp) || !allows(fixed.attention_dp, dp)) continue;
            for (const int ep : divisors(tp * dp)) {
                if (!allows(fixed.ep, ep)) continue;
                Layout layout;
                layout.tp = tp;
                layout.pp = pp;
                layout.ep = ep;
                layout.attention_dp = dp;
                add_exchanges(list, layout, exchanges);
            }
        }
    }
}

}   // namespace

std::vector<Layout> layouts_of(std::span<const int> gpus, const FixedDegrees& fixed,
                               std::span<const ExpertExchange> exchanges) {
    std::vector<int> counts(gpus.begin(), gpus.end());
    std::sort(counts.begin(), counts.end());
    counts.erase(std::unique(counts.begin(), counts.end()), counts.end());
    std::vector<Layout> list;
    for (const int n : counts) add_layouts(list, n, fixed, exchanges);
    return list;
}

std::string_view LayoutRefusal::name() const {
    return launch ? launch->name() : arithmetic ? arithmetic->reason : std::string_view();
}

Infeasible LayoutRefusal::why() const {
    if (launch) return infeasible_of(*launch);
    return arithmetic ? *arithmetic : Infeasible{};
}

std::optional<LayoutRefusal> layout_refusal(const Architecture& architecture, const Pool& p,
                                            const Layout& layout) {
    if (auto problem = layout_problem(architecture, layout)) return LayoutRefusal{std::move(problem), {}};
    if (auto problem =
            launch_problem(p.rules, architecture, p.precision, layout, p.cluster.gpu,
                           {1.0 * layout.redundant_experts, p.settings.draft_tokens, p.role, nullptr, true}))
        return LayoutRefusal{{}, problem};
    return std::nullopt;
}

void in_order(std::size_t count, const std::function<void(std::size_t)>& work) {
    for (std::size_t i = 0; i < count; ++i) work(i);
}

}   // namespace moecost
