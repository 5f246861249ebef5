// SPDX-License-Identifier: Apache-2.0
#include "moecost/launch/benchmark.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "moecost/base/format.h"

namespace moecost {
namespace {

using Values = std::map<std::string, std::string, std::less<>>;

/// Long enough for ten rounds of a closed loop or two minutes of arrivals.
double requests_of(const Load& load) {
    constexpr double rounds = 10;
    constexpr double seconds = 120;
    constexpr double least = 100;
    const double size = size_of(load).value_or(0);
    if (std::holds_alternative<ClosedLoop>(load)) return std::max(least, std::ceil(rounds * size));
    if (std::holds_alternative<OpenLoop>(load)) return std::max(least, std::ceil(seconds * size));
    return size > 0 ? std::ceil(size) : 10 * least;
}

/// Lengths that are not equal lie evenly between 0.8 of the longest and the longest (traffic/traffic.h), so that the
/// longest is the mean over 0.9 and the standard deviation 0.2 of it over the root of 12.
void add_lengths(const Traffic& t, Values& v) {
    const double output = std::holds_alternative<PrefillOnly>(t.load) ? 1 : t.output;
    v["isl"] = shortest(std::round(t.input));
    v["osl"] = shortest(std::round(output));
    if (t.equal_lengths) {
        v["equal"] = "";
        return;
    }
    v["spread"] = "";
    v["isl_longest"] = shortest(std::round(t.input / 0.9));
    v["osl_longest"] = shortest(std::round(output / 0.9));
    v["isl_deviation"] = shortest(std::round(t.input / 0.9 * 0.2 / std::sqrt(12)));
}

Values values_of(const Traffic& t, std::string_view checkpoint, std::string_view url) {
    Values v;
    v["model"] = checkpoint;
    v["url"] = url;
    add_lengths(t, v);
    v["requests"] = shortest(requests_of(t.load));
    if (const auto* loop = std::get_if<ClosedLoop>(&t.load))
        v["concurrency"] = shortest(std::ceil(loop->concurrency));
    if (const auto* loop = std::get_if<OpenLoop>(&t.load)) v["rate"] = shortest(loop->rate);
    return v;
}

std::string filled_in(std::string text, const Values& values) {
    for (const auto& [name, value] : values) {
        const std::string mark = std::string("{").append(name).append("}");
        const std::size_t at = text.find(mark);
        if (at != std::string::npos) text.replace(at, mark.size(), value);
    }
    return text;
}

}   // namespace

std::vector<BenchmarkTool> load_benchmark_tools(const DataStore& data) {
    const Document document = data.open("workloads", "benchmarks", "list of load generators");
    const Reader r(document);
    r.allow_only({"schema", "date", "source", "tool"});
    std::vector<BenchmarkTool> tools;
    for (const Reader& item : r.tables("tool")) {
        item.allow_only({"name", "command", "source", "word"});
        BenchmarkTool tool{item.text("name"), item.texts("command"), {}};
        for (const Reader& word : item.tables("word")) {
            word.allow_only({"words", "when"});
            tool.words.push_back({word.text_or("when", ""), word.texts("words")});
        }
        tools.push_back(std::move(tool));
    }
    return tools;
}

BenchmarkTool benchmark_tool_named(const DataStore& data, std::string_view name) {
    std::vector<std::string> known;
    for (BenchmarkTool& tool : load_benchmark_tools(data)) {
        if (tool.name == name) return std::move(tool);
        known.push_back(tool.name);
    }
    std::string message("'");
    throw InputError({"--benchmark"}, {}, message.append(name).append("' is no load generator we know"),
                     name_hint(name, known));
}

Expected<std::vector<std::string>> benchmark_of(const BenchmarkTool& tool, const Traffic& t,
                                                std::string_view checkpoint, std::string_view url) {
    if (std::holds_alternative<DecodeOnly>(t.load) || std::holds_alternative<Replay>(t.load)) {
        Infeasible why{"no load generator asks for this load", {}, {}, 0, 0};
        why.detail = name_of(t.load);
        why.fix = "--concurrency N or --rate R";
        return why;
    }
    const Values values = values_of(t, checkpoint, url);
    std::vector<std::string> words = tool.command;
    for (const BenchmarkWords& part : tool.words) {
        if (!part.when.empty() && values.count(part.when) == 0) continue;
        for (const std::string& word : part.words) words.push_back(filled_in(word, values));
    }
    return words;
}

}   // namespace moecost
