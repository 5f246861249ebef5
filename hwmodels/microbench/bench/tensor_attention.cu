// SPDX-License-Identifier: Apache-2.0
// attention_decode, mla_decode: one new token per sequence over a paged cache whose pages lie in random order.
#include <numeric>

#include "bench/tensor_benches.h"
#include "bench/tensor_reference.h"
#include "host/rotation.h"
#include "host/shape.h"
#include "kernels/tensor/kernel.cuh"
#include "kernels/tensor/launch.h"

namespace microbench {
namespace {

constexpr std::uint64_t q_seed = 41;
constexpr std::uint64_t k_seed = 42;
constexpr std::uint64_t v_seed = 43;
constexpr double log2_e = 1.4426950408889634;
constexpr float q_scale = 4;   // so that some tokens count more than others

/// A paged cache of `batch` sequences of `context` tokens and its rotating copies.
struct Paged {
    std::size_t batch = 0, context = 0, page_tokens = 0, max_pages = 0;
    std::vector<int> pages;
    std::shared_ptr<int> device_pages, device_context;

    [[nodiscard]] std::size_t rows() const { return batch * max_pages * page_tokens; }
    [[nodiscard]] std::size_t row_of(std::size_t sequence, std::size_t token) const {
        return static_cast<std::size_t>(pages[sequence * max_pages + token / page_tokens]) * page_tokens +
               token % page_tokens;
    }
};

Paged make_pages(const Case& c, std::size_t page_tokens) {
    Paged p;
    p.batch = static_cast<std::size_t>(dimension(c, "batch"));
    p.context = static_cast<std::size_t>(dimension(c, "context"));
    p.page_tokens = page_tokens;
    p.max_pages = (p.context + page_tokens - 1) / page_tokens;
    p.pages.resize(p.batch * p.max_pages);
    std::iota(p.pages.begin(), p.pages.end(), 0);
    for (std::size_t i = p.pages.size(); i > 1; --i)
        std::swap(p.pages[i - 1], p.pages[random_bits(44, i) % i]);
    p.device_pages = allocate_array<int>(p.pages.size());
    p.device_context = allocate_array<int>(p.batch);
    upload(p.device_pages.get(), p.pages);
    upload(p.device_context.get(), std::vector<int>(p.batch, static_cast<int>(p.context)));
    return p;
}

/// Queries, results and partial results; shared by the copies of the cache.
struct Heads {
    std::size_t heads = 0, query_dim = 0, value_dim = 0;
    std::shared_ptr<std::uint16_t> q, out;
    std::shared_ptr<float> part_out, part_lse;
};

Heads make_heads(std::size_t batch, std::size_t heads, std::size_t query_dim, std::size_t value_dim,
                 std::size_t parts) {
    Heads h{heads, query_dim, value_dim, nullptr, nullptr, nullptr, nullptr};
    const std::size_t rows = batch * heads;
    h.q = allocate_array<std::uint16_t>(rows * query_dim);
    h.out = allocate_array<std::uint16_t>(rows * value_dim);
    h.part_out = allocate_array<float>(parts > 1 ? rows * parts * value_dim : 1);
    h.part_lse = allocate_array<float>(parts > 1 ? rows * parts : 1);
    fill_bf16(reinterpret_cast<__nv_bfloat16*>(h.q.get()), rows * query_dim, q_seed, q_scale);
    return h;
}

std::vector<double> query_of(const Heads& h, std::size_t row) {
    std::vector<double> query(h.query_dim);
    for (std::size_t d = 0; d < h.query_dim; ++d) {
        query[d] = static_cast<double>(round_bf16(q_scale * random_uniform(q_seed, row * h.query_dim + d)));
    }
    return query;
}

std::vector<double> result_of(const Heads& h, std::size_t row) {
    const auto raw = download(h.out.get() + row * h.value_dim, h.value_dim);
    std::vector<double> values(raw.size());
    std::transform(raw.begin(), raw.end(), values.begin(),
                   [](std::uint16_t x) { return static_cast<double>(from_bf16(x)); });
    return values;
}

void clear_results(const Heads& h, std::size_t batch) {
    check(cudaMemset(h.out.get(), 0xFF, batch * h.heads * h.value_dim * 2), "clear");   // not a number
}

struct Decode {
    bool bytes = false;
    std::size_t kv_heads = 0, dim = 0, visible = 0;   // visible: tokens attended
    Paged cache;
    Heads heads;
    std::shared_ptr<std::uint8_t> k, v;
    tensor::DecodeAttention call;

