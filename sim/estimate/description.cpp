// SPDX-License-Identifier: Apache-2.0
#include "moecost/estimate/description.h"

#include <charconv>
#include <cmath>

#include "moecost/base/format.h"

namespace moecost {
namespace {

[[noreturn]] void reject(const Location& where, std::string_view text, std::string_view allowed) {
    std::string message("'");
    throw InputError(where, {}, message.append(text).append("' is not ").append(allowed));
}

double number(std::string_view text, const Location& where, double low, double high,
              std::string_view allowed) {
    double value = 0;
    const auto r = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool whole_text = r.ec == std::errc{} && r.ptr == text.data() + text.size();
    if (!whole_text || !(value >= low && value <= high)) reject(where, text, allowed);
    return value;
}

int degree(std::string_view text, const Location& where) {
    const double value = number(text, where, 1, 65536, "a whole number in 1..65536");
    if (value != std::floor(value)) reject(where, text, "a whole number in 1..65536");
    return static_cast<int>(value);
}

int choice(std::string_view text, const Location& where, int low) {
    std::string allowed("a whole number in ");
    allowed.append(std::to_string(low)).append("..").append(std::to_string(max_experts));
    const double value = number(text, where, low, max_experts, allowed);
    if (value != std::floor(value)) reject(where, text, allowed);
    return static_cast<int>(value);
}

double tokens(std::string_view text, const Location& where) {
    return number(text, where, 1, 1e8, "a number of tokens in 1..1e8");
}
double count(std::string_view text, const Location& where) {
    return number(text, where, 1e-3, 1e7, "a number in 0.001..1e7");
}

bool boolean(std::string_view text, const Location& where) {
    if (text == "true" || text.empty()) return true;
    if (text == "false") return false;
    reject(where, text, "true or false");
}

void set_load(Description& d, LoadKind load, double requests, const Location& where) {
    if (d.load && *d.load != load) {
        throw InputError(where, {},
                         "two loads are given: choose one of --concurrency, --rate, --offline, "
                         "--static-batch, --burst, --prefill-only, --decode-only");
    }
    d.load = load;
    d.requests = requests;
}

void add_edit(Description& d, std::string_view text, const Location& where) {
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos || equals == 0) reject(where, text, "an edit such as experts=64");
    d.edits.emplace_back(std::string(text.substr(0, equals)), std::string(text.substr(equals + 1)));
}

using Text = std::string_view;
using Where = const Location&;

constexpr Option options[] = {
    {"model", "NAME|FILE", "Model", "model of the library, our TOML, or a Hugging Face config.json",
     [](Description& d, Text t, Where) { d.model = t; }},
    {"family", "NAME|FILE", "Model", "in place of a model: a member of a family (moecost list families)",
     [](Description& d, Text t, Where) { d.family = t; }},
    {"size", "N", "Model", "dense-equivalent parameters of the member, without embeddings: 7e9, 7B",
     [](Description& d, Text t, Where w) { d.size = parse_size(t, w); }},
    {"experts", "E", "Model", "full-size experts of the member; 1 is dense",
     [](Description& d, Text t, Where w) { d.experts = choice(t, w, 1); }},
    {"top-k", "K", "Model", "full-size experts a token uses",
     [](Description& d, Text t, Where w) { d.top_k = choice(t, w, 1); }},
    {"granularity", "G", "Model", "parts of a full-size expert: E G are routed, K G used",
     [](Description& d, Text t, Where w) { d.granularity = choice(t, w, 1); }},
    {"shared-experts", "S", "Model", "of the K G parts that a token uses, those every token uses",
     [](Description& d, Text t, Where w) { d.shared_experts = choice(t, w, 0); }},
    {"weights", "FORMAT", "Model",
     "format of all GEMM weights: bf16, fp8, fp8-block, nvfp4, ... (default: as released)",
     [](Description& d, Text t, Where) { d.weights = t; }},
    {"expert-weights", "FORMAT", "Model", "format of the routed experts (default: as --weights)",
     [](Description& d, Text t, Where) { d.expert_weights = t; }},
    {"kv", "FORMAT", "Model", "format of the KV cache: bf16 or fp8",
     [](Description& d, Text t, Where) { d.kv = t; }},
    {"set", "KEY=VALUE", "Model", "what-if edit of the model, such as experts=64; may be repeated",
     [](Description& d, Text t, Where w) { add_edit(d, t, w); }},
    {"ignore-key", "KEY", "Model", "count a config.json without this key; may be repeated",
     [](Description& d, Text t, Where) { d.import.ignored_keys.emplace_back(t); }},
    {"text-only", "", "Model", "leave encoders of images and sound out",
     [](Description& d, Text t, Where w) { d.import.towers = !boolean(t, w); }},
    {"host-tables", "", "Model", "n-gram and per-layer tables lie in the memory of the host",
     [](Description& d, Text t, Where w) { d.import.tables_on_host = boolean(t, w); }},

    {"gpu", "NAME|FILE", "Hardware", "accelerator: h100_sxm, b200_sxm, ... (moecost list gpus)",
     [](Description& d, Text t, Where) { d.gpu = t; }},
    {"cluster", "NAME|FILE", "Hardware", "cluster: topology and network (default: the usual one of the GPU)",
     [](Description& d, Text t, Where) { d.cluster = t; }},
    {"gpus", "N", "Hardware", "GPUs in all; must equal tp x attention-dp x pp x replicas",
     [](Description& d, Text t, Where w) { d.gpus = degree(t, w); }},
    {"tp", "N", "Hardware", "tensor parallelism (default: all GPUs of the instance)",
     [](Description& d, Text t, Where w) { d.tp = degree(t, w); }},
    {"pp", "N", "Hardware", "pipeline stages", [](Description& d, Text t, Where w) { d.pp = degree(t, w); }},
    {"ep", "N", "Hardware", "expert parallelism",
     [](Description& d, Text t, Where w) { d.ep = degree(t, w); }},
    {"attention-dp", "N", "Hardware", "attention data parallelism",
     [](Description& d, Text t, Where w) { d.attention_dp = degree(t, w); }},
    {"replicas", "N", "Hardware", "identical instances",
     [](Description& d, Text t, Where w) { d.replicas = degree(t, w); }},
    {"all-to-all", "MODE", "Hardware",
     "expert exchange by DeepEP: low-latency or normal (default: collectives)",
     [](Description& d, Text t, Where) { d.exchange = t; }},

    {"engine", "NAME|FILE", "Engine", "vllm, sglang, trtllm, ideal (pure roofline) or a profile",
     [](Description& d, Text t, Where) { d.engine = t; }},
    {"chunk", "TOKENS", "Engine", "prompt tokens of one step and attention rank",
     [](Description& d, Text t, Where w) { d.chunk = tokens(t, w); }},
    {"max-sequences", "N", "Engine", "running sequences of an attention rank",
     [](Description& d, Text t, Where w) { d.max_sequences = count(t, w); }},
    {"memory-fraction", "SHARE", "Engine",
     "of device memory for the engine (TensorRT-LLM: of what weights leave)",
     [](Description& d, Text t, Where w) {
         d.memory_fraction = number(t, w, 0.01, 1, "a share in 0.01..1");
     }},
    {"reserve-gb", "GB", "Engine", "memory for runtime, graphs and activations",
     [](Description& d, Text t, Where w) {
         d.reserve_gb = number(t, w, 0, 1e4, "a number of GB in 0..10000");
     }},
    {"admission-steps", "N", "Engine", "decode steps between two polls for new requests",
     [](Description& d, Text t, Where w) { d.admission_steps = number(t, w, 0, 1e6, "a number in 0..1e6"); }},

    {"draft-tokens", "N", "Engine", "tokens drafted per decode step (speculative decoding, MTP)",
     [](Description& d, Text t, Where w) { d.draft_tokens = number(t, w, 0, 64, "a number in 0..64"); }},
    {"acceptance", "SHARE", "Engine", "chance that a drafted token is accepted (default: of the profile)",
     [](Description& d, Text t, Where w) { d.acceptance = number(t, w, 0, 1, "a share in 0..1"); }},

    {"traffic", "NAME|FILE", "Traffic", "lengths of a known workload (moecost list traffic)",
     [](Description& d, Text t, Where) { d.traffic = t; }},
    {"isl", "TOKENS", "Traffic", "mean prompt length",
     [](Description& d, Text t, Where w) { d.isl = tokens(t, w); }},
    {"osl", "TOKENS", "Traffic", "mean output length",
     [](Description& d, Text t, Where w) { d.osl = tokens(t, w); }},
    {"cached", "SHARE", "Traffic", "of prompt tokens found in the prefix cache",
     [](Description& d, Text t, Where w) {
         d.prefix_hit_rate = number(t, w, 0, 0.999, "a share in 0..0.999");
     }},
    {"equal-lengths", "", "Traffic", "every request has exactly these lengths",
     [](Description& d, Text t, Where w) { d.equal_lengths = boolean(t, w); }},
    {"concurrency", "N", "Traffic", "requests in flight per instance at all times (default 64)",
     [](Description& d, Text t, Where w) { set_load(d, LoadKind::closed_loop, count(t, w), w); }},
    {"rate", "R", "Traffic", "requests per second per instance",
     [](Description& d, Text t, Where w) { set_load(d, LoadKind::rate, count(t, w), w); }},
    {"offline", "", "Traffic", "an endless queue: largest throughput",
     [](Description& d, Text t, Where w) {
         if (boolean(t, w)) set_load(d, LoadKind::offline, 0, w);
     }},
    {"static-batch", "N", "Traffic", "one batch at once, no arrivals",
     [](Description& d, Text t, Where w) { set_load(d, LoadKind::static_batch, count(t, w), w); }},
    {"burst", "N", "Traffic", "requests that arrive at once on an idle server",
     [](Description& d, Text t, Where w) { set_load(d, LoadKind::burst, count(t, w), w); }},
    {"prefill-only", "", "Traffic", "prompts only, saturated",
     [](Description& d, Text t, Where w) {
         if (boolean(t, w)) set_load(d, LoadKind::prefill_only, 0, w);
     }},
    {"decode-only", "N", "Traffic", "sequences decoding, no prompts",
     [](Description& d, Text t, Where w) { set_load(d, LoadKind::decode_only, count(t, w), w); }},
    {"slo-ttft", "TIME", "Traffic", "largest mean time to first token, such as 2s",
     [](Description& d, Text t, Where w) { d.slo_ttft = parse_duration(t, w); }},
    {"slo-tpot", "TIME", "Traffic", "largest mean time per output token, such as 50ms",
     [](Description& d, Text t, Where w) { d.slo_tpot = parse_duration(t, w); }},

    {"price", "USD|BASIS", "Price", "dollars per GPU-hour, or a basis (moecost list prices)",
     [](Description& d, Text t, Where) { d.price = t; }},
    {"blend", "N", "Price", "input tokens per output token of the blended price (default 3)",
     [](Description& d, Text t, Where w) { d.blend = number(t, w, 0, 1e6, "a number in 0..1e6"); }},
};

std::string as_text(const Reader& r, std::string_view key) {
    const Value& value = *r.raw(key);
    if (const auto* s = std::get_if<std::string>(&value.content)) return *s;
    if (const auto* b = std::get_if<bool>(&value.content)) return *b ? "true" : "false";
    if (const auto* i = std::get_if<std::int64_t>(&value.content)) return std::to_string(*i);
    if (const auto* d = std::get_if<double>(&value.content)) return shortest(*d);
    r.fail(key, "expected a text, a number or true/false");
}

}   // namespace

