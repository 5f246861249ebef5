// SPDX-License-Identifier: Apache-2.0
// P01 - P08 and P44: the law itself, and how parameters are counted.
#include <cmath>

#include "moecost/base/format.h"
#include "moecost/law/optimum.h"
#include "study.h"

namespace moecost::yun2024 {
namespace {

/// Table 1 of the paper: parameters without embeddings; tokens of its shortest and longest runs.
constexpr double table_sizes[] = {81395712, 184647680, 289406976, 679477248};
constexpr double table_tokens[] = {2.5e9, 20e9};

double loss_of(const Law& law, double n, double d, double experts) {
    const auto l = loss(law, {.n = n, .d = info(law.form).axes.d ? d : 0, .experts = experts});
    return l ? *l : std::nan("");
}

double nats_gained(const Law& law, double n, double d, double from, double to) {
    return loss_of(law, n, d, from) - loss_of(law, n, d, to);
}

Finding p01(const World&, const Case& c, const Answers&) {
    Span slopes;
    for (const double n : table_sizes) {
        for (const double d : table_tokens)
            slopes.add(std::log(loss_of(c.law, n, d, 32) / loss_of(c.law, n, d, 4)) / std::log(8));
    }
    return cannot("a statement about their runs; the surrogate's own slope, " +
                  range_text(slopes, 4, " = d ln L/d ln E") +
                  ", is no evidence, and Eq. 4 is no exact power law itself");
}

Finding p02(const World& w, const Case& c, const Answers&) {
    const double small = nats_gained(c.law, table_sizes[0], 20e9, 1, 32);
    const double large = nats_gained(c.law, table_sizes[3], 20e9, 1, 32);
    std::string why("sign not stated in the paper; refit of Clark's S-Base runs: ");
    for (const double n : {25e6, 370e6, 1.3e9})
        why.append(fixed(nats_gained(w.clark, n, 0, 1, 32), 2)).append(n < 1e9 ? ", " : "");
    why.append(" nats at 25 M, 370 M, 1.3 B");
    return holds(std::abs(large / small - 1) > 0.1,
                 fixed(small, 3) + " nats at 81 M, " + fixed(large, 3) + " at 679 M", std::move(why));
}

Finding p03(const World& w, const Case& c, const Answers&) {
    const auto growth = [](const Law& law) {
        return nats_gained(law, 370e6, 131e9, 8, 64) / nats_gained(law, 370e6, 10e9, 8, 64);
    };
    const double independent = growth(w.joint);
    std::string why("Eq. 4 has no D-E term, so it says ");
    why.append(fixed(growth(c.law), 2))
        .append(" by construction; the verdict is that of Ludziejewski et al. 2025, who fit ");
    why.append("one. Clark's training curves agree with them: 0.083 and 0.130 nats");
    return holds(std::abs(independent - 1) <= 0.1,
                 "gain 8 to 64 experts at 131 B tokens / at 10 B: " + fixed(independent, 2), std::move(why));
}

Finding p04(const World&, const Case& c, const Answers&) {
    bool yes = true;
    Span before;
    Span last;
    for (const double n : table_sizes) {
        before.add(1e3 * nats_gained(c.law, n, 20e9, 8, 16));
        last.add(1e3 * nats_gained(c.law, n, 20e9, 16, 32));
        yes = yes && nats_gained(c.law, n, 20e9, 16, 32) < nats_gained(c.law, n, 20e9, 8, 16);
    }
    std::string why("E_max ");
    why.append(fixed(c.law.c[9], 0)).append(": experts up to 32 hardly determine it");
    return holds(yes,
                 "8 to 16: " + range_text(before, 0, "") + "; 16 to 32: " + range_text(last, 0, " mnats"),
                 std::move(why));
}

Finding p05(const World&, const Case&, const Answers&) {
    return cannot("needs the authors' training runs; neither they nor the coefficients are public");
}

Finding p06(const World& w, const Case&, const Answers&) {
    const double ratio = std::min(w.dense.c[3], w.dense.c[4]) / std::max(w.dense.c[3], w.dense.c[4]);
    std::string shown("alpha ");
    shown.append(fixed(w.dense.c[3], 3)).append(", beta ").append(fixed(w.dense.c[4], 3));
    return holds(ratio >= 0.9, std::move(shown),
                 "the dense law, Eq. 1, on the public Chinchilla points (Besiroglu et al. 2024); Hoffmann et "
                 "al. have a "
                 "ratio of 0.84, and the paper's own dense optima (P34) imply 1.4");
}

/// Largest deviation of exact counts from a formula, in percent, over the profiled members: an even number of layers, so that every
/// second one is half of them.
template <class Exact, class Formula>
double worst_percent(const World& w, Exact exact, Formula formula) {
    double worst = 0;
    for (const int e : expert_counts) {
        for (const double n : w.sizes) {
            FamilyRequest r;
            r.size = n;
            r.experts = e;
            const auto m = member_of(w.node_family, r);
            worst = m ? std::max(worst, 100 * std::abs(exact(*m) / (m->dense_equivalent * formula(e)) - 1))
                      : HUGE_VAL;
        }
    }
    return worst;
}

Finding p07(const World& w, const Case&, const Answers&) {
    const double worst = worst_percent(
        w, [](const FamilyMember& m) { return m.total; }, total_share);
    return holds(
        worst <= 1, "exact counts within " + fixed(worst, 2) + " %",
        "the profiled models of 25 M to 25 B, every tensor counted; what is left are routers and rounding");
}

Finding p08(const World& w, const Case&, const Answers&) {
    const double worst = worst_percent(
        w, [](const FamilyMember& m) { return m.active; }, active_share);
    return holds(worst <= 1, "exact counts within " + fixed(worst, 2) + " %",
                 "with a = 1/3, the share of the FFN in routed layers: 4N/3 for K = 2 (the paper's a is that "
                 "of all FFN)");
}

Finding p44(const World& w, const Case&, const Answers&) {
    const bool has_tokens = info(w.clark.form).axes.d;
    return holds(!has_tokens && !loss_optimal(w.clark, 1e21, {.experts = 8}),
                 has_tokens ? "their law has D" : "no D in their law: asked for a budget it refuses",
                 "all their runs saw 130 B tokens");
}

}   // namespace

std::vector<Claim> law_claims() {
    return {
        {"P01", "loss against E is a power law, parallel for all N and D", "-", "none", "", "-", p01},
        {"P02", "not all N profit equally from E", "-", "law", "",
         "gain dense to 32 differs by more than 10 %", p02},
        {"P03", "gain between two expert counts is the same for all D", "-", "none", "",
         "gain at 131 B tokens within 10 % of that at 10 B, by a law that has a D-E term", p03},
        {"P04", "diminishing return, visible from 16 to 32 experts", "-", "law", "",
         "16 to 32 gains less than 8 to 16 at every size of Table 1", p04},
        {"P05", "goodness of the authors' fit", "RMSLE 3.908e-3, Huber 1.033e-3", "none", "", "-", p05},
        {"P06", "alpha close to beta: N and D grow in proportion (dense)", "-", "none", "",
         "ratio of the dense law's exponents at least 0.9", p06},
        {"P07", "total size (1 + (E-1)/3) N", "formula", "none", "", "exact counts within 1 %", p07},
        {"P08", "activated size (K a + 1 - a) N", "formula", "none", "", "exact counts within 1 %", p08},
        {"P44", "Clark et al. cannot advise on budgets: D is missing", "-", "none", "",
         "their law refuses a budget", p44},
    };
}

}   // namespace moecost::yun2024
