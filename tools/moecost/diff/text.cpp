// SPDX-License-Identifier: Apache-2.0
// A difference for people: inputs, figures, and what each input explains.
#include <algorithm>
#include <cmath>

#include "diff/diff.h"
#include "moecost/base/format.h"
#include "sheet.h"

namespace moecost::cli {
namespace {

std::string section(std::string_view title, const std::string& body, const Style& style) {
    if (body.empty()) return {};
    return std::string("\n").append(style.bold(std::string(title).append("\n"))).append(body);
}

/// "+20.3 %"; empty from nothing.
std::string relative(double change, double from) {
    if (!(std::abs(from) > 0) || !std::isfinite(change)) return {};
    std::string s(change < 0 ? "-" : "+");
    return s.append(fixed(100 * std::abs(change / from), 1)).append(" %");
}

/// "-$0.0821 (-19.9 %)".
std::string moved_text(const Figure& f, double change, double from) {
    if (!std::isfinite(change)) return "cannot run";
    if (std::abs(change) <= 1e-9 * std::abs(from)) return "0";
    std::string s(change < 0 ? "-" : "+");
    s.append(shown(f.kind, std::abs(change)));
    const std::string share = relative(change, from);
    return share.empty() ? s : s.append(" (").append(share).append(")");
}

std::string inputs_text(const Difference& d) {
    Sheet t;
    t.columns = {{"", "  input"}, {"", "A"}, {"", "B"}};
    for (const Input* input : d.inputs) {
        t.rows.push_back({text_cell(std::string("  ").append(input->key)),
                          text_cell(value_of(*input, d.answer_a)), text_cell(value_of(*input, d.answer_b))});
    }
    return t.rows.empty() ? std::string("  none\n") : print(t, Format::text);
}

std::string figures_text(const Difference& d) {
    Sheet t;
    t.columns = {{"", "  figure"}, {"", "A", true}, {"", "B", true}, {"", "change", true}};
    for (const Figure& f : figures()) {
        if (f.number == nullptr || f.stage != FigureStage::result || is_split_unlike(d, f)) continue;
        const double a = f.number(d.answer_a.view());
        const double b = f.number(d.answer_b.view());
        if ((std::isnan(a) && std::isnan(b)) || std::abs(b - a) <= 1e-9 * std::abs(a)) continue;
        t.rows.push_back({text_cell(std::string("  ").append(f.key)), text_cell(shown(f, d.answer_a.view())),
                          text_cell(shown(f, d.answer_b.view())),
                          text_cell(f.kind == FigureKind::flag ? "" : relative(b - a, a))});
    }
    return t.rows.empty() ? std::string("  none\n") : print(t, Format::text);
}

std::vector<Cell> explained_row(const Difference& d, std::string label, auto change) {
    std::vector<Cell> row{text_cell(label.insert(0, "  "))};
    for (std::size_t i = 0; i < d.explained.size(); ++i) {
        const Figure& f = *d.explained[i];
        row.push_back(text_cell(moved_text(f, change(i), f.number(d.answer_a.view()))));
    }
    return row;
}

std::string explained_text(const Difference& d) {
    if (d.moves.empty()) return {};
    Sheet t;
    t.columns = {{"", "  input"}};
    for (const Figure* f : d.explained) t.columns.push_back({"", f->key, true});
    for (const Move& m : d.moves)
        t.rows.push_back(explained_row(d, name_of(m), [&](std::size_t i) { return m.alone[i]; }));
    t.rows.push_back(explained_row(d, "interaction", [&](std::size_t i) { return interaction_of(d, i); }));
    t.rows.push_back(explained_row(d, "all", [&](std::size_t i) { return change_of(d, i); }));
    return print(t, Format::text);
}

std::string stale_text(const Difference& d, const Style& style) {
    std::string s;
    for (const auto& [side, answer] : {std::pair{&d.a, &d.answer_a}, std::pair{&d.b, &d.answer_b}}) {
        const std::vector<Stale> list = stale_figures(*side, *answer);
        if (list.empty()) continue;
        std::string text(side->name);
        text.append(" is of another version or of other data: ")
            .append(std::to_string(list.size()))
            .append(" figures of it are not what this program says, such as ")
            .append(list.front().figure->key)
            .append(" ")
            .append(shown(list.front().figure->kind, list.front().recorded))
            .append(", now ")
            .append(shown(list.front().figure->kind, list.front().now));
        s.append(bullet(text, style.width));
    }
    return s;
}

/// What nobody gave and the engines chose apart: formats, chunks.
std::string chosen_text(const Difference& d) {
    std::string s;
    if (!d.possible()) return s;
    for (const Input& input : inputs()) {
        if (std::find(d.inputs.begin(), d.inputs.end(), &input) != d.inputs.end()) continue;
        if (input.text == nullptr && input.number == nullptr) continue;
        const std::string a = shown(input, d.answer_a.view()), b = shown(input, d.answer_b.view());
        const bool follows =
            input.key == "cluster" || input.key == "price" || input.key == "usd-per-gpu-hour";
        if (a == b || follows) continue;
        s.append(s.empty() ? "not given, and not the same on both sides: " : "; ").append(input.key);
        s.append(" ").append(a).append(" | ").append(b);
    }
    return s;
}

std::string notes_text(const Difference& d, const Style& style) {
    std::string s = stale_text(d, style);
    if (const std::string chosen = chosen_text(d); !chosen.empty()) s.append(bullet(chosen, style.width));
    if (!d.prices.empty()) s.append(bullet(d.prices, style.width));
    for (const Move& m : d.moves) {
        if (m.why.empty()) continue;
        std::string text(name_of(m));
        s.append(bullet(
            text.append(" of B cannot run alone in A, so its part is in the interaction: ").append(m.why),
            style.width));
    }
    const auto all = figures();
    if (std::any_of(all.begin(), all.end(), [&](const Figure& f) { return is_split_unlike(d, f); }))
        s.append(
            bullet("one pool splits its rent between input and output by the time of its steps, two pools by "
                   "their rents: prices of input or output alone are not compared, the whole price is",
                   style.width));
    if (d.moves.size() > 1)
        s.append(
            bullet("each input is moved alone from A; interaction is what they change together beyond the "
                   "sum of that",
                   style.width));
    return s;
}

}   // namespace

std::string diff_text(const Difference& d, const Invocation& in) {
    const Style style{in.colour, in.width};
    std::string s = wrapped(std::string("A  ").append(d.a.name), 3, style.width);
    s.append(wrapped(std::string("B  ").append(d.b.name), 3, style.width));
    s.append(section("Inputs that differ", inputs_text(d), style));
    if (!d.possible()) return s;
    s.append(section("What each explains, moved alone from A", explained_text(d), style));
    s.append(section("Figures that differ", figures_text(d), style));
    if (in.quiet) return s;
    return s.append(section("Notes", notes_text(d, style), style));
}

}   // namespace moecost::cli
