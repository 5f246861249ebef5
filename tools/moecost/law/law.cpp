// SPDX-License-Identifier: Apache-2.0
// moecost law: what loss does a law give, what is its optimum, what size has equal loss?
#include <cmath>

#include "command.h"
#include "law/answers.h"
#include "moecost/base/format.h"
#include "moecost/law/law_toml.h"
#include "option_values.h"
#include "sheet.h"
#include "text.h"

namespace moecost::cli {
namespace {

/// A law in the share of experts that is active: of E, k for each token, it is k/E. What a law asks for and nobody says is named.
void fill_shape(const CommandLine& line, LawQuestion& q) {
    const Axes& axes = info(q.law.form).axes;
    if (axes.active && q.setting.active == 0) {
        if (!line.has("experts"))
            throw InputError({"--active"}, {}, "the law holds the share of experts that is active",
                             "--active 0.0625, or --experts 16 for one of 16");
        q.setting.active = std::min(1.0, std::max(q.setting.top_k, 1.0) / q.setting.experts);
        if (!axes.experts) q.setting.experts = 0;
    }
    if (axes.granularity && q.setting.granularity == 0)
        throw InputError({"--granularity"}, {}, "the law holds the granularity of experts",
                         "--granularity 8");
}

/// LAW, or LAW+BRIDGE as `design --laws` writes it.
void load_laws(const DataStore& data, const std::string& name, LawQuestion& q) {
    const std::size_t plus = is_path(name) ? std::string::npos : name.find('+');
    q.law = load_law(data, name.substr(0, plus));
    if (plus == std::string::npos) return;
    q.bridge = load_law(data, name.substr(plus + 1));
    if (q.bridge->form != LossForm::leverage)
        throw InputError({name}, {}, "what stands behind + is no efficiency leverage", "LAW+tian2025");
    const Axes& axes = info(q.law.form).axes;
    if (!axes.n || !axes.d || q.law.form == LossForm::leverage)
        throw InputError({name}, {}, "a bridge stands on a law of size and tokens", "hoffmann2022+tian2025");
}

/// The mixture that a bridge prices against the dense model of the law.
void fill_mixture(const CommandLine& line, LawQuestion& q) {
    if (line.has("served-tokens"))
        throw InputError({"--served-tokens"}, {}, "is not answered with a bridge", "moecost design does");
    if (q.other_experts > 1)
        throw InputError({"--equal-to"}, {}, "a bridge compares with the dense model", "--equal-to 1");
    if (line.has("plot"))
        throw InputError({"--plot"}, {}, "draws a law without a bridge", "leave out +BRIDGE");
    if (line.has("shared"))
        throw InputError({"--shared"}, {}, "a bridge counts shared experts in --active", "--active 0.0625");
    if (q.setting.active == 0) {
        if (!line.has("experts"))
            throw InputError({"--active"}, {}, "a bridge holds the share of experts that is active",
                             "--active 0.0625, or --experts 16 for one of 16");
        q.setting.active = std::min(1.0, std::max(q.setting.top_k, 1.0) / q.setting.experts);
    }
    if (q.setting.granularity == 0)
        throw InputError({"--granularity"}, {}, "a bridge holds the granularity of experts",
                         "--granularity 2 (2 h over the width of an expert)");
}

LawQuestion question_of(const Invocation& in) {
    const CommandLine& line = in.line;
    const auto& given = line.positional;
    if (given.size() > 1)
        throw InputError({given[1]}, {}, "one law at a time", "moecost list laws shows them");
    LawQuestion q;
    load_laws(in.data, given.empty() ? std::string(default_law) : given.front(), q);
    const auto number_of = [&](std::string_view option, double low, double high) {
        return number_or(line, option, 0, low, high);
    };
    q.setting.n = number_of("n", 1, 1e18);
    q.setting.d = number_of("d", 1, 1e30);
    q.setting.granularity = number_of("granularity", 1e-3, 1e6);
    q.setting.active = number_of("active", 1e-9, 1);
    q.setting.shared = number_of("shared", 0, 1);
    q.setting.top_k = number_of("top-k", 1, 1e6);
    const bool holds_experts = info(q.law.form).axes.experts;
    q.setting.experts = number_or(line, "experts", holds_experts ? 1 : 0, 1, 1e6);
    q.other_experts = number_of("equal-to", 1, 1e6);
    if (q.bridge)
        fill_mixture(line, q);
    else
        fill_shape(line, q);
    q.budget = number_of("budget", 1, 1e40);
    q.loss = number_of("loss", 1e-3, 100);
    q.served = number_of("served-tokens", 0, 1e30);
    q.unique = number_of("unique-tokens", 1, 1e30);
    if (q.unique > 0 && (q.budget > 0 || q.served > 0 || (q.loss > 0 && q.setting.n == 0)))
        throw InputError({"--unique-tokens"}, {}, "repetition is not part of an optimum",
                         "--n and --d, or --n and --loss");
    q.level = number_or(line, "level", 0.95, 0.5, 0.999);
    q.draws = static_cast<unsigned>(whole_or(line, "draws", 200, 0, 100'000));
    q.repetition = q.law.repetition > 0 ? q.law.repetition : load_law(in.data, "muennighoff2023").repetition;
    return q;
}

std::string shown(double x, const std::string& unit) {
    if (unit == "nats") return fixed(x, 4).append(" nats");
    if (unit == "times") return significant(x, 4);
    return parameters(x);
}

/// "1.2e20".
std::string flop_text(double x) {
    const double power = std::floor(std::log10(x) + 1e-12);
    return significant(x / std::pow(10.0, power), 3)
        .append("e")
        .append(std::to_string(static_cast<int>(power)));
}

Sheet sheet_of(const std::vector<LawRow>& rows) {
    Sheet sheet{"moecost.law/1", "answers", {}, {}};
    sheet.columns = {{"question", "question"},
                     {"value", "value", true},
                     {"unit", ""},
                     {"low", "low", true},
                     {"high", "high", true},
                     {"n", "N", true},
                     {"d", "D", true},
                     {"loss", "loss", true},
                     {"tokens_per_parameter", "D/N", true},
                     {"training_flop", "FLOP", true},
                     {"outside", "outside the runs"}};
    for (const LawRow& r : rows) {
        const auto if_positive = [](double x, std::string text) {
            return x > 0 ? number_cell(x, std::move(text)) : no_cell();
        };
        const auto end = [&](double x) {
            return r.interval.known() ? number_cell(x, shown(x, r.unit)) : no_cell();
        };
        sheet.rows.push_back(
            {text_cell(r.question), number_cell(r.figure, shown(r.figure, r.unit)), text_cell(r.unit),
             end(r.interval.low), end(r.interval.high), if_positive(r.at.n, parameters(r.at.n)),
             if_positive(r.at.d, parameters(r.at.d)), if_positive(r.at.loss, fixed(r.at.loss, 4)),
             if_positive(r.tokens_per_parameter, amount(r.tokens_per_parameter)),
             if_positive(r.flop, flop_text(r.flop)), text_cell(r.outside)});
    }
    return sheet;
}

std::string notes_of(const LawQuestion& q, const std::vector<LawRow>& rows, std::size_t width) {
    std::string s;
    const Law& law = q.law;
    std::string counts("N counts ");
    counts.append(name_of(law.size))
        .append(" parameters ")
        .append(law.embeddings ? "with" : "without")
        .append(" embeddings");
    s.append(bullet(counts.append("; ").append(law.status).append(": ").append(law.source), width));
    const bool spread = !law.samples.empty() || !law.covariance.empty();
    if (spread) {
        std::string text("intervals of ");
        text.append(percent(q.level)).append(" over ").append(std::to_string(q.draws)).append(" draws");
        s.append(bullet(text.append(law.spread.empty() ? "" : ": ").append(law.spread), width));
    } else {
        s.append(bullet("no intervals: the law states no spread", width));
    }
    for (const LawRow& r : rows) {
        if (law.tokens_per_parameter > 0 && r.tokens_per_parameter > law.tokens_per_parameter) {
            std::string text("its authors trust it up to ");
            s.append(
                bullet(text.append(amount(law.tokens_per_parameter)).append(" tokens per parameter"), width));
            break;
        }
    }
    if (!law.note.empty()) s.append(bullet(law.note, width));
    if (q.bridge) {
        s.append(
            bullet("N is what a token uses; far from the loss-optimal allocation the bridge is an assumption",
                   width));
        s.append(bullet(q.bridge->source, width));
        if (!q.bridge->note.empty()) s.append(bullet(q.bridge->note, width));
    }
    return s;
}

std::string as_text(const LawQuestion& q, const std::vector<LawRow>& rows, const Invocation& in) {
    const Style style{in.colour, in.width};
    std::string s = style.bold(q.bridge ? q.law.title + ", mixtures by " + q.bridge->title : q.law.title);
    s.append("\n").append(info(q.law.form).formula).append("\n");
    if (q.bridge)
        s.append("N sqrt(EL), D sqrt(EL) in it; ").append(info(q.bridge->form).formula).append("\n");
    s.append("\n");
    s.append(print_text(sheet_of(rows), in));
    if (in.line.has("plot")) s.append("\n").append(law_chart(q, in.width));
    if (!in.quiet) s.append("\n").append(notes_of(q, rows, in.width));
    return s;
}

}   // namespace

std::vector<Flag> law_flags() {
    constexpr std::string_view setting = "Setting";
    constexpr std::string_view asked = "Question";
    return {{"n", "N", setting, "parameters, as the law counts them"},
            {"d", "N", setting, "training tokens"},
            {"experts", "E", setting, "full-size experts of a layer; 1 is dense (default: 1)"},
            {"top-k", "N", setting, "experts per token"},
            {"granularity", "G", setting, "as the law defines it"},
            {"active", "SHARE", setting, "of the parameters (Tian: of the experts) that a token uses"},
            {"shared", "SHARE", setting, "of the active experts that are shared"},
            {"unique-tokens", "N", setting,
             "tokens beyond these repeat, and count less by Muennighoff et al. 2023"},
            {"budget", "FLOP", asked, "training compute: the loss-optimal size and tokens"},
            {"loss", "NATS", asked,
             "what reaches it: tokens for --n, a size for --d, a smaller size for --budget"},
            {"equal-to", "E", asked, "the size of a model of E experts with the loss of --n, --d, --experts"},
            {"served-tokens", "N", asked, "with --loss: least FLOP of training and serving together"},
            {"level", "SHARE", asked, "of the intervals (default: 0.95)"},
            {"draws", "N", asked, "of the law's coefficients (default: 200)"},
            {"plot", "", asked, "a chart of loss against size"}};
}

Answer run_law(const Invocation& invocation) {
    const LawQuestion q = question_of(invocation);
    const auto rows = law_rows(q);
    Answer answer;
    if (!rows) {
        answer.status = infeasible;
        answer.messages.append("moecost: infeasible: ").append(to_text(rows.error())).append("\n");
        return answer;
    }
    if (rows->empty())
        throw InputError({"law"}, {}, "nothing is asked: a size and tokens, a budget, or a loss",
                         "moecost law ludziejewski2025 --n 1e9 --d 2e10 --experts 8");
    answer.output = invocation.format == Format::text ? as_text(q, *rows, invocation)
                                                      : print(sheet_of(*rows), invocation.format);
    return answer;
}

}   // namespace moecost::cli
