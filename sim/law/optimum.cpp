// SPDX-License-Identifier: Apache-2.0
#include "moecost/law/optimum.h"

#include <cmath>
#include <utility>

namespace moecost {
namespace {

// ln of the sizes and token counts that are searched: 1 to 1e18, tokens up to 1e30.
constexpr double least_ln_n = 0;
constexpr double most_ln_n = 41.446531673892822;
constexpr double most_ln_d = 69.077552789821368;
constexpr int scan_points = 128;

/// Root of f between low and high, where f changes sign; bisection until the interval is two neighbouring numbers
/// or 100 halvings, whichever is first: slower than secants, but it can not leave the bracket.
template <class F>
double root(F f, double low, double high) {
    const bool rising = f(low) < 0;
    for (int i = 0; i < 100; ++i) {
        const double middle = 0.5 * (low + high);
        if (!(middle > low && middle < high)) break;
        ((f(middle) < 0) == rising ? low : high) = middle;
    }
    return 0.5 * (low + high);
}

Infeasible plain(std::string_view reason) { return {reason, {}, {}, 0, 0}; }

bool usable(double x) { return std::isfinite(x) && x > 0; }

/// A law with both N and D, a setting that it accepts.
std::optional<Infeasible> refused_allocation(const Law& law, const Setting& setting) {
    if (const auto why = refusal(law, setting, false, false)) return why;
    const Axes& axes = info(law.form).axes;
    if (!axes.n || !axes.d) return plain("the law does not hold both model size and tokens");
    return std::nullopt;
}

/// The setting at ln N on the line 6 share N D = flop.
Setting on_budget(Setting s, double ln_n, double ln_product) {
    s.n = std::exp(ln_n);
    s.d = std::exp(ln_product - ln_n);
    return s;
}

/// d ln L/d ln N along the budget; refusals have been excluded before.
double slope_on_budget(const Law& law, const Setting& s, double ln_n, double ln_product) {
    const auto g = gradient(law, on_budget(s, ln_n, ln_product));
    return g ? g->ln_n - g->ln_d : std::nan("");
}

double loss_or_infinity(const Law& law, const Setting& s) {
    const auto l = loss(law, s);
    return l ? *l : HUGE_VAL;
}

Expected<double> ln_product_of(const Law& law, const Setting& s, double flop) {
    if (const auto why = refused_allocation(law, s)) return *why;
    const auto share = used_share(law, s);
    if (!share) return share.error();
    if (!usable(flop)) return plain("the training budget must be positive");
    const double ln_product = std::log(flop / (6 * *share));
    if (!(ln_product > least_ln_n)) return plain("the training budget buys no token for the smallest model");
    return ln_product;
}

}   // namespace

Expected<Allocation> loss_optimal(const Law& law, double flop, Setting s) {
    const auto product = ln_product_of(law, s, flop);
    if (!product) return product.error();
    // A law may bend more than once along the budget: the scan finds the deepest valley, the root its bottom.
    const double high = std::min(*product, most_ln_n);
    const double step = (high - least_ln_n) / scan_points;
    int best = 0;
    double least = HUGE_VAL;
    for (int i = 0; i <= scan_points; ++i) {
        const double l = loss_or_infinity(law, on_budget(s, least_ln_n + i * step, *product));
        if (l < least) {
            least = l;
            best = i;
        }
    }
    if (best == 0 || best == scan_points) return plain("the loss has no optimum along this budget");
    const double ln_n = root([&](double x) { return slope_on_budget(law, s, x, *product); },
                             least_ln_n + (best - 1) * step, least_ln_n + (best + 1) * step);
    const Setting at = on_budget(s, ln_n, *product);
    return Allocation{at.n, at.d, loss_or_infinity(law, at)};
}

Expected<Allocation> overtrained(const Law& law, double flop, Setting s, double target) {
    const auto best = loss_optimal(law, flop, s);
    if (!best) return best;
    if (!(target >= best->loss))
        return Infeasible{"the budget does not reach the loss", "loss", "nats", best->loss, target};
    const double product = *ln_product_of(law, s, flop);
    const auto excess = [&](double x) { return loss_or_infinity(law, on_budget(s, x, product)) - target; };
    if (!(excess(least_ln_n) > 0)) return plain("every model size reaches the loss");
    const Setting at = on_budget(s, root(excess, least_ln_n, std::log(best->n)), product);
    return Allocation{at.n, at.d, loss_or_infinity(law, at)};
}

Expected<double> tokens_for_loss(const Law& law, Setting s, double target) {
    if (const auto why = refusal(law, s, true, false)) return *why;
    if (!info(law.form).axes.d) return plain("the law does not hold training tokens");
    if (!usable(target)) return plain("the target loss must be positive");
    const auto excess = [&](double x) {
        s.d = std::exp(x);
        return loss_or_infinity(law, s) - target;
    };
    const double floor = excess(most_ln_d) + target;
    if (!(floor < target))
        return Infeasible{"no number of tokens reaches the loss", "loss", "nats", floor, target};
    if (!(excess(0) > 0)) return plain("the loss lies above that of an untrained model");
    return std::exp(root(excess, 0, most_ln_d));
}

Expected<double> size_for_loss(const Law& law, Setting s, double target) {
    if (const auto why = refusal(law, s, false, true)) return *why;
    if (!info(law.form).axes.n) return plain("the law does not hold the model size");
    if (!usable(target)) return plain("the target loss must be positive");
    const auto excess = [&](double x) {
        s.n = std::exp(x);
        return loss_or_infinity(law, s) - target;
    };
    // With an interaction of N and E the loss may rise again with N, so the first crossing is looked for.
    const double step = (most_ln_n - least_ln_n) / scan_points;
    double least = HUGE_VAL;
    for (int i = 0; i <= scan_points; ++i) {
        const double x = least_ln_n + i * step;
        const double e = excess(x);
        least = std::min(least, e + target);
        if (e > 0) continue;
        if (i == 0) return plain("the loss lies above that of the smallest model");
        return std::exp(root(excess, x - step, x));
    }
    return Infeasible{"no model size reaches the loss", "loss", "nats", least, target};
}

Expected<double> tokens_for_optimal_size(const Law& law, Setting s) {
    if (const auto why = refused_allocation(law, s)) return *why;
    if (!usable(s.n)) return plain("the law needs a positive model size");
    const auto lead = [&](double x) {
        s.d = std::exp(x);
        const auto g = gradient(law, s);
        return g ? g->ln_n - g->ln_d : std::nan("");
    };
    if (!(lead(0) > 0 && lead(most_ln_d) < 0)) return plain("the size is optimal for no number of tokens");
    return std::exp(root(lead, 0, most_ln_d));
}

Expected<Allocation> lifetime_optimal(const Law& law, Setting s, double target, double served_tokens) {
    if (const auto why = refused_allocation(law, s)) return *why;
    if (!(std::isfinite(served_tokens) && served_tokens >= 0))
        return plain("the tokens served must not be negative");
    s.d = std::exp(most_ln_d);
    const auto smallest = size_for_loss(law, s, target);
    if (!smallest) return smallest.error();
    const auto cost = [&](double x) {
        s.n = std::exp(x);
        const auto d = tokens_for_loss(law, s, target);
        s.d = d ? *d : HUGE_VAL;
        return s.n * (3 * s.d + served_tokens);
    };
    // Just above the smallest size the tokens diverge; the cheapest size is at most a few times larger.
    const double low = std::log(*smallest) + 1e-6;
    const double high = most_ln_n;
    int best = 0;
    double least = HUGE_VAL;
    const double step = (high - low) / scan_points;
    for (int i = 0; i <= scan_points; ++i) {
        const double c = cost(low + i * step);
        if (c < least) {
            least = c;
            best = i;
        }
    }
    if (best == scan_points) return plain("no finite size is cheapest");
    const auto slope = [&](double x) {
        cost(x);
        const auto g = gradient(law, s);
        if (!g) return -1.0;   // beyond the reach of tokens: larger models are cheaper
        return 3 * s.d * (1 - g->ln_n / g->ln_d) + served_tokens;
    };
    const double ln_n = root(slope, low + std::max(best - 1, 0) * step, low + (best + 1) * step);
    cost(ln_n);
    return Allocation{s.n, s.d, loss_or_infinity(law, s)};
}

}   // namespace moecost
