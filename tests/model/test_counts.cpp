// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "fixtures.h"
#include "moecost/model/architecture_toml.h"
#include "moecost/model/cache.h"
#include "moecost/model/counts.h"

namespace moecost {
namespace {

using test::csv_fixture;
using test::model;
using test::value;

TEST_CASE("counts and cache sizes equal the published exact figures") {
    const CsvTable table = csv_fixture("params.csv");
    REQUIRE(table.rows() >= 30);
    for (std::size_t row = 0; row < table.rows(); ++row) {
        const std::string name(table.text(row, table.column("model")));
        CAPTURE(name);
        const Architecture a = model(name);
        const Counts c = count(a);
        CHECK(c.total == value(table, row, "total"));
        CHECK(c.mtp == value(table, row, "mtp"));
        CHECK(c.active_incl_embeddings == value(table, row, "active_incl_embeddings"));
        CHECK(c.active_excl_input_gather == value(table, row, "active_excl_input_gather"));
        CHECK(c.active_matmul_only == value(table, row, "active_matmul_only"));
        CHECK(kv_bytes_per_token(a, DType::bf16).value() == value(table, row, "kv_bytes_per_token"));
        CHECK(kv_bytes_per_token_unbounded(a, DType::bf16).value() == value(table, row, "kv_unbounded"));
        CHECK(kv_window_cap(a, DType::bf16).value() == value(table, row, "kv_window_cap"));
        CHECK(indexer_bytes_per_token(a).value() == value(table, row, "indexer_bytes_per_token"));
        CHECK(state_bytes(a).value() == value(table, row, "state_bytes"));
        if (const auto bytes = table.number(row, table.column("fp8_block_bytes"))) {
            Architecture decoder = a;   // the published figure is of the decoder alone
            decoder.towers.clear();
            CHECK(weight_bytes(decoder, Precision{}.with_weights(DType::fp8_block)).total().value() ==
                  *bytes);
        }
    }
}

TEST_CASE("Mixtral-8x7B by hand") {
    // attention h (4096 + 1024 + 1024 + 4096) = 41,943,040; experts 8 x 3 x 4096 x 14336 = 1,409,286,144;
    // router 32,768; norms 8,192: 1,451,270,144 a layer, x 32 = 46,440,644,608;
    // tables 2 x 32000 x 4096 = 262,144,000; final norm 4,096.
    const Counts c = count(model("mixtral-8x7b"));
    CHECK(c.total == 46'440'644'608.0 + 262'144'000 + 4'096);
    // one token: 2 of 8 experts
    CHECK(c.active_incl_embeddings == c.total - 32.0 * 6 * 3 * 4096 * 14336);
    CHECK(c.by_component[static_cast<std::size_t>(Component::router)] == 32.0 * 8 * 4096);
}

TEST_CASE("active parameters shrink from one convention to the next") {
    for (const std::string& name : DataStore{}.names("workloads/models")) {
        CAPTURE(name);
        const Architecture a = model(name);
        const Counts c = count(a);
        CHECK(c.total >= c.active_incl_embeddings);
        CHECK(c.active_incl_embeddings >= c.active_excl_input_gather);
        CHECK(c.active_excl_input_gather > c.active_matmul_only);
        CHECK((c.active_incl_embeddings == c.active_excl_input_gather) == a.tied_embeddings);
        double total = 0;
        double active = 0;
        for (int i = 0; i < component_count; ++i) {
            total += c.by_component[static_cast<std::size_t>(i)];
            active += c.active_by_component[static_cast<std::size_t>(i)];
        }
        CHECK(total == c.total);
        CHECK(active == c.active_incl_embeddings);
    }
}

TEST_CASE("more experts add weights and leave the rest of a token's work alone") {
    Architecture a = model("qwen3-30b-a3b");
    Counts before = count(a);
    for (const char* experts : {"160", "256", "512"}) {
        apply_edit(a, "experts", experts);
        const Counts after = count(a);
        CHECK(after.total > before.total);
        const auto routed = static_cast<std::size_t>(Component::routed_experts);
        CHECK(after.active_by_component[routed] == before.active_by_component[routed]);
        before = after;
    }
}

TEST_CASE("active parameters grow by one expert per step of top_k") {
    Architecture a = model("mixtral-8x7b");
    const double two = count(a).active_matmul_only;
    apply_edit(a, "top_k", "3");
    CHECK(count(a).active_matmul_only - two == 32.0 * 3 * 4096 * 14336);
}

TEST_CASE("two bytes a parameter in bf16, half and less in narrow formats") {
    for (const std::string& name : DataStore{}.names("workloads/models")) {
        CAPTURE(name);
        const Architecture a = model(name);
        const double bf16 = weight_bytes(a, Precision{}).total().value();
        CHECK(bf16 == 2 * (count(a).total + count(a).towers));
        double last = bf16;
        for (const DType type : {DType::fp8, DType::nvfp4}) {
            const double bytes = weight_bytes(a, Precision{}.with_weights(type)).total().value();
            CHECK(bytes < last);
            last = bytes;
        }
        CHECK(weight_bytes(a, a.precision).total().value() <= bf16);
    }
}

TEST_CASE("payload of quantised releases") {
    // Kimi-K2.5 by its shard index, 471,143,920 bf16 vision parameters among them; what is left over are the packed shapes
    // and float32 vectors, 1 in a million.
    const double kimi = weight_bytes(model("kimi-k2.5"), model("kimi-k2.5").precision).total().value();
    CHECK(kimi == doctest::Approx(595'148'192'736.0).epsilon(2e-6));
    const double k3 = weight_bytes(model("kimi-k3"), model("kimi-k3").precision).total().value();
    CHECK(k3 == doctest::Approx(1'560'860'324'864.0).epsilon(2e-5));
    // Kimi-K2 in FP8 blocks: 1,029,173,256,720 bytes
    const double k2 = weight_bytes(model("kimi-k2"), model("kimi-k2").precision).total().value();
    CHECK(k2 == doctest::Approx(1'029'173'256'720.0).epsilon(2e-6));
}

}   // namespace
}   // namespace moecost
