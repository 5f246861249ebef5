// SPDX-License-Identifier: Apache-2.0
#include "host/routing.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>
#include <optional>
#include <string>

#include "kernels/index/random.h"
#include "moecost/base/error.h"

namespace microbench {
namespace {

/// Uniform in (0, 1), a stream of its own for each seed.
class Uniform {
  public:
    explicit Uniform(std::uint64_t seed) : seed_(seed) {}
    double operator()() { return (static_cast<double>(random_bits(seed_, index_++) >> 11) + 0.5) * 0x1p-53; }

  private:
    std::uint64_t seed_;
    std::uint64_t index_ = 0;
};

Routing empty_routing(int tokens, int experts, int top_k) {
    Routing r{tokens, experts, top_k, {}};
    r.expert.reserve(static_cast<std::size_t>(tokens) * static_cast<std::size_t>(top_k));
    return r;
}

Routing balanced(int tokens, int experts, int top_k) {
    Routing r = empty_routing(tokens, experts, top_k);
    const int step = (experts + top_k - 1) / top_k;
    std::vector<char> taken(static_cast<std::size_t>(experts), 0);
    for (int t = 0; t < tokens; ++t) {
        // Few tokens are spread over a step: neighbouring experts, which share a rank, would all be taken otherwise.
        const int first = tokens < step ? t * step / tokens : t % experts;
        for (int j = 0; j < top_k; ++j) {
            int e = (first + j * step) % experts;
            // Where k does not divide E the steps can meet again: the next free expert is as balanced.
            while (taken[static_cast<std::size_t>(e)] != 0) e = (e + 1) % experts;
            taken[static_cast<std::size_t>(e)] = 1;
            r.expert.push_back(e);
        }
        for (int j = 0; j < top_k; ++j) taken[static_cast<std::size_t>(r.of(t, j))] = 0;
    }
    return r;
}

struct Keyed {
    double key = 0;
    int expert = 0;
};

/// Puts log(u) / weight among the k largest keys, the largest first. log(u) <= u - 1: most keys are seen to be too
/// small without their logarithm, which is what a listing of all expert layers would spend its time on.
void offer(std::vector<Keyed>& largest, std::size_t k, double u, double weight, int expert) {
    if (largest.size() == k && u - 1 < largest.back().key * weight) return;
    const double key = std::log(u) / weight;
    const auto place = std::partition_point(largest.begin(), largest.end(),
                                            [key](const Keyed& other) { return other.key >= key; });
    largest.insert(place, {key, expert});
    if (largest.size() > k) largest.pop_back();
}

/// k different experts with chances proportional to `weight`: the k largest of log(u)/weight (Efraimidis and
/// Spirakis 2006).
Routing weighted(int tokens, int top_k, const std::vector<double>& weight, Uniform& uniform) {
    Routing r = empty_routing(tokens, static_cast<int>(weight.size()), top_k);
    std::vector<Keyed> largest;
    for (int t = 0; t < tokens; ++t) {
        largest.clear();
        for (std::size_t e = 0; e < weight.size(); ++e) {
            offer(largest, static_cast<std::size_t>(top_k), uniform(), weight[e], static_cast<int>(e));
        }
        for (const Keyed& taken : largest) r.expert.push_back(taken.expert);
    }
    return r;
}

Routing zipf(int tokens, int experts, int top_k, double exponent, Uniform& uniform) {
    std::vector<double> weight(static_cast<std::size_t>(experts));
    for (std::size_t i = 0; i < weight.size(); ++i) {
        weight[i] = std::pow(static_cast<double>(i + 1), -exponent);
    }
    for (std::size_t i = weight.size(); i > 1; --i) {   // popular experts anywhere (Fisher and Yates)
        std::swap(weight[i - 1], weight[static_cast<std::size_t>(uniform() * static_cast<double>(i))]);
    }
    return weighted(tokens, top_k, weight, uniform);
}

/// Quantile u of p(x) ~ x^-a on [low, high].
double power_law_quantile(double u, double a, double low, double high) {
    if (std::abs(a - 1) < 1e-9) return low * std::pow(high / low, u);
    const double e = 1 - a;
    return std::pow(std::pow(low, e) + u * (std::pow(high, e) - std::pow(low, e)), 1 / e);
}

/// Whole loads nearest to `share * total`, each at most `most`, with exactly that total.
std::vector<int> whole_loads(const std::vector<double>& share, int total, int most) {
    const double sum = std::accumulate(share.begin(), share.end(), 0.0);
    std::vector<int> loads;
    for (const double s : share) {
        loads.push_back(std::min(most, static_cast<int>(std::lround(s / sum * total))));
    }
    int missing = total - std::accumulate(loads.begin(), loads.end(), 0);
    while (missing > 0) {
        ++*std::min_element(loads.begin(), loads.end());
        --missing;
    }
    while (missing < 0) {
        --*std::max_element(loads.begin(), loads.end());
        ++missing;
    }
    return loads;
}

/// Exchanges the block of experts that carries most load with the first one.
void heaviest_block_first(std::vector<int>& loads, int ranks) {
    const auto block = static_cast<std::ptrdiff_t>(loads.size()) / ranks;
    auto heaviest = loads.begin();
    int most = -1;
    for (auto b = loads.begin(); loads.end() - b >= block; b += block) {
        const int load = std::accumulate(b, b + block, 0);
        if (load > most) {
            most = load;
            heaviest = b;
        }
    }
    if (heaviest != loads.begin()) std::swap_ranges(heaviest, heaviest + block, loads.begin());
}

/// Pair i belongs to token i mod tokens: an expert's pairs follow each other and are at most `tokens`, so no token
/// meets an expert twice.
Routing deal(const std::vector<int>& loads, int tokens, int top_k) {
    Routing r{tokens, static_cast<int>(loads.size()), top_k, {}};
    r.expert.resize(static_cast<std::size_t>(tokens) * static_cast<std::size_t>(top_k));
    std::size_t pair = 0;
    for (std::size_t e = 0; e < loads.size(); ++e) {
        for (int i = 0; i < loads[e]; ++i, ++pair) {
            const auto token = pair % static_cast<std::size_t>(tokens);
            const auto j = pair / static_cast<std::size_t>(tokens);
            r.expert[token * static_cast<std::size_t>(top_k) + j] = static_cast<int>(e);
        }
    }
    return r;
}

Routing power_law(int tokens, int experts, int top_k, double a, int ranks, Uniform& uniform) {
    const int pairs = tokens * top_k;
    const bool sparse = pairs <= experts;
    const double low = sparse ? 0.01 : 1;
    const double high = sparse ? 2 : std::max(1.0, 0.8 * tokens);
    std::vector<double> share(static_cast<std::size_t>(experts));
    for (double& s : share) s = power_law_quantile(uniform(), a, low, high);
    std::vector<int> loads = whole_loads(share, pairs, tokens);
    heaviest_block_first(loads, ranks);
    return deal(loads, tokens, top_k);
}

std::optional<double> exponent_after(std::string_view distribution, std::string_view prefix) {
    if (!distribution.starts_with(prefix)) return std::nullopt;
    const std::string_view text = distribution.substr(prefix.size());
    double value = 0;
    const auto r = std::from_chars(text.data(), text.data() + text.size(), value);
    if (r.ec != std::errc{} || r.ptr != text.data() + text.size() || !(value >= 0 && value < 10)) {
        return std::nullopt;
    }
    return value;
}

}   // namespace

std::vector<int> Routing::loads() const {
    std::vector<int> counts(static_cast<std::size_t>(experts));
    for (const int e : expert) ++counts[static_cast<std::size_t>(e)];
    return counts;
}

int Routing::distinct() const {
    const std::vector<int> counts = loads();
    return static_cast<int>(std::count_if(counts.begin(), counts.end(), [](int n) { return n > 0; }));
}

Routing Routing::first_tokens(int count) const {
    const auto pairs = static_cast<std::ptrdiff_t>(count) * top_k;
    return {count, experts, top_k, {expert.begin(), expert.begin() + pairs}};
}

bool begins_with_smaller(std::string_view distribution) {
    return distribution == "uniform" || exponent_after(distribution, "zipf_");
}

Routing make_routing(std::string_view distribution, int tokens, int experts, int top_k, std::uint64_t seed,
                     int ranks) {
    Uniform uniform(seed);
    if (tokens == 0) return empty_routing(tokens, experts, top_k);
    if (distribution == "balanced") return balanced(tokens, experts, top_k);
    if (distribution == "uniform") {
        return weighted(tokens, top_k, std::vector<double>(static_cast<std::size_t>(experts), 1.0), uniform);
    }
    if (const auto s = exponent_after(distribution, "zipf_")) {
        return zipf(tokens, experts, top_k, *s, uniform);
    }
    if (const auto a = exponent_after(distribution, "power_law_")) {
        return power_law(tokens, experts, top_k, *a, ranks, uniform);
    }
    throw moecost::InputError(
        {std::string(distribution)}, {}, "no distribution of tokens over experts",
        "balanced, uniform, zipf_S or power_law_A with a number, such as power_law_1.2");
}

}   // namespace microbench
