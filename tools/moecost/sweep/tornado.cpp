// SPDX-License-Identifier: Apache-2.0
// moecost sweep --tornado: which uncertain input moves the answer most?
#include <algorithm>
#include <cmath>

#include "moecost/base/format.h"
#include "moecost/sweep/sensitivity.h"
#include "sheet.h"
#include "sweep/sweep.h"
#include "text.h"

namespace moecost::cli {
namespace {

constexpr std::string_view default_target = "usd_per_mtok_output";

std::string change(double answer, double base) {
    if (!std::isfinite(answer)) return "cannot run";
    const double share = (answer / base - 1) * 100;
    std::string s = share > 0 ? "+" : "";
    return s.append(fixed(share, 1)).append(" %");
}

/// From the low to the high end of the input, on a line with the answer in the middle; 'o' marks the low end.
std::string bar(const InputEffect& e, double answer, double widest) {
    constexpr int half = 9;
    std::string s(2 * half + 1, ' ');
    const auto column = [&](double moved) {
        if (!std::isfinite(moved) || widest <= 0) return half;
        return half +
               static_cast<int>(std::lround(std::clamp((moved / answer - 1) / widest, -1.0, 1.0) * half));
    };
    const int low = column(e.low_answer);
    const int high = column(e.high_answer);
    const auto [from, to] = std::minmax({low, high, half});
    for (int i = from; i <= to; ++i) s[static_cast<std::size_t>(i)] = '-';
    s[half] = '|';
    if (low != half) s[static_cast<std::size_t>(low)] = 'o';
    if (high != half) s[static_cast<std::size_t>(high)] = '*';
    return s;
}

Cell answer_cell(double value, double base) {
    return std::isfinite(value) ? number_cell(value, change(value, base))
                                : Cell{std::monostate{}, "cannot run"};
}

Sheet sheet_of(const Tornado& t) {
    Sheet sheet;
    sheet.schema = "moecost.sensitivity/1";
    sheet.name = "inputs";
    sheet.columns = {{"target", "", false},
                     {"answer", "", true},
                     {"input", "", false},
                     {"label", "input", false},
                     {"low_factor", "low", true},
                     {"high_factor", "high", true},
                     {"low_answer", "at low", true},
                     {"high_answer", "at high", true},
                     {"elasticity", "elasticity", true},
                     {"bar", "o low, * high", false},
                     {"source", "", false}};
    double widest = 0;
    for (const InputEffect& e : t.inputs) {
        if (std::isfinite(e.effect(t.answer))) widest = std::max(widest, e.effect(t.answer));
    }
    for (const InputEffect& e : t.inputs) {
        const bool known = std::isfinite(e.elasticity);
        const Cell elasticity = known ? number_cell(e.elasticity, fixed(e.elasticity, 2)) : no_cell();
        sheet.rows.push_back({text_cell(t.target), number_cell(t.answer, {}), text_cell(e.key),
                              text_cell(e.label),
                              number_cell(e.low_factor, std::string("x").append(fixed(e.low_factor, 2))),
                              number_cell(e.high_factor, std::string("x").append(fixed(e.high_factor, 2))),
                              answer_cell(e.low_answer, t.answer), answer_cell(e.high_answer, t.answer),
                              elasticity, text_cell(bar(e, t.answer, widest)), text_cell(e.source)});
    }
    return sheet;
}

/// The bar is for eyes only.
void drop_bars(Sheet& sheet) {
    constexpr std::ptrdiff_t bar_column = 9;
    sheet.columns.erase(sheet.columns.begin() + bar_column);
    for (auto& row : sheet.rows) row.erase(row.begin() + bar_column);
}

}   // namespace

Answer run_tornado(const Invocation& invocation) {
    const CommandLine& line = invocation.line;
    if (!line.positional.empty()) {
        throw InputError({line.positional[0]}, {}, "is one file too many: --tornado has its own");
    }
    Description d;
    apply_scenario_file(d, read_document(*line.find("tornado")));
    const std::string* target = line.find("target");
    const Expected<Scenario> scenario = describe(invocation.data, d);
    if (!scenario)
        return {{},
                std::string("moecost: infeasible: ").append(to_text(scenario.error())).append("\n"),
                infeasible};
    const Tornado t =
        tornado(invocation.data, *scenario, target != nullptr ? std::string_view(*target) : default_target);
    Sheet sheet = sheet_of(t);
    Answer answer;
    if (invocation.format != Format::text) {
        drop_bars(sheet);
        answer.output = print(sheet, invocation.format);
        return answer;
    }
    answer.output = std::string(t.target).append(" = ").append(significant(t.answer, 4)).append("\n\n");
    answer.output.append(print_text(sheet, invocation));
    if (t.residual.known()) {
        std::string all("everything together, by served points: p10 to p90 of the answer is ");
        all.append(change(t.residual.low, t.answer)).append(" to ").append(change(t.residual.high, t.answer));
        answer.output.append("\n").append(wrapped(all, 0, invocation.width));
    }
    if (!invocation.quiet) {
        answer.output.append(
            "\nuncertainties: hwmodels/uncertainty.toml (--format csv shows the source of each)\n");
    }
    return answer;
}

}   // namespace moecost::cli
