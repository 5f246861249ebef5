// SPDX-License-Identifier: Apache-2.0
// FLOP and bytes of operations against numbers worked out by hand.
#include <doctest/doctest.h>

#include <set>

#include "host/formulas.h"
#include "host/rotation.h"

using namespace microbench;

// 4096^3 * 2 = 137.4 GFLOP; three matrices of 32 MiB
static_assert(work("gemm", {4096, 4096, 4096, 2}).flop == 137438953472.0);
static_assert(work("gemm", {4096, 4096, 4096, 2}).bytes == 3.0 * 33554432);
// nvfp4: 4.5 bits an element with one scale byte for 16
static_assert(bytes_of("nvfp4") == 4.5 / 8);
static_assert(work("copy", {1024}).bytes == 2048);
// Mixtral 8x7B, one token: 2 experts of 3 * 4096 * 14336 weights = 352,321,536 elements
static_assert(work("moe", {1, 2, 8, 4096, 14336, 2}).flop == 2 * 352321536.0);
static_assert(work("moe", {1, 2, 8, 4096, 14336, 2}).bytes == 2 * 352321536.0 + 4 * 4096);
// at 64 tokens all 8 experts are read
static_assert(work("moe", {64, 2, 8, 4096, 14336, 2}).bytes == 8 * 2 * 176160768.0 + 4.0 * 64 * 4096);
// 128 sequences x 4096 tokens of latent cache of 576 bf16 values: 604 MB (published shape of the MLA tables)
static_assert(work("mla_decode", {128, 4096, 1, 2}).bytes - 2.0 * 128 * 1088 == 603979776.0);
// decode of 64 x 8192 tokens with 8 heads of 128 in bf16: 2.147 GB
static_assert(work("attention_decode", {64, 8192, 0, 32, 8, 128, 2}).bytes - 4.0 * 64 * 32 * 128 ==
              2147483648.0);
// causal prefill of 2 tokens: query 1 attends 1 key, query 2 attends 2: 3 pairs, 4 FLOP per pair and dimension
static_assert(work("attention_prefill", {1, 2, 0, 0, 1, 1, 128}).flop == 3.0 * 4 * 128);
// gpt-oss, one sequence: 128 tokens of 8 heads of 64, keys and values of 2 bytes: 262144; 64 heads of 128 FLOP each twice
static_assert(work("attention_decode", {1, 8192, 128, 64, 8, 64, 2}).bytes == 262144.0 + 4 * 64 * 64);
static_assert(work("attention_decode", {1, 8192, 128, 64, 8, 64, 2}).flop == 2097152.0);
static_assert(work("attention_decode", {1, 100, 128, 64, 8, 64, 2}).flop ==
              work("attention_decode", {1, 100, 0, 64, 8, 64, 2}).flop);
// 5 queries of a window of 3 see 1, 2, 3, 3, 3 keys: 12 pairs; all keys and values are read
static_assert(work("attention_prefill", {1, 5, 3, 0, 1, 1, 128}).flop == 12.0 * 4 * 128);
static_assert(work("attention_prefill", {1, 5, 3, 0, 1, 1, 128}).bytes == 4.0 * 5 * 2 * 128);
static_assert(work("attention_prefill", {1, 5, 7, 0, 1, 1, 128}).flop == 15.0 * 4 * 128);
// 2 queries behind 10 cached tokens see 11 and 12 keys; of a window of 4 both see 4, and 3 of the prefix are read
static_assert(work("attention_prefill", {1, 2, 0, 10, 1, 1, 128}).flop == 23.0 * 4 * 128);
static_assert(work("attention_prefill", {1, 2, 0, 10, 3, 1, 128}).bytes == 4.0 * (2 * 3 + 12) * 128);
static_assert(work("attention_prefill", {1, 2, 4, 10, 1, 1, 128}).flop == 8.0 * 4 * 128);
static_assert(work("attention_prefill", {1, 2, 4, 10, 1, 1, 128}).bytes == 4.0 * (2 + 5) * 128);
// 128 x 4096 tokens of 576 e4m3 values
static_assert(work("mla_decode", {128, 4096, 1, 1}).bytes - 2.0 * 128 * 1088 == 301989888.0);
static_assert(work("mla_prefill", {1, 2, 1}).flop == 3.0 * 2 * (192 + 128));
// a ring all-reduce of 1 GB over 8: each rank sends 1.75 GB
static_assert(work("all_reduce", {1e9, 8}).bytes == 1.75e9);
static_assert(work("alltoall", {8000, 8}).bytes == 7000);

TEST_CASE("operations are listed once") {
    std::set<std::string_view> names;
    for (const Formula& f : formulas) CHECK(names.insert(f.operation).second);
}

TEST_CASE("operands rotate beyond three times the cache") {
    constexpr double l2 = 50 * 1024 * 1024;
    for (const double bytes : {1.0, 65536.0, 1e6, 3e7, 1e8, 1.6e8, 1e10}) {
        const int copies = rotating_copies(bytes, l2);
        CAPTURE(bytes);
        if (copies < 8192) CHECK(copies * bytes >= 3 * l2);
        CHECK((copies == 1 || (copies - 1) * bytes < 3 * l2));
        CHECK(warm(bytes, copies, l2) == (bytes * copies <= l2));
    }
    CHECK(rotating_copies(1.6e8, l2) == 1);
    CHECK(rotating_copies(1, l2) == 8192);
    CHECK(warm(1, 8192, l2));
}
