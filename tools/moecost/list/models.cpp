// SPDX-License-Identifier: Apache-2.0
#include "list/models.h"

#include <algorithm>
#include <array>

#include "moecost/base/format.h"
#include "moecost/estimate/description.h"
#include "moecost/estimate/inputs.h"
#include "moecost/model/cache.h"
#include "moecost/model/counts.h"
#include "moecost/model/library.h"
#include "text.h"

namespace moecost::cli {
namespace {

/// All names that follow, for those who ask for one.
constexpr std::array<std::string_view, 16> mechanisms{
    "moe", "dense",      "MHA",        "MQA",       "GQA", "sparse GQA", "window",    "chunked",
    "MLA", "sparse MLA", "compressed", "delta net", "KDA", "Mamba-2",    "lightning", "short convolution"};

/// Kinds of mixers in the terms of the field.
struct KindName {
    std::string_view operator()(const GroupedAttention& a) const {
        const bool windowed = a.window > 0;
        if (a.indexer) return "sparse GQA";
        if (windowed) return a.chunked ? "chunked" : "window";
        if (a.kv_heads == a.query_heads) return "MHA";
        return a.kv_heads == 1 ? "MQA" : "GQA";
    }
    std::string_view operator()(const LatentAttention& a) const { return a.indexer ? "sparse MLA" : "MLA"; }
    std::string_view operator()(const CompressedAttention&) const { return "compressed"; }
    std::string_view operator()(const DeltaNet&) const { return "delta net"; }
    std::string_view operator()(const KimiDelta&) const { return "KDA"; }
    std::string_view operator()(const Mamba2&) const { return "Mamba-2"; }
    std::string_view operator()(const Mamba1&) const { return "Mamba"; }
    std::string_view operator()(const LightningAttention&) const { return "lightning"; }
    std::string_view operator()(const ShortConvolution&) const { return "short convolution"; }
};

std::string attention_of(const Architecture& a) {
    std::vector<std::string_view> names;
    for (const MixerGroup& group : a.mixers) {
        const std::string_view name = std::visit(KindName{}, group.kind);
        if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
    std::string s;
    for (const std::string_view name : names) s.append(s.empty() ? "" : " + ").append(name);
    return s;
}

const MoeFfn* experts_of(const Architecture& a) {
    for (const FfnGroup& group : a.ffns) {
        if (const auto* moe = std::get_if<MoeFfn>(&group.kind)) return moe;
    }
    return nullptr;
}

/// "8 of 256 + 1" with the shared experts counted in widths of a routed one.
std::string experts_text(const MoeFfn* moe) {
    if (moe == nullptr) return "dense";
    std::string s = std::to_string(moe->top_k);
    s.append(" of ").append(std::to_string(moe->experts));
    if (moe->shared_width > 0)
        s.append(" +").append(significant(moe->shared_width / static_cast<double>(moe->width), 1));
    return s;
}

/// Text of a cell in lower case, so that "mamba" finds Mamba-2.
std::string lower(std::string text) {
    for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return text;
}

std::string cell_text(const Cell& cell) {
    const auto* text = std::get_if<std::string>(&cell.value);
    return text == nullptr ? std::string{} : lower(*text);
}

/// "dense" and "moe" go by the experts; anything else by the name of a token mixer.
bool has_mechanism(const std::vector<Cell>& row, const std::string& wanted) {
    const std::string experts = cell_text(row[5]);
    if (wanted == "dense") return experts == "dense";
    if (wanted == "moe") return experts != "dense";
    return cell_text(row[7]).find(wanted) != std::string::npos;
}

[[noreturn]] void refuse(std::string_view option, const std::string& given, std::string_view what,
                         std::string hint) {
    std::string message("'");
    throw InputError({std::string("--").append(option)}, {},
                     message.append(given).append("' is not ").append(what), std::move(hint));
}

/// A part of a name of the field will do: "sparse", "mamba".
void check_mechanism(const std::string& wanted) {
    std::string all("one of: ");
    for (const std::string_view name : mechanisms) {
        if (wanted.empty() || lower(std::string(name)).find(wanted) != std::string::npos) return;
        all.append(all.ends_with(' ') ? "" : ", ").append(name);
    }
    refuse("mechanism", wanted, "a mechanism of the library", std::move(all));
}

void check_licence(const Sheet& sheet, const std::string& wanted) {
    std::vector<std::string> known;
    for (const auto& row : sheet.rows) {
        const auto* name = std::get_if<std::string>(&row[10].value);
        if (cell_text(row[10]) == wanted) return;
        if (name != nullptr && !name->empty() && std::find(known.begin(), known.end(), *name) == known.end())
            known.push_back(*name);
    }
    if (!wanted.empty()) refuse("licence", wanted, "a licence of the library", name_hint(wanted, known));
}

/// "2026", "2026-01" or "2026-01-31".
void check_date(const std::string& text) {
    constexpr std::string_view form = "0000-00-00";
    const auto fits = [&](std::size_t i) {
        return form[i] == '-' ? text[i] == '-' : text[i] >= '0' && text[i] <= '9';
    };
    bool good = text.size() == 4 || text.size() == 7 || text.size() == 10;
    for (std::size_t i = 0; good && i < text.size(); ++i) good = fits(i);
    const auto between = [&](std::size_t at, std::string_view low, std::string_view high) {
        return text.size() <= at || (text.substr(at, 2) >= low && text.substr(at, 2) <= high);
    };
    if (!text.empty() && !(good && between(5, "01", "12") && between(8, "01", "31")))
        refuse("since", text, "a date", "a year, a month or a day: 2026, 2026-01, 2026-01-31");
}

}   // namespace

std::vector<Flag> list_flags() {
    return {{"mechanism", "NAME", "Models",
             "with this mechanism: moe, dense, MLA, GQA, window, Mamba, delta net, ..."},
            {"min-size", "N", "Models", "at least N parameters: 7e9, 7B"},
            {"max-size", "N", "Models", "at most N parameters"},
            {"licence", "NAME", "Models", "under this licence, where it is known: Apache-2.0, MIT, ..."},
            {"since", "DATE", "Models", "released in this month or later, where it is known: 2026-01"}};
}

void filter_models(Sheet& sheet, const CommandLine& line) {
    const auto text = [&line](std::string_view key) {
        const std::string* given = line.find(key);
        return given == nullptr ? std::string{} : lower(*given);
    };
    const auto size = [&](std::string_view key, double otherwise) {
        const std::string* given = line.find(key);
        return given == nullptr ? otherwise
                                : parse_number(*input_named("size"), *given, {std::string("--").append(key)});
    };
    const double low = size("min-size", 0);
    const double high = size("max-size", 1e300);
    const std::string mechanism = text("mechanism");
    const std::string licence = text("licence");
    const std::string since = text("since");
    check_mechanism(mechanism);
    check_licence(sheet, licence);
    check_date(since);
    std::erase_if(sheet.rows, [&](const std::vector<Cell>& row) {
        const double total = std::get<double>(row[1].value);
        return total < low || total > high || (!mechanism.empty() && !has_mechanism(row, mechanism)) ||
               (!licence.empty() && cell_text(row[10]) != licence) ||
               (!since.empty() && (cell_text(row[11]).empty() || cell_text(row[11]) < since));
    });
}

Sheet list_models(const DataStore& data, const std::string&) {
    Sheet sheet{"moecost.list.models/1", "models", {}, {}};
    sheet.columns = {{"id", "model"},
                     {"total", "total", true},
                     {"active", "active", true},
                     {"experts", "", true},
                     {"top_k", "", true},
                     {"experts_text", "experts", true},
                     {"layers", "", true},
                     {"attention", "attention"},
                     {"weights", "weights"},
                     {"kv_bytes_per_token", "KV", true},
                     {"licence", ""},
                     {"released", ""},
                     {"source", ""}};
    for (const std::string& id : data.names("workloads/models")) {
        const Architecture a = load_model(data, id);
        const Counts counts = count(a);
        const MoeFfn* moe = experts_of(a);
        const double kv = kv_bytes_per_token(a, DType::bf16).value();
        const auto whole = [](int n) { return number_cell(n, std::to_string(n)); };
        sheet.rows.push_back(
            {text_cell(id), number_cell(counts.total, parameters(counts.total)),
             number_cell(counts.active_incl_embeddings, parameters(counts.active_incl_embeddings)),
             moe != nullptr ? whole(moe->experts) : no_cell(), moe != nullptr ? whole(moe->top_k) : no_cell(),
             text_cell(experts_text(moe)), whole(a.layers), text_cell(attention_of(a)),
             text_cell(info(a.precision.routed_experts).name),
             kv > 0 ? number_cell(kv, byte_size(kv)) : no_cell(), text_cell(a.licence), text_cell(a.released),
             text_cell(a.source)});
    }
    return sheet;
}

}   // namespace moecost::cli
