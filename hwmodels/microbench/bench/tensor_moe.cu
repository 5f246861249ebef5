// SPDX-License-Identifier: Apache-2.0
// moe: one gated expert layer on rank 0 from given top-k choices: sort of the pairs, conversion of activations where the
// weights are e4m3, gated GEMM that gathers its rows, down GEMM, weighted sum over the experts of each token.
#include "bench/tensor_benches.h"
#include "bench/tensor_cases.h"
#include "bench/tensor_reference.h"
#include "host/shape.h"
#include "kernels/tensor/kernel.cuh"
#include "kernels/tensor/launch.h"

namespace microbench {
namespace {

constexpr std::uint64_t x_seed = 31;
constexpr std::uint64_t up_seed = 32;
constexpr std::uint64_t down_seed = 33;
constexpr std::uint64_t weight_seed = 34;
constexpr float x_factor = 64;        // of activations before they are rounded to e4m3
constexpr float middle_factor = 16;   // of the activations between the GEMMs

struct Layer {
    bool bytes = false;
    bool small = false;
    bool warpgroup = false;   // kernel of the GEMMs
    int multiprocessors = 0;
    std::size_t tokens = 0, hidden = 0, inter = 0, top_k = 0, experts = 0;   // experts and inter of this rank
    std::size_t width = 2;                                                   // bytes of an element of weights
    float up_scale = 1, down_scale = 1;
    std::vector<int> expert;   // of each pair, on the host
    std::shared_ptr<int> device_expert, counts, cursor, row_prefix, tile_prefix, token_of_row, row_of_pair;
    std::shared_ptr<float> weight;
    std::shared_ptr<std::uint16_t> x, y, out;
    std::shared_ptr<std::uint8_t> narrow_x, middle, up, down;

