// SPDX-License-Identifier: Apache-2.0
// Families side by side at one loss: --families NAME[:NATS],... Each states what its attention (or whatever else sets it apart)
// adds to the loss, which no law here holds. The first, without what it states itself, sets the loss that all must reach.
#include <algorithm>
#include <cmath>

#include "design/design.h"
#include "moecost/base/format.h"
#include "moecost/base/json_writer.h"
#include "option_values.h"
#include "sheet.h"
#include "text.h"

namespace moecost::cli {
namespace {

struct Entry {
    std::string name;
    double nats = 0;
    std::optional<DesignQuestion> question;
    std::optional<DesignAnswer> answer;
    std::string why;   // infeasible
};

std::vector<Entry> entries_of(const CommandLine& line) {
    if (line.has("family"))
        throw InputError({"--family"}, {}, "--families names every family, the first sets the loss",
                         "leave --family out");
    std::vector<Entry> list;
    for (const std::string& part : split(*line.find("families"))) {
        const std::size_t colon = part.find(':');
        Entry e{part.substr(0, colon), 0, std::nullopt, std::nullopt, {}};
        if (colon != std::string::npos) e.nats = number("families", part.substr(colon + 1), -1, 1);
        list.push_back(std::move(e));
    }
    return list;
}

/// The question to one family: its name and penalty; the loss of the first instead of an own base.
Invocation asked(const Invocation& in, const Entry& e, double loss) {
    Invocation own = in;
    std::erase_if(own.line.settings, [&](const moecost::cli::Setting& s) {
        return s.key == "families" || s.key == "family" || (loss > 0 && s.key == "equal-to");
    });
    own.line.settings.push_back({"family", e.name});
    if (loss > 0 && in.line.has("equal-to")) own.line.settings.push_back({"max-loss", shortest(loss)});
    return own;
}

/// Whether anything was stopped.
bool solve(const Invocation& in, const TableOptions& options, std::vector<Entry>& entries) {
    double loss = 0;
    for (Entry& e : entries) {
        auto question = design_question(asked(in, e, loss));
        if (!question) {
            e.why = to_text(question.error());
            continue;
        }
        e.question = std::move(*question);
        e.question->space.basis.added_loss += loss > 0 ? e.nats : 0;
        auto found = design(e.question->space, e.question->goal, options);
        if (!found) {
            e.why = to_text(found.error());
            continue;
        }
        if (found->stopped) return false;
        if (loss == 0) loss = found->max_loss;
        e.answer = std::move(*found);
    }
    return true;
}

double price_of(const Entry& e) { return e.answer ? e.answer->winner.objective : HUGE_VAL; }

Sheet sheet_of(const std::vector<Entry>& entries) {
    Sheet sheet{"moecost.design-families/1", "families", {}, {}};
    sheet.columns = {{"family", "family"},
                     {"nats", "nats", true},
                     {"experts", "E", true},
                     {"granularity", "G", true},
                     {"active", "active", true},
                     {"total", "total", true},
                     {"tokens", "tokens", true},
                     {"training_usd", "training", true},
                     {"usd_per_mtok", "$/Mtok", true},
                     {"relative", "relative", true},
                     {"why", "why not"}};
    const auto best = std::min_element(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
        return price_of(a) < price_of(b);
    });
    for (const Entry& e : entries) {
        std::vector<Cell> row{text_cell(e.name), number_cell(e.nats, shortest(e.nats))};
        if (!e.answer) {
            row.insert(row.end(), 8, no_cell());
            row.push_back(text_cell(e.why));
            sheet.rows.push_back(std::move(row));
            continue;
        }
        const DesignPoint& w = e.answer->winner;
        const FamilyMember& m = e.answer->models[w.model].member;
        const double active = m.active + m.embeddings;
        const double total = m.total + m.embeddings;
        row.push_back(number_cell(m.request.experts, std::to_string(m.request.experts)));
        row.push_back(number_cell(m.request.granularity, std::to_string(m.request.granularity)));
        row.push_back(number_cell(active, parameters(active)));
        row.push_back(number_cell(total, parameters(total)));
        row.push_back(number_cell(w.tokens, parameters(w.tokens)));
        row.push_back(number_cell(w.training_usd, money(w.training_usd)));
        row.push_back(number_cell(w.deployment.usd_per_mtok, money(w.deployment.usd_per_mtok)));
        row.push_back(number_cell(w.objective / price_of(*best), fixed(w.objective / price_of(*best), 3)));
        row.push_back(text_cell(""));
        sheet.rows.push_back(std::move(row));
    }
    return sheet;
}

}   // namespace

Answer answer_families(const Invocation& in, const TableOptions& options) {
    std::vector<Entry> entries = entries_of(in.line);
    Answer answer;
    if (!solve(in, options, entries)) {
        answer.status = interrupted;
        answer.messages = "moecost: interrupted before the search was complete\n";
        return answer;
    }
    const bool any =
        std::any_of(entries.begin(), entries.end(), [](const Entry& e) { return e.answer.has_value(); });
    if (!any) answer.status = infeasible;
    if (!any) answer.messages.append("moecost: infeasible: ").append(entries.front().why).append("\n");
    if (in.format != Format::text) {
        answer.output = print(sheet_of(entries), in.format);
        return answer;
    }
    if (!any) return answer;
    const Style style{in.colour, in.width};
    const auto first =
        std::find_if(entries.begin(), entries.end(), [](const Entry& e) { return e.answer.has_value(); });
    answer.output = style.bold(wrapped(std::string("One loss, families side by side: ")
                                           .append(constraint_text(*first->question, *first->answer)),
                                       2, in.width));
    answer.output.append(print_text(sheet_of(entries), in));
    answer.output.append(bullet(
        "nats: what a family is stated to add to the loss; no law here holds its attention", in.width));
    return answer;
}

}   // namespace moecost::cli
