// SPDX-License-Identifier: Apache-2.0
// Case lists of the tensor benches and the references they are checked with.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <string>

#include "bench/tensor_benches.h"
#include "bench/tensor_cases.h"
#include "bench/tensor_reference.h"
#include "host/shape.h"
#include "host/tensor_formulas.h"
#include "kernels/tensor/decode_attention.h"
#include "kernels/tensor/grouped_gemm.h"
#include "kernels/tensor/mla_decode.h"
#include "kernels/tensor/prefill_attention.h"
#include "kernels/tensor/warpgroup_gemm.h"
#include "kernels/tensor/warpgroup_prefill.h"

namespace {

using namespace microbench;

Device h100() {
    Device d;
    d.compute_capability = 90;
    d.multiprocessors = 132;
    d.memory_bytes = 80e9;
    d.l2_bytes = 50e6;
    d.shared_bytes_per_block = 232448;
    return d;
}

/// Sum of k products of e4m3 as documented for wgmma: 32 products and the sum, each cut to a multiple of 2^-13 of the power
/// of two of the largest, added exactly, and the result cut to 13 bits behind its leading one.
struct CutSum {
    double got = 0;
    Sum exact;
};

double cut(double x, int exponent) {
    const double unit = std::ldexp(1.0, exponent - 13);
    return std::trunc(x / unit) * unit;
}

CutSum cut_sum(std::uint64_t seed, std::size_t k) {
    CutSum sum;
    for (std::size_t first = 0; first < k; first += 32) {
        std::vector<double> numbers{sum.got};
        for (std::size_t i = first; i < first + 32; ++i) {
            numbers.push_back(stored(true, 2 * seed, i) * stored(true, 2 * seed + 1, i));
            sum.exact.add(numbers.back());
        }
        double largest = 1e-30;
        for (const double x : numbers) largest = std::max(largest, std::abs(x));
        double total = 0;
        for (const double x : numbers) total += cut(x, std::ilogb(largest));
        sum.got = total == 0 ? 0 : cut(total, std::ilogb(total));
    }
    return sum;
}

const Case& find(const std::vector<Case>& cases, const std::string& name) {
    const auto at = std::find_if(cases.begin(), cases.end(), [&](const Case& c) { return c.name() == name; });
    REQUIRE_MESSAGE(at != cases.end(), name);
    return *at;
}

}   // namespace

TEST_CASE("cases of the tensor benches have names of their own") {
    for (const Bench& bench : tensor_listing()) {
        std::set<std::string> names;
        const auto cases = bench.cases(h100());
        for (const Case& c : cases) {
            CHECK_MESSAGE(names.insert(c.name()).second, c.name());
            CHECK(c.table == bench.name);
            CHECK(c.work.bytes > 0);
        }
        CHECK((bench.prepare == nullptr));
    }
}

TEST_CASE("an A100 gets no e4m3 expert layers and no e4m3 latent cache") {
    Device d = h100();
    d.compute_capability = 80;
    for (const Case& c : moe_cases(d)) CHECK(c.dtype == "bfloat16");
    for (const Case& c : mla_decode_cases(d)) CHECK(c.name().find("fp8") == std::string::npos);
}

TEST_CASE("windowed layers are measured beyond their window, in memory for the whole cache") {
    int count = 0;
    const auto decode = attention_decode_cases(h100());
    for (const Case& c : decode) {
        if (dimension(c, "window") == 0) continue;
        ++count;
        CHECK(dimension(c, "context") > dimension(c, "window"));
    }
    for (const Case& c : attention_prefill_cases(h100())) {
        if (dimension(c, "window") == 0) continue;
        ++count;
        CHECK(dimension(c, "isl") > dimension(c, "window"));
    }
    CHECK(count > 50);
    CHECK(count < 200);
    const Case& c = find(decode,
                         "attention_decode/mma_flash_decode_page64/bfloat16/kv_dtype=bfloat16/q_heads=64/"
                         "kv_heads=8/head_dim=64/window=128/batch=256/context=8192");
    CHECK(c.work.bytes == 256 * (262144.0 + 16384.0));
    CHECK(c.device_bytes > 256 * 8192 * 2048.0);   // 2048 bytes a token
}

