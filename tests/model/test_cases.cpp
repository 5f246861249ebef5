// SPDX-License-Identifier: Apache-2.0
// Configurations of the kinds that were once counted wrong in silence, priced as bf16 or refused although describable.
// Totals: enumeration of tensors from published hyper-parameters; to the unit where a checkpoint total is published.
#include <doctest/doctest.h>

#include "fixtures.h"
#include "moecost/model/cache.h"
#include "moecost/model/counts.h"

namespace moecost {
namespace {

using test::csv_fixture;
using test::fixture;
using test::value;

TEST_CASE("cases: totals, active parameters, cache and bytes of the release") {
    const CsvTable table = csv_fixture("cases/expected.csv");
    REQUIRE(table.rows() == 22);
    for (std::size_t row = 0; row < table.rows(); ++row) {
        const std::string file(table.text(row, table.column("file")));
        CAPTURE(file);
        const Architecture a = load_model(DataStore{}, fixture("cases/" + file));
        const Counts c = count(a);
        const auto expected = [&](const char* column) { return table.number(row, table.column(column)); };
        const double total = value(table, row, "total");
        if (value(table, row, "exact") != 0)
            CHECK(c.total == total);
        else
            CHECK(c.total == doctest::Approx(total).epsilon(0.005));
        if (const auto active = expected("active"))
            CHECK(c.active_incl_embeddings == doctest::Approx(*active).epsilon(0.005));
        if (const auto kv = expected("kv_bytes_per_token"))
            CHECK(kv_bytes_per_token(a, DType::bf16).value() == *kv);
        if (const auto low = expected("weights_gb_low")) {
            CHECK(weight_bytes(a, a.precision).total().value() >= *low * 1e9);
            CHECK(weight_bytes(a, a.precision).total().value() <= *expected("weights_gb_high") * 1e9);
        }
        // Encoders whose sizes the fixture leaves out are the only thing it cannot count.
        CHECK(a.warnings.empty() == (value(table, row, "towers_unstated") == 0));
    }
}

TEST_CASE("cases: layers without attention keep a state, not a cache") {
    const auto state = [](const char* file) {
        return state_bytes(load_model(DataStore{}, fixture(std::string("cases/").append(file)))).value();
    };
    // Mamba-2 state of heads x head_dim x state in fp32 and kernel - 1 columns of the convolution in bf16, per layer
    CHECK(state("falcon-h1-34b.json") == 72 * (4.0 * 32 * 128 * 256 + 2.0 * 3 * (4096 + 2 * 2 * 256)));
    CHECK(state("bamba-9b-v2.json") == 29 * (4.0 * 128 * 64 * 128 + 2.0 * 3 * (8192 + 2 * 128)));
    CHECK(state("ring-mini-linear-2.0.json") == 16 * 4.0 * 16 * 128 * 128);
    CHECK(state("lfm2-8b-a1b.json") == 18 * 2.0 * 2048 * 2);
}

TEST_CASE("cases: a lookup table may lie on the host, towers may be left out") {
    const std::string file = fixture("cases/qwen3.8-flash-next.json");
    const Architecture device = load_model(DataStore{}, file);
    const Architecture host = load_model(DataStore{}, file, {.tables_on_host = true});
    CHECK(count(device).total == count(host).total);
    const double apart = weight_bytes(device, device.precision).total().value() -
                         weight_bytes(host, host.precision).total().value();
    CHECK(apart == 2.0 * 160 * 320'000'000);   // 16 tables of 20,000,000 rows, 160 wide
    const std::string seeing =
        std::string(MOECOST_TEST_DATA).append("/model/public_configs/qwen3-vl-8b.json");
    CHECK(count(load_model(DataStore{}, seeing)).towers == 8'767'123'696 - 8'190'735'360.0);
    CHECK(count(load_model(DataStore{}, seeing, {.towers = false})).towers == 0);
}

}   // namespace
}   // namespace moecost
