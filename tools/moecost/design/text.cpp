// SPDX-License-Identifier: Apache-2.0
// A design for people: the answer first, then its rivals, what binds it, and how certain it is.
#include <algorithm>
#include <cmath>

#include "design/design.h"
#include "estimate/estimate.h"
#include "moecost/base/format.h"
#include "sheet.h"
#include "text.h"

namespace moecost::cli {
namespace {

/// "1.23e22".
std::string flop(double x) {
    const double power = std::floor(std::log10(x) + 1e-12);
    std::string s = significant(x / std::pow(10.0, power), 3);
    return s.append("e").append(std::to_string(static_cast<int>(power)));
}

/// "$280,052", "$1.19 M".
std::string large_money(double dollars) {
    if (dollars < 1e6) return money(dollars);
    return std::string("$").append(parameters(dollars));
}

std::string tokens(double x) { return parameters(x); }   // the same units: M, B, T

std::string nats(double loss) { return fixed(loss, 4).append(" nats"); }

const FamilyMember& member_of(const DesignAnswer& a, const DesignPoint& p) {
    return a.models[p.model].member;
}

const DesignCombination& combination_of(const DesignAnswer& a, const DesignPoint& p) {
    return a.combinations[a.models[p.model].combination];
}

std::string deployment_name(const DesignQuestion& q, const DesignPoint& p) {
    std::string s(std::to_string(p.deployment.layout.gpus()));
    s.append(" x ").append(q.space.serving.machines[p.deployment.machine].pool().cluster.gpu.id);
    if (p.deployment.layout.gpus() > 1) s.append(" ").append(layout_name(p.deployment.layout));
    return s;
}

double figure(const DesignGoal& g, const DesignPoint& p) {
    return g.objective == DesignObjective::loss ? p.deployment.usd_per_mtok : p.objective;
}

std::string objective_text(const DesignGoal& g, double value) {
    if (g.objective == DesignObjective::loss) return nats(value);
    return g.objective == DesignObjective::lifetime ? large_money(value) : money(value);
}

std::string size_text(const FamilyMember& m) {
    std::string s(m.architecture.name);
    s.append(": ").append(parameters(m.dense_equivalent)).append(" dense-equivalent, ");
    s.append(parameters(m.active)).append(" active, ").append(parameters(m.total));
    s.append(" in all, and ").append(parameters(m.embeddings)).append(" of embeddings");
    return s;
}

/// "1.8 times".
std::string times_of(double x) { return significant(x, 2).append(" times"); }

std::string versus(const DesignQuestion& q, const DesignAnswer& a) {
    std::string s;
    const auto add = [&](std::string_view what, const DesignPoint& other) {
        const double share = figure(q.goal, a.winner) / figure(q.goal, other);
        s.append("; ").append(percent(share)).append(" of ").append(what).append(" (");
        s.append(objective_text(q.goal, figure(q.goal, other))).append(")");
    };
    if (q.goal.objective == DesignObjective::loss) return s;
    for (const DesignPoint& p : a.by_experts) {
        if (member_of(a, p).request.experts == 1 && p.model != a.winner.model) add("the best dense model", p);
    }
    if (a.base && !a.models[a.base->model].candidate) {
        std::string base("the loss-optimal ");
        base.append(combination_name(combination_of(a, *a.base))).append(" model");
        add(base, *a.base);
    }
    if (a.dense_at_20) {
        add("the dense model of 20 tokens per parameter", *a.dense_at_20);
        s.pop_back();
        s.append(",");
        s.append(" ").append(times_of(a.dense_at_20->training_flop / a.winner.training_flop));
        s.append(" the training FLOP of this one)");
    }
    return s;
}

/// How far outside the runs behind the law the winner stands.
std::string standing(const DesignQuestion& q, const DesignAnswer& a) {
    const auto outside = outside_of(q, a, a.winner);
    if (outside.empty()) return "inside the runs behind the law";
    return times_text(outside).append(" outside the runs behind the law");
}

/// Accelerators whose speed nobody measured under the engine; empty: none.
std::string unmeasured(const DesignQuestion& q) {
    std::string names;
    for (const Scenario& m : q.space.serving.machines) {
        if (m.pool().profile.basis != Provenance::borrowed) continue;
        names.append(names.empty() ? "" : ", ").append(m.pool().cluster.gpu.id);
        names.append(" (speed of ").append(m.pool().profile.accelerator).append(" on its datasheet)");
    }
    return names.empty() ? names : std::string("not calibrated: ").append(names);
}

std::string traffic_text(const DesignQuestion& q, const DesignPoint& p) {
    const Scenario& m = q.space.serving.machines[p.deployment.machine];
    const Precision& precision = m.pool().precision;
    std::string s("traffic   ");
    s.append(amount(m.traffic.input))
        .append(" tokens in, ")
        .append(amount(m.traffic.output))
        .append(" out; ");
    s.append(m.pool().profile.engine).append("; weights ").append(info(precision.routed_experts).name);
    return s.append(", cache ").append(info(precision.kv_cache).name);
}

std::string winner_text(const DesignQuestion& q, const DesignAnswer& a, const Style& style) {
    const DesignPoint& w = a.winner;
    const FamilyMember& m = member_of(a, w);
    const Deployment& d = w.deployment;
    std::string s = style.bold(wrapped(
        constraint_text(q, a).append(": ").append(combination_name(combination_of(a, w))), 2, style.width));
    s.append(style.bold(wrapped(standing(q, a), 2, style.width)));
    if (const std::string borrowed = unmeasured(q); !borrowed.empty())
        s.append(style.bold(wrapped(borrowed, 2, style.width)));
    std::string price(money(d.usd_per_mtok));
    price.append(" per ").append(cost_unit(q.space.serving.cost));
    if (q.goal.objective == DesignObjective::loss)
        price = std::string(nats(w.loss)).append(", ").append(price);
    if (q.goal.objective == DesignObjective::lifetime)
        price = large_money(w.lifetime_usd).append(" over the lifetime, ").append(price);
    s.append(style.bold(wrapped(price.append(versus(q, a)), 2, style.width)));
    s.append(wrapped(std::string("model     ").append(size_text(m)), 10, style.width));
    std::string training("training  ");
    training.append(tokens(w.tokens))
        .append(" tokens (")
        .append(amount(w.tokens / a.models[w.model].point.used));
    training.append(" per parameter), ")
        .append(flop(w.training_flop))
        .append(" FLOP, ")
        .append(large_money(w.training_usd));
    if (a.models[w.model].training_rate > 0) {
        const double flop_s = w.training_flop / w.tokens * a.models[w.model].training_rate;
        training.append(" (")
            .append(percent(flop_s / q.goal.training.peak_flop_per_s))
            .append(" of bf16 peak)");
    } else if (q.goal.training.machine) {   // no layout of these GPUs trains it
        training.append(" (taken at ").append(percent(q.goal.training.mfu));
        training.append(" of bf16 peak: no layout of the GPUs trains it at this batch)");
    }
    training.append(", loss ").append(nats(w.loss));
    if (const LawPoint& point = a.models[w.model].point; point.drafting > 0)
        training.append("; ")
            .append(percent(point.drafting / (point.used + point.drafting)))
            .append(" of the FLOP for the module that drafts");
    s.append(wrapped(training, 10, style.width));
    s.append(wrapped(traffic_text(q, w), 10, style.width));
    std::string serving("serving   ");
    serving.append(deployment_name(q, w)).append(", ").append(load_name([&] {
        return resized(q.space.serving.machines[d.machine].traffic.load, d.requests);
    }()));
    serving.append(": ").append(amount(d.output_tokens_per_s, "tok/s"));
    if (d.tpot_s > 0) serving.append(", TPOT ").append(duration(d.tpot_s));
    if (d.ttft_s > 0) serving.append(", TTFT ").append(duration(d.ttft_s));
    serving.append(", ").append(money(d.usd_per_hour)).append("/h");
    s.append(wrapped(serving, 10, style.width));
    return s.append(wrapped(std::string("estimate  ").append(estimate_line(q, a, w)), 10, style.width));
}

bool beyond_experts(const DesignQuestion& q, const DesignAnswer& a, const DesignPoint& p) {
    const auto outside = outside_of(q, a, p);
    return std::any_of(outside.begin(), outside.end(),
                       [](const OutsideAxis& o) { return o.axis == "E" || o.axis == "A"; });
}

/// What the star in the tables means, where one stands.
std::string star_text(const DesignQuestion& q, const DesignAnswer& a, std::size_t width) {
    const bool any = std::any_of(a.by_experts.begin(), a.by_experts.end(),
                                 [&](const DesignPoint& p) { return beyond_experts(q, a, p); });
    if (!any) return {};
    return wrapped("* more experts, or a smaller share of them active, than the runs behind the law had", 2,
                   width);
}

/// Columns that tell the rivals apart: of k, G and shared experts those that the lists or a family move.
Sheet rivals(const DesignQuestion& q, const DesignAnswer& a, const std::vector<DesignPoint>& points) {
    Sheet sheet{"", "", {}, {}};
    sheet.rows.resize(points.size());
    const auto column = [&](std::string_view title, auto show, bool right = true) {
        sheet.columns.push_back({"", title, right});
        for (std::size_t i = 0; i < points.size(); ++i) sheet.rows[i].push_back(text_cell(show(points[i])));
    };
    const auto choice = [&](std::string_view title, const std::vector<int>& list, int FamilyRequest::*value) {
        if (list.size() < 2) return;
        column(title,
               [&, value](const DesignPoint& p) { return std::to_string(member_of(a, p).request.*value); });
    };
    column("E", [&](const DesignPoint& p) {
        return std::to_string(member_of(a, p).request.experts).append(beyond_experts(q, a, p) ? "*" : "");
    });
    choice("k", q.space.top_k, &FamilyRequest::top_k);
    choice("G", q.space.granularity, &FamilyRequest::granularity);
    choice("shared", q.space.shared_experts, &FamilyRequest::shared_experts);
    column("N", [&](const DesignPoint& p) { return parameters(member_of(a, p).dense_equivalent); });
    column("total", [&](const DesignPoint& p) {
        return parameters(member_of(a, p).total + member_of(a, p).embeddings);
    });
    column("tokens", [&](const DesignPoint& p) { return tokens(p.tokens); });
    column("training", [&](const DesignPoint& p) { return large_money(p.training_usd); });
    column(
        "served by", [&](const DesignPoint& p) { return deployment_name(q, p); }, false);
    column("$/Mtok", [&](const DesignPoint& p) { return money(p.deployment.usd_per_mtok); });
    if (q.goal.objective == DesignObjective::loss) {
        column("loss", [&](const DesignPoint& p) { return fixed(p.loss, 4); });
        return sheet;
    }
    if (q.goal.objective == DesignObjective::lifetime)
        column("lifetime", [&](const DesignPoint& p) { return large_money(p.lifetime_usd); });
    column("relative", [&](const DesignPoint& p) { return fixed(p.objective / a.winner.objective, 3); });
    return sheet;
}

/// Dense model and MoE side by side, by the training compute that is allowed.
Sheet iso_loss_sheet(const DesignAnswer& a) {
    Sheet sheet{"", "", {}, {}};
    for (const char* title :
         {"training FLOP", "dense N", "tokens/N", "$/Mtok", "MoE", "N", "tokens/N", "$/Mtok", "MoE/dense"})
        sheet.columns.push_back({"", title, true});
    const auto add = [&](std::vector<Cell>& row, const std::optional<DesignPoint>& p, bool moe) {
        if (moe) row.push_back(text_cell(p ? std::to_string(member_of(a, *p).request.experts) : ""));
        row.push_back(text_cell(p ? parameters(member_of(a, *p).dense_equivalent) : ""));
        row.push_back(text_cell(p ? amount(p->tokens / a.models[p->model].point.used) : ""));
        row.push_back(text_cell(p ? money(p->deployment.usd_per_mtok) : ""));
    };
    for (const IsoLossRung& rung : a.iso_loss) {
        std::vector<Cell> row{text_cell(flop(rung.flop))};
        add(row, rung.dense, false);
        add(row, rung.moe, true);
        const bool both = rung.dense && rung.moe;
        row.push_back(text_cell(
            both ? fixed(rung.moe->deployment.usd_per_mtok / rung.dense->deployment.usd_per_mtok, 2) : ""));
        sheet.rows.push_back(std::move(row));
    }
    return sheet;
}

std::string loosened_text(const DesignQuestion& q, const DesignAnswer& a, std::size_t width) {
    std::string s;
    for (const Loosened& l : a.loosened) {
        std::string line(l.constraint);
        line.append(" + ").append(percent(l.by)).append(": ");
        if (l.gain <= 1e-6) {
            line.append("changes nothing");
        } else {
            line.append(q.goal.objective == DesignObjective::loss ? "lowers the loss by " : "saves ")
                .append(fixed(100 * l.gain, 1))
                .append(" % (");
            line.append(objective_text(q.goal, l.winner.objective)).append("; ");
            line.append(combination_name(combination_of(a, l.winner))).append(", ");
            line.append(parameters(member_of(a, l.winner).dense_equivalent)).append(", ");
            line.append(deployment_name(q, l.winner)).append(")");
        }
        s.append(bullet(line, width));
    }
    for (const std::string& edge : a.edges)
        s.append(bullet(std::string("the winner stands at an end, ").append(edge), width));
    return s;
}

/// "left out: 2, 4, 8 experts: ...", one line for each reason.
std::string left_out_text(const DesignAnswer& a, std::size_t width) {
    std::string s;
    for (std::size_t i = 0; i < a.left_out.size();) {
        const Infeasible& why = a.left_out[i].why;
        std::string line("left out: ");
        const std::size_t first = i;
        for (std::string comma; i < a.left_out.size() && a.left_out[i].why.reason == why.reason; ++i) {
            line.append(comma).append(std::to_string(a.left_out[i].experts));
            comma = ", ";
        }
        const std::string reason = i - first == 1 ? to_text(why) : std::string(why.reason);
        s.append(bullet(line.append(" experts: ").append(reason), width));
    }
    return s;
}

std::string certainty_text(const DesignQuestion& q, const DesignAnswer& a, std::size_t width) {
    if (a.samples == 0) {
        return bullet(q.goal.bootstrap == 0
                          ? std::string("not asked for (--bootstrap 0)")
                          : std::string("not known: the law states no spread; moecost fit writes one"),
                      width);
    }
    std::string s;
    for (std::size_t i = 0; i < std::min<std::size_t>(a.wins.size(), 5); ++i) {
        std::string line(combination_name(a.combinations[a.wins[i].combination]));
        line.append(": cheapest in ").append(percent(static_cast<double>(a.wins[i].wins) / a.samples));
        s.append(
            bullet(line.append(" of ").append(std::to_string(a.samples)).append(" draws of the law"), width));
    }
    const std::string& spread = q.space.basis.law.spread;
    if (!spread.empty()) s.append(bullet(std::string("the draws: ").append(spread), width));
    return s;
}

}   // namespace

std::string combination_name(const DesignCombination& c) {
    if (c.experts == 1) return "dense";
    std::string s(std::to_string(c.experts));
    s.append(" experts");
    if (c.top_k > 1) s.append(", ").append(std::to_string(c.top_k)).append(" per token");
    if (c.granularity > 1) s.append(", granularity ").append(std::to_string(c.granularity));
    if (c.shared_experts > 0) s.append(", ").append(std::to_string(c.shared_experts)).append(" shared");
    return s;
}

std::string constraint_text(const DesignQuestion& q, const DesignAnswer& a) {
    const DesignGoal& g = q.goal;
    std::string s;
    switch (g.objective) {
        case DesignObjective::cost:
            s = "Cheapest to serve";
            break;
        case DesignObjective::lifetime:
            s.append("Least dollars for training and ")
                .append(tokens(g.served_tokens))
                .append(" served tokens");
            break;
        case DesignObjective::loss:
            s = "Least loss";
            break;
    }
    if (a.max_loss > 0) s.append(" at a loss of ").append(nats(a.max_loss));
    if (g.equal_to > 0) {
        s.append(" (that of the loss-optimal ");
        s.append(g.equal_to == 1 ? "dense model" : std::to_string(g.equal_to).append("-expert model"))
            .append(")");
    }
    if (g.budget > 0) s.append(" within ").append(flop(g.budget)).append(" training FLOP");
    if (g.tokens.most > 0) s.append(" and ").append(tokens(g.tokens.most)).append(" tokens");
    if (g.tokens.per_parameter > 0)
        s.append(", at most ").append(amount(g.tokens.per_parameter)).append(" tokens per parameter");
    if (g.max_cost > 0) s.append(", at most ").append(money(g.max_cost)).append(" per million tokens");
    return s;
}

std::string design_text(const DesignQuestion& q, const DesignAnswer& a, const Invocation& invocation) {
    const Style style{invocation.colour, invocation.width};
    std::string s = winner_text(q, a, style);
    const auto section = [&](std::string_view title) {
        s.append("\n").append(style.bold(title)).append("\n");
    };
    section("The best of each number of experts");
    s.append(print_text(rivals(q, a, a.by_experts), invocation));
    s.append(star_text(q, a, style.width));
    s.append(left_out_text(a, style.width));
    if (a.by_machine.size() > 1) {
        section("The best on each accelerator");
        s.append(print_text(rivals(q, a, a.by_machine), invocation));
    }
    if (!a.iso_loss.empty()) {
        section("The same loss: what more or less training compute buys");
        s.append(print_text(iso_loss_sheet(a), invocation));
    }
    if (invocation.quiet) return s;
    section("What binds, each loosened alone");
    s.append(loosened_text(q, a, style.width));
    section("How certain");
    s.append(certainty_text(q, a, style.width));
    section("Notes");
    for (const std::string& note : design_notes(q, a)) s.append(bullet(note, style.width));
    return s;
}

}   // namespace moecost::cli
