// SPDX-License-Identifier: Apache-2.0
// P09 - P15: what serving costs, and why.
#include <algorithm>
#include <cmath>

#include "moecost/base/format.h"
#include "moecost/model/counts.h"
#include "moecost/model/library.h"
#include "study.h"

namespace moecost::yun2024 {
namespace {

double cost_or_nan(const Case& c, double n, int experts) {
    const auto x = c.cost(n, experts);
    return x ? *x : std::nan("");
}

/// GPUs that are cheapest for a size; 0 where the case does not say.
int best_gpus(const Case& c, double n, int experts) {
    int best = 0;
    double least = HUGE_VAL;
    for (const int g : {1, 2, 4, 8}) {
        const auto on = c.load ? c.load(n, experts, g) : Expected<BusyNode>(Infeasible{});
        if (!on || on->gpu_seconds >= least) continue;
        least = on->gpu_seconds;
        best = g;
    }
    return best;
}

/// Falls of the cost along N, in percent of it, from 0.3 to 10 B or as far as the node holds the model, but for those where
/// another number of GPUs becomes the cheapest.
double deepest_fall(const Case& c, int experts) {
    double highest = 0;
    double fall = 0;
    int gpus = 0;
    for (double n = 3e8; n < 1e10; n *= 1.01) {
        const double x = cost_or_nan(c, n, experts);
        if (std::isnan(x)) break;
        if (const int now = best_gpus(c, n, experts); now != gpus) {
            gpus = now;
            highest = 0;
        }
        highest = std::max(highest, x);
        fall = std::max(fall, 100 * (1 - x / highest));
    }
    return fall;
}

Finding p09(const World&, const Case& c, const Answers&) {
    Span exponent;
    double fall = 0;
    for (const int e : expert_counts) {
        exponent.add(std::log(cost_or_nan(c, 5e9, e) / cost_or_nan(c, 1e9, e)) / std::log(5));
        fall = std::max(fall, deepest_fall(c, e));
    }
    std::string shown("cost ~ N^");
    shown.append(range_text(exponent, 2, ""))
        .append("; falls by ")
        .append(fixed(fall, 1))
        .append(" % at most");
    Finding f = holds(exponent.low >= 0.8 && exponent.high <= 1.2 && fall <= 1, std::move(shown),
                      "exponent from 1 to 5 B for 1 to 32 experts, falls from 0.3 to 10 B");
    f.same_direction = exponent.low >= 0.5 && exponent.high <= 2;
    return f;
}

Finding p10(const World&, const Case&, const Answers&) {
    return cannot("the claim is a curve that prints no number; ours is in figure 2");
}

Finding p11(const World&, const Case& c, const Answers& a) {
    Span ratios;
    Span factor;
    for (const AtBudget& at : a.printed) {
        const double limit = at.optimal.at(4).cost;
        double before = std::nan("");
        for (const int e : {4, 8, 16, 32}) {
            const auto n = largest_size_at_cost(c.cost, e, limit, least_size, most_size);
            const double size = n ? *n : std::nan("");
            if (e > 4) ratios.add(before / size);
            before = size;
        }
    }
    for (const int e : {4, 8, 16, 32}) factor.add(kappa(c, e));
    return inside(ratios, 1.5, 2.5, 0.01, "-fold growth of N",
                  "cost grows as 1 + kappa (E-1)/3 with kappa = " + range_text(factor, 2, "") +
                      " at 3 B; strict proportion (kappa 1) gives 1.67- to 1.89-fold");
}

Finding p12(const World&, const Case& c, const Answers&) {
    if (!c.load) return cannot("no batch in this cost");
    bool yes = true;
    std::string shown("requests");
    BusyNode before{HUGE_VAL, HUGE_VAL, 0};
    for (const int e : expert_counts) {
        const auto on = c.load(3e9, e, 4);
        if (!on) return holds(false, "no answer");
        yes = yes && on->requests <= before.requests && on->tokens_per_s < before.tokens_per_s &&
              on->gpu_seconds > before.gpu_seconds;
        shown.append(e == 1 ? " " : ", ").append(fixed(on->requests, 0));
        before = *on;
    }
    return holds(yes, std::move(shown),
                 "3 B on 4 GPUs with 1, 4, 8, 16, 32 experts; throughput and cost follow");
}

Finding p13(const World&, const Case& c, const Answers& a) {
    if (!c.step) return cannot("no step time in this cost");
    const PaperCostOptions lengths;
    const PaperModel& m = a.at(figure_budget).optimal.at(8);
    const auto on = c.load(m.n, 8, 4);
    if (!on) return holds(false, "no answer");
    // One request among others of every age: its own growth moves the mean context of the batch by a b-th part of it.
    const auto grows = [&](double requests) {
        const double mean = lengths.prompt + lengths.output / 2;
        const double own = lengths.output / 2 / requests;
        const auto first = c.step(m.n, 8, 4, requests, mean - own);
        const auto last = c.step(m.n, 8, 4, requests, mean + own);
        return first && last ? 100 * (*last / *first - 1) : std::nan("");
    };
    return holds(grows(1) <= 10 && grows(on->requests) <= 10,
                 "step grows by " + fixed(grows(1), 1) + " % alone, " + fixed(grows(on->requests), 1) +
                     " % in a full batch",
                 "from the first output token of a request to its last, loss-optimal 8 experts on 4 GPUs, "
                 "the others of every age: "
                 "which is what Eq. 6 needs. If all were of one age, a full batch would slow down");
}

struct Shape {
    double width_depth = 0;
    double n = 0;
};

/// h l and N, without embeddings, of the models of the library: dense ones, or active parameters of all.
std::vector<Shape> library_shapes(const World& w, bool dense_only) {
    std::vector<Shape> shapes;
    for (const std::string& name : w.data.names("workloads/models")) {
        const Architecture a = load_model(w.data, name);
        const bool dense = std::all_of(a.ffns.begin(), a.ffns.end(), [](const FfnGroup& g) {
            return std::holds_alternative<DenseFfn>(g.kind);
        });
        if (dense_only && !dense) continue;
        const Counts counts = count(a);
        const double embeddings = counts.by_component[static_cast<std::size_t>(Component::embeddings)] +
                                  counts.by_component[static_cast<std::size_t>(Component::head)];
        shapes.push_back({double(a.hidden) * a.layers, counts.active_incl_embeddings - embeddings});
    }
    return shapes;
}

/// Exponent of least squares of ln(h l) on ln N, and the share within 25 % of mu N^(2/3), mu their geometric mean.
struct PowerFit {
    double exponent = 0;
    double mu = 0;
    double within = 0;
    std::size_t models = 0;
};
PowerFit power_fit(const std::vector<Shape>& shapes) {
    double sx = 0, sy = 0, sxx = 0, sxy = 0;
    for (const Shape& s : shapes) {
        const double x = std::log(s.n);
        const double y = std::log(s.width_depth);
        sx += x, sy += y, sxx += x * x, sxy += x * y;
    }
    const double count = static_cast<double>(shapes.size());
    PowerFit fit{(count * sxy - sx * sy) / (count * sxx - sx * sx), std::exp((sy - 2.0 / 3 * sx) / count), 0,
                 shapes.size()};
    for (const Shape& s : shapes) {
        if (std::abs(s.width_depth / (fit.mu * std::pow(s.n, 2.0 / 3)) - 1) <= 0.25) fit.within += 1 / count;
    }
    return fit;
}

Finding p14(const World& w, const Case&, const Answers&) {
    const PowerFit dense = power_fit(library_shapes(w, true));
    const PowerFit all = power_fit(library_shapes(w, false));
    std::string shown("exponent ");
    shown.append(fixed(dense.exponent, 2)).append(", mu ").append(fixed(dense.mu, 3));
    shown.append(", ").append(fixed(100 * dense.within, 0)).append(" % within 25 %");
    std::string why(std::to_string(dense.models));
    why.append(" dense models of the library; all ").append(std::to_string(all.models));
    why.append(" by active parameters: ").append(fixed(all.exponent, 2)).append(", ");
    why.append(fixed(100 * all.within, 0)).append(" %: experts finer than an FFN break the rule");
    return holds(std::abs(dense.exponent - 2.0 / 3) <= 0.05 && dense.within >= 0.8, std::move(shown),
                 std::move(why));
}

Finding p15(const World&, const Case& c, const Answers& a) {
    if (!c.step) return cannot("no step time in this cost");
    const PaperCostOptions lengths;
    const PaperModel& m = a.at(figure_budget).optimal.at(8);
    const auto one = c.step(m.n, 8, 2, 1, lengths.prompt + lengths.output / 2);
    const auto many = c.step(m.n, 8, 2, 128, lengths.prompt + lengths.output / 2);
    const double ratio = one && many ? 128 * *one / *many : std::nan("");
    return holds(ratio >= 10, fixed(ratio, 0) + " times from 1 to 128 requests",
                 "decoding of the loss-optimal 8 experts on 2 GPUs; FLOP per token do not depend on the "
                 "batch, so MFU is "
                 "requests per step time");
}

}   // namespace

std::vector<Claim> serving_claims() {
    return {
        {"P09", "cost grows about in proportion to model size, monotone but for jumps of the GPU count", "-",
         "cost", "", "exponent 0.8 to 1.2 and no fall above 1 % but where the number of GPUs changes", p09},
        {"P10", "largest model for a given cost, per E", "curve only", "cost", "", "-", p10},
        {"P11", "at fixed cost halving E about doubles N", "2", "cost", "",
         "1.5- to 2.5-fold from 8, 16, 32 experts, 5 % allowed", p11},
        {"P12", "more experts: smaller batch, lower throughput, higher cost", "-", "cost", "",
         "all three at every step from 1 to 32 experts", p12},
        {"P13", "time per output token does not depend on the tokens already produced", "-", "cost", "",
         "a step grows by at most 10 % over the output of a request, alone and in a full batch", p13},
        {"P14", "h l = mu N^(2/3) describes real models", "2/3", "none", "",
         "fitted exponent within 0.05, and 80 % of models within 25 %", p14},
        {"P15", "MFU varies with the batch", "factor 10", "cost", "",
         "at least 10-fold from 1 to 128 requests", p15},
    };
}

}   // namespace moecost::yun2024
