// SPDX-License-Identifier: Apache-2.0
// The complete reference tables of 77 configurations, where they are at hand (MOECOST_SHARED); counted as skipped
// elsewhere. MOECOST_UPDATE=1 rewrites results/models/README.md from the same comparison.
#include <doctest/doctest.h>

#include <cstdlib>
#include <map>

#include "fixtures.h"
#include "moecost/base/format.h"
#include "moecost/base/gzip.h"
#include "moecost/model/cache.h"
#include "moecost/model/counts.h"

namespace moecost {
namespace {

std::string shared(const std::string& path) { return std::string(MOECOST_SHARED).append("/").append(path); }

/// doctest counts what is left out as skipped.
doctest::skip without_tables() {
    return doctest::skip(!std::filesystem::exists(shared("models/models.csv")));
}

Architecture configuration(const std::string& id) {
    return load_model(DataStore{}, shared("models/configs/" + id + ".json"));
}

struct Figure {
    const char* column;
    double value;
};

std::vector<Figure> figures(const Architecture& a) {
    const Counts c = count(a);
    return {{"total_params", c.total},
            {"mtp_params", c.mtp},
            {"count_active_incl_embeddings", c.active_incl_embeddings},
            {"active_excl_input_gather", c.active_excl_input_gather},
            {"active_matmul_only", c.active_matmul_only},
            {"kv_bytes_per_token_bf16", kv_bytes_per_token(a, DType::bf16).value()},
            {"kv_bytes_per_token_unbounded_bf16", kv_bytes_per_token_unbounded(a, DType::bf16).value()},
            {"kv_window_cap_bytes_bf16", kv_window_cap(a, DType::bf16).value()},
            {"indexer_cache_bytes_per_token_bf16", indexer_bytes_per_token(a).value()},
            {"state_bytes_per_sequence", state_bytes(a).value()}};
}

/// The one difference: the table leaves the MTP layers of Step-3.5 at 0, its own note counts 3 x 809,390,336,
/// which with the total is the element count of the release.
bool accepted(const std::string& id, const Figure& figure) {
    return id == "stepfun-ai--Step-3.5-Flash" && std::string(figure.column) == "mtp_params" &&
           figure.value == 3 * 809'390'336.0;
}

TEST_CASE("all 77 configurations import with the counts and cache sizes of the reference table" *
          without_tables()) {
    const CsvTable table(read_file(shared("models/models.csv")), "models.csv");
    CHECK(table.rows() == 77);
    for (std::size_t row = 0; row < table.rows(); ++row) {
        const std::string id(table.text(row, table.column("id")));
        CAPTURE(id);
        for (const Figure& figure : figures(configuration(id))) {
            CAPTURE(figure.column);
            const auto expected = table.number(row, table.column(figure.column));
            if (expected && !accepted(id, figure)) CHECK(figure.value == *expected);
        }
    }
}

TEST_CASE("components and stored bytes equal the parameter oracle" * without_tables()) {
    const Document document = parse_json(read_file(shared("oracles/params.json")), "params.json");
    const Reader models = Reader(document).table("models");
    for (const std::string& id : models.keys()) {
        CAPTURE(id);
        const Reader expected = models.table(id);
        Architecture a = configuration(id);
        a.towers.clear();   // the oracle counts the text model
        const Counts c = count(a);
        const auto oracle = [](const Reader& reader, std::string_view key) {
            return reader.number(key, non_negative);
        };
        for (int i = 0; i < component_count; ++i) {
            const std::string_view name = name_of(static_cast<Component>(i));
            CAPTURE(name);
            const auto at = static_cast<std::size_t>(i);
            CHECK(c.by_component[at] == oracle(expected.table("components_total"), name));
            CHECK(c.active_by_component[at] == oracle(expected.table("components_active"), name));
        }
        const Precision fp8 = Precision{}.with_weights(DType::fp8_block);
        CHECK(weight_bytes(a, Precision{}).total().value() == oracle(expected, "weight_bytes_bf16"));
        CHECK(weight_bytes(a, fp8).total().value() == oracle(expected, "weight_bytes_fp8_block128"));
        CHECK(kv_bytes_per_token(a, DType::fp8).value() == oracle(expected, "kv_bytes_per_token_fp8"));
    }
}

TEST_CASE("components of literal tensor lists add up alike" * without_tables()) {
    for (const auto& entry : std::filesystem::directory_iterator(shared("models/tensors"))) {
        const std::string id = entry.path().stem().stem().string();
        CAPTURE(id);
        const CsvTable table(read_text(entry.path().string()), id);
        std::map<std::string, double> expected;
        for (std::size_t row = 0; row < table.rows(); ++row) {
            if (test::value(table, row, "mtp") != 0) continue;
            expected[std::string(table.text(row, table.column("component")))] +=
                test::value(table, row, "params");
        }
        const Counts c = count(configuration(id));
        for (const auto& [name, sum] : expected) {
            CAPTURE(name);
            double found = -1;
            for (int i = 0; i < component_count; ++i) {
                if (name_of(static_cast<Component>(i)) == name)
                    found = c.by_component[static_cast<std::size_t>(i)];
            }
            CHECK(found == sum);
        }
    }
}

std::string whole(double value) { return grouped(static_cast<long long>(value)); }

std::string table_row(const CsvTable& table, std::size_t row) {
    const std::string id(table.text(row, table.column("id")));
    const Architecture a = configuration(id);
    const Counts c = count(a);
    std::string difference;
    for (const Figure& figure : figures(a)) {
        const auto expected = table.number(row, table.column(figure.column));
        if (!expected || figure.value == *expected) continue;
        difference.append(difference.empty() ? "" : ", ")
            .append(figure.column)
            .append(" ")
            .append(whole(figure.value))
            .append(" for ")
            .append(whole(*expected));
    }
    std::string s("| ");
    s.append(id.substr(id.find("--") + 2)).append(" | ").append(whole(c.total)).append(" | ");
    s.append(whole(c.active_matmul_only)).append(" | ");
    s.append(whole(kv_bytes_per_token(a, DType::bf16).value())).append(" | ");
    s.append(table.text(row, table.column("confidence"))).append(" | ");
    return s.append(difference.empty() ? "exact" : difference).append(" |\n");
}

TEST_CASE("the import table of the results is up to date" * without_tables()) {
    const CsvTable table(read_file(shared("models/models.csv")), "models.csv");
    std::string text =
        "# Imported configurations against literal tensor enumerations\n\n"
        "77 Hugging Face configurations, imported and compared in ten figures each: total and MTP\n"
        "parameters, three conventions of active parameters, key/value bytes per token, their\n"
        "unbounded part, window cap, indexer and state bytes. `exact`: all ten equal to the unit.\n"
        "Confidence is that of the reference (HIGH: the total equals a published exact count).\n\n"
        "The reference leaves the MTP layers of Step-3.5-Flash at 0; total + MTP as counted here,\n"
        "199,384,301,376, is the element count of the release.\n\n"
        "207 further public configurations, against the totals of their publishers: `public_configs.md`.\n\n"
        "Regenerate: `MOECOST_UPDATE=1 moecost_tests -tc=\"the import table*\"`.\n\n"
        "| Model | Total | Active, GEMM only | KV bytes per token | Confidence | Difference |\n"
        "|---|---:|---:|---:|---|---|\n";
    for (std::size_t row = 0; row < table.rows(); ++row) text.append(table_row(table, row));
    const std::string path = std::string(MOECOST_TEST_DATA).append("/../results/models/README.md");
    if (std::getenv("MOECOST_UPDATE") != nullptr) {
        std::filesystem::create_directories(std::filesystem::path(path).parent_path());
        write_file(path, text);
    }
    CHECK(read_file(path) == text);
}

}   // namespace
}   // namespace moecost
