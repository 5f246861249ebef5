// SPDX-License-Identifier: Apache-2.0
// moecost diff: in what do two deployments differ, and which input explains how much of it?
#include "diff/diff.h"
#include "estimate/estimate.h"
#include "option_values.h"

namespace moecost::cli {
namespace {

std::vector<const Figure*> explained_figures(const CommandLine& line) {
    std::vector<std::string> keys{"usd_per_mtok_output_all_in", "output_tokens_per_s", "ttft_s", "tpot_s"};
    if (const std::string* text = line.find("figures")) keys = split(*text);
    std::vector<const Figure*> list;
    const std::vector<std::string> known = result_figures();
    for (const std::string& key : keys) {
        const Figure* f = figure_named(key);
        if (f == nullptr || f->number == nullptr || f->kind == FigureKind::flag)
            refuse("figures", key, "is no number of a result", name_hint(key, known));
        list.push_back(f);
    }
    return list;
}

void tell_why(Answer& answer, std::string_view side, const EstimateAnswer& a) {
    if (a.estimate) return;
    answer.messages.append("moecost: ").append(side).append(": ").append(infeasible_line(a)).append("\n");
    if (const std::string fix = fix_line(a); !fix.empty())
        answer.messages.append("hint: ").append(fix).append("\n");
}

/// Two accelerators at prices of one kind, as `estimate` compares them; a recorded answer keeps the price it was given at.
std::string same_prices(const DataStore& data, Side& a, Side& b) {
    if (!a.recorded.empty() || !b.recorded.empty()) return {};
    std::vector<Description> both{a.description, b.description};
    std::string told = level_prices(data, both);
    a.description = both[0];
    b.description = both[1];
    return told;
}

}   // namespace

std::vector<Flag> diff_flags() {
    std::vector<Flag> flags{
        {"figures", "LIST", "Difference",
         "figures to explain, joined by commas (default: whole price of output, output tokens/s, "
         "TTFT, TPOT)"}};
    for (const Flag& flag : description_flags()) flags.push_back(flag);
    return flags;
}

Answer run_diff(const Invocation& in) {
    if (in.line.positional.size() != 2) {
        throw InputError(
            {}, {}, "two sides are compared",
            "moecost diff A B: scenario files, answers in JSON (FILE#N: the N-th deployment), names, "
            "KEY=VALUE,... or 'moecost estimate ...'");
    }
    Side a = read_side(in.data, in.line, in.line.positional[0]);
    Side b = read_side(in.data, in.line, in.line.positional[1]);
    const std::string prices = same_prices(in.data, a, b);
    Difference d = difference_of(in.data, std::move(a), std::move(b), explained_figures(in.line));
    d.prices = prices;
    Answer answer;
    answer.status = d.possible() ? answered : infeasible;
    tell_why(answer, "A", d.answer_a);
    tell_why(answer, "B", d.answer_b);
    if (in.format == Format::json)
        answer.output = diff_json(d);
    else
        answer.output = in.format == Format::csv ? diff_csv(d) : diff_text(d, in);
    return answer;
}

}   // namespace moecost::cli
