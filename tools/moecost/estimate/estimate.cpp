// SPDX-License-Identifier: Apache-2.0
// The command `estimate`: one description, or several that differ in inputs given as lists, side by side.
#include "estimate/estimate.h"
#include "text.h"

#include <algorithm>

#include "option_values.h"

namespace moecost::cli {
namespace {

constexpr std::size_t most_columns = 256;

void apply_flags(Description& d, const CommandLine& line) {
    for (const Setting& s : line.settings) {
        if (input_named(s.key) != nullptr) set_option(d, s.key, s.text, {std::string("--").append(s.key)});
    }
}

/// The scenario file first, then the flags over it: a load, a price or a machine given as a flag replaces that of the
/// file.
Description description_of(const CommandLine& line) {
    Description flags;
    apply_flags(flags, line);
    const std::string* file = line.find("scenario");
    if (file == nullptr) return flags;
    Description d;
    apply_scenario_file(d, read_document(*file));
    if (flags.load) d.load.reset();
    if (flags.usd_per_gpu_hour || !flags.price.empty()) d.usd_per_gpu_hour.reset();
    if (!flags.gpu.empty()) d.cluster.clear();
    if (!flags.cluster.empty()) d.gpu.clear();
    apply_flags(d, line);
    return d;
}

/// --price h100=2.5,b200=owning_neocloud: each accelerator its own.
bool is_price_by_gpu(const Setting& s) { return s.key == "price" && s.text.find('=') != std::string::npos; }

std::string accelerator_of(const DataStore& data, const Description& d) {
    if (d.gpu.empty() && d.cluster.empty()) return {};
    const Accelerator gpu = placed(d, d.gpu.empty() ? "cluster" : "gpu", [&] {
        return d.gpu.empty() ? load_cluster(data, d.cluster).gpu : load_accelerator(data, d.gpu);
    });
    return priced_as(gpu);
}

/// The part of --price that names the accelerator of this deployment; the option is dropped where none does.
CommandLine with_own_price(const DataStore& data, CommandLine line) {
    const auto it = std::find_if(line.settings.begin(), line.settings.end(), is_price_by_gpu);
    if (it == line.settings.end()) return line;
    CommandLine rest = line;
    std::erase_if(rest.settings, is_price_by_gpu);
    const std::string id = accelerator_of(data, description_of(rest));
    for (const std::string& part : split(it->text)) {
        const std::size_t equals = part.find('=');
        if (equals == std::string::npos)
            throw InputError({"--price"}, {},
                             std::string("'").append(part).append("' is not ACCELERATOR=PRICE"),
                             "such as h100=2.50,b200=owning_neocloud");
        if (load_accelerator(data, part.substr(0, equals)).id != id) continue;
        it->text = part.substr(equals + 1);
        return line;
    }
    return rest;
}

}   // namespace

std::string level_prices(const DataStore& data, std::vector<Description>& descriptions) {
    if (descriptions.size() < 2) return {};
    std::vector<std::string> ids;
    for (const Description& d : descriptions) {
        if (!d.price.empty() || d.usd_per_gpu_hour) return {};
        const std::string id = accelerator_of(data, d);
        if (id.empty()) return {};
        if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
    }
    const PriceLevel level = price_level(data, ids);
    if (!level.basis.empty()) {
        for (Description& d : descriptions)
            if (!prices_of(data, accelerator_of(data, d)).empty()) d.price = level.basis;
    }
    return price_level_note(level);
}

namespace {

/// Command lines that differ in what was given as a list: every combination, the last list fastest.
std::vector<CommandLine> expand(const CommandLine& line, std::vector<const Input*>& varied) {
    std::vector<CommandLine> lines{line};
    for (std::size_t i = 0; i < line.settings.size(); ++i) {
        const Input* input = input_named(line.settings[i].key);
        if (input == nullptr || input->kind == InputKind::edit) continue;
        const std::vector<std::string> parts = split(line.settings[i].text);
        if (parts.size() == 1 || is_price_by_gpu(line.settings[i])) continue;
        varied.push_back(input);
        std::vector<CommandLine> next;
        for (const CommandLine& one : lines) {
            for (const std::string& part : parts) {
                next.push_back(one);
                next.back().settings[i].text = part;
            }
        }
        lines = std::move(next);
        if (lines.size() > most_columns) {
            throw InputError({std::string("--").append(input->key)}, {},
                             "gives more than 256 deployments to compare", "moecost sweep is made for many");
        }
    }
    return lines;
}

std::string infeasible_messages(const std::vector<EstimateAnswer>& answers) {
    std::string s;
    for (const EstimateAnswer& a : answers) {
        if (a.estimate) continue;
        const std::string fix = fix_line(a);
        s.append("moecost: ").append(infeasible_line(a)).append("\n");
        if (!fix.empty()) s.append("hint: ").append(fix).append("\n");
    }
    return s;
}

void save_timeline(const std::vector<EstimateAnswer>& answers, const std::string& file) {
    if (file.empty()) return;
    if (answers.size() > 1)
        throw InputError({"--timeline"}, {}, "several deployments are compared: a timeline is of one");
    const EstimateAnswer& a = answers.front();
    if (a.estimate && a.estimate->simulation) write_timeline(file, *a.estimate->simulation);
}

std::string missed_objectives(const std::vector<EstimateAnswer>& answers) {
    std::string s;
    for (const EstimateAnswer& a : answers) {
        if (!a.estimate || a.estimate->meets_slo) continue;
        s.append("moecost: objective missed on ").append(column_name(a));
        const auto add = [&](const std::string& name, double limit, double value) {
            if (limit <= 0 || value <= limit) return;
            s.append(": ").append(name).append(" ").append(shown(FigureKind::seconds, value));
            s.append(", ").append(shown(FigureKind::seconds, limit)).append(" allowed");
        };
        const Slo& slo = a.scenario->slo;
        add(objective_name("TTFT", slo.ttft_level), slo.ttft_s, a.estimate->ttft_of_slo.value());
        add(objective_name("TPOT", slo.tpot_level), slo.tpot_s, a.estimate->tpot_of_slo.value());
        s.append("\n");
    }
    return s;
}

/// The question without the answer: model, machine, lengths, load and objectives.
std::string planned_options(const Description& d) {
    Description asked;
    asked.model = d.model;
    asked.gpu = d.gpu;
    asked.traffic = d.traffic;
    asked.isl = d.isl;
    asked.osl = d.osl;
    asked.load = d.load;
    asked.slo_ttft = d.slo_ttft;
    asked.slo_ttft_level = d.slo_ttft_level;
    asked.slo_tpot = d.slo_tpot;
    asked.slo_tpot_level = d.slo_tpot_level;
    return options_of(asked);
}

/// One deployment can be started; of several, many can be tried; an objective that is missed is planned for.
std::string next_of(const Comparison& comparison) {
    const EstimateAnswer& first = comparison.answers.front();
    if (comparison.answers.size() > 1) return "moecost sweep --example > grid.toml";
    if (!first.estimate) return {};
    const Description& d = first.description;
    if (!first.estimate->meets_slo && !d.model.empty() && !d.gpu.empty())
        return std::string("moecost plan ").append(planned_options(d));
    const bool starts = d.engine != "ideal" && d.edits.empty() && d.family.empty();
    return starts ? std::string("moecost launch ").append(options_of(d)) : std::string();
}

}   // namespace

namespace {

/// The load of the answer becomes the highest rate that meets the objectives.
std::optional<Infeasible> take_highest_rate(EstimateAnswer& answer) {
    Scenario& s = *answer.scenario;
    if (s.slo.ttft_s <= 0 && s.slo.tpot_s <= 0)
        throw InputError({"--max-rate"}, {}, "needs an objective",
                         "such as --slo-ttft p95:2s or --slo-tpot 50ms");
    const bool other = answer.description.load && !std::holds_alternative<OpenLoop>(*answer.description.load);
    if (other || !answer.description.trace.empty())
        throw InputError({"--max-rate"}, {}, "a load is given too: the rate is what is asked for");
    AnswerOptions how;
    how.by = answer.method.by;
    how.requests = answer.method.requests;
    how.seed = answer.method.seed;
    const Expected<PerSecond> rate = highest_rate(s, how);
    if (!rate) return rate.error();
    answer.max_rate = rate->value();
    const auto* open = std::get_if<OpenLoop>(&s.traffic.load);
    s.traffic.load = OpenLoop{answer.max_rate, open != nullptr ? open->burstiness : 1};
    answer.description.load = s.traffic.load;
    return std::nullopt;
}

void refuse(EstimateAnswer& answer, const DataStore& data, Infeasible why) {
    answer.why = std::move(why);
    // What the deployment itself can do needs no other: the objective or the way of answering does.
    if (answer.scenario && (answer.why.quantity == "time of a lone request" || evaluate(*answer.scenario)))
        return;
    answer.fix = smallest_fix(data, answer.description, answer.why);
}

}   // namespace

EstimateAnswer answer_for(const DataStore& data, const Description& description,
                          const MethodOptions& method) {
    EstimateAnswer answer;
    answer.description = description;
    answer.method = method;
    Expected<Scenario> scenario = describe(data, description);
    if (!scenario) {
        refuse(answer, data, scenario.error());
        return answer;
    }
    answer.scenario = std::move(*scenario);
    if (description.burstiness && !std::holds_alternative<OpenLoop>(answer.scenario->traffic.load))
        throw InputError({"--burstiness"}, {}, "is of requests that arrive at a rate", "--rate R");
    if (method.max_rate) {
        if (auto why = take_highest_rate(answer)) {
            refuse(answer, data, std::move(*why));
            return answer;
        }
    }
    const Expected<Estimate> estimate = answer_of(*answer.scenario, answer.description, method);
    if (!estimate) {
        refuse(answer, data, estimate.error());
        return answer;
    }
    answer.estimate = *estimate;
    compare_with_one_pool(*answer.scenario, *answer.estimate);
    answer.steps = explain(*answer.scenario, estimate->serving);
    return answer;
}

namespace {

/// "h100_sxm, concurrency 64": the values of what varies.
std::string column_of(const EstimateAnswer& a, const std::vector<const Input*>& varied) {
    std::string s;
    for (const Input* input : varied) {
        s.append(s.empty() ? "" : ", ");
        if (input->key != "gpu" && input->key != "model") s.append(input->key).append(" ");
        s.append(shown(*input, a.view()));
    }
    return s;
}

}   // namespace

Comparison comparison_for(const DataStore& data, const CommandLine& line, const MethodOptions& method) {
    Comparison comparison;
    Traces traces;
    std::vector<Description> descriptions;
    for (const CommandLine& one : expand(line, comparison.varied)) {
        descriptions.push_back(description_of(with_own_price(data, one)));
        read_trace(descriptions.back(), traces);
    }
    const std::string kind_of_prices = level_prices(data, descriptions);
    for (const Description& d : descriptions) comparison.answers.push_back(answer_for(data, d, method));
    for (EstimateAnswer& a : comparison.answers) {
        a.column = column_of(a, comparison.varied);
        if (!kind_of_prices.empty() && a.scenario) a.scenario->notes.push_back(kind_of_prices);
    }
    return comparison;
}

std::vector<Flag> estimate_flags() {
    std::vector<Flag> flags = description_flags();
    for (Flag& flag : flags) {
        if (flag.key == "gpu")
            flag.help =
                "accelerator (moecost list gpus); several, joined by commas, are compared, as are several "
                "values "
                "of any other input";
    }
    for (const Flag& flag : method_flags()) flags.push_back(flag);
    flags.push_back(
        {"scenario", "FILE", "Common", "TOML file with these options as keys; flags override it"});
    return flags;
}

Answer run_estimate(const Invocation& invocation) {
    refuse_words(invocation, "estimate");
    const MethodOptions method = method_options(invocation);
    Comparison comparison = comparison_for(invocation.data, invocation.line, method);
    save_timeline(comparison.answers, method.timeline);
    if (invocation.format == Format::text && !invocation.quiet)
        comparison.newest_price = newest_price_date(invocation.data);
    const std::vector<EstimateAnswer>& answers = comparison.answers;
    const bool any =
        std::any_of(answers.begin(), answers.end(), [](const auto& a) { return a.estimate.has_value(); });
    Answer answer;
    for (const EstimateAnswer& a : answers) {
        if (!a.scenario) continue;
        answer.messages = warning_lines(a.scenario->architecture);
        break;
    }
    // Why a column has no figures is said, however quiet; CSV and JSON hold the reason themselves.
    if (!any || !invocation.quiet || invocation.format == Format::text)
        answer.messages.append(infeasible_messages(answers));
    const std::string missed = missed_objectives(answers);
    const bool all_miss = any && std::none_of(answers.begin(), answers.end(), [](const auto& a) {
                              return a.estimate && a.estimate->meets_slo;
                          });
    if (all_miss) answer.messages.append(missed);
    answer.status = any && !all_miss ? answered : infeasible;
    answer.next = next_of(comparison);
    if (invocation.format == Format::json)
        answer.output = estimate_json(answers);
    else if (invocation.format == Format::csv)
        answer.output = estimate_csv(answers);
    else if (any)
        answer.output = estimate_text(comparison, invocation);
    return answer;
}

}   // namespace moecost::cli
