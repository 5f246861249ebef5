// SPDX-License-Identifier: Apache-2.0
#include "memory/memory_logs.h"

#include <algorithm>
#include <cmath>

#include "moecost/hardware/engine_rules.h"
#include "moecost/model/cache.h"
#include "moecost/model/library.h"
#include "moecost/serving/engine_weights.h"
#include "moecost/serving/memory.h"
#include "moecost/serving/pages.h"
#include "moecost/serving/reserve.h"

namespace memory_logs {
namespace {

using namespace moecost;

class Row {
  public:
    Row(const CsvTable& table, std::size_t row) : table_(table), row_(row) {}
    [[nodiscard]] std::string text(std::string_view column) const {
        return std::string(table_.text(row_, table_.column(column)));
    }
    [[nodiscard]] std::optional<double> number(std::string_view column) const {
        return table_.number(row_, table_.column(column));
    }
    [[nodiscard]] int degree(std::string_view column) const {
        return static_cast<int>(number(column).value_or(1));
    }
    [[nodiscard]] bool suspects(std::string_view words) const {
        return text("suspect").find(words) != std::string::npos;
    }

  private:
    const CsvTable& table_;
    std::size_t row_;
};

/// Why a row says nothing about the laws; empty: it does.
std::string unusable(const Row& r) {
    if (!r.text("repeat_of").empty()) return "repeats another row";
    if (r.text("in_library") != "1") return "model not in the library";
    if (r.text("options").find("V0 engine") != std::string::npos)
        return "V0 engine, before the first known version";
    if (r.suspects("unified memory")) return "host and device share their memory";
    if (r.suspects("other processes")) return "other processes hold memory";
    if (r.suspects("terms do not add up")) return "terms of the log do not add up";
    if (r.suspects("draft layer") || r.suspects("layout not seen")) return "draft model or layout not known";
    if (r.text("weight_format").find("-g") != std::string::npos) return "group size is no format of ours";
    return {};
}

std::optional<DType> format_of(std::string name) {
    if (name == "fp8-block128") name = "fp8-block";
    return dtype_named(name);
}

/// The released precision where the row names its formats, else those of the row.
std::optional<Precision> precision_of(const Row& r, const Architecture& a) {
    const std::string text = r.text("weight_format");
    const std::size_t slash = text.find('/');
    const auto attention = format_of(text.substr(0, slash));
    const auto experts = slash == std::string::npos ? attention : format_of(text.substr(slash + 1));
    if (!attention || !experts) return std::nullopt;
    Precision p = a.precision;
    const bool blocks = p.attention == DType::fp8_block && attention == DType::fp8;   // logs say fp8 for both
    if (p.attention != *attention && !blocks) p = p.with_weights(*attention);
    bool dense = true;
    for (const FfnGroup& g : a.ffns) dense = dense && std::holds_alternative<DenseFfn>(g.kind);
    if (!dense && !blocks) p.routed_experts = *experts;
    if (dense && slash != std::string::npos) p.dense_ffn = *experts;
    if (*attention == DType::fp32) p.embeddings = p.head = DType::fp32;
    const std::string kv = r.text("kv_dtype");
    p.kv_cache = format_of(kv).value_or(DType::bf16);
    return p;
}

/// Terms of the version of the log; of its date where it states none.
EngineVersion version_of_row(const Row& r, const EngineMemory& memory) {
    if (const auto v = version_of(r.text("engine_version"))) return *v;
    EngineVersion found = memory.terms.empty() ? memory.version : memory.terms.front().since;
    for (const auto& row : memory.terms) {
        if (row.released <= r.text("source_date")) found = row.since;
    }
    return found;
}

struct Machine {
    Accelerator gpu;
    bool known = false;
};

Machine machine_of(const DataStore& data, const Row& r) {
    Machine m;
    if (!r.text("gpu").empty()) return {load_accelerator(data, r.text("gpu")), true};
    m.gpu.memory = Bytes{r.number("gpu_total_gib").value_or(0) * gib};
    m.known = m.gpu.memory.value() > 0;
    return m;
}

EngineSettings settings_of(const Row& r, const EngineRules& rules, const Accelerator& gpu) {
    EngineSettings s = default_settings(rules, gpu.generation);
    s.reserve.reset();
    if (const auto chunk = r.number("max_batched_tokens")) s.chunk_tokens = *chunk;
    if (const auto n = r.number("max_seqs")) s.max_sequences = *n;
    s.memory_fraction = r.number("memory_fraction").value_or(0);
    if (r.text("options").find("draft layer loaded") != std::string::npos) s.draft_tokens = 1;
    return s;
}

/// Logs count tokens as bytes of the pool over bytes of a token where every layer keeps every token.
bool counts_tokens(const Architecture& a) {
    for (const MixerGroup& g : a.mixers) {
        const auto* grouped = std::get_if<GroupedAttention>(&g.kind);
        const bool plain = grouped != nullptr && grouped->window == 0;
        if (!plain && !std::holds_alternative<LatentAttention>(g.kind)) return false;
    }
    return true;
}

Figures logged(const Row& r) {
    return {r.number("weights_gib"),          r.number("activation_gib"), r.number("non_torch_gib"),
            r.number("graphs_estimated_gib"), r.number("kv_gib"),         r.number("kv_tokens")};
}

}   // namespace

std::variant<Comparison, std::string> compare(const DataStore& data, const CsvTable& table, std::size_t row) {
    const Row r(table, row);
    if (std::string why = unusable(r); !why.empty()) return why;
    const Architecture a = load_model(data, r.text("model"));
    const auto precision = precision_of(r, a);
    if (!precision) return "format of the weights not known";
    const Machine machine = machine_of(data, r);
    if (!machine.known) return "GPU not known";
    EngineRules rules = load_engine_rules(data, r.text("engine"));
    rules.memory.version = version_of_row(r, rules.memory);
    Comparison c{r.text("id"),
                 r.text("engine"),
                 r.text("engine_version"),
                 r.text("model"),
                 machine.gpu.id,
                 r.text("source").find("llm-d-planner") != std::string::npos,
                 !r.text("suspect").empty(),
                 logged(r),
                 {}};
    const Layout layout{
        .tp = r.degree("tp"), .pp = r.degree("pp"), .ep = r.degree("ep"), .attention_dp = r.degree("dp")};
    const WeightBytes weights = weight_bytes(a, *precision);
    const EngineSettings settings = settings_of(r, rules, machine.gpu);
    Cluster cluster;
    cluster.gpu = machine.gpu;
    const MemoryInput input{a, *precision, weights, layout, cluster, settings, &rules};
    const MemoryTerms& terms = *input.terms();
    c.predicted.weights = (weights_per_gpu(weights, layout) +
                           extra_weights(a, *precision, layout, machine.gpu.generation, rules.memory))
                              .value() /
                          gib;
    c.predicted.activation = activation_peak(a, layout, settings, terms).value() / gib;
    c.predicted.other = other_memory(layout, terms).value() / gib;
    c.predicted.graphs = graph_memory(a, layout, terms).value() / gib;
    if (!r.number("memory_fraction")) return c;
    const Expected<MemoryPlan> plan = memory_left(input);
    if (!plan) return c;
    c.predicted.cache = plan->cache.value() / gib;
    const Bytes token = kv_bytes_per_token(a, precision->kv_cache, layout.tp) / layout.pp;
    if (counts_tokens(a))
        c.predicted.tokens = std::floor(plan->cache / (token * terms.block_tokens)) * terms.block_tokens;
    return c;
}

Errors summarise(std::vector<double> errors) {
    for (double& e : errors) e = std::abs(e);
    std::sort(errors.begin(), errors.end());
    if (errors.empty()) return {};
    const auto at = [&](double q) {
        return errors[static_cast<std::size_t>(std::ceil(q * static_cast<double>(errors.size()))) - 1];
    };
    return {errors.size(), at(0.5), at(0.9), errors.back()};
}

}   // namespace memory_logs
