// SPDX-License-Identifier: Apache-2.0
#include "design/paper.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "moecost/base/format.h"
#include "moecost/base/json_writer.h"
#include "moecost/hardware/price.h"
#include "moecost/law/law_toml.h"
#include "option_values.h"
#include "sheet.h"
#include "text.h"

namespace moecost::cli {
namespace {

constexpr std::string_view of_the_algorithms[] = {"algorithm", "base-experts", "gpu-limit",
                                                  "training-compute"};
// Options of `design` that mean the same here.
constexpr std::string_view shared[] = {"cost-model", "law",     "budget",        "experts",
                                       "gpu",        "engine",  "price",         "isl",
                                       "osl",        "threads", "max-sequences", "memory-fraction"};

bool is_among(std::span<const std::string_view> keys, std::string_view key) {
    return std::find(keys.begin(), keys.end(), key) != keys.end();
}

TrainingCompute compute_option(const CommandLine& line) {
    const std::string* text = line.find("training-compute");
    if (text == nullptr || *text == "6nd") return TrainingCompute::dense_equivalent;
    if (*text == "8nd") return TrainingCompute::active;
    refuse("training-compute", *text, "is not 6nd (as in the paper) or 8nd (active parameters of top-2)");
}

/// The law must be one of the form of the paper: others have no E, or count N otherwise.
Law law_option(const DataStore& data, const std::string& name) {
    Law law = load_law(data, name);
    if (law.form == LossForm::yun && law.size == SizeMeaning::dense_equivalent) return law;
    std::string message(law.id);
    throw InputError({"--law"}, {}, message.append(" is no law of the form of the paper"),
                     "yun2024_yp, yun2024_yc, or one fitted by moecost fit --law yun");
}

PaperServer server_of(const DataStore& data, const PaperDesignOptions& o) {
    const Family family = shared_by(load_family(data, "yun2024"), 8);
    std::vector<int> experts = o.experts;
    experts.push_back(static_cast<int>(o.question.base_experts));
    PaperServer s = profile_family(data, family, o.gpu, o.engine, experts, exact_sizes(family, 2e7, 1e12));
    s.options.gpu_limit = o.gpu_limit;
    s.options.most_requests = o.most_requests;
    if (o.prompt > 0) s.options.prompt = o.prompt;
    if (o.output > 0) s.options.output = o.output;
    if (o.memory_share > 0) s.options.memory_share = o.memory_share;
    return s;
}

/// What the printers share.
struct Found {
    const PaperDesignOptions& options;
    const PaperDesign& design;
    const PaperServer& server;
    Price price;
    std::string outside;   // axes on which the winner leaves the runs behind the law

