// SPDX-License-Identifier: Apache-2.0
// Pages of the cache by hand, and against pages that engines log.
#include <doctest/doctest.h>

#include "moecost/model/cache.h"
#include "moecost/model/library.h"
#include "moecost/serving/pages.h"

using namespace moecost;

namespace {

MemoryTerms pages_of_16(bool unified) {
    MemoryTerms t;
    t.block_tokens = 16;
    t.unified_pages = unified;
    return t;
}

}   // namespace

TEST_CASE("a sequence holds whole pages") {
    const Architecture a = load_model(DataStore(), "llama-3.1-8b");   // 131,072 B a token
    const MemoryTerms t = pages_of_16(true);
    const Pages pages = pages_of(a, DType::bf16, 1, &t);
    CHECK(pages.recurrent_layers == 0);
    CHECK(paged_bytes(a, DType::bf16, 1, 1, pages).value() == 16 * 131072.0);
    CHECK(paged_bytes(a, DType::bf16, 16, 1, pages).value() == 16 * 131072.0);
    CHECK(paged_bytes(a, DType::bf16, 17, 1, pages).value() == 32 * 131072.0);
    CHECK(mean_paged_bytes(a, DType::bf16, 100, 1, pages).value() == 107.5 * 131072);
}

TEST_CASE("without terms a page is a token") {
    const Architecture a = load_model(DataStore(), "qwen3.5-27b");
    const Pages pages = pages_of(a, DType::bf16, 1, nullptr);
    CHECK(paged_bytes(a, DType::bf16, 1000, 1, pages) == sequence_bytes(a, DType::bf16, 1000, 1));
    CHECK(mean_paged_bytes(a, DType::bf16, 1000, 1, pages) == sequence_bytes(a, DType::bf16, 1000, 1));
}

TEST_CASE("a window that has slid into a page holds one more") {
    const Architecture a =
        load_model(DataStore(), "gpt-oss-20b");   // 12 + 12 layers of 2,048 B a token, window 128
    const MemoryTerms t = pages_of_16(true);
    const Pages pages = pages_of(a, DType::bf16, 1, &t);
    CHECK(paged_bytes(a, DType::bf16, 1600, 1, pages).value() == 12.0 * 2048 * (1600 + 128 + 16));
    CHECK(paged_bytes(a, DType::bf16, 64, 1, pages).value() == 12.0 * 2048 * (64 + 64));
}

TEST_CASE("recurrent state takes pages as large as those of attention") {
    // Logged for a model of these sizes with an fp8 cache: pages of 1,568 tokens, state padded by 0.13 %.
    const Architecture a = load_model(DataStore(), "qwen3.5-27b");
    const MemoryTerms t = pages_of_16(true);
    const Pages pages = pages_of(a, DType::fp8, 1, &t);
    CHECK(pages.block == 1568);
    CHECK(pages.recurrent_layers == 48);
    CHECK(pages.page.value() == 1568.0 * 2048);
    CHECK(pages.page.value() / (state_bytes(a, 1).value() / 48) == doctest::Approx(1.0013).epsilon(1e-4));
    CHECK(paged_bytes(a, DType::fp8, 1, 1, pages).value() == (48 + 16) * 1568.0 * 2048);
    const MemoryTerms apart = pages_of_16(false);
    CHECK(pages_of(a, DType::fp8, 1, &apart).block == 16);
}