    [[nodiscard]] std::size_t elements() const { return cache.rows() * kv_heads * dim; }
};

void launch(const Decode& d, Stream stream, std::size_t copy) {
    tensor::DecodeAttention call = d.call;
    const std::size_t offset = copy * d.elements() * (d.bytes ? 1 : 2);
    call.k = d.k.get() + offset;
    call.v = d.v.get() + offset;
    tensor::launch_decode(call, d.bytes, static_cast<int>(d.dim), static_cast<int>(d.cache.batch), stream);
}

void fill_cache(std::uint8_t* cache, bool bytes, std::size_t elements, std::uint64_t seed) {
    if (bytes) {
        fill_e4m3(cache, elements, seed);
    } else {
        fill_bf16(reinterpret_cast<__nv_bfloat16*>(cache), elements, seed);
    }
}

double decode_error(const Decode& d) {
    clear_results(d.heads, d.cache.batch);
    launch(d, nullptr, 0);
    wait(nullptr);
    double worst = 0;
    for (const std::size_t row : sample(d.cache.batch * d.heads.heads, 4, 45)) {
        const std::size_t sequence = row / d.heads.heads;
        const std::size_t kv_head = row % d.heads.heads / (d.heads.heads / d.kv_heads);
        const auto element = [&](std::uint64_t seed, std::size_t token, std::size_t i) {
            return stored(d.bytes, seed,
                          (d.cache.row_of(sequence, token) * d.kv_heads + kv_head) * d.dim + i);
        };
        const std::size_t first = d.cache.context - d.visible;
        const AttentionRow want = attention_row(
            query_of(d.heads, row), d.visible, d.dim, static_cast<double>(d.dim),
            [&](std::size_t t, std::size_t i) { return element(k_seed, first + t, i); },
            [&](std::size_t t, std::size_t i) { return element(v_seed, first + t, i); });
        worst = std::max(worst, attention_error(result_of(d.heads, row), want));
    }
    return worst;
}

struct Mla {
    bool bytes = false;
    Paged cache;
    Heads heads;
    std::shared_ptr<std::uint8_t> latent;
    tensor::MlaDecode call;
    double shared_bytes = 0;
};

void launch(const Mla& m, Stream stream, std::size_t copy) {
    tensor::MlaDecode call = m.call;
    call.cache = m.latent.get() + copy * m.cache.rows() * 576 * (m.bytes ? 1 : 2);
    tensor::launch_mla_decode(call, m.bytes, static_cast<int>(m.cache.batch), m.shared_bytes, stream);
}

double mla_error(const Mla& m) {
    clear_results(m.heads, m.cache.batch);
    launch(m, nullptr, 0);
    wait(nullptr);
    double worst = 0;
    for (const std::size_t row : sample(m.cache.batch * m.heads.heads, 3, 46)) {
        const auto latent = [&](std::size_t t, std::size_t i) {
            return stored(m.bytes, k_seed, m.cache.row_of(row / m.heads.heads, t) * 576 + i);
        };
        const AttentionRow want =
            attention_row(query_of(m.heads, row), m.cache.context, 512, 192, latent, latent);
        worst = std::max(worst, attention_error(result_of(m.heads, row), want));
    }
    return worst;
}

}   // namespace

Prepared prepare_attention_decode(const Case& c, const Device& device) {
    auto d = std::make_shared<Decode>();
    d->bytes = label(c, "kv_dtype") == "fp8";
    d->kv_heads = static_cast<std::size_t>(dimension(c, "kv_heads"));
    d->dim = static_cast<std::size_t>(dimension(c, "head_dim"));
    d->cache = make_pages(c, c.kernel.ends_with("16") ? 16 : 64);
    tensor::DecodeAttention& call = d->call;
    call.q_heads = static_cast<int>(dimension(c, "q_heads"));
    call.kv_heads = static_cast<int>(d->kv_heads);
    d->visible = d->cache.context;
    if (const auto window = static_cast<std::size_t>(dimension(c, "window")); window > 0) {
        d->visible = std::min(d->visible, window);
        call.window = static_cast<int>(window);
    }
    tensor::plan_decode(call, d->bytes, static_cast<int>(d->dim), static_cast<int>(d->cache.batch),
                        static_cast<int>(d->cache.context), device.multiprocessors);
    d->heads = make_heads(d->cache.batch, static_cast<std::size_t>(call.q_heads), d->dim, d->dim,
                          static_cast<std::size_t>(call.parts));
    call.q = d->heads.q.get();
    call.pages = d->cache.device_pages.get();
    call.context = d->cache.device_context.get();
    call.out = d->heads.out.get();
    call.part_out = d->heads.part_out.get();
    call.part_lse = d->heads.part_lse.get();
    call.page_tokens = static_cast<int>(d->cache.page_tokens);
    call.max_pages = static_cast<int>(d->cache.max_pages);
    call.score_scale = static_cast<float>(log2_e / std::sqrt(static_cast<double>(d->dim)));
    Prepared p;
    p.copies = rotating_copies(c.work.bytes, device.l2_bytes, 64);
    const std::size_t elements = d->elements() * static_cast<std::size_t>(p.copies);
    d->k = allocate_array<std::uint8_t>(elements * (d->bytes ? 1 : 2));
    d->v = allocate_array<std::uint8_t>(elements * (d->bytes ? 1 : 2));
    fill_cache(d->k.get(), d->bytes, elements, k_seed);
    fill_cache(d->v.get(), d->bytes, elements, v_seed);
    p.launch = [d](Stream s, int copy) { launch(*d, s, static_cast<std::size_t>(copy)); };
    p.error = [d] { return decode_error(*d); };
    p.reference = "four rows, the first and last among them, as softmax in float64 of the stored cache";
    p.memory = d;
    return p;
}

Prepared prepare_mla_decode(const Case& c, const Device& device) {
    auto m = std::make_shared<Mla>();
    m->bytes = label(c, "kv_dtype") == "fp8";
    m->cache = make_pages(c, 64);
    m->shared_bytes = device.shared_bytes_per_block;
    tensor::MlaDecode& call = m->call;
    call.heads = static_cast<int>(dimension(c, "heads"));
    tensor::plan_mla_decode(call, m->bytes, static_cast<int>(m->cache.batch),
                            static_cast<int>(m->cache.context), device.multiprocessors, m->shared_bytes);
    m->heads = make_heads(m->cache.batch, static_cast<std::size_t>(call.heads), 576, 512,
                          static_cast<std::size_t>(call.parts));
    call.q = m->heads.q.get();
    call.pages = m->cache.device_pages.get();
    call.context = m->cache.device_context.get();
    call.out = m->heads.out.get();
    call.part_out = m->heads.part_out.get();
    call.part_lse = m->heads.part_lse.get();
    call.page_tokens = static_cast<int>(m->cache.page_tokens);
    call.max_pages = static_cast<int>(m->cache.max_pages);
    call.score_scale = static_cast<float>(log2_e / std::sqrt(192.0));
    Prepared p;
    p.copies = rotating_copies(c.work.bytes, device.l2_bytes, 64);
    const std::size_t elements = m->cache.rows() * 576 * static_cast<std::size_t>(p.copies);
    m->latent = allocate_array<std::uint8_t>(elements * (m->bytes ? 1 : 2));
    fill_cache(m->latent.get(), m->bytes, elements, k_seed);
    p.launch = [m](Stream s, int copy) { launch(*m, s, static_cast<std::size_t>(copy)); };
    p.error = [m] { return mla_error(*m); };
    p.reference = "three rows, the first and last among them, as softmax in float64 of the stored cache";
    p.memory = m;
    return p;
}

}   // namespace microbench
