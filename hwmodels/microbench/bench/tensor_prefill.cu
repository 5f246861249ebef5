// SPDX-License-Identifier: Apache-2.0
// attention_prefill, mla_prefill: causal attention of whole prompts, also in a sliding window or behind a cached
// prefix, whose keys and values stand before those of the new tokens.
#include "bench/tensor_benches.h"
#include "bench/tensor_cases.h"
#include "bench/tensor_reference.h"
#include "host/rotation.h"
#include "host/shape.h"
#include "kernels/tensor/kernel.cuh"
#include "kernels/tensor/launch.h"

namespace microbench {
namespace {

constexpr std::uint64_t q_seed = 51;
constexpr std::uint64_t k_seed = 52;
constexpr std::uint64_t v_seed = 53;
constexpr double log2_e = 1.4426950408889634;

struct Prefill {
    bool warpgroup = false;
    std::size_t batch = 0, length = 0, prefix = 0, q_heads = 0, kv_heads = 0, query_dim = 0, value_dim = 0;
    std::size_t window = 0;   // 0: none
    std::shared_ptr<std::uint16_t> q, k, v, out;

    [[nodiscard]] std::size_t tokens() const { return batch * length; }
    [[nodiscard]] std::size_t q_elements() const { return tokens() * q_heads * query_dim; }
    [[nodiscard]] std::size_t keys() const { return batch * (prefix + length); }
    [[nodiscard]] std::size_t k_elements() const { return keys() * kv_heads * query_dim; }
    [[nodiscard]] std::size_t v_elements() const { return keys() * kv_heads * value_dim; }
    [[nodiscard]] std::size_t out_elements() const { return tokens() * q_heads * value_dim; }
};

std::shared_ptr<std::uint16_t> filled(std::size_t elements, std::uint64_t seed) {
    auto memory = allocate_array<std::uint16_t>(elements);
    fill_bf16(reinterpret_cast<__nv_bfloat16*>(memory.get()), elements, seed);
    return memory;
}

void launch(const Prefill& p, Stream stream, std::size_t copy) {
    tensor::PrefillAttention call;
    call.q = p.q.get() + copy * p.q_elements();
    call.k = p.k.get() + copy * p.k_elements();
    call.v = p.v.get() + copy * p.v_elements();
    call.out = p.out.get() + copy * p.out_elements();
    call.length = static_cast<int>(p.length);
    call.prefix = static_cast<int>(p.prefix);
    if (p.window > 0) call.window = static_cast<int>(p.window);
    call.q_heads = static_cast<int>(p.q_heads);
    call.kv_heads = static_cast<int>(p.kv_heads);
    call.score_scale = static_cast<float>(log2_e / std::sqrt(static_cast<double>(p.query_dim)));
    const auto launch_kernel = p.warpgroup ? tensor::launch_warpgroup_prefill : tensor::launch_prefill;
    launch_kernel(call, static_cast<int>(p.query_dim), static_cast<int>(p.batch), stream);
}

/// One query of one head against the definition. `row` counts tokens x heads.
double row_error(const Prefill& p, std::size_t row) {
    const std::size_t token = row / p.q_heads;
    const std::size_t kv_head = row % p.q_heads / (p.q_heads / p.kv_heads);
    const std::size_t position = p.prefix + token % p.length;   // in its sequence
    const std::size_t visible = p.window > 0 ? std::min(position + 1, p.window) : position + 1;
    const std::size_t first = token / p.length * (p.prefix + p.length) + position + 1 - visible;
    std::vector<double> query(p.query_dim);
    for (std::size_t d = 0; d < p.query_dim; ++d) query[d] = stored(false, q_seed, row * p.query_dim + d);
    const AttentionRow want = attention_row(
        query, visible, p.value_dim, static_cast<double>(p.query_dim),
        [&](std::size_t t, std::size_t d) {
            return stored(false, k_seed, ((first + t) * p.kv_heads + kv_head) * p.query_dim + d);
        },
        [&](std::size_t t, std::size_t d) {
            return stored(false, v_seed, ((first + t) * p.kv_heads + kv_head) * p.value_dim + d);
        });
    const auto raw = download(p.out.get() + row * p.value_dim, p.value_dim);
    std::vector<double> got(raw.size());
    std::transform(raw.begin(), raw.end(), got.begin(),
                   [](std::uint16_t x) { return static_cast<double>(from_bf16(x)); });
    return attention_error(got, want);
}

double error_of(const Prefill& p) {
    check(cudaMemset(p.out.get(), 0xFF, p.out_elements() * 2), "clear");   // not a number
    launch(p, nullptr, 0);
    wait(nullptr);
    double worst = 0;
    for (const std::size_t row : sample(p.tokens() * p.q_heads, 16, 54))
        worst = std::max(worst, row_error(p, row));
    return worst;
}

Prepared prepare(const Case& c, const Device& device, Prefill shape) {
    shape.warpgroup = c.kernel == warpgroup_prefill_kernel;
    if (shape.warpgroup) require_warpgroups();
    shape.batch = static_cast<std::size_t>(dimension(c, "batch"));
    shape.length = static_cast<std::size_t>(dimension(c, "isl"));
    shape.prefix = static_cast<std::size_t>(dimension(c, "prefix"));
    auto p = std::make_shared<Prefill>(shape);
    if (std::max(p->q_elements(), p->k_elements()) >= std::size_t{1} << 31)
        throw SkipCase{"more than 2^31 elements"};
    Prepared prepared;
    prepared.copies = rotating_copies(c.work.bytes, device.l2_bytes, 64);
    const auto copies = static_cast<std::size_t>(prepared.copies);
    p->q = filled(p->q_elements() * copies, q_seed);
    p->k = filled(p->k_elements() * copies, k_seed);
    p->v = filled(p->v_elements() * copies, v_seed);
    p->out = allocate_array<std::uint16_t>(p->out_elements() * copies);
    prepared.launch = [p](Stream s, int copy) { launch(*p, s, static_cast<std::size_t>(copy)); };
    prepared.error = [p] { return error_of(*p); };
    prepared.reference =
        "16 rows, the first and last among them, as softmax in float64 of the stored operands";
    prepared.memory = p;
    return prepared;
}

}   // namespace

Prepared prepare_attention_prefill(const Case& c, const Device& device) {
    Prefill shape;
    shape.q_heads = static_cast<std::size_t>(dimension(c, "q_heads"));
    shape.kv_heads = static_cast<std::size_t>(dimension(c, "kv_heads"));
    shape.window = static_cast<std::size_t>(dimension(c, "window"));
    shape.query_dim = shape.value_dim = static_cast<std::size_t>(dimension(c, "head_dim"));
    return prepare(c, device, shape);
}

Prepared prepare_mla_prefill(const Case& c, const Device& device) {
    Prefill shape;
    shape.q_heads = shape.kv_heads = static_cast<std::size_t>(dimension(c, "heads"));
    shape.query_dim = 192;
    shape.value_dim = 128;
    return prepare(c, device, shape);
}

}   // namespace microbench
