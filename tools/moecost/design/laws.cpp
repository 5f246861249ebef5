// SPDX-License-Identifier: Apache-2.0
// A design under several laws, for people and programs: the winner of each law, what it costs where another law is true, how
// often each combination wins, and the design that is never far from the best.
#include <algorithm>
#include <cmath>

#include "design/design.h"
#include "moecost/base/format.h"
#include "moecost/base/json_writer.h"
#include "sheet.h"
#include "text.h"

namespace moecost::cli {
namespace {

bool minimises_loss(const DesignQuestion& q) { return q.goal.objective == DesignObjective::loss; }

const DesignModel& model_of(const LawsAnswer& a, const RobustDesign& r) {
    return a.answers[r.law].models[r.model];
}

const DesignCombination& combination_of(const LawsAnswer& a, const RobustDesign& r) {
    return a.answers[r.law].combinations[model_of(a, r).combination];
}

/// "+12 %", "+0.0123 nats", "budget x1.4".
std::string regret_text(const DesignQuestion& q, const UnderLaw& u) {
    if (!u.possible) {
        std::string s(u.missed);
        if (u.times > 0) s.append(" x").append(significant(u.times, 2));
        return s;
    }
    if (minimises_loss(q)) return std::string("+").append(fixed(u.regret, 4));
    return std::string("+").append(percent(u.regret));
}

std::vector<const RobustDesign*> designs_of(const LawsAnswer& a) {
    std::vector<const RobustDesign*> list;
    for (const RobustDesign& w : a.winners) list.push_back(&w);
    list.push_back(&a.minimax);
    return list;
}

std::string role_of(const LawsAnswer& a, std::size_t i) {
    return i < a.winners.size() ? std::string("best by ").append(a.views[i].name) : std::string("safest");
}

std::string legend(const DesignQuestion& q) {
    std::string s(
        "E: full-size experts, N: dense-equivalent parameters, total: all with embeddings; under a law: ");
    s.append(minimises_loss(q) ? "nats above" : "how much dearer than");
    return s.append(
        " the best design of that law, or which limit the design misses there and how many times over");
}

Sheet regrets(const DesignQuestion& q, const LawsAnswer& a) {
    Sheet sheet{"", "", {}, {}};
    sheet.columns = {{"", "design"}, {"", "E", true}, {"", "N", true}, {"", "total", true}};
    for (const LawView& v : a.views) sheet.columns.push_back({"", v.name, true});
    const auto designs = designs_of(a);
    for (std::size_t i = 0; i < designs.size(); ++i) {
        const FamilyMember& m = model_of(a, *designs[i]).member;
        std::vector<Cell> row{text_cell(role_of(a, i)), text_cell(std::to_string(m.request.experts)),
                              text_cell(parameters(m.dense_equivalent)),
                              text_cell(parameters(m.total + m.embeddings))};
        for (const UnderLaw& u : designs[i]->under) row.push_back(text_cell(regret_text(q, u)));
        sheet.rows.push_back(std::move(row));
    }
    return sheet;
}

/// "64 experts 72 %, 32 experts 28 %".
std::string wins_text(const LawsAnswer& a, std::size_t law) {
    std::vector<std::size_t> order(a.combinations.size());
    unsigned all = 0;
    for (std::size_t i = 0; i < order.size(); ++i) {
        order[i] = i;
        all += a.wins[law][i];
    }
    const auto more = [&](std::size_t x, std::size_t y) { return a.wins[law][x] > a.wins[law][y]; };
    std::stable_sort(order.begin(), order.end(), more);
    std::string s;
    for (std::size_t i = 0; i < std::min<std::size_t>(order.size(), 4) && a.wins[law][order[i]] > 0; ++i) {
        s.append(s.empty() ? "" : ", ").append(combination_name(a.combinations[order[i]])).append(" ");
        s.append(percent(static_cast<double>(a.wins[law][order[i]]) / all));
    }
    return s.empty() ? "nothing meets the constraints" : s;
}

std::string price_text(const DesignQuestion& q, const LawsAnswer& a) {
    const RobustDesign& r = a.minimax;
    std::string s;
    if (r.impossible_in > 0) {
        s.append("no design meets the constraints under every law: this one misses them under ");
        s.append(std::to_string(r.impossible_in)).append(" of ").append(std::to_string(a.views.size()));
        s.append("; under the others it is ");
    } else {
        s.append("the price of not knowing the law: ");
    }
    s.append(minimises_loss(q) ? fixed(r.worst, 4).append(" nats above")
                               : percent(r.worst).append(" dearer than"));
    return s.append(" the best of a law, at most");
}

}   // namespace

std::string laws_text(const DesignQuestion& q, const LawsAnswer& a, const Invocation& in) {
    const Style style{in.colour, in.width};
    std::string s = style.bold(wrapped(std::string("The safest of ")
                                           .append(std::to_string(a.views.size()))
                                           .append(" laws: ")
                                           .append(combination_name(combination_of(a, a.minimax)))
                                           .append(", ")
                                           .append(parameters(model_of(a, a.minimax).member.dense_equivalent))
                                           .append(" dense-equivalent"),
                                       2, style.width));
    s.append("\n").append(style.bold(wrapped(price_text(q, a), 2, style.width)));
    for (std::size_t l = 0; l < a.views.size(); ++l) {
        std::string line(a.views[l].name);
        DesignQuestion own = q;
        own.goal.tokens = a.views[l].tokens;
        line.append(": ").append(constraint_text(own, a.answers[l]));
        s.append(bullet(line, style.width));
    }
    const auto section = [&](std::string_view title) {
        s.append("\n").append(style.bold(title)).append("\n");
    };
    section("Regret of each design where that law is true");
    s.append(print_text(regrets(q, a), in));
    s.append(bullet(legend(q), style.width));
    section("How often a combination wins, over draws of each law");
    for (std::size_t l = 0; l < a.views.size(); ++l) {
        std::string line(a.views[l].name);
        const bool spread = !a.views[l].basis.law.samples.empty() || !a.views[l].basis.law.covariance.empty();
        line.append(spread ? ": " : " (no spread stated): ").append(wins_text(a, l));
        s.append(bullet(line, style.width));
    }
    section("The safest design, served under each law");
    for (std::size_t l = 0; l < a.views.size(); ++l) {
        const UnderLaw& u = a.minimax.under[l];
        if (!u.possible) continue;
        std::string line(a.views[l].name);
        line.append(": ").append(parameters(u.point.tokens)).append(" tokens, ");
        line.append(money(u.point.deployment.usd_per_mtok))
            .append(" per ")
            .append(cost_unit(q.space.serving.cost));
        s.append(bullet(line, style.width));
    }
    s.append(wrapped(std::string("estimate  ")
                         .append(estimate_line(q, a.answers[a.minimax.law],
                                               [&] {
                                                   DesignPoint p = a.answers[a.minimax.law].winner;
                                                   for (const UnderLaw& u : a.minimax.under) {
                                                       if (u.possible) p = u.point;
                                                   }
                                                   p.model = a.minimax.model;
                                                   return p;
                                               }())),
                     10, style.width));
    return s;
}

std::string laws_json(const DesignQuestion& q, const LawsAnswer& a) {
    JsonWriter json;
    json.begin_object();
    json.text("schema", "moecost.design-laws/1");
    json.text("objective", name_of(q.goal.objective));
    json.begin_array("laws");
    for (const LawView& v : a.views) json.text({}, v.name);
    json.end_array();
    json.begin_array("designs");
    const auto designs = designs_of(a);
    for (std::size_t i = 0; i < designs.size(); ++i) {
        const FamilyMember& m = model_of(a, *designs[i]).member;
        json.begin_object();
        json.text("role", role_of(a, i));
        json.number("experts", m.request.experts);
        json.number("top_k", m.request.top_k);
        json.number("granularity", m.request.granularity);
        json.number("shared_experts", m.request.shared_experts);
        json.number("size", m.request.size);
        json.number("worst_regret", designs[i]->worst);
        json.number("impossible_in", static_cast<double>(designs[i]->impossible_in));
        json.begin_array("under");
        for (const UnderLaw& u : designs[i]->under) {
            json.begin_object();
            json.number("regret", u.possible ? u.regret : std::nan(""));
            json.number("tokens", u.possible ? u.point.tokens : std::nan(""));
            json.number("usd_per_mtok", u.possible ? u.point.deployment.usd_per_mtok : std::nan(""));
            json.text("missed", u.missed);
            json.number("times", u.times > 0 ? u.times : std::nan(""));
            json.end_object();
        }
        json.end_array();
        json.end_object();
    }
    json.end_array();
    json.begin_array("wins");
    for (std::size_t l = 0; l < a.views.size(); ++l) {
        for (std::size_t c = 0; c < a.combinations.size(); ++c) {
            if (a.wins[l][c] == 0) continue;
            json.begin_object();
            json.text("law", a.views[l].name);
            json.text("design", combination_name(a.combinations[c]));
            json.number("share", static_cast<double>(a.wins[l][c]) / std::max(1U, a.draws));
            json.end_object();
        }
    }
    json.end_array();
    json.end_object();
    return json.str();
}

std::string laws_csv(const LawsAnswer& a) {
    Sheet sheet{"moecost.design-laws/1", "designs", {}, {}};
    for (const char* key : {"role", "experts", "top_k", "granularity", "shared_experts", "size", "total",
                            "law", "regret", "tokens", "usd_per_mtok", "missed", "times"})
        sheet.columns.push_back({key, ""});
    const auto n = [](double x) { return number_cell(x, ""); };
    const auto designs = designs_of(a);
    for (std::size_t i = 0; i < designs.size(); ++i) {
        const FamilyMember& m = model_of(a, *designs[i]).member;
        for (std::size_t l = 0; l < a.views.size(); ++l) {
            const UnderLaw& u = designs[i]->under[l];
            const auto if_possible = [&](double x) { return u.possible ? n(x) : no_cell(); };
            sheet.rows.push_back({text_cell(role_of(a, i)), n(m.request.experts), n(m.request.top_k),
                                  n(m.request.granularity), n(m.request.shared_experts), n(m.request.size),
                                  n(m.total + m.embeddings), text_cell(a.views[l].name),
                                  if_possible(u.regret), if_possible(u.point.tokens),
                                  if_possible(u.point.deployment.usd_per_mtok), text_cell(u.missed),
                                  u.times > 0 ? n(u.times) : no_cell()});
        }
    }
    return print(sheet, Format::csv);
}

}   // namespace moecost::cli
