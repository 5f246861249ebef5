// SPDX-License-Identifier: Apache-2.0
// Text, JSON and CSV of the same question say the same, figure by figure over the table of figures, for many random
// questions. Text is read here as a person reads it: numbers with units, in columns under headings.
#include <doctest/doctest.h>

#include <cmath>
#include <map>
#include <random>
#include <sstream>

#include "moecost/base/value.h"
#include "moecost/estimate/figures.h"
#include "program.h"

using namespace moecost;

namespace {

constexpr int questions = 40;
constexpr int least_deployments = 300;

class Draw {
  public:
    /// `count` different ones, joined by commas.
    std::string some(std::vector<std::string> list, std::size_t count) {
        std::shuffle(list.begin(), list.end(), random_);
        std::string s;
        for (std::size_t i = 0; i < std::min(count, list.size()); ++i)
            s.append(i == 0 ? "" : ",").append(list[i]);
        return s;
    }
    std::string number(double low, double high) {
        std::uniform_real_distribution<double> spread(std::log(low), std::log(high));
        return std::to_string(static_cast<int>(std::exp(spread(random_))));
    }

  private:
    std::mt19937_64 random_{20261130};
};

std::string question(Draw& draw) {
    std::string s("estimate --model ");
    s.append(draw.some({"mixtral-8x7b", "gpt-oss-20b", "gpt-oss-120b", "qwen3-30b-a3b", "deepseek-v3",
                        "llama-3.1-70b", "jamba-1.5-mini"},
                       2));
    s.append(" --gpu ").append(draw.some({"h100_sxm", "h200_sxm", "b200_sxm", "a100_sxm_80"}, 2));
    s.append(" --engine ").append(draw.some({"vllm", "sglang", "trtllm", "ideal"}, 1));
    s.append(" --tp ").append(draw.some({"1", "2", "4", "8"}, 2));
    s.append(" --replicas ").append(draw.some({"1", "1", "3"}, 1));
    s.append(" --isl ").append(draw.number(1, 20000)).append(" --osl ").append(draw.number(2, 4000));
    s.append(draw.some(
        {" --rate 0.3", " --rate 2", " --concurrency ", " --concurrency ", " --offline", " --static-batch "},
        1));
    if (s.ends_with(' ')) s.append(draw.number(1, 500)).append(",").append(draw.number(501, 900));
    s.append(draw.some({"", " --price 2.5", " --cached 0.4", " --draft-tokens 2 --acceptance 0.7",
                        " --slo-ttft 2s --slo-tpot 50ms"},
                       1));
    return s.append(" --quiet");
}

/// "1,234 tok/s" is 1234, "12.3 ms" 0.0123, "$0.776" 0.776, "6 %" 0.06; "yes" 1; nothing where there is no number.
std::optional<double> read_by_a_person(std::string cell) {
    if (cell == "yes" || cell == "no") return cell == "yes" ? 1 : 0;
    std::erase(cell, ',');
    if (cell.starts_with('$')) cell.erase(0, 1);
    std::istringstream in(cell);
    double number = 0;
    std::string unit;
    if (!(in >> number)) return std::nullopt;
    in >> unit;
    const std::map<std::string, double> scale{
        {"", 1},      {"us", 1e-6}, {"ms", 1e-3}, {"s", 1},  {"B", 1}, {"kB", 1e3}, {"MB", 1e6},  {"GB", 1e9},
        {"TB", 1e12}, {"%", 0.01},  {"tok/s", 1}, {"/s", 1}, {"J", 1}, {"W", 1},    {"tokens", 1}};
    const auto known = scale.find(unit);
    REQUIRE_MESSAGE(known != scale.end(), cell);
    return number * known->second;
}

/// Cells of each row under its heading, of all deployments in order.
using Text = std::map<std::string, std::vector<std::string>>;
Text read_text(const std::string& out) {
    Text rows;
    std::string heading;
    std::istringstream in(out);
    for (std::string line; std::getline(in, line);) {
        if (line.empty()) continue;
        if (!line.starts_with("  ")) heading = line;
        std::size_t at = line.find("  ", 2);
        if (!line.starts_with("  ") || at == std::string::npos) continue;
        std::string label = line.substr(2, at - 2);
        if (label.starts_with("blended")) label = "blended";
        while (at != std::string::npos) {
            const std::size_t start = line.find_first_not_of(' ', at);
            if (start == std::string::npos) break;
            at = line.find("  ", start);
            rows[heading + "|" + label].push_back(line.substr(start, at - start));
        }
    }
    return rows;
}

std::optional<double> of_json(const Reader& estimate, const Figure& f) {
    const std::string_view group = name_of(f.group);
    if (!estimate.has(group)) return std::nullopt;
    const Value* value = estimate.table(group).raw(f.key);
    if (value == nullptr) return std::nullopt;
    if (const auto* flag = std::get_if<bool>(&value->content)) return *flag ? 1 : 0;
    return estimate.table(group).number(f.key, {});
}

std::optional<double> of_csv(const CsvTable& csv, std::size_t row, const Figure& f) {
    const std::size_t column = csv.column(f.key);
    const std::string_view text = csv.text(row, column);
    if (text.empty()) return std::nullopt;
    if (text == "true" || text == "false") return text == "true" ? 1 : 0;
    return csv.number(row, column);
}

/// Three digits, or whole per cents; six digits in CSV. Times below half a nanosecond are none.
bool shows(double shown, double value, const Figure& f) {
    if (f.kind == FigureKind::share) return std::abs(shown - value) <= 0.0051;
    if (f.kind == FigureKind::seconds && value < 0.5e-9) return shown < 1e-9;
    const bool dollars_and_cents = f.kind == FigureKind::usd_per_gpu_hour;
    return std::abs(shown - value) <= (dollars_and_cents ? 0.0051 : 0.0051 * std::abs(value));
}

struct Compared {
    int deployments = 0;
    int numbers = 0;   // of JSON and CSV
    int shown = 0;     // of text
};

void compare_text(const Text& text, const Figure& f, std::size_t row, std::optional<double> value,
                  Compared& sum) {
    const auto cells = text.find(std::string(f.heading).append("|").append(f.label));
    if (f.heading.empty() || cells == text.end()) return;
    REQUIRE_MESSAGE(cells->second.size() > row, f.key);
    const std::string& cell = cells->second[row];
    const auto shown = read_by_a_person(cell);
    if (!shown) {
        CHECK_MESSAGE((cell == "-" && value.value_or(0) == 0), f.key << ": " << cell);
        return;
    }
    ++sum.shown;
    REQUIRE_MESSAGE(value, f.key);
    CHECK_MESSAGE(shows(*shown, *value, f), f.key << ": text " << cell << ", JSON " << *value);
}

void compare(const std::string& asked, Compared& sum) {
    CAPTURE(asked);
    const Run json_run = run_program(asked + " --format json");
    const Document json = parse_json(json_run.out, "stdout");
    const CsvTable csv(run_program(asked + " --format csv").out, "stdout");
    const Text text = read_text(run_program(asked).out);
    const auto estimates = Reader(json).tables("estimates");
    REQUIRE(estimates.size() == csv.rows());
    for (std::size_t row = 0; row < estimates.size(); ++row) {
        if (!estimates[row].has("serving")) continue;   // infeasible: a line of its own
        ++sum.deployments;
        for (const Figure& f : figures()) {
            if (f.number == nullptr || !csv.find_column(f.key)) continue;
            const auto value = of_json(estimates[row], f);
            const auto in_csv = of_csv(csv, row, f);
            CHECK_MESSAGE(value.has_value() == in_csv.has_value(), f.key);
            if (value && in_csv) {
                ++sum.numbers;
                CHECK_MESSAGE(*in_csv == doctest::Approx(*value).epsilon(1e-5), f.key);
            }
            compare_text(text, f, row, value, sum);
        }
    }
}

}   // namespace

TEST_CASE("text, JSON and CSV say the same figures") {
    Draw draw;
    Compared sum;
    for (int i = 0; i < questions; ++i) compare(question(draw), sum);
    MESSAGE(sum.deployments << " deployments, " << sum.numbers << " numbers in JSON and CSV, " << sum.shown
                            << " of them in text");
    CHECK(sum.deployments >= least_deployments);
    CHECK(sum.numbers > 30 * sum.deployments);
    CHECK(sum.shown > 25 * sum.deployments);
}
