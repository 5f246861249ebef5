// SPDX-License-Identifier: Apache-2.0
// Which experts each token goes to, for grouped and fused expert kernels: balanced, uniform, Zipf, power law.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace microbench {

struct Routing {
    int tokens = 0;
    int experts = 0;
    int top_k = 0;
    std::vector<int> expert;   // tokens x top_k, distinct within a token

    [[nodiscard]] int of(int token, int j) const {
        return expert[static_cast<std::size_t>(token) * static_cast<std::size_t>(top_k) +
                      static_cast<std::size_t>(j)];
    }
    /// Tokens of each expert; the sum is tokens * top_k.
    [[nodiscard]] std::vector<int> loads() const;
    /// Experts with at least one token.
    [[nodiscard]] int distinct() const;
    /// The same experts for the first `count` tokens alone.
    [[nodiscard]] Routing first_tokens(int count) const;
};

/// By the name of the distribution, 1 <= top_k <= experts, tokens >= 0. The same seed gives the same routing.
///   balanced      with s = ceil(E/k), token t takes experts (t + j s) mod E, or (floor(t s / tokens) + j s) mod E where
///                 tokens < s: the most distinct experts a batch can touch, as many on each rank
///   uniform       each token takes k different experts, all sets equally likely
///   zipf_S        popularity of the i-th expert i^-S, k different ones per token, in random expert order
///   power_law_A   load of an expert drawn from p(x) ~ x^-A on [1, 0.8 tokens] ([0.01, 2] when tokens k <= E), scaled
///                 to tokens k, rounded, at most `tokens`; the block of E/ranks experts with most load comes first,
///                 so that rank 0 is the slowest (as the published expert tables were timed)
/// InputError names the known distributions when `distribution` is none of them.
[[nodiscard]] Routing make_routing(std::string_view distribution, int tokens, int experts, int top_k,
                                   std::uint64_t seed, int ranks = 1);

/// Whether a routing begins with that of fewer tokens, other things equal: uniform and zipf_S draw token by token,
/// whatever `ranks` is.
[[nodiscard]] bool begins_with_smaller(std::string_view distribution);

}   // namespace microbench
