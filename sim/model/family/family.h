// SPDX-License-Identifier: Apache-2.0
// Families of architectures: a rule that turns a size and a number of experts into a concrete model with integer
// layers, heads and expert width that engines can shard. Data: workloads/families/*.toml.
//
// Conventions of the loss laws. E experts of full FFN size per MoE layer, k of them used by a token. Granularity G cuts
// each into G: E G routed experts of width f/G, of which a token uses k G, less the shared experts (of width f/G
// too), so that the active size depends on neither G nor the number of shared experts. E = 1 is the dense model.
// Sources: Ludziejewski et al. 2025; Krajewski et al. 2024 (granularity); Dai et al. 2024, DeepSeekMoE (shared experts).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "moecost/base/data.h"
#include "moecost/base/expected.h"
#include "moecost/model/architecture.h"

namespace moecost {

/// A member that is asked for. Zero: the default of the family.
struct FamilyRequest {
    double size =
        0;   // N: dense-equivalent parameters without embeddings (every MoE layer one FFN of width f)
    int experts = 0;           // E, full-size experts; 1 is dense
    int top_k = 0;             // k, full-size experts per token, <= E
    int granularity = 0;       // G
    int shared_experts = -1;   // of width f/G, at most k G - 1; -1: the default of the family
    bool operator==(const FamilyRequest&) const = default;
};

/// One choice of a request: its default, and the values a family allows (none listed: any).
struct FamilyChoice {
    int usual = 1;
    std::vector<int> allowed;
};

struct Family {
    std::string id;   // file stem
    std::string title;
    std::string source;   // whose models it follows, with date
    std::vector<std::string> aliases, notes;
    // Mixer: grouped attention, or MLA when kv_rank > 0.
    int head_dim = 128;
    double hidden_per_head = 128;   // query heads = hidden / this, rounded to a multiple of head_multiple
    int head_multiple = 8;
    int kv_heads = 0;   // 0: as many as query heads (MHA)
    int kv_rank = 0, q_rank = 0, rope_dim = 0, nope_dim = 0, v_dim = 0;
    int q_rank_above = 0;   // hidden sizes up to this project queries directly, without q_rank
    QkNorm qk_norm = QkNorm::none;
    OutputGate gate = OutputGate::none;   // of grouped attention
    // Hybrid: one layer of `attention_every` keeps that mixer, the others are gated delta nets, whose state does not grow.
    int attention_every = 1;
    int linear_key_dim = 0, linear_value_dim = 0, linear_conv = 4;
    double hidden_per_value_head =
        64;                        // value heads = hidden / this, rounded to a multiple of head_multiple;
    int value_heads_per_key = 2;   // so many share a key head
    // Feed-forward.
    double ffn_ratio = 8.0 / 3;   // f/h of the dense FFN and of a full-size expert
    int matrices = 3;
    int moe_every = 1;          // every which layer has experts
    int dense_layers = 0;       // leading layers without, at most,
    int layers_per_dense = 1;   // and no more than one (but one) in so many
    int width_multiple = 64;    // of expert widths: tiles and tensor parallelism
    // Shape.
    int hidden_multiple = 128;
    double hidden_per_layer = 128;   // h/l that the rule aims at
    int vocabulary = 0;
    int max_position = 0;
    bool tied_embeddings = false;
    FamilyChoice experts, top_k, granularity, shared_experts;
};

/// A concrete member and how its sizes came out. All parameters are counted exactly.
struct FamilyMember {
    Architecture architecture;     // with one module that drafts, which no count below holds
    FamilyRequest request;         // with the defaults filled in
    double dense_equivalent = 0;   // N as built, without embeddings
    double deviation = 0;          // N as built / N asked - 1
    double active = 0;             // without embeddings
    double total = 0;              // without embeddings
    double embeddings = 0;         // input and output tables; a tied one counts once
    double granularity = 1;        // f / width of a routed expert, as built
};

[[nodiscard]] std::vector<std::string> family_names(const DataStore& data);
/// A family by name, alias or path to a file; keys are exact. InputError names the nearest.
[[nodiscard]] Family load_family(const DataStore& data, std::string_view name);
[[nodiscard]] Family family_from_toml(const Document& document);

/// The member of the size asked for: among hidden sizes and layer counts whose exact N is within 1 % of it, the one
/// nearest to the shape of the family (h/l and f/h) and the size together, so that neighbouring sizes have neighbouring
/// shapes; where none is within 1 %, the one whose N deviates least. f is G routed widths, each a multiple of width_multiple, so that N, N_total and the
/// active size follow from each other. Where no such shape is near the size (small models of many parts), shapes
/// farther from the family are taken, and at last widths that are a multiple of a half or a quarter of it.
/// Deviation of the families shipped, 100M to 1T: at most 1 % up to G = 16, and for G = 32 from 200M on (2 % below).
/// Query heads are a multiple of head_multiple; those of MHA below h = 8 head_multiple head_dim, of a half, a quarter...
/// Infeasible: the size is below the smallest member or beyond exact counts, a choice is outside what the
/// family allows, k > E, no routed expert is left, an expert would be narrower than width_multiple, or no member
/// comes within 10 %.
[[nodiscard]] Expected<FamilyMember> member_of(const Family& family, const FamilyRequest& request);

/// The formula of the family, to which exact counts hold within 1 % (norms, router and rounding aside):
///   N = l (attention(h) + matrices f h);  N_total = N (1 + share (E - 1)), share = FFN part of N in MoE layers.
struct FamilyFormula {
    double dense_equivalent = 0;
    double active = 0;
    double total = 0;
};
[[nodiscard]] FamilyFormula formula_sizes(const Family& family, const FamilyMember& member);

}   // namespace moecost
