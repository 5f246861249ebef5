// SPDX-License-Identifier: Apache-2.0
// Expert routing: how many distinct experts a batch touches, and how loaded the busiest rank is.
#pragma once

namespace moecost {

/// Expected distinct experts touched by T tokens that choose k of E experts each.
///   uniform choice (skew = 0):        D = E (1 - (1 - k/E)^T)
///   Gamma-distributed popularity gs:  D = E (1 - (1 - T ln(1 - k/E)/gs)^(-gs)),   D = E at k = E
/// gs -> infinity is the uniform law. 0 < k <= E, T >= 0; D(0) = 0, D(1) = k uniformly, D -> E.
/// Source: negative-binomial count of a Gamma-Poisson mixture; power-law kernel tables give gs = 1.0, served points
/// 1.13 (fit of 2026-11).
[[nodiscard]] double distinct_experts(double experts, double top_k, double tokens, double skew);

/// The busiest of n expert-parallel ranks, which everyone waits for.
struct RankLoad {
    double distinct = 0;   // distinct experts it reads
    double rows = 0;       // token-expert pairs it computes
};

/// Loads of the busiest rank by the normal approximation:
///   bmax = min(n, 1 + z(n) sqrt(n/(E gs) + n/(k T))),  z(n) expected maximum of n normals (z(1) = 0)
///   rows = max(1, bmax T k / n);   distinct = min(E/n, max(1, max(D/n, min(1, k T/n)) (1 + (bmax - 1)/2)))
/// Uniform routing drops the first term under the root.
/// `copies`: redundant experts, all ranks together: n ranks hold E + copies experts, D grows by their share, and the
/// term of popularity becomes slot_variance() n/(E + copies).
[[nodiscard]] RankLoad busiest_rank(double experts, double top_k, double tokens, double ranks, double skew,
                                    double copies = 0);

/// The same for many numbers of tokens: what does not depend on them is worked out once.
class Routing {
  public:
    Routing(double experts, double top_k, double ranks, double skew, double copies);
    [[nodiscard]] RankLoad at(double tokens) const;
    [[nodiscard]] double distinct(double tokens) const;

  private:
    double experts_, top_k_, ranks_, skew_;
    double log_miss_;     // of one token missing one expert
    double spread_;       // of the loads of ranks that popularity alone makes, squared
    double most_;         // expected maximum of n normals
    double held_share_;   // experts that the ranks hold over those of the model
    double held_;         // of one rank
};

/// Relative variance of the loads of expert slots when a load balancer gives `copies_per_expert` = r slots more than
/// experts to the busiest ones. Popularity x is Gamma with mean 1 and shape gs; the balancer gives one more slot to the
/// expert with the largest load of a slot, again and again, which cuts every slot to at most theta:
///   E[ceil(x/theta) - 1] = r;   v = (1 + r) E[x^2/ceil(x/theta)] - 1
/// r = 0 gives 1/gs. Slots are taken to lie on ranks at random: a balancer that knew the loads beforehand would pack them
/// evenly, one that learns them from past requests does not. gs > 0, r >= 0.
/// Source: deepseek-ai/EPLB (2025-02), replicate_experts of eplb.py.
[[nodiscard]] double slot_variance(double skew, double copies_per_expert);

/// The skew that a load balancer leaves when it takes a share b of the spread of the ranks' popularity away: the spread
/// is 1/sqrt(gs), so gs/(1 - b)^2. b = 0 leaves it, b -> 1 is uniform routing.
[[nodiscard]] double balanced_skew(double skew, double balance);

/// Models with few experts show no skew in any served measurement: routing is uniform up to 16 experts.
inline constexpr double uniform_up_to_experts = 16;

/// Distinct (rank, token) pairs of an all-to-all: of n ranks, a token with k of E experts reaches on average
///   n (1 - C(E - E/n, k)/C(E, k))
[[nodiscard]] double ranks_reached(double experts, double top_k, double ranks);

}   // namespace moecost