TEST_CASE("compute capability 9.0 alone has the kernel of warpgroups, beside the other for comparison") {
    const auto count = [](const std::vector<Case>& cases, const char* kernel) {
        return std::count_if(cases.begin(), cases.end(), [&](const Case& c) { return c.kernel == kernel; });
    };
    for (const int capability : {80, 89, 100, 120}) {
        Device d = h100();
        d.compute_capability = capability;
        CHECK(count(moe_cases(d), warpgroup_kernel) == 0);
        CHECK(count(grouped_gemm_cases(d), warpgroup_kernel) == 0);
        CHECK(count(attention_prefill_cases(d), warpgroup_prefill_kernel) == 0);
        CHECK(count(mla_prefill_cases(d), warpgroup_prefill_kernel) == 0);
    }
    const auto layers = moe_cases(h100());
    CHECK(count(layers, warp_kernel) == 2 * 7 * 27);   // two types, seven uncut layers, 27 numbers of tokens
    CHECK(count(layers, warpgroup_kernel) > 5 * count(layers, warp_kernel));
    CHECK(layers.front().kernel == warpgroup_kernel);   // the one that is measured first
    for (const Case& c : layers) {
        if (c.kernel == warp_kernel) CHECK(c.distribution == "balanced");
    }
    // Seven GEMMs of two types: 13 numbers of rows, of which eight have tiles of their own.
    const auto gemms = grouped_gemm_cases(h100());
    CHECK(count(gemms, warp_kernel) == 2 * 7 * 13);
    CHECK(count(gemms, warpgroup_kernel) == 2 * 7 * 8);
    for (const auto& prompts : {attention_prefill_cases(h100()), mla_prefill_cases(h100())}) {
        const auto single = std::count_if(prompts.begin(), prompts.end(), [](const Case& c) {
            return c.kernel == warpgroup_prefill_kernel && c.name().find("batch=1/") != std::string::npos;
        });
        CHECK(single > 0);
        CHECK(count(prompts, "mma_flash_prefill") == single);
        CHECK(count(prompts, warpgroup_prefill_kernel) > single);
        CHECK(prompts.front().kernel == warpgroup_prefill_kernel);
    }
}

TEST_CASE("work of an expert layer counts the experts that tokens reach on this rank") {
    const auto cases = moe_cases(h100());
    const std::string layer = "moe/wgmma_grouped/bfloat16/hidden=7168/inter=2048/top_k=8/experts=256/tp=1";
    // 16 tokens x 8 experts, all different: 128 experts of 3 x 7168 x 2048 elements; 128 pairs of 3 x 2 x 7168 x 2048 FLOP.
    const Case& whole = find(cases, layer + "/ep=1/tokens=16/balanced");
    CHECK(whole.work.bytes == doctest::Approx(11274289152.0 + 458752.0));
    CHECK(whole.work.flop == doctest::Approx(11274289152.0));
    // Rank 0 of 32 holds experts 0..7: 4 of the 128 pairs, each with an expert of its own.
    const Case& rank = find(cases, layer + "/ep=32/tokens=16/balanced");
    CHECK(rank.work.flop == doctest::Approx(4 * 88080384.0));
    CHECK(rank.work.bytes == doctest::Approx(4 * 88080384.0 + 458752.0));
}

TEST_CASE("work of a grouped GEMM") {
    constexpr Work w = grouped_gemm_work(8, 16, 4096, 7168, 1);
    static_assert(w.flop == 7516192768.0);                          // 2 x 8 x 16 x 4096 x 7168
    static_assert(w.bytes == 234881024.0 + 917504.0 + 1048576.0);   // weights, rows, result of 2 bytes
}

