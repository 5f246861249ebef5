// SPDX-License-Identifier: Apache-2.0
#include "moecost/launch/checkpoint.h"

#include <algorithm>

#include "moecost/model/library.h"

namespace moecost {
namespace {

constexpr std::string_view models = "workloads/models";

std::string lower(std::string_view text) {
    std::string s(text);
    for (char& c : s) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return s;
}

std::string_view last_part(std::string_view id) {
    while (id.ends_with('/')) id.remove_suffix(1);
    return id.substr(id.rfind('/') + 1);
}

struct Row {
    std::string id, model, weights;
};

std::vector<Row> rows_of(const DataStore& data) {
    const Document document = data.open("workloads", "checkpoints", "list of checkpoints");
    const Reader r(document);
    r.allow_only({"schema", "date", "source", "checkpoint"});
    std::vector<Row> rows;
    for (const Reader& item : r.tables("checkpoint")) {
        item.allow_only({"id", "model", "weights"});
        rows.push_back({item.text("id"), item.text("model"), item.text_or("weights", "")});
    }
    return rows;
}

/// "org/Name" at the start of a source that tells of a config.json; empty: it names none.
std::string published_as(const Document& model) {
    const std::string source = Reader(model).text_or("source", "");
    const std::string id = source.substr(0, source.find(' '));
    const bool other = source.find("with the bf16 weights") != std::string::npos;
    return id.find('/') == std::string::npos || other ? std::string() : id;
}

std::optional<Document> library_file(const DataStore& data, std::string_view name) {
    try {
        return data.open(models, name, "model");
    } catch (const InputError&) {
        return std::nullopt;
    }
}

/// Slots of experts that the command counts, less the experts of the model, are redundant ones.
void take_slots(const Architecture& a, CommandReading& r) {
    const auto slots = std::find_if(r.others.begin(), r.others.end(),
                                    [](const auto& other) { return other.first == "physical_experts"; });
    double experts = 0;
    for (const FfnGroup& group : a.ffns) {
        if (const auto* moe = std::get_if<MoeFfn>(&group.kind))
            experts = std::max(experts, double{1} * moe->experts);
    }
    const double copies = slots != r.others.end() ? std::stod(slots->second) - experts : -1;
    if (experts <= 0 || copies < 0) return;
    r.description.redundant_experts = static_cast<int>(copies);
    r.others.erase(slots);
}

/// The release stores weights in a format of the kind that the word names: block sizes and the like are its own.
bool released_in_kind(const Architecture& a, const std::string& weights) {
    const auto named = dtype_named(weights);
    if (!named) return false;
    const auto same = [&](DType own) {
        return info(own).element_bytes == info(*named).element_bytes && info(own).unit == info(*named).unit;
    };
    return same(a.precision.attention) || same(a.precision.routed_experts);
}

/// Words of the engine against the release: formats that it has stay; else the checkpoint is another one, in the format
/// that the word stands for, or in one that nobody states.
void settle_weights(const Architecture& a, bool known, CommandReading& r) {
    std::string& weights = r.description.weights;
    if (known || weights.empty()) return;
    const bool quantised = !a.precision.same_weights(a.precision.with_weights(DType::bf16));
    if (weights == "auto" && !quantised)
        r.warnings.push_back(std::string("the command serves a quantised checkpoint, ")
                                 .append(a.name)
                                 .append(" is in bf16 in the library: --weights FORMAT states its format"));
    if (weights == "auto" || released_in_kind(a, weights)) weights.clear();
}

/// "owner/Name", as repositories of models are called: no file, and no folder below another.
bool is_repository(std::string_view name) {
    const bool file = name.ends_with(".toml") || name.ends_with(".json");
    const std::size_t slash = name.find('/');
    return !file && slash != 0 && slash != std::string_view::npos && slash + 1 < name.size() &&
           name[0] != '.' && name.find('/', slash + 1) == std::string_view::npos;
}

std::string released_format(const Scenario& s) {
    return std::string(info(s.architecture.precision.attention).name);
}

}   // namespace

Expected<Checkpoint> checkpoint_of(const DataStore& data, std::string_view asked, const Scenario& s,
                                   const Pool& p) {
    const bool released = p.precision.same_weights(s.architecture.precision);
    const bool whole = p.precision.same_weights(s.architecture.precision.with_weights(p.precision.attention));
    const std::string format = released ? std::string() : std::string(info(p.precision.attention).name);
    std::string base;
    for (const Row& row : rows_of(data)) {
        if (lower(row.model) != lower(asked) && lower(row.model) != lower(s.architecture.name)) continue;
        if (row.weights == format && (released || whole)) return Checkpoint{row.id, true};
        if (row.weights.empty() && lower(row.model) == lower(asked)) base = row.id;
    }
    if (base.empty() && is_repository(asked))
        base = asked;   // the name that was given is that of the weights
    const auto file = is_path(asked) ? std::optional<Document>() : library_file(data, asked);
    const std::string published = file ? published_as(*file) : std::string();
    const bool own_name =
        lower(asked) == lower(s.architecture.name) || lower(asked) == lower(last_part(published));
    if (base.empty() && own_name) base = published;
    Infeasible why{"no published weights are known", {}, {}, 0, 0};
    why.fix = "--checkpoint ID";
    why.detail = std::string(asked.empty() ? "a member of a family" : asked)
                     .append(" in ")
                     .append(released ? released_format(s) : format);
    if (base.empty()) return why;
    if (released) return Checkpoint{base, true};
    for (const EngineFlag* row : flags_of(p.rules, "weights")) {
        for (const auto& [ours, engine] : row->values) {
            if (whole && ours == format) return Checkpoint{base, false};
        }
    }
    return why;
}

std::optional<KnownModel> model_of(const DataStore& data, std::string_view id) {
    for (const Row& row : rows_of(data)) {
        if (lower(row.id) == lower(id)) return KnownModel{row.model, row.weights};
    }
    const std::string_view tail = last_part(id);
    for (const std::string& name : {std::string(tail), lower(tail)}) {
        if (!name.empty() && library_file(data, name)) return KnownModel{lower(tail), {}};
    }
    return std::nullopt;
}

bool resolve_model(const DataStore& data, CommandReading& r) {
    Description& d = r.description;
    bool known_weights = false;
    if (d.model.empty()) {
        const auto known = model_of(data, r.checkpoint);
        if (!known) return false;
        d.model = known->model;
        known_weights = !known->weights.empty();
        if (known_weights) d.weights = known->weights;
    }
    const Architecture a = load_model(data, d.model);
    take_slots(a, r);
    if (r.released_cache) d.kv = info(a.precision.kv_cache).name;
    settle_weights(a, known_weights, r);
    return true;
}

}   // namespace moecost
