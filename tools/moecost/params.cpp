// SPDX-License-Identifier: Apache-2.0
// The command `params`: exact size of models, side by side.
#include <algorithm>
#include <cmath>

#include "command.h"
#include "moecost/base/format.h"
#include "moecost/base/json_writer.h"
#include "moecost/model/architecture_toml.h"
#include "moecost/model/cache.h"
#include "moecost/model/counts.h"
#include "moecost/model/library.h"
#include "moecost/moecost.h"
#include "sheet.h"
#include "text.h"

namespace moecost::cli {
namespace {

struct ModelSize {
    Architecture architecture;
    Precision precision;
    Counts counts;
    WeightBytes weights;
    std::optional<FamilyMember> member;
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

constexpr std::string_view member_keys[] = {"family", "size",        "experts",
                                            "top-k",  "granularity", "shared-experts"};

bool is_member_key(std::string_view key) {
    return std::find(std::begin(member_keys), std::end(member_keys), key) != std::end(member_keys);
}

constexpr std::string_view import_keys[] = {"ignore-key", "text-only", "host-tables"};

bool is_import_key(std::string_view key) {
    return std::find(std::begin(import_keys), std::end(import_keys), key) != std::end(import_keys);
}

/// What the options say of a member, of edits and of foreign configurations.
Description description_of(const CommandLine& line) {
    Description d;
    for (const Setting& s : line.settings) {
        if (s.key == "set" || is_import_key(s.key) || is_member_key(s.key))
            set_option(d, s.key, s.text, {std::string("--").append(s.key)});
    }
    return d;
}

ModelSize size_of(const CommandLine& line, const Description& d, Architecture architecture) {
    ModelSize m;
    m.architecture = std::move(architecture);
    for (const auto& [key, value] : d.edits) apply_edit(m.architecture, key, value);
    m.precision = m.architecture.precision;
    if (line.has("weights")) {
        m.precision = m.precision.with_weights(format_option(line, "weights", m.precision.attention));
    }
    m.precision.kv_cache = format_option(line, "kv", m.precision.kv_cache);
    m.counts = count(m.architecture);
    m.weights = weight_bytes(m.architecture, m.precision);
    return m;
}

/// The models named and the member of a family, if any.
std::vector<ModelSize> sizes_of(const DataStore& data, const CommandLine& line) {
    const Description d = description_of(line);
    std::vector<ModelSize> models;
    const ImportOptions import = import_options(d);
    for (const std::string& name : line.positional)
        models.push_back(size_of(line, d, load_model(data, name, import)));
    if (d.family.empty()) {
        refuse_member_choices(d);
    } else {
        const FamilyMember member = describe_member(data, d);
        models.push_back(size_of(line, d, member.architecture));
        models.back().member = member;
    }
    if (models.empty())
        throw InputError({}, {}, "no model is given", "moecost list models shows the library");
    return models;
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

/// "+0.24 %"
std::string deviation(double share) {
    std::string s(share < 0 ? "" : "+");
    return s.append(fixed(100 * share, 2)).append(" %");
}

void add_member(std::vector<Row>& rows, const std::vector<ModelSize>& models) {
    if (std::none_of(models.begin(), models.end(), [](const ModelSize& m) { return m.member.has_value(); }))
        return;
    const auto of_member = [](auto show) {
        return [=](const ModelSize& m) { return m.member ? show(*m.member) : std::string("-"); };
    };
    rows.push_back({"Member of a family", {}, false});
    rows.push_back(row(models, "  dense-equivalent size asked for",
                       of_member([](const FamilyMember& m) { return whole(m.request.size); })));
    rows.push_back(row(models, "    as built",
                       of_member([](const FamilyMember& m) { return whole(m.dense_equivalent); })));
    rows.push_back(row(models, "    deviation",
                       of_member([](const FamilyMember& m) { return deviation(m.deviation); })));
    rows.push_back(row(models, "  total, without embeddings",
                       of_member([](const FamilyMember& m) { return whole(m.total); })));
    rows.push_back(row(models, "  active, without embeddings",
                       of_member([](const FamilyMember& m) { return whole(m.active); })));
    rows.push_back(row(models, "  hidden size x layers", of_member([](const FamilyMember& m) {
                           return std::to_string(m.architecture.hidden)
                               .append(" x ")
                               .append(std::to_string(m.architecture.layers));
                       })));
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
    if (std::any_of(models.begin(), models.end(), [](const ModelSize& m) { return m.counts.towers > 0; })) {
        rows.push_back(row(models, "  towers, not in total", [](const ModelSize& m) {
            return m.counts.towers > 0 ? whole(m.counts.towers) : std::string("-");
        }));
    }
    add_components(rows, models);
    add_member(rows, models);
    add_cache(rows, models);
    return side_by_side(heads, rows, style);
}

void write_member(JsonWriter& json, const FamilyMember& m) {
    json.begin_object("member");
    json.number("size", m.request.size);
    json.number("experts", m.request.experts);
    json.number("top_k", m.request.top_k);
    json.number("granularity", m.request.granularity);
    json.number("shared_experts", m.request.shared_experts);
    json.number("dense_equivalent", m.dense_equivalent);
    json.number("deviation", m.deviation);
    json.number("total_excl_embeddings", m.total);
    json.number("active_excl_embeddings", m.active);
    json.number("embeddings", m.embeddings);
    json.end_object();
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
    if (m.counts.towers > 0) json.number("towers", m.counts.towers);
    json.text("weights", weights_name(m.precision));
    json.number("weight_bytes", m.weights.total().value());
    json.text("kv_cache", info(m.precision.kv_cache).name);
    json.number("kv_bytes_per_token", kv_bytes_per_token(m.architecture, m.precision.kv_cache).value());
    json.number("kv_bytes_per_token_unbounded",
                kv_bytes_per_token_unbounded(m.architecture, m.precision.kv_cache).value());
    json.number("kv_window_cap_bytes", kv_window_cap(m.architecture, m.precision.kv_cache).value());
    json.number("indexer_cache_bytes_per_token", indexer_bytes_per_token(m.architecture).value());
    json.number("state_bytes_per_sequence", state_bytes(m.architecture).value());
    if (m.member) write_member(json, *m.member);
    json.begin_array("notes");
    for (const std::string& note : m.architecture.notes) json.text({}, note);
    json.end_array();
    if (!m.architecture.warnings.empty()) {
        json.begin_array("warnings");
        for (const std::string& warning : m.architecture.warnings) json.text({}, warning);
        json.end_array();
    }
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
                     {"state_bytes_per_sequence", {}},
                     {"size", {}},
                     {"dense_equivalent", {}}};
    for (const ModelSize& m : models) {
        std::vector<Cell> cells{text_cell(m.architecture.name)};
        for (const double value :
             {m.counts.total, m.counts.active_incl_embeddings, m.counts.active_excl_input_gather,
              m.counts.active_matmul_only, m.counts.mtp, m.weights.total().value(),
              kv_bytes_per_token(m.architecture, m.precision.kv_cache).value(),
              indexer_bytes_per_token(m.architecture).value(), state_bytes(m.architecture).value()}) {
            cells.push_back(number_cell(value, {}));
        }
        cells.push_back(m.member ? number_cell(m.member->request.size, {}) : no_cell());
        cells.push_back(m.member ? number_cell(m.member->dense_equivalent, {}) : no_cell());
        sheet.rows.push_back(std::move(cells));
    }
    return print(sheet, Format::csv);
}

Answer as_model_file(const std::vector<ModelSize>& models) {
    if (models.size() > 1) throw InputError({"--toml"}, {}, "a model file holds one model");
    return {architecture_to_toml(models.front().architecture), {}, answered};
}

}   // namespace

std::vector<Flag> params_flags() {
    std::vector<Flag> flags;
    for (const Flag& flag : description_flags()) {
        const bool formats = flag.key == "weights" || flag.key == "kv" || flag.key == "set";
        if (formats || is_member_key(flag.key) || is_import_key(flag.key)) flags.push_back(flag);
        if (flag.key == "family") flags.back().help = "size of a member of a family (moecost list families)";
    }
    flags.push_back({"toml", "", "Model", "print one model as a model file, instead of its size"});
    return flags;
}

Answer run_params(const Invocation& invocation) {
    const std::vector<ModelSize> models = sizes_of(invocation.data, invocation.line);
    if (invocation.line.has("toml")) return as_model_file(models);
    Answer answer;
    for (const ModelSize& m : models) answer.messages.append(warning_lines(m.architecture));
    if (invocation.format == Format::json) {
        answer.output = as_json(models);
    } else if (invocation.format == Format::csv) {
        answer.output = as_csv(models);
    } else {
        answer.output = as_text(models, Style{invocation.colour, invocation.width});
        if (!invocation.quiet) {
            for (const ModelSize& m : models) {
                for (const std::string& note : m.architecture.notes) {
                    answer.output.append(
                        bullet(std::string(m.architecture.name).append(": ").append(note), invocation.width));
                }
            }
        }
    }
    return answer;
}

}   // namespace moecost::cli
