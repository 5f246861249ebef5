// SPDX-License-Identifier: Apache-2.0
// Public configurations as people have them, against the parameter totals their publishers state: how many import
// exactly, within 2 %, are refused by name, or come out wrong. MOECOST_UPDATE=1 rewrites
// results/models/public_configs.md from the same comparison.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>

#include "fixtures.h"
#include "moecost/base/format.h"
#include "moecost/model/counts.h"

namespace moecost {
namespace {

using test::csv_fixture;
using test::model;
using test::value;

std::string public_path(const std::string& file) {
    return std::string(MOECOST_TEST_DATA).append("/model/public_configs/").append(file);
}

CsvTable expected_table() { return CsvTable(read_file(public_path("expected.csv")), "expected.csv"); }

enum class Verdict { exact, close, refused, wrong };

struct Outcome {
    Verdict verdict = Verdict::refused;
    double found = 0;      // with MTP modules, towers and copies where the published figure holds them
    std::string message;   // of a refusal
};

/// Tables that some checkpoints store again: the head of a tied model, table and head in each MTP module.
double stored_copies(const Architecture& a) {
    const double table = 1.0 * a.vocabulary * a.hidden;
    return a.tied_embeddings ? table : 2 * table * a.mtp.count;
}

/// What the importer makes of one row; a refusal must be an InputError of one line.
Outcome outcome(const CsvTable& table, std::size_t row) {
    Outcome result;
    try {
        const std::string name(table.text(row, table.column("name")));
        const Architecture a = load_model(DataStore{}, public_path(name + ".json"));
        const Counts c = count(a);
        const std::string_view counts = table.text(row, table.column("counts"));
        const auto holds = [counts](std::string_view what) {
            return counts.find(what) != std::string_view::npos;
        };
        result.found = c.total + (holds("mtp") ? c.mtp : 0) + (holds("copies") ? stored_copies(a) : 0) +
                       (holds("vision") || holds("audio") ? c.towers : 0);
    } catch (const InputError& e) {
        result.message = e.what();
        return result;
    }
    const double published = value(table, row, "total_params");
    const double apart = std::abs(result.found - published) / published;
    result.verdict = apart == 0 ? Verdict::exact : apart <= 0.02 ? Verdict::close : Verdict::wrong;
    return result;
}

TEST_CASE("public configurations: the published totals, or a refusal of one line") {
    const CsvTable table = expected_table();
    REQUIRE(table.rows() >= 200);
    int number[4] = {};
    for (std::size_t row = 0; row < table.rows(); ++row) {
        CAPTURE(std::string(table.text(row, table.column("name"))));
        const Outcome o = outcome(table, row);
        ++number[static_cast<std::size_t>(o.verdict)];
        if (o.verdict == Verdict::refused) {
            CHECK(o.message.find("key '") != std::string::npos);
            CHECK(o.message.find('\n') == std::string::npos);
        }
    }
    // Bounds of what holds today: the first may only rise, the last stay at nothing.
    CHECK(number[static_cast<std::size_t>(Verdict::exact)] >= 164);
    CHECK(number[static_cast<std::size_t>(Verdict::refused)] <= 8);
    CHECK(number[static_cast<std::size_t>(Verdict::wrong)] == 0);
}

TEST_CASE("models of the library have the element counts of their releases") {
    const CsvTable table = csv_fixture("published_totals.csv");
    REQUIRE(table.rows() >= 45);
    for (std::size_t row = 0; row < table.rows(); ++row) {
        const std::string name(table.text(row, table.column("model")));
        CAPTURE(name);
        const Counts c = count(model(name));
        const double mtp = value(table, row, "holds_mtp") != 0 ? c.mtp : 0;
        // `elsewhere`: elements of the release that are no part of the text model (vision tower, scales)
        CHECK(c.total + mtp + value(table, row, "elsewhere") == value(table, row, "published"));
    }
}

/// Vision tower of Qwen3-VL and Qwen3.5: patches of 2 x 16 x 16 x 3, a table of 2304 positions, blocks of
/// attention and a plain FFN with biases, and mergers of 2 x 2 patches (one more per deep-stack layer).
double qwen_vision(double h, double layers, double ffn, double out, double deep) {
    const double merged = 4 * h;
    const double merger = merged * merged + merged + merged * out + out;
    const double block = 4 * h * h + 4 * h + 2 * h * ffn + ffn + h + 4 * h;
    return 1536 * h + h + 2304 * h + layers * block + 2 * h + merger + deep * (2 * merged + merger);
}

/// Pixtral tower: patches of 14 x 14 x 3, gated FFN, no biases; projector of 2 x 2 patches.
double pixtral_vision(double out, double h, double layers, double ffn) {
    const double blocks = layers * (4 * h * h + 3 * h * ffn + 2 * h);
    return 588 * h + h + blocks + h + 4 * h * h + h * out + out * out;
}

/// One block of a tower with biases: attention, a plain FFN, two LayerNorms.
double plain_block(double h, double ffn) { return 4 * h * h + 4 * h + 2 * h * ffn + ffn + h + 4 * h; }

/// SigLIP tower of Gemma 3 and its projector.
double siglip_vision(double out) {
    const double h = 1152;
    return 588 * h + h + 4096 * h + 27 * plain_block(h, 4304) + 2 * h + h * out + h;
}

/// MoonViT tower of the Kimi models and its projector of 2 x 2 patches.
double moon_vision(double out) {
    const double h = 1152;
    const double projector = 2 * h + 16 * h * h + 4 * h + 4 * h * out + out;
    return 588 * h + h + 4096 * h + 27 * plain_block(h, 4304) + 2 * h + projector;
}

/// InternViT-6B: RMS norms, norms of queries and keys, layer scales, no bias on queries, keys and values.
double intern_vision(double out) {
    const double h = 3200;
    const double block = 4 * h * h + h + 2 * h * 12800 + 12800 + h + 6 * h;
    const double join = 8 * h + 4 * h * out + out + out * out + out;
    return 588 * h + h + 1026 * h + 45 * block + join;
}

TEST_CASE("what the published figures hold besides the text model is a vision tower") {
    const CsvTable table = csv_fixture("published_totals.csv");
    const auto elsewhere = [&table](std::string_view name) {
        for (std::size_t row = 0; row < table.rows(); ++row) {
            if (table.text(row, table.column("model")) == name) return value(table, row, "elsewhere");
        }
        return -1.0;
    };
    CHECK(elsewhere("qwen3-vl-30b-a3b") == qwen_vision(1152, 27, 4304, 2048, 3));
    CHECK(elsewhere("qwen3-vl-32b") == qwen_vision(1152, 27, 4304, 5120, 3));
    CHECK(elsewhere("qwen3-vl-8b") == qwen_vision(1152, 27, 4304, 4096, 3));
    CHECK(elsewhere("qwen3.5-9b") == qwen_vision(1152, 27, 4304, 4096, 0));
    CHECK(elsewhere("qwen3.5-4b") == qwen_vision(1024, 24, 4096, 2560, 0));
    CHECK(elsewhere("qwen3.5-2b") == qwen_vision(1024, 24, 4096, 2048, 0));
    CHECK(elsewhere("gemma-3-4b") == siglip_vision(2560));
    CHECK(elsewhere("gemma-3-12b") == siglip_vision(3840));
    CHECK(elsewhere("gemma-3-27b") == siglip_vision(5376));
    CHECK(elsewhere("kimi-vl-a3b") == moon_vision(2048) + 1728);   // and 64 stored elements a layer
    CHECK(elsewhere("intern-s1") == intern_vision(4096));
    CHECK(elsewhere("glm-4.7-flash") == 2.0 * 154'880 * 2048);   // copies of table and head
    CHECK(elsewhere("ministral-3-14b") == pixtral_vision(5120, 1024, 24, 4096));
    CHECK(elsewhere("mistral-medium-3.5-128b") == pixtral_vision(12288, 1664, 48, 8192));
    CHECK(elsewhere("mistral-small-4-119b") ==
          pixtral_vision(4096, 1024, 24, 4096) + 19'008);   // and scales of fp8
}

std::string percent(double fraction) {
    return std::string(fraction < 0 ? "" : "+").append(fixed(100 * fraction, 2)).append(" %");
}

std::string table_row(const CsvTable& table, std::size_t row) {
    const double published = value(table, row, "total_params");
    const Outcome o = outcome(table, row);
    std::string s("| ");
    s.append(table.text(row, table.column("name"))).append(" | ");
    s.append(grouped(static_cast<long long>(published))).append(" | ");
    s.append(table.text(row, table.column("counts"))).append(" | ");
    if (o.verdict == Verdict::refused) {
        const std::size_t key = o.message.find("key '");
        return s.append("| refused: ").append(o.message.substr(key)).append(" |\n");
    }
    s.append(grouped(static_cast<long long>(o.found))).append(" | ");
    if (o.verdict == Verdict::exact) return s.append("exact |\n");
    s.append(o.verdict == Verdict::close ? "within 2 %: " : "wrong: ");
    return s.append(percent((o.found - published) / published)).append(" |\n");
}

TEST_CASE("the table of public configurations is up to date") {
    const CsvTable table = expected_table();
    std::string text =
        "# Public configurations against the totals of their publishers\n\n"
        "Every file of `tests/model/public_configs/`, imported: its total beside the published one. `Holds`\n"
        "says what the published figure counts; MTP modules, vision and audio towers and stored copies of\n"
        "a table are added where it holds them. Sources and dates: `expected.csv` beside the files. Which "
        "key\n"
        "is not read, what tensors it means, and the total by that formula: `public_configs.csv`, written "
        "when\n"
        "the table was first made.\n\n"
        "Regenerate: `MOECOST_UPDATE=1 test_model -tc=\"the table of public*\"`.\n\n"
        "| Configuration | Published | Holds | Imported | Verdict |\n"
        "|---|---:|---|---:|---|\n";
    for (std::size_t row = 0; row < table.rows(); ++row) text.append(table_row(table, row));
    const std::string path = std::string(MOECOST_TEST_DATA).append("/../results/models/public_configs.md");
    if (std::getenv("MOECOST_UPDATE") != nullptr) write_file(path, text);
    CHECK(read_file(path) == text);
}

}   // namespace
}   // namespace moecost
