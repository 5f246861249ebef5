// SPDX-License-Identifier: Apache-2.0
#include "moecost/model/architecture.h"

#include <algorithm>
#include <initializer_list>
#include <stdexcept>
#include <string_view>

namespace moecost {
namespace {

struct Size {
    std::string_view name;
    int value;
    int low;
    int high;
};

std::string out_of_range(const Size& size) {
    std::string s(size.name);
    return s.append(" ")
        .append(std::to_string(size.value))
        .append(" is not in ")
        .append(std::to_string(size.low))
        .append("..")
        .append(std::to_string(size.high));
}

/// The first size out of its range.
std::string problem_of_sizes(std::initializer_list<Size> sizes) {
    for (const Size& size : sizes) {
        if (size.value < size.low || size.value > size.high) return out_of_range(size);
    }
    return {};
}

std::string problem_of_indexer(const std::optional<SparseIndexer>& indexer) {
    if (!indexer) return {};
    return problem_of_sizes({{"indexer heads", indexer->heads, 1, max_heads},
                             {"indexer head_dim", indexer->head_dim, 1, max_width},
                             {"indexer selected", indexer->selected, 1, max_tokens},
                             {"indexer ratio", indexer->ratio, 1, max_width}});
}

std::string first_of(std::initializer_list<std::string> problems) {
    for (const std::string& problem : problems) {
        if (!problem.empty()) return problem;
    }
    return {};
}

std::string not_multiple(std::string_view name, int value, std::string_view of, int divisor) {
    std::string s(name);
    return s.append(" ")
        .append(std::to_string(value))
        .append(" is not a multiple of ")
        .append(of)
        .append(" ")
        .append(std::to_string(divisor));
}

std::string problem(const GroupedAttention& a) {
    std::string sizes = problem_of_sizes({{"query_heads", a.query_heads, 1, max_heads},
                                          {"kv_heads", a.kv_heads, 1, max_heads},
                                          {"qk_dim", a.qk_dim, 1, max_width},
                                          {"v_dim", a.v_dim, 1, max_width},
                                          {"window", a.window, 0, max_tokens},
                                          {"q_rank", a.q_rank, 0, max_width}});
    if (!sizes.empty()) return sizes;
    if (a.query_heads % a.kv_heads != 0)
        return not_multiple("query_heads", a.query_heads, "kv_heads", a.kv_heads);
    if (a.chunked && a.window == 0) return "chunked needs a window: the length of a chunk";
    return problem_of_indexer(a.indexer);
}

std::string problem(const LatentAttention& a) {
    return first_of({problem_of_sizes({{"query_heads", a.heads, 1, max_heads},
                                       {"q_rank", a.q_rank, 0, max_width},
                                       {"kv_rank", a.kv_rank, 1, max_width},
                                       {"rope_dim", a.rope_dim, 0, max_width},
                                       {"nope_dim", a.nope_dim, 1, max_width},
                                       {"v_dim", a.v_dim, 1, max_width}}),
                     problem_of_indexer(a.indexer),
                     a.indexer && a.q_rank == 0 ? "an indexer needs q_rank: its queries come from it" : ""});
}

std::string problem(const CompressedAttention& a) {
    std::string sizes = problem_of_sizes({{"query_heads", a.heads, 1, max_heads},
                                          {"head_dim", a.head_dim, 1, max_width},
                                          {"q_rank", a.q_rank, 1, max_width},
                                          {"out_groups", a.out_groups, 1, max_heads},
                                          {"out_rank", a.out_rank, 1, max_width},
                                          {"window", a.window, 1, max_tokens},
                                          {"ratio", a.ratio, 0, max_width}});
    if (!sizes.empty()) return sizes;
    if (a.heads % a.out_groups != 0) return not_multiple("query_heads", a.heads, "out_groups", a.out_groups);
    if (a.indexer && a.ratio == 0) return "an indexer needs a ratio: it selects compressed entries";
    return problem_of_indexer(a.indexer);
}

std::string problem(const DeltaNet& a) {
    return problem_of_sizes({{"key_heads", a.key_heads, 1, max_heads},
                             {"value_heads", a.value_heads, 1, max_heads},
                             {"key_dim", a.key_dim, 1, max_width},
                             {"value_dim", a.value_dim, 1, max_width},
                             {"conv_kernel", a.conv_kernel, 1, 1000}});
}

std::string problem(const KimiDelta& a) {
    return problem_of_sizes({{"heads", a.heads, 1, max_heads},
                             {"head_dim", a.head_dim, 1, max_width},
                             {"conv_kernel", a.conv_kernel, 1, 1000}});
}

std::string problem(const Mamba2& a) {
    return problem_of_sizes({{"heads", a.heads, 1, max_heads},
                             {"head_dim", a.head_dim, 1, max_width},
                             {"groups", a.groups, 1, max_heads},
                             {"state", a.state, 1, max_width},
                             {"conv_kernel", a.conv_kernel, 1, 1000}});
}

std::string problem(const Mamba1& a) {
    return problem_of_sizes({{"inner", a.inner, 1, max_width},
                             {"state", a.state, 1, max_width},
                             {"dt_rank", a.dt_rank, 1, max_width},
                             {"conv_kernel", a.conv_kernel, 1, 1000}});
}

std::string problem(const LightningAttention& a) {
    return problem_of_sizes({{"heads", a.heads, 1, max_heads}, {"head_dim", a.head_dim, 1, max_width}});
}

std::string problem(const ShortConvolution& a) {
    return problem_of_sizes({{"width", a.width, 1, max_width}, {"conv_kernel", a.conv_kernel, 1, 1000}});
}

std::string problem(const DenseFfn& f) {
    return problem_of_sizes({{"dense_width", f.width, 1, max_width}, {"matrices", f.matrices, 2, 3}});
}

std::string problem(const MoeFfn& f) {
    std::string sizes = problem_of_sizes({{"experts", f.experts, 1, max_experts},
                                          {"top_k", f.top_k, 1, max_experts},
                                          {"expert_width", f.width, 1, max_width},
                                          {"matrices", f.matrices, 2, 3},
                                          {"shared_width", f.shared_width, 0, max_width},
                                          {"latent_width", f.latent_width, 0, max_width},
                                          {"dense_width", f.dense_width, 0, max_width},
                                          {"expert_groups", f.expert_groups, 1, max_experts},
                                          {"groups_used", f.groups_used, 1, max_experts},
                                          {"zero_experts", f.zero_experts, 0, max_experts}});
    if (!sizes.empty()) return sizes;
    std::string s("top_k ");
    if (f.top_k > f.experts) {
        return s.append(std::to_string(f.top_k))
            .append(" exceeds experts ")
            .append(std::to_string(f.experts));
    }
    if (f.experts % f.expert_groups != 0)
        return not_multiple("experts", f.experts, "expert_groups", f.expert_groups);
    if (f.groups_used > f.expert_groups) return "groups_used exceeds expert_groups";
    // The experts of the groups a token may use must suffice for its top_k.
    if (f.experts / f.expert_groups * f.groups_used < f.top_k) {
        return s.append(std::to_string(f.top_k)).append(" exceeds the experts of groups_used groups");
    }
    return {};
}

template <class Groups>
std::string problem_of_groups(const Groups& groups, std::string_view what, int layers) {
    long long covered = 0;
    for (const auto& group : groups) {
        std::string s = first_of(
            {problem_of_sizes({{"count", group.count, 1, max_layers}, {"norms", group.norms, 0, 100}}),
             problem_of(group.kind)});
        if (!s.empty()) return s;
        if (!group.beside) covered += group.count;
    }
    if (covered <= layers) return {};
    std::string s(what);
    return s.append(" groups cover ")
        .append(std::to_string(covered))
        .append(" layers of ")
        .append(std::to_string(layers));
}

std::string problem_of_parts(const Architecture& a) {
    for (const LookupTable& t : a.tables) {
        if (t.rows < 1 || t.rows > max_rows || t.width < 1 || t.width > max_width)
            return std::string("table '").append(t.name).append("' has impossible sizes");
    }
    for (const Tower& t : a.towers) {
        if (t.parameters < 1 || t.parameters > max_tower)
            return std::string("tower '").append(t.name).append("' has an impossible number of parameters");
    }
    return {};
}

std::string problem_of_mtp(const MtpModules& mtp) {
    return first_of({problem_of_sizes({{"mtp count", mtp.count, 0, 100},
                                       {"mtp projections", mtp.projections, 0, 2},
                                       {"mtp norms", mtp.norms, 0, 100}}),
                     problem_of_groups(mtp.mixers, "mtp mixer", max_layers),
                     problem_of_groups(mtp.ffns, "mtp ffn", max_layers)});
}

}   // namespace

std::string problem_of(const Mixer& mixer) {
    return std::visit([](const auto& kind) { return problem(kind); }, mixer);
}

std::string problem_of(const Ffn& ffn) {
    return std::visit([](const auto& kind) { return problem(kind); }, ffn);
}

std::string problem_of(const Architecture& a) {
    return first_of({problem_of_sizes({{"hidden", a.hidden, 1, max_width},
                                       {"vocabulary", a.vocabulary, 1, max_vocabulary},
                                       {"max_position", a.max_position, 0, max_tokens},
                                       {"layers", a.layers, 1, max_layers},
                                       {"layer_scalars", a.layer_scalars, 0, 1000},
                                       {"hyper_connections", a.hyper_connections, 0, 1000},
                                       {"hyper_rank", a.hyper_rank, 0, max_width},
                                       {"final_norms", a.final_norms, 0, 100},
                                       {"layer_input", a.layer_input, 0, max_width}}),
                     problem_of_parts(a), a.mixers.empty() && a.ffns.empty() ? "no mixer and no ffn" : "",
                     problem_of_groups(a.mixers, "mixer", a.layers),
                     problem_of_groups(a.ffns, "ffn", a.layers), problem_of_mtp(a.mtp)});
}

void check(const Architecture& architecture) {
    const std::string problem = problem_of(architecture);
    if (problem.empty()) return;
    std::string s("architecture '");
    throw std::logic_error(s.append(architecture.name).append("': ").append(problem));
}

}   // namespace moecost
