// SPDX-License-Identifier: Apache-2.0
#include "moecost/measured/benchmark_point.h"

#include <algorithm>
#include <cmath>

#include "moecost/base/format.h"

namespace moecost::bench {
namespace {

std::string stem_of(const std::string& file) {
    const std::string name = file.substr(file.rfind('/') + 1);
    return name.substr(0, name.rfind('.'));
}

std::string lower(std::string_view text) {
    std::string s(text);
    for (char& c : s) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return s;
}

Number layout_gpus(const MeasuredPoint& p) {
    return p.tp ? Number(*p.tp * p.attention_dp.value_or(1) * p.pp.value_or(1)) : std::nullopt;
}

double gpus_of(const MeasuredPoint& p, const Location& where) {
    const Number layout = layout_gpus(p);
    const Number gpus = p.gpus ? p.gpus : layout;
    if (!gpus)
        throw InputError(where, {}, "does not say on how many GPUs it ran",
                         "--gpus N, or --tp N with the rest of the layout");
    if (layout && (*gpus < *layout || std::fmod(*gpus, *layout) != 0)) {
        std::string message(shortest(*gpus));
        message.append(" GPUs are no multiple of the ").append(shortest(*layout));
        throw InputError(where, {}, message.append(" of tp x attention dp x pp"),
                         "leave --gpus out, or mend the layout");
    }
    return *gpus;
}

/// The person's number must be that of a file which states its own.
void settle(Number& given, Number stated, std::string_view option, const Location& where) {
    if (!given) given = stated;
    if (!stated || *given == *stated) return;
    std::string message(option);
    message.append(" ").append(shortest(*given)).append(" is given, the file says ");
    throw InputError(where, {}, message.append(shortest(*stated)),
                     std::string("leave ").append(option).append(" out"));
}

}   // namespace

Number optional(const Reader& r, std::string_view key) {
    const Value* v = r.raw(key);
    if (v == nullptr || std::holds_alternative<std::string>(v->content)) return std::nullopt;
    const double value = r.number(key, {-1e308, std::numeric_limits<double>::infinity()});
    return std::isfinite(value) ? Number(value) : std::nullopt;
}

std::string text_if_any(const Reader& r, std::string_view key) {
    const Value* v = r.raw(key);
    if (v == nullptr) return {};
    const auto* list = std::get_if<Value::Array>(&v->content);
    if (list != nullptr) v = list->empty() ? nullptr : &list->front();
    const auto* text = v != nullptr ? std::get_if<std::string>(&v->content) : nullptr;
    return text != nullptr ? *text : std::string();
}

std::optional<Reader> table_if_any(const Reader& r, std::string_view key) {
    const Value* v = r.raw(key);
    if (v == nullptr || !std::holds_alternative<Value::Table>(v->content)) return std::nullopt;
    return r.table(key);
}

std::string engine_named(std::string_view given) {
    const std::string name = lower(given);
    const auto has = [&name](std::string_view part) { return name.find(part) != std::string::npos; };
    for (const auto& [part, engine] :
         {std::pair{"sglang", "sglang"}, {"vllm", "vllm"}, {"trt", "trtllm"}, {"tensorrt", "trtllm"}}) {
        if (has(part)) return engine;
    }
    const bool protocol = has("openai") || has("triton") || has("http") || has("dynamic");
    return protocol ? std::string() : name;
}

void set_engine(MeasuredPoint& p, const Beside& beside, std::string_view name) {
    const std::string stated = engine_named(name);
    if (p.engine.empty()) p.engine = stated;
    if (stated.empty() || p.engine == stated || beside.warnings == nullptr) return;
    std::string line(p.id);
    line.append(": --engine ").append(p.engine).append(" is given, the file says ").append(name);
    beside.warnings->push_back(line.append(": the former is taken"));
}

MeasuredPoint started(const Beside& beside, const std::string& file, std::string_view tool) {
    MeasuredPoint p = beside.known;
    p.id = stem_of(file);
    p.source = std::string(tool);
    return p;
}

void set_load(MeasuredPoint& p, const Location& where, Number rate, Number concurrency) {
    if (!p.scenario.empty()) return;
    settle(p.concurrency, concurrency, "--concurrency", where);
    settle(p.rate, rate, "--rate", where);
    p.scenario = p.rate ? "request_rate" : p.concurrency ? "closed_loop" : "burst";
}

void need_load(const MeasuredPoint& p, const Location& where) {
    if (p.scenario == "burst" && !p.prompts)
        throw InputError(where, {}, "names neither concurrency nor request rate",
                         "--concurrency N or --rate R");
}

void set_throughput(MeasuredPoint& p, double output, Number total, const Location& where) {
    const double gpus = gpus_of(p, where);
    p.gpus = gpus;
    p.output_per_gpu = output / gpus;
    if (!total) return;
    p.total_per_gpu = *total / gpus;
    if (output <= *total) return;
    std::string message(shortest(output));
    message.append(" output tokens/s are more than the ").append(shortest(*total));
    throw InputError(where, {}, message.append(" of prompts and answers together"));
}

bool many_failed(Number failed, Number completed) { return failed && completed && *failed * 20 > *completed; }

}   // namespace moecost::bench