TEST_CASE("shared memory of a block fits the architectures that run it") {
    using namespace microbench::tensor;
    constexpr int a100 = 166912;            // 163 KiB
    constexpr int h100_and_b200 = 232448;   // 227 KiB
    CHECK(LargeGemm<false, true>::shared_bytes <= a100);
    CHECK(LargeGemm<true, true>::shared_bytes <= a100);
    CHECK(Bf16Decode<128>::shared_bytes <= a100);
    CHECK(Prefill128::shared_bytes <= a100);
    CHECK(PrefillMla::shared_bytes <= a100);
    CHECK(MlaA100::shared_bytes <= a100);
    CHECK(WarpgroupGemm<false, true>::shared_bytes <= h100_and_b200);
    CHECK(WarpgroupPrefillMla::shared_bytes <= h100_and_b200);
    CHECK(MlaLarge::shared_bytes <= h100_and_b200);
    CHECK(MlaSmall::shared_bytes <= h100_and_b200);
    CHECK(MlaE4m3Large::shared_bytes <= a100);
    CHECK(MlaE4m3Small::shared_bytes <= a100);
    // Resident blocks share 228 KiB less 1 KiB each.
    CHECK(2 * (Bf16Decode<128>::shared_bytes + 1024) <= 233472);
    CHECK(3 * (E4m3Decode<128>::shared_bytes + 1024) <= 233472);
    CHECK(3 * (SmallGemm<false, true>::shared_bytes + 1024) <= 233472);
    CHECK(2 * (PrefillMla::shared_bytes + 1024) <= 233472);
}

TEST_CASE("attention of equal scores is the mean of the values") {
    const std::vector<double> query{0, 0};
    const auto row = attention_row(
        query, 4, 1, 2, [](std::size_t t, std::size_t) { return static_cast<double>(t); },
        [](std::size_t t, std::size_t) { return static_cast<double>(t); });
    CHECK(row.out[0] == doctest::Approx(1.5));
    CHECK(row.spread == doctest::Approx(0.5));   // sqrt(4 x (1/4)^2)
    CHECK(attention_error({1.5}, row) == 0);
    CHECK(attention_error({1.6}, row) > 1);
    CHECK(attention_error({NAN}, row) > 1);
}

TEST_CASE("attention weighs values by the exponential of the scaled score") {
    // Scores ln 3 and 0: probabilities 3/4 and 1/4.
    const auto row = attention_row(
        {std::log(3.0) * 2}, 2, 1, 4, [](std::size_t t, std::size_t) { return t == 0 ? 1.0 : 0.0; },
        [](std::size_t t, std::size_t) { return t == 0 ? 4.0 : 8.0; });
    CHECK(row.out[0] == doctest::Approx(5.0));
}

TEST_CASE("a result that is wrong by more than rounding is an error") {
    const auto error = [](double got, double want, double magnitude, Adder adder) {
        return error_within(got, want, accumulation_cost(Sum{.magnitude = magnitude}, adder), false);
    };
    CHECK(error(1.0, 1.0, 10, Adder::single) == 0);
    CHECK(error(1.003, 1.0, 10, Adder::single) < 1);   // within a unit in the last place of bfloat16
    CHECK(error(1.02, 1.0, 10, Adder::single) > 1);
    CHECK(error(0.0, 1.0, 1000, Adder::narrow) > 1);
    CHECK(error(NAN, 1.0, 10, Adder::single) > 1);
}

TEST_CASE("sums of e4m3 that tensor cores cut 13 bits behind the leading one stay within their bound") {
    double worst = 0;
    for (std::uint64_t seed = 0; seed < 300; ++seed) {
        for (const std::size_t k : {96u, 2048u, 14336u}) {
            const CutSum sum = cut_sum(seed, k);
            worst = std::max(worst,
                             std::abs(sum.got - sum.exact.value) / accumulation_cost(sum.exact, Adder::cut));
            // Without one stage of 128 products the result would be seen to be wrong in most elements.
            if (k == 2048)
                CHECK(accumulation_cost(sum.exact, Adder::cut) < 1.2);   // sqrt(128) / 3 = 3.8 is missing
        }
    }
    CHECK(worst < 1);
    CHECK(worst > 0.1);   // of the order of the bound
}
