// SPDX-License-Identifier: Apache-2.0
// Cases of the expert GEMMs and expert layers: sizes of published models, cut by tensor and expert parallelism.
#include "bench/tensor_cases.h"

#include <array>
#include <map>
#include <tuple>

#include "bench/tensor_benches.h"
#include "host/formulas.h"
#include "host/rotation.h"
#include "host/shape.h"
#include "host/tensor_formulas.h"

namespace microbench {
namespace {

/// Expert layers by the published configurations (config.json) of each model; inter is the width of one expert.
struct Experts {
    double hidden, inter, top_k, experts;
    bool zipf;   // measured with Zipf loads too
};
constexpr std::array expert_layers{
    Experts{4096, 14336, 2, 8, true},     // Mixtral 8x7B
    Experts{6144, 16384, 2, 8, false},    // Mixtral 8x22B
    Experts{7168, 2048, 8, 256, true},    // DeepSeek-V3
    Experts{4096, 1536, 8, 128, false},   // Qwen3 235B-A22B
    Experts{2048, 768, 8, 128, true},     // Qwen3 30B-A3B
    Experts{2880, 2880, 4, 128, false},   // gpt-oss-120b
    Experts{2880, 2880, 4, 32, false},    // gpt-oss-20b
};

struct Cut {
    double tp, ep;
};
constexpr std::array cuts{Cut{1, 1}, Cut{8, 1}, Cut{1, 8}, Cut{1, 32}};

constexpr std::array token_counts{1.,    2.,    4.,    8.,    16.,   32.,   48.,   64.,    80.,
                                  96.,   128.,  160.,  192.,  256.,  320.,  384.,  512.,   768.,
                                  1024., 1536., 2048., 3072., 4096., 6144., 8192., 12288., 16384.};

std::vector<std::string> gemm_dtypes(const Device& device) {
    std::vector<std::string> names{"bfloat16"};
    if (device.compute_capability >= 89) names.push_back("fp8");
    return names;
}

constexpr std::uint64_t routing_seed = 11;

/// The one the expert layers run first.
std::vector<const char*> gemm_kernels(const Device& device) {
    if (device.compute_capability == 90) return {warpgroup_kernel, warp_kernel};
    return {warp_kernel};
}

/// Memory of a case beyond its rotating weights: tokens in and out, sorted rows before, between and after the GEMMs.
double layer_buffers(const Experts& l, const Cut& cut, double tokens, double pairs) {
    return tokens * l.hidden * 5 + pairs * (l.inter / cut.tp * 2 + l.hidden * 2 + 16);
}

/// What tokens bring to rank 0.
struct RankLoad {
    double pairs = 0;
    double distinct = 0;   // experts
};
/// Routings already drawn: many layers and types share one, and drawing them all would make every listing slow.
struct Known {
    std::map<std::tuple<std::string, double, double, double, double>, RankLoad> loads;
    std::map<std::tuple<std::string, double, double>, Routing> largest;   // of the most tokens of all cases
};

/// A routing that holds the tokens of this case first.
Routing routing_of(const Case& c, double experts, double top_k, Known& known) {
    if (!begins_with_smaller(c.distribution)) return moe_routing(c);
    const auto [it, is_new] = known.largest.try_emplace({c.distribution, experts, top_k});
    if (is_new) {
        it->second = make_routing(c.distribution, static_cast<int>(token_counts.back()),
                                  static_cast<int>(experts), static_cast<int>(top_k), routing_seed);
    }
    return it->second.first_tokens(static_cast<int>(dimension(c, "tokens")));
}

RankLoad rank_load(const Case& c, double experts, double top_k, double ep, double tokens, Known& known) {
    const auto [it, is_new] = known.loads.try_emplace({c.distribution, experts, top_k, ep, tokens});
    if (!is_new) return it->second;
    const std::vector<int> loads = routing_of(c, experts, top_k, known).loads();
    for (std::size_t e = 0; e < static_cast<std::size_t>(experts / ep); ++e) {
        it->second.pairs += loads[e];
        it->second.distinct += loads[e] > 0 ? 1 : 0;
    }
    return it->second;
}

Case moe_case(const Experts& l, const Cut& cut, const char* kernel, const std::string& dtype,
              const char* distribution, double tokens, double l2, Known& known) {
    Case c{.table = "moe", .kernel = kernel, .dtype = dtype};
    c.shape = {{"hidden", l.hidden}, {"inter", l.inter}, {"top_k", l.top_k}, {"experts", l.experts},
               {"tp", cut.tp},       {"ep", cut.ep},     {"tokens", tokens}};
    c.distribution = distribution;
    const RankLoad load = rank_load(c, l.experts, l.top_k, cut.ep, tokens, known);
    const double w = bytes_of(dtype);
    c.work = moe_rank_work(load.pairs, load.distinct, tokens, l.hidden, l.inter / cut.tp, w);
    const double weights = 3 * w * l.hidden * l.inter / cut.tp * l.experts / cut.ep;
    c.device_bytes = weights * moe_copies(c, l2) + layer_buffers(l, cut, tokens, tokens * l.top_k) + 64e6;
    return c;
}

/// A cut of a layer that engines run: whole experts per rank, widths that fit the kernels' 16-byte copies.
bool possible(const Experts& l, const Cut& cut) {
    return l.experts / cut.ep >= 1 && static_cast<int>(l.experts) % static_cast<int>(cut.ep) == 0 &&
           static_cast<int>(l.inter) % static_cast<int>(16 * cut.tp) == 0;
}

/// Of a second kernel only the uncut layer, balanced: for comparison, and should the first fail on a chip.
void add_distributions(std::vector<Case>& cases, const Experts& l, const Cut& cut, const char* kernel,
                       const std::string& dtype, const Device& d, Known& known) {
    const bool uncut = cut.tp == 1 && cut.ep == 1;
    const bool compared = std::string_view(kernel) != gemm_kernels(d).front();
    for (const char* distribution : {"balanced", "power_law_1.2", "zipf_1.0"}) {
        if (compared && !(uncut && std::string_view(distribution) == "balanced")) continue;
        if (std::string_view(distribution) == "zipf_1.0" && !(uncut && l.zipf)) continue;
        for (const double tokens : token_counts)
            cases.push_back(moe_case(l, cut, kernel, dtype, distribution, tokens, d.l2_bytes, known));
    }
}

/// Plain GEMMs of expert layers: experts of one rank, (n, k), rows on every expert.
struct Grouped {
    double experts, n, k;
};
constexpr std::array grouped{
    Grouped{8, 28672, 4096}, Grouped{8, 4096, 14336}, Grouped{8, 4096, 7168},  Grouped{8, 7168, 2048},
    Grouped{16, 3072, 4096}, Grouped{16, 4096, 1536}, Grouped{16, 5760, 2880},
};

/// Both kernels are one up to 16 rows per expert, tile_rows of the small tile: listed once.
void add_rows(std::vector<Case>& cases, const Grouped& g, const char* kernel, const std::string& dtype,
              const Device& device) {
    for (const double rows : {1., 2., 4., 8., 16., 32., 64., 128., 256., 257., 512., 1024., 4096.}) {
        if (std::string_view(kernel) == warpgroup_kernel && rows <= 16) continue;
        Case c{.table = "grouped_gemm", .kernel = kernel, .dtype = dtype};
        c.shape = {{"experts", g.experts}, {"n", g.n}, {"k", g.k}, {"rows", rows}};
        c.work = grouped_gemm_work(g.experts, rows, g.n, g.k, bytes_of(dtype));
        c.device_bytes = c.work.bytes * rotating_copies(c.work.bytes, device.l2_bytes, 64) + 64e6;
        cases.push_back(std::move(c));
    }
}

}   // namespace

Routing moe_routing(const Case& c) {
    const auto whole = [&](std::string_view column) { return static_cast<int>(dimension(c, column)); };
    return make_routing(c.distribution, whole("tokens"), whole("experts"), whole("top_k"), routing_seed,
                        whole("ep"));
}

int moe_copies(const Case& c, double l2_bytes) { return rotating_copies(c.work.bytes, l2_bytes, 64); }

std::vector<Case> moe_cases(const Device& device) {
    std::vector<Case> cases;
    Known known;
    for (const char* kernel : gemm_kernels(device)) {
        for (const std::string& dtype : gemm_dtypes(device)) {
            for (const Experts& l : expert_layers) {
                for (const Cut& cut : cuts) {
                    if (possible(l, cut)) add_distributions(cases, l, cut, kernel, dtype, device, known);
                }
            }
        }
    }
    return cases;
}

std::vector<Case> grouped_gemm_cases(const Device& device) {
    std::vector<Case> cases;
    for (const char* kernel : gemm_kernels(device)) {
        for (const std::string& dtype : gemm_dtypes(device)) {
            for (const Grouped& g : grouped) add_rows(cases, g, kernel, dtype, device);
        }
    }
    return cases;
}

std::vector<Bench> tensor_listing() {
    return {
        {"grouped_gemm", "moe: compute and memory efficiency of the expert GEMMs alone", grouped_gemm_cases,
         nullptr},
        {"moe", "moe: floor, compute, memory, tile padding, routed-row traffic, skew", moe_cases, nullptr},
        {"attention_decode", "attention_decode: floor, memory, compute, per sequence, occupancy",
         attention_decode_cases, nullptr},
        {"attention_prefill", "attention_prefill: floor, compute, ramp with length, waves",
         attention_prefill_cases, nullptr},
        {"mla_decode", "mla_decode: floor, memory, compute, per sequence", mla_decode_cases, nullptr},
        {"mla_prefill", "mla_prefill: floor, compute, ramp with length", mla_prefill_cases, nullptr},
    };
}

}   // namespace microbench