std::span<const Option> description_options() { return options; }

FamilyRequest member_request(const Description& d) {
    return {d.size.value_or(0), d.experts.value_or(0), d.top_k.value_or(0), d.granularity.value_or(0),
            d.shared_experts.value_or(-1)};
}

double parse_size(std::string_view text, const Location& where) {
    constexpr std::string_view allowed = "a size in 1e6..1e15 parameters, such as 7e9, 7B or 350M";
    double unit = 1;
    std::string_view digits = text;
    constexpr std::pair<std::string_view, double> units[] = {
        {"kK", 1e3}, {"mM", 1e6}, {"bB", 1e9}, {"tT", 1e12}};
    for (const auto& [letters, factor] : units) {
        if (text.empty() || letters.find(text.back()) == std::string_view::npos) continue;
        unit = factor;
        digits.remove_suffix(1);
    }
    double value = 0;
    const auto r = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    const bool whole_text = r.ec == std::errc{} && r.ptr == digits.data() + digits.size();
    if (!whole_text || !(value * unit >= 1e6 && value * unit <= 1e15)) reject(where, text, allowed);
    return value * unit;
}

double parse_duration(std::string_view text, const Location& where) {
    double unit = 1;
    std::string_view digits = text;
    if (text.ends_with("ms")) {
        unit = 1e-3;
        digits.remove_suffix(2);
    } else if (text.ends_with("us")) {
        unit = 1e-6;
        digits.remove_suffix(2);
    } else if (text.ends_with("s")) {
        digits.remove_suffix(1);
    }
    double value = 0;
    const auto r = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (r.ec != std::errc{} || r.ptr != digits.data() + digits.size() ||
        !(value * unit > 0 && value * unit < 1e9)) {
        reject(where, text, "a positive time such as 2s or 50ms");
    }
    return value * unit;
}

void set_option(Description& description, std::string_view key, std::string_view text,
                const Location& where) {
    for (const Option& option : options) {
        if (option.key == key) return option.apply(description, text, where);
    }
    std::vector<std::string> names;
    for (const Option& option : options) names.emplace_back(option.key);
    throw InputError(where, key, "unknown key", name_hint(key, names));
}

void apply_scenario_file(Description& description, const Document& document) {
    const Reader r(document);
    for (const std::string& key : r.keys()) {
        if (key == "schema") continue;
        if (key == "set") {
            const Reader edits = r.table(key);
            for (const std::string& name : edits.keys())
                description.edits.emplace_back(name, as_text(edits, name));
            continue;
        }
        std::string flag = key;
        for (char& c : flag) c = c == '_' ? '-' : c;
        Location where = r.where(key);
        where.key = key;
        set_option(description, flag, as_text(r, key), where);
    }
}

}   // namespace moecost
