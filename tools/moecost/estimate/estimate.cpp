// SPDX-License-Identifier: Apache-2.0
// The command `estimate`: one description, one answer for each accelerator named.
#include "estimate/estimate.h"
#include "text.h"

#include <algorithm>

namespace moecost::cli {
namespace {

std::vector<std::string> split(const std::string& list) {
    std::vector<std::string> parts;
    std::size_t at = 0;
    while (at <= list.size()) {
        const std::size_t end = std::min(list.find(',', at), list.size());
        parts.push_back(list.substr(at, end - at));
        at = end + 1;
    }
    return parts;
}

void apply_flags(Description& d, const CommandLine& line) {
    for (const Setting& s : line.settings) {
        if (s.key != "scenario") set_option(d, s.key, s.text, {std::string("--").append(s.key)});
    }
}

/// The scenario file first, then the flags over it: a load or a machine given as a flag replaces that of the file.
Description description_of(const CommandLine& line) {
    Description flags;
    apply_flags(flags, line);
    const std::string* file = line.find("scenario");
    if (file == nullptr) return flags;
    Description d;
    apply_scenario_file(d, read_document(*file));
    if (flags.load) d.load.reset();
    if (!flags.gpu.empty()) d.cluster.clear();
    if (!flags.cluster.empty()) d.gpu.clear();
    apply_flags(d, line);
    return d;
}

StepAnswer step_of(const StepShape& shape, const StepTime& time, std::vector<TimedOperation> operations) {
    StepAnswer s{shape, time, std::move(operations), {}, {}};
    for (const TimedOperation& op : s.operations) {
        const double seconds = op.timed.total.value() * op.operation.count;
        const auto bound = static_cast<std::size_t>(op.timed.bound());
        s.spent[bound] += seconds;
        s.spent_by_class[static_cast<std::size_t>(op.operation.op_class)][bound] += seconds;
    }
    constexpr auto host_class = static_cast<std::size_t>(OpClass::host);
    s.spent.back() = s.spent_by_class[host_class].back() = time.by_class[host_class].value();
    return s;
}

}   // namespace

std::size_t largest(const BoundTimes& spent) {
    return static_cast<std::size_t>(std::max_element(spent.begin(), spent.end()) - spent.begin());
}

double total(const BoundTimes& spent) {
    double sum = 0;
    for (const double s : spent) sum += s;
    return sum;
}

EstimateAnswer answer_for(const DataStore& data, const Description& description) {
    EstimateAnswer answer;
    answer.description = description;
    answer.scenario = describe(data, description);
    const Expected<Estimate> estimate = evaluate(answer.scenario);
    if (!estimate) {
        answer.why = estimate.error();
        answer.fix = smallest_fix(data, description);
        return answer;
    }
    answer.estimate = *estimate;
    const Serving& serving = estimate->serving;
    StepReport steps = explain(answer.scenario, serving);
    if (!steps.decode.empty()) {
        answer.decode = step_of(serving.decode_step, serving.decode_time, std::move(steps.decode));
    }
    if (!steps.prompt.empty()) {
        answer.prompt = step_of(serving.prompt_step, serving.prompt_time, std::move(steps.prompt));
    }
    return answer;
}

std::vector<Flag> estimate_flags() {
    std::vector<Flag> flags = description_flags();
    for (Flag& flag : flags) {
        if (flag.key == "gpu")
            flag.help = "accelerator (moecost list gpus); several, joined by commas, are compared";
    }
    flags.push_back(
        {"scenario", "FILE", "Common", "TOML file with these options as keys; flags override it"});
    return flags;
}

Answer run_estimate(const Invocation& invocation) {
    if (!invocation.line.positional.empty()) {
        throw InputError({invocation.line.positional[0]}, {}, "is not an option",
                         "moecost estimate --help lists them");
    }
    const Description description = description_of(invocation.line);
    const std::vector<std::string> gpus = split(description.gpu);
    if (gpus.size() > 1 && !description.cluster.empty()) {
        throw InputError({"--gpu"}, {}, "several accelerators are given, but --cluster names one machine");
    }
    std::vector<EstimateAnswer> answers;
    for (const std::string& gpu : gpus) {
        Description one = description;
        one.gpu = gpu;
        answers.push_back(answer_for(invocation.data, one));
    }
    Answer answer;
    const bool any =
        std::any_of(answers.begin(), answers.end(), [](const auto& a) { return a.estimate.has_value(); });
    answer.messages = warning_lines(answers.front().scenario.architecture);
    for (const EstimateAnswer& a : answers) {
        if (a.estimate || (any && invocation.quiet)) continue;
        const std::string fix = fix_line(a);
        answer.messages.append("moecost: ").append(infeasible_line(a)).append("\n");
        if (!fix.empty()) answer.messages.append("hint: ").append(fix).append("\n");
    }
    answer.status = any ? answered : infeasible;
    if (invocation.format == Format::json)
        answer.output = estimate_json(answers);
    else if (any && invocation.format == Format::csv)
        answer.output = estimate_csv(answers);
    else if (any)
        answer.output = estimate_text(answers, invocation);
    return answer;
}

}   // namespace moecost::cli