    [[nodiscard]] std::size_t pairs() const { return tokens * top_k; }
    [[nodiscard]] std::size_t up_elements() const { return experts * 2 * inter * hidden; }
    [[nodiscard]] std::size_t down_elements() const { return experts * hidden * inter; }
};

Layer read_layer(const Case& c, const Device& device) {
    Layer l;
    const auto whole = [&](std::string_view column) {
        return static_cast<std::size_t>(dimension(c, column));
    };
    l.bytes = c.dtype == "fp8";
    l.width = l.bytes ? 1 : 2;
    l.warpgroup = c.kernel == warpgroup_kernel;
    l.multiprocessors = device.multiprocessors;
    l.tokens = whole("tokens");
    l.hidden = whole("hidden");
    l.top_k = whole("top_k");
    l.inter = whole("inter") / whole("tp");
    l.experts = whole("experts") / whole("ep");
    const Routing routing = moe_routing(c);
    l.expert = routing.expert;
    double rows = 0;
    double distinct = 0;
    const std::vector<int> loads = routing.loads();
    for (std::size_t e = 0; e < l.experts; ++e) {
        rows += loads[e];
        distinct += loads[e] > 0 ? 1 : 0;
    }
    l.small = rows <= distinct * tensor::tile_rows({.small = true});
    l.up_scale = 4.5F / std::sqrt(static_cast<float>(l.hidden));   // gate and up of size 1.5
    l.down_scale = 3.0F / std::sqrt(static_cast<float>(l.inter));
    return l;
}

std::vector<float> pair_weights(const Layer& l) {
    std::vector<float> weights(l.pairs());
    for (std::size_t i = 0; i < weights.size(); ++i)
        weights[i] = 0.5F + 0.5F * random_uniform(weight_seed, i);
    return weights;
}

void make_activations(Layer& l) {
    l.device_expert = allocate_array<int>(l.pairs());
    l.counts = allocate_array<int>(l.experts);
    l.cursor = allocate_array<int>(l.experts);
    l.row_prefix = allocate_array<int>(l.experts + 1);
    l.tile_prefix = allocate_array<int>(l.experts + 1);
    l.token_of_row = allocate_array<int>(l.pairs());
    l.row_of_pair = allocate_array<int>(l.pairs());
    l.weight = allocate_array<float>(l.pairs());
    l.x = allocate_array<std::uint16_t>(l.tokens * l.hidden);
    l.narrow_x = allocate_array<std::uint8_t>(l.bytes ? l.tokens * l.hidden : 1);
    l.middle = allocate_array<std::uint8_t>(l.pairs() * l.inter * l.width);
    l.y = allocate_array<std::uint16_t>(l.pairs() * l.hidden);
    l.out = allocate_array<std::uint16_t>(l.tokens * l.hidden);
    upload(l.device_expert.get(), l.expert);
    upload(l.weight.get(), pair_weights(l));
    check(cudaMemset(l.counts.get(), 0, l.experts * sizeof(int)), "clear counts");
    fill_bf16(reinterpret_cast<__nv_bfloat16*>(l.x.get()), l.tokens * l.hidden, x_seed);
}

void make_weights(Layer& l, std::size_t copies) {
    const std::size_t up = l.up_elements() * copies;
    const std::size_t down = l.down_elements() * copies;
    l.up = allocate_array<std::uint8_t>(up * l.width);
    l.down = allocate_array<std::uint8_t>(down * l.width);
    if (l.bytes) {
        fill_e4m3(l.up.get(), up, up_seed);
        fill_e4m3(l.down.get(), down, down_seed);
    } else {
        fill_bf16(reinterpret_cast<__nv_bfloat16*>(l.up.get()), up, up_seed);
        fill_bf16(reinterpret_cast<__nv_bfloat16*>(l.down.get()), down, down_seed);
    }
}

tensor::MoeRoute route_of(const Layer& l) {
    tensor::MoeRoute r;
    r.expert = l.device_expert.get();
    r.pairs = static_cast<int>(l.pairs());
    r.top_k = static_cast<int>(l.top_k);
    r.experts = static_cast<int>(l.experts);
    r.tile_rows = tensor::tile_rows({.small = l.small});
    r.counts = l.counts.get();
    r.cursor = l.cursor.get();
    r.row_prefix = l.row_prefix.get();
    r.tile_prefix = l.tile_prefix.get();
    r.token_of_row = l.token_of_row.get();
    r.row_of_pair = l.row_of_pair.get();
    return r;
}

tensor::GroupedGemm gemm_of(const Layer& l, bool gated, std::size_t copy) {
    tensor::GroupedGemm g;
    g.row_prefix = l.row_prefix.get();
    g.tile_prefix = l.tile_prefix.get();
    g.experts = static_cast<int>(l.experts);
    if (gated) {
        g.a = l.bytes ? l.narrow_x.get() : reinterpret_cast<const unsigned char*>(l.x.get());
        g.b = l.up.get() + copy * l.up_elements() * l.width;
        g.c = l.middle.get();
        g.source_row = l.token_of_row.get();
        g.n = static_cast<int>(l.inter);
        g.k_bytes = static_cast<int>(l.hidden * l.width);
        g.scale = l.bytes ? l.up_scale / x_factor : l.up_scale;
        g.output_scale = middle_factor;
    } else {
        g.a = l.middle.get();
        g.b = l.down.get() + copy * l.down_elements() * l.width;
        g.c = reinterpret_cast<unsigned char*>(l.y.get());
        g.n = static_cast<int>(l.hidden);
        g.k_bytes = static_cast<int>(l.inter * l.width);
        g.scale = l.bytes ? l.down_scale / middle_factor : l.down_scale;
    }
    return g;
}

void launch_layer(const Layer& l, Stream stream, std::size_t copy) {
    if (l.bytes) {
        const auto groups = static_cast<long long>(l.tokens * l.hidden / 8);
        tensor::launch_quantize({l.x.get(), l.narrow_x.get(), groups, x_factor}, stream);
    }
    tensor::launch_route(route_of(l), stream);
    for (const bool gated : {true, false}) {
        tensor::launch_grouped_gemm({l.bytes, gated, l.small, l.warpgroup}, gemm_of(l, gated, copy),
                                    l.multiprocessors, stream);
    }
    const tensor::MoeCombine combine{l.y.get(),   l.row_of_pair.get(),        l.weight.get(),
                                     l.out.get(), static_cast<int>(l.hidden), static_cast<int>(l.top_k)};
    tensor::launch_combine(combine, static_cast<int>(l.tokens), stream);
}

double activation(const Layer& l, std::size_t i) {
    const double x = stored(false, x_seed, i);
    return l.bytes ? static_cast<double>(from_e4m3(to_e4m3(static_cast<float>(x) * x_factor))) / x_factor : x;
}

/// Stored activations between the GEMMs: row `row`, columns [column, column + count).
std::vector<double> middle_of(const Layer& l, std::size_t row, std::size_t column, std::size_t count) {
    const std::size_t at = row * l.inter + column;
    std::vector<double> values(count);
    const auto raw = download(l.middle.get() + at * l.width, count * l.width);
    for (std::size_t i = 0; i < count; ++i) {
        values[i] = l.bytes ? static_cast<double>(from_e4m3(raw[i])) / middle_factor
                            : static_cast<double>(
                                  from_bf16(static_cast<std::uint16_t>(raw[2 * i] | raw[2 * i + 1] << 8)));
    }
    return values;
}

Adder adder(const Layer& l) { return adder_of(l.bytes, l.warpgroup && !l.small); }

/// Gate and up of one row and column, activated; against what the first GEMM stored.
double middle_error(const Layer& l, std::size_t expert, std::size_t token, std::size_t row,
                    std::size_t column) {
    Sum gate;
    Sum up;
    const std::size_t weights = (expert * 2 * l.inter + column) * l.hidden;
    for (std::size_t h = 0; h < l.hidden; ++h) {
        const double x = activation(l, token * l.hidden + h) * static_cast<double>(l.up_scale);
        gate.add(x * stored(l.bytes, up_seed, weights + h));
        up.add(x * stored(l.bytes, up_seed, weights + l.inter * l.hidden + h));
    }
    const double silu = gate.value / (1 + std::exp(-gate.value));
    const double cost = accumulation_cost(gate, adder(l)) * std::abs(up.value) * 1.1 +
                        accumulation_cost(up, adder(l)) * std::abs(silu);
    return error_within(middle_of(l, row, column, 1)[0], silu * up.value, cost, l.bytes);
}

/// One result of the second GEMM from the stored row before it.
double down_error(const Layer& l, std::size_t expert, std::size_t row, std::size_t column) {
    const std::vector<double> middle = middle_of(l, row, 0, l.inter);
    Sum sum;
    for (std::size_t i = 0; i < l.inter; ++i) {
        sum.add(middle[i] * stored(l.bytes, down_seed, (expert * l.hidden + column) * l.inter + i) *
                static_cast<double>(l.down_scale));
    }
    const double got = from_bf16(download(l.y.get() + row * l.hidden + column, 1)[0]);
    return error_within(got, sum.value, accumulation_cost(sum, adder(l)), false);
}

/// Weighted sum of the stored rows of one token and column.
double combine_error(const Layer& l, const std::vector<int>& row_of_pair, const std::vector<float>& weights,
                     std::size_t token, std::size_t column) {
    Sum sum;
    for (std::size_t j = 0; j < l.top_k; ++j) {
        const int row = row_of_pair[token * l.top_k + j];
        if (row < 0) continue;
        const std::size_t at = static_cast<std::size_t>(row) * l.hidden + column;
        sum.add(static_cast<double>(weights[token * l.top_k + j]) *
                static_cast<double>(from_bf16(download(l.y.get() + at, 1)[0])));
    }
    const double got = from_bf16(download(l.out.get() + token * l.hidden + column, 1)[0]);
    return error_within(got, sum.value, accumulation_cost(sum, Adder::single), false);
}

/// Every local pair has a row of its own inside the rows of its expert, every other pair none: 0, else 2.
double sort_error(const Layer& l, const std::vector<int>& row_of_pair) {
    const std::vector<int> prefix = download(l.row_prefix.get(), l.experts + 1);
    const std::vector<int> token_of_row = download(l.token_of_row.get(), l.pairs());
    std::vector<int> rows(l.experts);
    std::vector<bool> taken(l.pairs());
    for (std::size_t pair = 0; pair < l.pairs(); ++pair) {
        const auto e = static_cast<std::size_t>(l.expert[pair]);
        const int row = row_of_pair[pair];
        if (e >= l.experts) {
            if (row != -1) return 2;
            continue;
        }
        ++rows[e];
        if (row < prefix[e] || row >= prefix[e + 1] || taken[static_cast<std::size_t>(row)]) return 2;
        taken[static_cast<std::size_t>(row)] = true;
        if (token_of_row[static_cast<std::size_t>(row)] != static_cast<int>(pair / l.top_k)) return 2;
    }
    for (std::size_t e = 0; e < l.experts; ++e) {
        if (prefix[e + 1] - prefix[e] != rows[e]) return 2;
    }
    return 0;
}

double error_of(const Layer& l) {
    check(cudaMemset(l.middle.get(), 0xFF, l.pairs() * l.inter * l.width), "clear");   // not a number
    check(cudaMemset(l.y.get(), 0xFF, l.pairs() * l.hidden * 2), "clear");
    check(cudaMemset(l.out.get(), 0xFF, l.tokens * l.hidden * 2), "clear");
    launch_layer(l, nullptr, 0);
    wait(nullptr);
    const std::vector<int> row_of_pair = download(l.row_of_pair.get(), l.pairs());
    const std::vector<float> weights = pair_weights(l);
    double worst = sort_error(l, row_of_pair);
    if (worst > 1) return worst;
    for (const std::size_t pair : sample(l.pairs(), 24, 35)) {
        const std::size_t token = pair / l.top_k;
        const std::size_t column = random_bits(36, pair) % l.hidden;
        worst = std::max(worst, combine_error(l, row_of_pair, weights, token, column));
        if (row_of_pair[pair] < 0) continue;
        const auto row = static_cast<std::size_t>(row_of_pair[pair]);
        const auto expert = static_cast<std::size_t>(l.expert[pair]);
        worst = std::max(worst, middle_error(l, expert, token, row, random_bits(37, pair) % l.inter));
        worst = std::max(worst, down_error(l, expert, row, column));
    }
    return worst;
}

}   // namespace

Prepared prepare_moe(const Case& c, const Device& device) {
    auto l = std::make_shared<Layer>(read_layer(c, device));
    if (l->bytes && device.compute_capability < 89)
        throw SkipCase{"mma of e4m3 needs compute capability 8.9"};
    if (l->warpgroup) require_warpgroups();
    Prepared p;
    p.copies = moe_copies(c, device.l2_bytes);
    make_activations(*l);
    make_weights(*l, static_cast<std::size_t>(p.copies));
    p.launch = [l](Stream s, int copy) { launch_layer(*l, s, static_cast<std::size_t>(copy)); };
    p.error = [l] { return error_of(*l); };
    p.reference = "the whole sort; 24 pairs: each step as float64 sums of what the step before stored";
    p.memory = l;
    return p;
}

}   // namespace microbench
