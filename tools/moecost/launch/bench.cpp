// SPDX-License-Identifier: Apache-2.0
// `import bench`: results of load generators as a table of measured points.
#include <algorithm>
#include <array>

#include "launch/launch.h"
#include "moecost/estimate/inputs.h"
#include "moecost/launch/checkpoint.h"
#include "moecost/measured/predict.h"

namespace moecost::cli {
namespace {

constexpr std::string_view group = "Run (what a file does not say)";
constexpr std::array<std::string_view, 13> keys{
    "model",        "gpu",     "gpus", "engine",       "tp",          "pp",  "ep",
    "attention-dp", "weights", "kv",   "draft-tokens", "concurrency", "rate"};

}   // namespace

std::vector<Flag> run_flags() {
    std::vector<Flag> flags;
    for (const std::string_view key : keys) {
        const Input& input = *input_named(key);
        flags.push_back(Flag{input.key, input.argument, group, input.help, 0, input.aliases});
    }
    return flags;
}

MeasuredPoint run_point(const CommandLine& line) {
    Description d;
    for (const Setting& s : line.settings) {
        if (input_named(s.key) != nullptr) set_option(d, s.key, s.text, {std::string("--").append(s.key)});
    }
    MeasuredPoint p;
    p.model = d.model;
    p.gpu = d.gpu;
    p.engine = d.engine;
    p.weights = p.experts = d.weights;
    p.cache = d.kv;
    const auto number = [](const std::optional<int>& n) {
        return n ? std::optional<double>(*n) : std::nullopt;
    };
    p.gpus = number(d.gpus);
    p.tp = number(d.tp);
    p.pp = number(d.pp);
    p.ep = number(d.ep);
    p.attention_dp = number(d.attention_dp);
    if (p.tp && !p.attention_dp) p.attention_dp = 1;
    p.draft_tokens = d.draft_tokens;
    p.speculative = d.draft_tokens.value_or(0) > 0;
    if (d.load && std::holds_alternative<ClosedLoop>(*d.load)) p.concurrency = size_of(*d.load);
    if (d.load && std::holds_alternative<OpenLoop>(*d.load)) p.rate = size_of(*d.load);
    return p;
}

/// A run whose file does not say how experts lay: whole ones, where the engine launches no others in this layout.
void settle_experts(const DataStore& data, MeasuredPoint& p) {
    Description d;
    if (p.ep || !p.tp || !Predictor(data).describe_point(p, d).empty()) return;
    const auto refused = [&] {
        const Expected<Scenario> s = resolve(data, d);
        return s && launch_refusal(*s);
    };
    if (!refused()) return;
    d.ep = *d.tp * d.attention_dp.value_or(1);
    if (!refused()) p.ep = *d.ep;
}

std::vector<MeasuredPoint> bench_points(const Invocation& invocation, const std::string& file,
                                        std::string& messages) {
    std::vector<std::string> warnings;
    std::vector<MeasuredPoint> points =
        read_benchmark(read_input(file), file, run_point(invocation.line), &warnings);
    for (const std::string& warning : warnings) messages.append("warning: ").append(warning).append("\n");
    for (MeasuredPoint& p : points) {
        if (p.engine.empty())
            throw InputError({file}, {}, "does not say which engine served",
                             "--engine vllm, sglang or trtllm");
        if (p.model.empty()) throw InputError({file}, {}, "names no model", "--model NAME");
        if (const auto known = model_of(invocation.data, p.model)) {
            p.model = known->model;
            if (p.weights.empty()) p.weights = p.experts = known->weights;
        }
        settle_experts(invocation.data, p);
    }
    return points;
}

Answer import_bench(const Invocation& invocation) {
    const auto& given = invocation.line.positional;
    if (given.size() < 2)
        throw InputError({}, {}, "at least one file is needed",
                         "moecost import bench result.json --gpu h200_sxm --tp 8");
    if (invocation.format == Format::json)
        throw InputError({"--format"}, {}, "measured points are CSV alone", "leave --format out");
    std::vector<MeasuredPoint> points;
    Answer answer;
    for (std::size_t i = 1; i < given.size(); ++i) {
        const auto more = bench_points(invocation, given[i], answer.messages);
        points.insert(points.end(), more.begin(), more.end());
    }
    answer.output = points_csv(points);
    const bool nameless = std::any_of(points.begin(), points.end(), [](auto& p) { return p.gpu.empty(); });
    if (nameless) answer.messages.append("warning: no file names the accelerator: --gpu NAME does\n");
    const auto failed = std::count_if(points.begin(), points.end(), [](auto& p) { return p.suspect; });
    if (failed > 0)
        answer.messages.append("warning: more than 5 % of the requests failed, or the run was stopped, in ")
            .append(std::to_string(failed))
            .append(" of ")
            .append(std::to_string(points.size()))
            .append(" runs: suspect, validate leaves them out\n");
    return answer;
}

}   // namespace moecost::cli