    [[nodiscard]] double usd_per_mtok(const PaperCandidate& c) const {
        return c.model.cost * 1e6 * price.usd_per_gpu_hour / 3600;
    }
    [[nodiscard]] double of_base(const PaperCandidate& c) const {
        return c.model.cost / design.base.model.cost;
    }
};

std::string_view goal_of(PaperAlgorithm algorithm) {
    return algorithm == PaperAlgorithm::cost_at_loss ? "cheapest to serve at the loss"
                                                     : "least loss at the serving cost";
}

std::string experts_name(const PaperModel& m) {
    return m.experts == 1 ? std::string("dense") : std::string(amount(m.experts)).append(" experts");
}

Sheet sheet_of(const Found& f) {
    Sheet sheet{"moecost.design/1", "evaluated", {}, {}};
    sheet.columns = {{"experts", "experts", true},
                     {"n", "N", true},
                     {"n_total", "all", true},
                     {"tokens", "tokens", true},
                     {"loss", "loss", true},
                     {"share_of_loss_optimal", "of N_opt", true},
                     {"usd_per_mtok", "USD/Mtok out", true},
                     {"cost_share", "of base", true},
                     {"gpus", "GPUs", true},
                     {"requests", "requests", true}};
    const auto add = [&](const PaperCandidate& c) {
        const PaperModel& m = c.model;
        const double total = m.n * total_share(m.experts);
        sheet.rows.push_back({number_cell(m.experts, amount(m.experts)), number_cell(m.n, parameters(m.n)),
                              number_cell(total, parameters(total)), number_cell(m.d, parameters(m.d)),
                              number_cell(m.loss, fixed(m.loss, 4)),
                              number_cell(m.n / m.optimal_n, percent(m.n / m.optimal_n)),
                              number_cell(f.usd_per_mtok(c), money(f.usd_per_mtok(c))),
                              number_cell(f.of_base(c), percent(f.of_base(c))),
                              number_cell(c.serving.gpus, amount(c.serving.gpus)),
                              number_cell(c.serving.requests, fixed(c.serving.requests, 0))});
    };
    add(f.design.base);
    for (const PaperCandidate& c : f.design.candidates) add(c);
    return sheet;
}

std::string headline(const Found& f) {
    const PaperCandidate& w = f.design.winner;
    std::string s(experts_name(w.model));
    s.append(", N = ").append(parameters(w.model.n)).append(" on ").append(parameters(w.model.d));
    s.append(" tokens: ").append(money(f.usd_per_mtok(w))).append(" per million output tokens, ");
    s.append(percent(f.of_base(w))).append(" of the base\n");
    return s;
}

std::string as_text(const Found& f, const Invocation& invocation) {
    const Style style{invocation.colour};
    std::string s(style.bold(headline(f)));
    s.append(goal_of(f.options.algorithm)).append(" of ").append(experts_name(f.design.base.model));
    s.append(", loss-optimal for ")
        .append(shortest(f.options.question.budget))
        .append(" FLOP (first row)\n\n");
    s.append(print_text(sheet_of(f), invocation));
    for (const PaperRefusal& r : f.design.refused)
        s.append(std::to_string(r.experts)).append(" experts: ").append(to_text(r.why)).append("\n");
    if (invocation.quiet) return s;
    s.append("\n");
    s.append(bullet(
        "Eq. 5 and 6 of Yun et al. 2024 on members of the family yun2024; cost counts prompts and output "
        "tokens, and no latency objective; moecost estimate leaves neither out",
        invocation.width));
    if (f.outside.empty()) return s;
    std::string outside("outside the training runs behind ");
    return s.append(bullet(outside.append(f.options.law).append(": ").append(f.outside), invocation.width));
}

void write_candidate(JsonWriter& json, const Found& f, const PaperCandidate& c, std::string_view name) {
    const PaperModel& m = c.model;
    json.begin_object(name);
    json.number("experts", m.experts);
    json.number("n", m.n);
    json.number("n_total", m.n * total_share(m.experts));
    json.number("n_active", m.n * active_share(m.experts));
    json.number("tokens", m.d);
    json.number("loss", m.loss);
    json.number("loss_optimal_n", m.optimal_n);
    json.number("gpu_seconds_per_token", m.cost);
    json.number("usd_per_mtok", f.usd_per_mtok(c));
    json.number("cost_share", f.of_base(c));
    json.number("gpus", c.serving.gpus);
    json.number("requests", c.serving.requests);
    json.number("output_tokens_per_s", c.serving.tokens_per_s);
    json.number("prompt_step_s", c.serving.prompt_step.value());
    json.number("decode_step_s", c.serving.decode_step.value());
    json.end_object();
}

void write_candidates(JsonWriter& json, const Found& f, const std::vector<PaperCandidate>& list,
                      std::string_view name) {
    json.begin_array(name);
    for (const PaperCandidate& c : list) write_candidate(json, f, c, {});
    json.end_array();
}

void write_question(JsonWriter& json, const Found& f) {
    const PaperDesignOptions& o = f.options;
    const PaperCostOptions& c = f.server.options;
    json.begin_object("inputs");
    json.text("cost_model", "paper");
    json.number("algorithm", static_cast<double>(o.algorithm));
    json.text("law", o.law);
    json.number("budget", o.question.budget);
    json.text("training_compute", o.question.compute == TrainingCompute::active ? "8nd" : "6nd");
    json.number("base_experts", o.question.base_experts);
    json.number("gpu_limit", o.gpu_limit);
    json.text("gpu", f.server.cluster.gpu.id);
    json.text("engine", o.engine);
    json.number("usd_per_gpu_hour", f.price.usd_per_gpu_hour);
    json.number("isl", c.prompt);
    json.number("osl", c.output);
    json.number("max_sequences", c.most_requests > 0 ? c.most_requests : std::nan(""));
    json.number("memory_fraction", c.memory_share);
    json.number("reserve_gb", c.reserve.value() / 1e9);
    json.number("mu", f.server.mu);
    json.end_object();
}

std::string as_json(const Found& f) {
    JsonWriter json;
    json.begin_object();
    json.text("schema", "moecost.design/1");
    write_question(json, f);
    write_candidate(json, f, f.design.winner, "winner");
    write_candidate(json, f, f.design.base, "base");
    write_candidates(json, f, f.design.frontier, "frontier");
    write_candidates(json, f, f.design.candidates, "evaluated");
    json.begin_array("refused");
    for (const PaperRefusal& r : f.design.refused) {
        json.begin_object();
        json.number("experts", r.experts);
        json.text("reason", to_text(r.why));
        json.end_object();
    }
    json.end_array();
    json.text("outside", f.outside);
    json.begin_array("binding");
    json.text({}, f.options.algorithm == PaperAlgorithm::cost_at_loss         ? "loss"
                  : f.design.winner.model.n < f.design.winner.model.optimal_n ? "cost"
                                                                              : "loss_optimal_size");
    json.end_array();
    json.end_object();
    return json.str();
}

Answer without_answer(const Infeasible& why) {
    Answer answer;
    answer.status = infeasible;
    answer.messages.append("moecost: infeasible: ").append(to_text(why)).append("\n");
    return answer;
}

}   // namespace

std::vector<Flag> paper_design_flags() {
    constexpr std::string_view group = "Cost model of the paper (--cost-model paper)";
    return {{"algorithm", "1|2", group,
             "1: cheapest at the loss of the base, 2: least loss at its cost (default: 1)"},
            {"base-experts", "E", group, "experts of the loss-optimal base, 1 is dense (default: 4)"},
            {"gpu-limit", "N", group, "GPUs of an instance at most (default: 8)"},
            {"training-compute", "6nd|8nd", group,
             "what the budget counts for E > 1 (default: 6nd, as the paper)"}};
}

bool is_paper_design(const CommandLine& line) {
    const std::string* model = line.find("cost-model");
    if (model != nullptr && *model != "evaluate" && *model != "paper")
        refuse("cost-model", *model, "is not evaluate or paper");
    if (model != nullptr && *model == "paper") return true;
    for (const Setting& s : line.settings) {
        if (is_among(of_the_algorithms, s.key))
            throw InputError({std::string("--").append(s.key)}, {}, "needs --cost-model paper");
    }
    return false;
}

PaperDesignOptions paper_design_options(const CommandLine& line) {
    for (const Setting& s : line.settings) {
        if (!is_among(of_the_algorithms, s.key) && !is_among(shared, s.key))
            throw InputError({std::string("--").append(s.key)}, {},
                             "has no meaning under --cost-model paper");
    }
    PaperDesignOptions o;
    const auto text = [&](std::string_view key, std::string& value) {
        if (const std::string* given = line.find(key)) value = *given;
    };
    text("law", o.law);
    text("gpu", o.gpu);
    text("engine", o.engine);
    text("price", o.price);
    if (line.find("budget") == nullptr)
        throw InputError({"--budget"}, {}, "the training budget is missing", "such as --budget 5.15e21");
    o.question.budget = number_or(line, "budget", 0, 1e15, 1e30);
    o.algorithm = static_cast<PaperAlgorithm>(whole_or(line, "algorithm", 1, 1, 2));
    o.question.base_experts = whole_or(line, "base-experts", 4, 1, 1024);
    o.question.compute = compute_option(line);
    o.experts = whole_list_or(line, "experts", o.experts, 1, 1024);
    o.gpu_limit = whole_or(line, "gpu-limit", o.gpu_limit, 1, 8);
    o.prompt = number_or(line, "isl", 0, 1, 1e7);
    o.output = number_or(line, "osl", 0, 1, 1e7);
    o.most_requests = number_or(line, "max-sequences", 0, 1, 1e6);
    o.memory_share = number_or(line, "memory-fraction", 0, 0.01, 1);
    return o;
}

Answer run_paper_design(const Invocation& invocation, const PaperDesignOptions& options) {
    const Law law = law_option(invocation.data, options.law);
    const PaperServer server = server_of(invocation.data, options);
    const auto design = paper_design(law, server, options.question, options.algorithm, options.experts);
    if (!design) return without_answer(design.error());
    if (design->candidates.empty()) return without_answer(design->refused.front().why);
    const PaperModel& best = design->winner.model;
    const Outside outside = extrapolated(law, {.n = best.n, .d = best.d, .experts = best.experts});
    const Found found{options, *design, server,
                      choose_price(invocation.data, server.cluster.gpu.id, options.price), describe(outside)};
    Answer answer;
    answer.output = invocation.format == Format::json  ? as_json(found)
                    : invocation.format == Format::csv ? print(sheet_of(found), Format::csv)
                                                       : as_text(found, invocation);
    return answer;
}

}   // namespace moecost::cli
