// SPDX-License-Identifier: Apache-2.0
#include "yun2024/paper_algorithms.h"

#include <algorithm>
#include <cmath>

#include "moecost/law/optimum.h"

namespace moecost {
namespace {

constexpr double ffn_share = 1.0 / 3;   // of N, in the layers with experts: every second FFN, 2/3 of a layer
constexpr double top_k = 2;

/// The budget that buys the same N D when FLOP = 6 N D.
double at_six(double budget, TrainingCompute compute, double experts) {
    return compute == TrainingCompute::active ? budget / active_share(experts) : budget;
}

Setting setting_of(double experts) { return {.experts = experts}; }

Expected<PaperModel> served(const Allocation& at, const ServingCost& cost, double experts, double optimal) {
    const auto price = cost(at.n, experts);
    if (!price) return price.error();
    return PaperModel{experts, at.n, at.d, at.loss, *price, optimal};
}

}   // namespace

double total_share(double experts) { return 1 + ffn_share * (experts - 1); }

double active_share(double experts) { return total_share(std::min(experts, top_k)); }

ServingCost proportional_cost(double kappa) {
    return [kappa](double n, double experts) -> Expected<double> {
        return n * (1 + kappa * (total_share(experts) - 1));
    };
}

double training_budget(TrainingCompute compute, double experts, double n, double d) {
    return 6 * n * d * (compute == TrainingCompute::active ? active_share(experts) : 1);
}

Expected<PaperModel> loss_optimal_model(const Law& law, const ServingCost& cost,
                                        const PaperQuestion& question, double experts) {
    const auto best =
        loss_optimal(law, at_six(question.budget, question.compute, experts), setting_of(experts));
    if (!best) return best.error();
    return served(*best, cost, experts, best->n);
}

Expected<PaperModel> cheapest_at_loss(const Law& law, const ServingCost& cost, const PaperQuestion& question,
                                      double experts, const PaperModel& base) {
    const double flop = at_six(question.budget, question.compute, experts);
    const auto best = loss_optimal(law, flop, setting_of(experts));
    if (!best) return best.error();
    const auto small = overtrained(law, flop, setting_of(experts), base.loss);
    if (!small) return small.error();
    return served(*small, cost, experts, best->n);
}

Expected<double> largest_size_at_cost(const ServingCost& cost, double experts, double limit, double least,
                                      double most) {
    const auto size = [&](double ln_n) { return std::clamp(std::exp(ln_n), least, most); };
    const auto affordable = [&](double ln_n) {
        const auto c = cost(size(ln_n), experts);
        return c && *c <= limit;
    };
    constexpr int steps = 256;
    const double step = std::log(most / least) / steps;
    double high = std::log(most);
    if (affordable(high)) return most;
    for (int i = steps - 1; i >= 0; --i) {
        double low = std::log(least) + i * step;
        if (!affordable(low)) {
            high = low;
            continue;
        }
        while (true) {
            const double middle = 0.5 * (low + high);
            if (!(middle > low && middle < high)) return size(low);
            (affordable(middle) ? low : high) = middle;
        }
    }
    const auto smallest = cost(least, experts);
    if (!smallest) return smallest.error();
    return Infeasible{"no model is as cheap to serve", "cost of the smallest one", "of the limit",
                      *smallest / limit, 1};
}

Expected<PaperModel> best_at_cost(const Law& law, const ServingCost& cost, const PaperQuestion& question,
                                  double experts, const PaperModel& base) {
    const double flop = at_six(question.budget, question.compute, experts);
    const auto best = loss_optimal(law, flop, setting_of(experts));
    if (!best) return best.error();
    const double most = std::min(best->n, question.most_n);
    const auto n = largest_size_at_cost(cost, experts, base.cost, std::min(question.least_n, most), most);
    if (!n) return n.error();
    Allocation at{*n, flop / (6 * *n), 0};
    const auto l = loss(law, {.n = at.n, .d = at.d, .experts = experts});
    if (!l) return l.error();
    at.loss = *l;
    return served(at, cost, experts, best->n);
}

Expected<double> budget_for_loss(const Law& law, TrainingCompute compute, double experts, double target) {
    const auto loss_at = [&](double ln_flop) -> Expected<double> {
        const auto best = loss_optimal(law, std::exp(ln_flop), setting_of(experts));
        if (!best) return best.error();
        return best->loss;
    };
    // From below: with an interaction of N and E the loss rises again at budgets beyond any run.
    const double step = std::log(4.0);
    double high = std::log(1e15);
    double least = HUGE_VAL;
    while (true) {
        const auto l = loss_at(high);
        if (!l) return l.error();
        if (*l <= target) break;
        if (*l >= least || high > std::log(1e30))
            return Infeasible{"no budget reaches the loss", "loss", "nats", least, target};
        least = *l;
        high += step;
    }
    double low = high - step;
    for (int i = 0; i < 50; ++i) {
        const double middle = 0.5 * (low + high);
        const auto l = loss_at(middle);
        (l && *l <= target ? high : low) = middle;
    }
    return std::exp(high) / at_six(1, compute, experts);
}

}   // namespace moecost
