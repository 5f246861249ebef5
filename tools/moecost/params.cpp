// SPDX-License-Identifier: Apache-2.0
// The command `params`: exact size of models, side by side.
#include <cmath>

#include "base/format.h"
#include "base/json_writer.h"
#include "command.h"
#include "model/architecture_toml.h"
#include "model/cache.h"
#include "model/counts.h"
#include "model/library.h"
#include "sheet.h"
#include "text.h"

namespace moecost::cli {
namespace {

struct ModelSize {
    Architecture architecture;
    Precision precision;
    Counts counts;
    WeightBytes weights;
};

DType format_option(const CommandLine& line, std::string_view key, DType fallback) {
    const std::string* name = line.find(key);
    if (name == nullptr) return fallback;
    if (const auto type = dtype_named(*name)) return *type;
    std::vector<std::string> known;
    for (const DTypeInfo& i : dtype_table) known.emplace_back(i.name);
    std::string message("'");
    throw InputError({std::string("--").append(key)}, {},
                     message.append(*name).append("' is not a number format"), name_hint(*name, known));
}

ModelSize size_of(const DataStore& data, const CommandLine& line, const std::string& name) {
    ModelSize m;
    m.architecture = load_model(data, name);
    for (const Setting& s : line.settings) {
        if (s.key != "set") continue;
        const std::size_t equals = s.text.find('=');
        if (equals == std::string::npos || equals == 0) {
            std::string message("'");
            throw InputError({"--set"}, {},
                             message.append(s.text).append("' is not an edit such as experts=64"));
        }
        apply_edit(m.architecture, s.text.substr(0, equals), s.text.substr(equals + 1));
    }
    m.precision = m.architecture.precision;
    if (line.has("weights")) {
        m.precision = m.precision.with_weights(format_option(line, "weights", m.precision.attention));
    }
    m.precision.kv_cache = format_option(line, "kv", m.precision.kv_cache);
    m.counts = count(m.architecture);
    m.weights = weight_bytes(m.architecture, m.precision);
    return m;
}

std::string whole(double value) { return grouped(std::llround(value)); }

std::string weights_name(const Precision& p) {
    std::string s(info(p.routed_experts).name);
    if (p.attention != p.routed_experts) s.append("/").append(info(p.attention).name);
    return s;
}

template <class Show>
Row row(const std::vector<ModelSize>& models, std::string label, Show show, bool strong = false) {
    Row r{std::move(label), {}, strong};
    for (const ModelSize& m : models) r.cells.push_back(show(m));
    return r;
}

void add_components(std::vector<Row>& rows, const std::vector<ModelSize>& models) {
    rows.push_back({"Parameters by component", {}, false});
    for (std::size_t c = 0; c < component_count; ++c) {
        double sum = 0;
        for (const ModelSize& m : models) sum += m.counts.by_component[c];
        if (sum <= 0) continue;
        std::string label("  ");
        rows.push_back(row(models, label.append(words(name_of(static_cast<Component>(c)))),
                           [=](const ModelSize& m) { return whole(m.counts.by_component[c]); }));
    }
}

void add_cache(std::vector<Row>& rows, const std::vector<ModelSize>& models) {
    const auto bytes = [](Bytes b) { return b.value() > 0 ? byte_size(b.value()) : std::string("-"); };
    rows.push_back({"Memory", {}, false});
    rows.push_back(row(
        models, "  weights", [=](const ModelSize& m) { return bytes(m.weights.total()); }, true));
    rows.push_back(row(models, "    format, experts/rest",
                       [](const ModelSize& m) { return weights_name(m.precision); }));
    rows.push_back(row(
        models, "  KV cache of a token",
        [=](const ModelSize& m) { return bytes(kv_bytes_per_token(m.architecture, m.precision.kv_cache)); },
        true));
    rows.push_back(row(models, "    of it, beyond any window", [=](const ModelSize& m) {
        return bytes(kv_bytes_per_token_unbounded(m.architecture, m.precision.kv_cache));
    }));
    rows.push_back(row(models, "    format",
                       [](const ModelSize& m) { return std::string(info(m.precision.kv_cache).name); }));
    rows.push_back(row(models, "  index keys of a token",
                       [=](const ModelSize& m) { return bytes(indexer_bytes_per_token(m.architecture)); }));
    rows.push_back(row(models, "  state of a sequence",
                       [=](const ModelSize& m) { return bytes(state_bytes(m.architecture)); }));
}

std::string as_text(const std::vector<ModelSize>& models, const Style& style) {
    std::vector<std::string> heads;
    for (const ModelSize& m : models) heads.push_back(m.architecture.name);
    std::vector<Row> rows;
    rows.push_back({"Parameters", {}, false});
    rows.push_back(row(
        models, "  total", [](const ModelSize& m) { return whole(m.counts.total); }, true));
    rows.push_back(row(models, "  active, all embeddings",
                       [](const ModelSize& m) { return whole(m.counts.active_incl_embeddings); }));
    rows.push_back(row(
        models, "  active, without input table",
        [](const ModelSize& m) { return whole(m.counts.active_excl_input_gather); }, true));
    rows.push_back(row(models, "  active, matrix products",
                       [](const ModelSize& m) { return whole(m.counts.active_matmul_only); }));
    rows.push_back(row(models, "  MTP modules, not in total", [](const ModelSize& m) {
        return m.counts.mtp > 0 ? whole(m.counts.mtp) : std::string("-");
    }));
    add_components(rows, models);
    add_cache(rows, models);
    return side_by_side(heads, rows, style);
}

void write_json(JsonWriter& json, const ModelSize& m) {
    json.begin_object();
    json.text("schema", "moecost.params/1");
    json.text("model", m.architecture.name);
    json.number("total", m.counts.total);
    json.begin_object("active");
    json.number("count_active_incl_embeddings", m.counts.active_incl_embeddings);
    json.number("active_excl_input_gather", m.counts.active_excl_input_gather);
    json.number("active_matmul_only", m.counts.active_matmul_only);
    json.end_object();
    json.begin_object("components");
    for (std::size_t c = 0; c < component_count; ++c) {
        json.number(name_of(static_cast<Component>(c)), m.counts.by_component[c]);
    }
    json.end_object();
    json.number("mtp", m.counts.mtp);
    json.text("weights", weights_name(m.precision));
    json.number("weight_bytes", m.weights.total().value());
    json.text("kv_cache", info(m.precision.kv_cache).name);
    json.number("kv_bytes_per_token", kv_bytes_per_token(m.architecture, m.precision.kv_cache).value());
    json.number("kv_bytes_per_token_unbounded",
                kv_bytes_per_token_unbounded(m.architecture, m.precision.kv_cache).value());
    json.number("kv_window_cap_bytes", kv_window_cap(m.architecture, m.precision.kv_cache).value());
    json.number("indexer_cache_bytes_per_token", indexer_bytes_per_token(m.architecture).value());
    json.number("state_bytes_per_sequence", state_bytes(m.architecture).value());
    json.begin_array("notes");
    for (const std::string& note : m.architecture.notes) json.text({}, note);
    json.end_array();
    json.end_object();
}

std::string as_json(const std::vector<ModelSize>& models) {
    JsonWriter json;
    if (models.size() == 1) {
        write_json(json, models.front());
        return json.str();
    }
    json.begin_object();
    json.text("schema", "moecost.params_list/1");
    json.begin_array("models");
    for (const ModelSize& m : models) write_json(json, m);
    json.end_array();
    json.end_object();
    return json.str();
}

std::string as_csv(const std::vector<ModelSize>& models) {
    Sheet sheet;
    sheet.columns = {{"model", {}},
                     {"total", {}},
                     {"count_active_incl_embeddings", {}},
                     {"active_excl_input_gather", {}},
                     {"active_matmul_only", {}},
                     {"mtp", {}},
                     {"weight_bytes", {}},
                     {"kv_bytes_per_token", {}},
                     {"indexer_cache_bytes_per_token", {}},
                     {"state_bytes_per_sequence", {}}};
    for (const ModelSize& m : models) {
        std::vector<Cell> cells{text_cell(m.architecture.name)};
        for (const double value :
             {m.counts.total, m.counts.active_incl_embeddings, m.counts.active_excl_input_gather,
              m.counts.active_matmul_only, m.counts.mtp, m.weights.total().value(),
              kv_bytes_per_token(m.architecture, m.precision.kv_cache).value(),
              indexer_bytes_per_token(m.architecture).value(), state_bytes(m.architecture).value()}) {
            cells.push_back(number_cell(value, {}));
        }
        sheet.rows.push_back(std::move(cells));
    }
    return print(sheet, Format::csv);
}

}   // namespace

std::vector<Flag> params_flags() {
    std::vector<Flag> flags;
    for (const Flag& flag : description_flags()) {
        if (flag.key == "weights" || flag.key == "kv" || flag.key == "set") flags.push_back(flag);
    }
    return flags;
}

Answer run_params(const Invocation& invocation) {
    const auto& names = invocation.line.positional;
    if (names.empty()) throw InputError({}, {}, "no model is given", "moecost list models shows the library");
    std::vector<ModelSize> models;
    models.reserve(names.size());
    for (const std::string& name : names) models.push_back(size_of(invocation.data, invocation.line, name));
    Answer answer;
    if (invocation.format == Format::json) {
        answer.output = as_json(models);
    } else if (invocation.format == Format::csv) {
        answer.output = as_csv(models);
    } else {
        answer.output = as_text(models, Style{invocation.colour});
        if (!invocation.quiet) {
            for (const ModelSize& m : models) {
                for (const std::string& note : m.architecture.notes) {
                    answer.output.append(bullet(std::string(m.architecture.name).append(": ").append(note)));
                }
            }
        }
    }
    return answer;
}

}   // namespace moecost::cli
