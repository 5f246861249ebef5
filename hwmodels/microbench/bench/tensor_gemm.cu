// SPDX-License-Identifier: Apache-2.0
// grouped_gemm: the expert GEMM alone, the same number of rows on every expert.
#include "bench/tensor_benches.h"
#include "bench/tensor_cases.h"
#include "bench/tensor_reference.h"
#include "host/rotation.h"
#include "host/shape.h"
#include "kernels/tensor/kernel.cuh"
#include "kernels/tensor/launch.h"

namespace microbench {
namespace {

constexpr std::uint64_t a_seed = 21;
constexpr std::uint64_t b_seed = 22;

struct GroupedCase {
    tensor::GemmKind kind;
    std::size_t experts, n, k, rows;
    float scale;
    std::size_t width;   // bytes of an element of A and B
    std::shared_ptr<std::uint8_t> a, b;
    std::shared_ptr<std::uint16_t> c;
    std::shared_ptr<int> row_prefix, tile_prefix;

    [[nodiscard]] std::size_t a_bytes() const { return experts * rows * k * width; }
    [[nodiscard]] std::size_t b_bytes() const { return experts * n * k * width; }
    [[nodiscard]] std::size_t c_elements() const { return experts * rows * n; }
};

GroupedCase read_case(const Case& c) {
    GroupedCase g{};
    g.kind.bytes = c.dtype == "fp8";
    g.experts = static_cast<std::size_t>(dimension(c, "experts"));
    g.n = static_cast<std::size_t>(dimension(c, "n"));
    g.k = static_cast<std::size_t>(dimension(c, "k"));
    g.rows = static_cast<std::size_t>(dimension(c, "rows"));
    g.kind.small = g.rows <= static_cast<std::size_t>(tensor::tile_rows({.small = true}));
    g.kind.warpgroup = c.kernel == warpgroup_kernel;
    g.width = g.kind.bytes ? 1 : 2;
    g.scale = 3.0F / std::sqrt(static_cast<float>(g.k));
    return g;
}

void fill(std::uint8_t* operand, bool bytes, std::size_t elements, std::uint64_t seed) {
    if (bytes) {
        fill_e4m3(operand, elements, seed);
    } else {
        fill_bf16(reinterpret_cast<__nv_bfloat16*>(operand), elements, seed);
    }
}

void make_operands(GroupedCase& g, std::size_t copies) {
    g.a = allocate_array<std::uint8_t>(g.a_bytes() * copies);
    g.b = allocate_array<std::uint8_t>(g.b_bytes() * copies);
    g.c = allocate_array<std::uint16_t>(g.c_elements() * copies);
    fill(g.a.get(), g.kind.bytes, g.a_bytes() / g.width * copies, a_seed);
    fill(g.b.get(), g.kind.bytes, g.b_bytes() / g.width * copies, b_seed);
    const std::vector<int> counts(g.experts, static_cast<int>(g.rows));
    std::vector<int> row_prefix(g.experts + 1), tile_prefix(g.experts + 1);
    tensor::running_sums(counts.data(), static_cast<int>(g.experts), tensor::tile_rows(g.kind),
                         row_prefix.data(), tile_prefix.data());
    g.row_prefix = allocate_array<int>(row_prefix.size());
    g.tile_prefix = allocate_array<int>(tile_prefix.size());
    upload(g.row_prefix.get(), row_prefix);
    upload(g.tile_prefix.get(), tile_prefix);
}

void launch_case(const GroupedCase& g, int multiprocessors, Stream stream, std::size_t copy) {
    tensor::GroupedGemm call;
    call.a = g.a.get() + copy * g.a_bytes();
    call.b = g.b.get() + copy * g.b_bytes();
    call.c = reinterpret_cast<unsigned char*>(g.c.get() + copy * g.c_elements());
    call.row_prefix = g.row_prefix.get();
    call.tile_prefix = g.tile_prefix.get();
    call.experts = static_cast<int>(g.experts);
    call.n = static_cast<int>(g.n);
    call.k_bytes = static_cast<int>(g.k * g.width);
    call.scale = g.scale;
    tensor::launch_grouped_gemm(g.kind, call, multiprocessors, stream);
}

Adder adder(const tensor::GemmKind& kind) { return adder_of(kind.bytes, kind.warpgroup && !kind.small); }

double error_of(const GroupedCase& g, int multiprocessors) {
    check(cudaMemset(g.c.get(), 0xFF, g.c_elements() * 2),
          "clear C");   // not a number where nothing is written
    launch_case(g, multiprocessors, nullptr, 0);
    wait(nullptr);
    double worst = 0;
    for (const std::size_t at : sample(g.c_elements(), 64, 23)) {
        const std::size_t row = at / g.n;
        const std::size_t weight = row / g.rows * g.n + at % g.n;
        Sum sum;
        for (std::size_t i = 0; i < g.k; ++i) {
            sum.add(stored(g.kind.bytes, a_seed, row * g.k + i) *
                    stored(g.kind.bytes, b_seed, weight * g.k + i));
        }
        const double got = from_bf16(download(g.c.get() + at, 1)[0]);
        const auto scale = static_cast<double>(g.scale);
        const double cost = accumulation_cost(sum, adder(g.kind)) * scale;
        worst = std::max(worst, error_within(got, sum.value * scale, cost, false));
    }
    return worst;
}

Prepared (*prepare_of(std::string_view bench))(const Case&, const Device&) {
    if (bench == "grouped_gemm") return prepare_grouped_gemm;
    if (bench == "moe") return prepare_moe;
    if (bench == "attention_decode") return prepare_attention_decode;
    if (bench == "attention_prefill") return prepare_attention_prefill;
    if (bench == "mla_decode") return prepare_mla_decode;
    if (bench == "mla_prefill") return prepare_mla_prefill;
    return nullptr;
}

}   // namespace

Prepared (*tensor_prepare(std::string_view bench))(const Case&, const Device&) { return prepare_of(bench); }

void require_warpgroups() {
    if (!tensor::has_warpgroups()) throw SkipCase{"wgmma needs the program compiled for sm_90a"};
}

Prepared prepare_grouped_gemm(const Case& c, const Device& device) {
    auto g = std::make_shared<GroupedCase>(read_case(c));
    if (g->kind.bytes && device.compute_capability < 89)
        throw SkipCase{"mma of e4m3 needs compute capability 8.9"};
    if (g->kind.warpgroup) require_warpgroups();
    Prepared p;
    p.copies = rotating_copies(c.work.bytes, device.l2_bytes, 64);
    make_operands(*g, static_cast<std::size_t>(p.copies));
    const int multiprocessors = device.multiprocessors;
    p.launch = [g, multiprocessors](Stream s, int copy) {
        launch_case(*g, multiprocessors, s, static_cast<std::size_t>(copy));
    };
    p.error = [g, multiprocessors] { return error_of(*g, multiprocessors); };
    p.reference = "64 elements, the first and last among them, as float64 sums of the stored operands";
    p.memory = g;
    return p;
}

}   // namespace microbench
