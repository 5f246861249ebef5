// SPDX-License-Identifier: Apache-2.0
// Quantisation as the tools write it: fp8, mxfp4, AWQ, GPTQ, auto-round, bitsandbytes, HQQ, torchao, Quark, modelopt,
// compressed-tensors, W4A-fp8. One reader per tool; a table it does not understand is an error, never a guess of bf16.
#include <algorithm>
#include <map>

#include "moecost/model/huggingface/module_lists.h"
#include "moecost/model/huggingface/quantisation.h"

namespace moecost {
namespace {

/// Fails, or tells what was left out where the caller states the format of the weights.
void not_understood(const HfConfig& config, const Reader& table, std::string_view key, std::string message) {
    if (!config.options->weights_stated)
        table.fail(key, message, "--weights FORMAT states the number format");
    config.note(message.append(": the format given is taken"));
}

/// Format by the name of an algorithm such as NVFP4, FP8_PB_WO, W4A16_AWQ.
std::optional<DType> format_named(std::string_view algorithm) {
    const auto has = [algorithm](std::string_view part) {
        return algorithm.find(part) != std::string_view::npos;
    };
    if (has("NVFP4")) return DType::nvfp4;
    if (has("MXFP4")) return DType::mxfp4;
    if (has("MXFP8")) return DType::mxfp8;
    if (has("FP8_PB")) return DType::fp8_block;
    if (has("W4") || has("INT4")) return DType::int4;
    if (has("FP8")) return DType::fp8;
    if (has("INT8") || has("W8")) return DType::int8;
    return std::nullopt;
}

/// Whole numbers of `bits` in groups of `group` weights (-1: one scale per output), with or without a packed zero point.
std::optional<DType> integer_format(std::int64_t bits, std::int64_t group, bool zero_point) {
    if (bits == 16) return DType::bf16;
    const bool channel = group <= 0 || group > 4096;
    if (bits == 8)
        return channel ? DType::int8 : group == 128 ? std::optional(DType::int8_g128) : std::nullopt;
    if (bits == 4 && channel) return DType::int4_channel;
    if (bits == 4 && group == 32) return zero_point ? DType::int4_zp : DType::int4;
    if (bits == 4 && group == 64) return zero_point ? DType::int4_zp_g64 : DType::int4_g64;
    if (bits == 4 && group == 128) return zero_point ? DType::int4_zp_g128 : DType::int4_g128;
    if (bits == 3 && group == 128) return DType::int3_g128;
    if (bits == 2 && group == 128) return DType::int2_g128;
    return std::nullopt;
}

/// The former, or an error that names bits and group.
DType integer_format_of(const HfConfig& config, const Reader& table, std::string_view key, std::int64_t bits,
                        std::int64_t group, bool zero_point) {
    if (const auto format = integer_format(bits, group, zero_point)) return *format;
    std::string message(std::to_string(bits));
    message.append(" bits in groups of ")
        .append(std::to_string(group))
        .append(" are not a format known here");
    not_understood(config, table, key, message);
    return DType::bf16;
}

/// Format of a compressed-tensors group: {num_bits, type, group_size, strategy, symmetric}.
DType format_of_group(const HfConfig& config, const Reader& group, std::string_view config_format) {
    const Reader weights = group.table("weights");
    const auto bits = weights.integer("num_bits", 2, 16);
    const auto size = weights.integer_or("group_size", -1, -1, 100'000);
    if (bits == 16) return DType::bf16;
    if (weights.text_or("type", "int") == "int")
        return integer_format_of(config, weights, "group_size", bits, size,
                                 !weights.flag_or("symmetric", true));
    const std::string format = group.text_or("format", config_format);
    if (bits == 8 && format.starts_with("mxfp8")) return DType::mxfp8;
    if (bits == 8) return weights.text_or("strategy", "") == "block" ? DType::fp8_block : DType::fp8;
    const bool mx = format.starts_with("mxfp4") || size == 32;
    return mx ? DType::mxfp4 : DType::nvfp4;
}

void read_groups(const HfConfig& config, const Reader& table, Scheme& scheme) {
    const Reader groups = table.table("config_groups");
    const std::string format = table.text_or("format", "");
    for (const std::string& name : groups.keys()) {
        const Reader group = groups.table(name);
        if (!group.has("weights")) continue;
        const DType type = format_of_group(config, group, format);
        const std::vector<std::string> targets =
            group.has("targets") ? group.texts("targets") : std::vector<std::string>{"Linear"};
        if (std::find(targets.begin(), targets.end(), "Linear") != targets.end()) {
            scheme.rules.push_back({std::nullopt, type});
            scheme.head = table.text_or("quant_method", "") == "compressed-tensors";
            continue;
        }
        for (ListedModules& target : listed(config, group, "targets", targets)) {
            scheme.rules.push_back({std::move(target), type});
        }
    }
}

/// MIXED_PRECISION: the algorithm of every module by name.
void read_quantised_layers(const HfConfig& config, const Reader& table, Scheme& scheme) {
    if (!table.has("quantized_layers")) return;
    const Reader layers = table.table("quantized_layers");
    std::map<DType, std::vector<std::string>> by_format;
    for (const std::string& name : layers.keys()) {
        const auto format = format_named(layers.table(name).text_or("quant_algo", ""));
        if (format) by_format[*format].push_back(name);
    }
    for (const auto& [format, names] : by_format) {
        for (ListedModules& target : listed(config, table, "quantized_layers", names)) {
            scheme.rules.push_back({std::move(target), format});
        }
    }
}

void read_ignored(const HfConfig& config, const Reader& table, Scheme& scheme) {
    for (const std::string_view key :
         {"modules_to_not_convert", "ignore", "exclude_modules", "ignored_layers", "exclude",
          "llm_int8_skip_modules", "skip_modules"}) {
        if (!table.has(key)) continue;
        for (ListedModules& modules : listed(config, table, key, table.texts(key)))
            scheme.ignored.push_back(std::move(modules));
    }
}

bool is_text(const Reader& table, std::string_view key) {
    const Value* value = table.raw(key);
    return value != nullptr && std::holds_alternative<std::string>(value->content);
}

std::string upper(std::string text) {
    for (char& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    return text;
}

/// A table {num_bits, type}, or the name of the format.
void read_kv_cache(const Reader& table, Scheme& scheme) {
    if (table.has("kv_cache_quant_algo")) scheme.kv_cache = format_named(table.text("kv_cache_quant_algo"));
    if (!table.has("kv_cache_scheme")) return;
    if (is_text(table, "kv_cache_scheme")) {
        scheme.kv_cache = format_named(upper(table.text("kv_cache_scheme")));
        return;
    }
    const Reader inner = table.table("kv_cache_scheme");
    if (inner.integer("num_bits", 4, 16) == 8) {
        scheme.kv_cache = inner.text_or("type", "float") == "int" ? DType::int8 : DType::fp8;
    }
}

void every_linear(Scheme& scheme, DType format) { scheme.rules.push_back({std::nullopt, format}); }

void read_algorithm(const HfConfig& config, const Reader& table, const std::string& algorithm,
                    Scheme& scheme) {
    if (algorithm == "MIXED_PRECISION") return read_quantised_layers(config, table, scheme);
    auto format = format_named(algorithm);
    const auto group = table.integer_or("group_size", -1, -1, 100'000);
    if (format == DType::int4 && group > 0)
        format = integer_format_of(config, table, "group_size", 4, group, false);
    if (format) return every_linear(scheme, *format);
    not_understood(config, table, "quant_algo",
                   std::string("'").append(algorithm).append("' is not an algorithm known here"));
}

/// {module: {bits, group_size}} of auto-round: modules with a format of their own, 16 bit among them.
void read_extra_config(const HfConfig& config, const Reader& table, std::int64_t group, bool zero_point,
                       Scheme& scheme) {
    if (!table.has("extra_config")) return;
    const Reader extra = table.table("extra_config");
    std::map<DType, std::vector<std::string>> by_format;
    for (const std::string& name : extra.keys()) {
        const Reader module = extra.table(name);
        const auto bits = module.integer_or("bits", 16, 1, 32);
        const auto own = module.integer_or("group_size", group, -1, 100'000);
        const bool zero = module.flag_or("sym", !zero_point) ? zero_point : true;
        by_format[bits >= 16 ? DType::bf16 : integer_format_of(config, module, "bits", bits, own, zero)]
            .push_back(name);
    }
    for (const auto& [format, names] : by_format)
        for (ListedModules& target : listed(config, table, "extra_config", names))
            scheme.rules.push_back({std::move(target), format});
}

/// {"-:regex": {}} of GPTQModel skips modules, {"+:regex": {bits, group_size}} gives them a format of their own.
void read_dynamic(const HfConfig& config, const Reader& table, std::int64_t bits, std::int64_t group,
                  Scheme& scheme) {
    if (!table.has("dynamic")) return;
    const Reader dynamic = table.table("dynamic");
    for (const std::string& key : dynamic.keys()) {
        const bool skips = key.starts_with("-:");
        std::string expression("re:.*");
        expression.append(skips || key.starts_with("+:") ? key.substr(2) : key);
        if (skips) {
            scheme.ignored.push_back({ModulePattern(expression)});
            continue;
        }
        const Reader own = dynamic.table(key);
        scheme.rules.push_back({ListedModules{ModulePattern(expression)},
                                integer_format_of(config, own, "bits", own.integer_or("bits", bits, 2, 16),
                                                  own.integer_or("group_size", group, -1, 100'000), true)});
    }
}

/// AWQ, GPTQ and auto-round: bits and groups; GPTQ packs zero points even where they are all the same.
void read_groupwise(const HfConfig& config, const Reader& table, bool always_zero_point, Scheme& scheme) {
    const auto bits = table.integer_or("bits", table.integer_or("w_bit", 4, 2, 16), 2, 16);
    const auto group =
        table.integer_or("group_size", table.integer_or("q_group_size", 128, -1, 100'000), -1, 100'000);
    const bool zero_point = always_zero_point || table.flag_or("zero_point", !table.flag_or("sym", false));
    read_dynamic(config, table, bits, group, scheme);
    read_extra_config(config, table, group, zero_point, scheme);
    every_linear(scheme, integer_format_of(config, table, "group_size", bits, group, zero_point));
    const Value* head = table.raw("lm_head");
    scheme.head =
        head != nullptr && std::holds_alternative<bool>(head->content) && std::get<bool>(head->content);
}

void read_bitsandbytes(const HfConfig& config, const Reader& table, Scheme& scheme) {
    if (table.flag_or("load_in_4bit", table.flag_or("_load_in_4bit", false))) {
        const bool doubled = table.flag_or("bnb_4bit_use_double_quant", false);
        return every_linear(scheme, doubled ? DType::nf4_double : DType::nf4);
    }
    if (table.flag_or("load_in_8bit", table.flag_or("_load_in_8bit", false)))
        return every_linear(scheme, DType::int8);
    not_understood(config, table, "quant_method", "bitsandbytes with neither load_in_4bit nor load_in_8bit");
}

/// {quant_config: {weight_quant_params: {nbits, group_size}}}: scale and zero in 16 bit each per group.
void read_hqq(const HfConfig& config, const Reader& table, Scheme& scheme) {
    const Reader outer = table.has("quant_config") ? table.table("quant_config") : table;
    const Reader weights = outer.has("weight_quant_params") ? outer.table("weight_quant_params") : outer;
    const auto bits = weights.integer_or("nbits", weights.integer_or("bits", 4, 1, 16), 1, 16);
    const auto group = weights.integer_or("group_size", 64, -1, 100'000);
    // Two 16-bit numbers per group take what one takes per half a group.
    if (bits == 4 && (group == 64 || group == 128))
        return every_linear(scheme, group == 64 ? DType::int4 : DType::int4_g64);
    if (bits == 8) return every_linear(scheme, group == 128 ? DType::int8_g128 : DType::int8);
    not_understood(config, weights, "nbits", "HQQ with other than 4 bits in groups of 64 or 128, or 8 bits");
}

/// "int4_weight_only", or {default: {_type: Int4WeightOnlyConfig, _data: {group_size}}}.
void read_torchao(const HfConfig& config, const Reader& table, Scheme& scheme) {
    std::string type;
    std::int64_t group = 128;
    if (is_text(table, "quant_type")) {
        type = table.text("quant_type");
        if (table.has("quant_type_kwargs"))
            group = table.table("quant_type_kwargs").integer_or("group_size", group, -1, 100'000);
    } else {
        const Reader wrapped = table.table("quant_type");
        const Reader inner = wrapped.has("default") ? wrapped.table("default") : wrapped;
        type = inner.text("_type");
        if (inner.has("_data")) group = inner.table("_data").integer_or("group_size", group, -1, 100'000);
    }
    const std::string name = upper(type);
    if (name.find("INT4WEIGHT") != std::string::npos || name.find("INT4_WEIGHT") != std::string::npos)
        return every_linear(
            scheme, integer_format_of(config, table, "quant_type", 4,
                                      name.find("ACTIVATION") != std::string::npos ? 32 : group, false));
    if (name.find("INT8WEIGHT") != std::string::npos || name.find("INT8_WEIGHT") != std::string::npos)
        return every_linear(scheme, DType::int8);
    if (name.find("FLOAT8") != std::string::npos) return every_linear(scheme, DType::fp8);
    not_understood(config, table, "quant_type",
                   std::string("'").append(type).append("' of torchao is not known here"));
}

std::optional<DType> quark_format(const HfConfig& config, const Reader& weight) {
    const std::string dtype = weight.text_or("dtype", "");
    const auto group = weight.integer_or("group_size", -1, -1, 100'000);
    if (dtype.starts_with("fp8")) return DType::fp8;
    if (dtype == "fp4") return group == 16 ? DType::nvfp4 : DType::mxfp4;
    if (dtype == "int8" || dtype == "uint8") return DType::int8;
    if (dtype == "int4" || dtype == "uint4")
        return integer_format_of(config, weight, "group_size", 4, group, dtype == "uint4");
    return std::nullopt;
}

/// {global_quant_config: {weight: {dtype, group_size}}, layer_quant_config: {module: ...}}; weight may be a list.
void read_quark(const HfConfig& config, const Reader& table, Scheme& scheme) {
    const auto format_of = [&](const Reader& group) -> std::optional<DType> {
        const Value* weight = group.raw("weight");
        if (weight == nullptr) return DType::bf16;
        if (!std::holds_alternative<Value::Array>(weight->content))
            return quark_format(config, group.table("weight"));
        const std::vector<Reader> stages = group.tables("weight");
        return stages.empty() ? std::nullopt : quark_format(config, stages.back());
    };
    if (table.has("layer_quant_config")) {
        const Reader layers = table.table("layer_quant_config");
        std::map<DType, std::vector<std::string>> by_format;
        for (const std::string& name : layers.keys())
            if (const auto format = format_of(layers.table(name))) by_format[*format].push_back(name);
        for (const auto& [format, names] : by_format)
            for (ListedModules& target : listed(config, table, "layer_quant_config", names))
                scheme.rules.push_back({std::move(target), format});
    }
    const Reader global = table.table("global_quant_config");
    if (const auto format = format_of(global)) return every_linear(scheme, *format);
    not_understood(config, table, "global_quant_config", "a number format of Quark that is not known here");
}

/// Experts in 4-bit groups, everything else in fp8.
void read_w4a_fp8(const HfConfig& config, const Reader& table, Scheme& scheme) {
    const auto group = table.integer_or("group_size", 128, -1, 100'000);
    scheme.rules.push_back({ListedModules{ModulePattern("experts")},
                            integer_format_of(config, table, "group_size", 4, group, false)});
    every_linear(scheme, table.has("weight_block_size") ? DType::fp8_block : DType::fp8);
}

void read_fp8(const Reader& table, Scheme& scheme) {
    // Weights computed in fp8 but stored in another format (MiMo-V2.6); experts apart (DeepSeek-V4.1).
    if (table.text_or("store_dtype", "") == "mxfp4" || table.text_or("expert_dtype", "") == "fp4")
        scheme.rules.push_back({ListedModules{ModulePattern("experts")}, DType::mxfp4});
    every_linear(scheme, table.has("weight_block_size") ? DType::fp8_block : DType::fp8);
}

void read_method(const HfConfig& config, const Reader& table, const std::string& method, Scheme& scheme) {
    const auto is = [&method](std::initializer_list<std::string_view> names) {
        return std::find(names.begin(), names.end(), method) != names.end();
    };
    if (method == "mxfp4") {   // the only modules this method converts
        scheme.rules.push_back({ListedModules{ModulePattern("experts")}, DType::mxfp4});
        return;
    }
    if (is({"fp8", "fbgemm_fp8", "ptpc_fp8", "fp8_e4m3"})) return read_fp8(table, scheme);
    if (is({"gptq", "gptq_marlin", "auto_gptq"})) return read_groupwise(config, table, true, scheme);
    if (is({"awq", "awq_marlin", "auto_awq"})) return read_groupwise(config, table, false, scheme);
    if (is({"auto-round", "auto_round", "intel/auto-round", "inc"}))
        return read_groupwise(config, table, true, scheme);
    if (is({"bitsandbytes"})) return read_bitsandbytes(config, table, scheme);
    if (is({"hqq"})) return read_hqq(config, table, scheme);
    if (is({"torchao"})) return read_torchao(config, table, scheme);
    if (is({"quark"})) return read_quark(config, table, scheme);
    if (is({"w4afp8", "w4a_fp8"})) return read_w4a_fp8(config, table, scheme);
    if (is({"eetq", "int8", "w8a8_int8", "experts_int8"})) return every_linear(scheme, DType::int8);
    if (is({"mxfp8"})) return every_linear(scheme, DType::mxfp8);
    not_understood(config, table, "quant_method",
                   std::string("'").append(method).append("' is not a method known here"));
}

}   // namespace

Scheme read_scheme(const HfConfig& config, const Reader& table) {
    Scheme scheme;
    read_ignored(config, table, scheme);
    read_kv_cache(table, scheme);
    if (table.has("config_groups"))
        read_groups(config, table, scheme);
    else if (table.has("quant_algo"))
        read_algorithm(config, table, table.text("quant_algo"), scheme);
    else if (table.has("quant_method"))
        read_method(config, table, table.text("quant_method"), scheme);
    else if (!table.has("kv_cache_quant_algo") && !table.has("kv_cache_scheme") && !table.keys().empty())
        not_understood(config, table, {}, "a quantisation that names no method");
    return scheme;
}

}   // namespace moecost
