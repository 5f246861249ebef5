// SPDX-License-Identifier: Apache-2.0
#include "moecost/law/law_toml.h"

#include <algorithm>
#include <cmath>

#include "moecost/base/format.h"
#include "moecost/law/parameters.h"

namespace moecost {
namespace {

constexpr std::string_view folder = "workloads/laws";
constexpr SizeMeaning meanings[] = {SizeMeaning::dense_equivalent, SizeMeaning::active, SizeMeaning::total};

std::string stem_of(const std::string& file) {
    const std::size_t slash = file.find_last_of('/');
    std::string stem = slash == std::string::npos ? file : file.substr(slash + 1);
    return stem.substr(0, stem.find_last_of('.'));
}

LossForm form_from(const Reader& r) {
    const std::string name = r.text("form");
    if (const auto form = loss_form_named(name)) return *form;
    std::vector<std::string> known;
    for (const FormInfo& f : loss_forms()) known.emplace_back(f.name);
    r.fail("form", std::string("'").append(name).append("' is no form of a loss law"),
           name_hint(name, known));
}

SizeMeaning size_from(const Reader& r) {
    const std::string name = r.text("size");
    std::vector<std::string> known;
    for (const SizeMeaning m : meanings) {
        if (name_of(m) == name) return m;
        known.emplace_back(name_of(m));
    }
    r.fail("size", std::string("'").append(name).append("' is not what N counts"), name_hint(name, known));
}

Range range_of(Domain domain) {
    switch (domain) {
        case Domain::above_zero:
        case Domain::constant:
            return positive;
        case Domain::above_e_start:
            return {1e-300, HUGE_VAL};   // infinite: no saturation seen
        case Domain::below_zero:
            return {-1e300, -1e-300};
        case Domain::free:
            break;
    }
    return {-1e300, 1e300};
}

void read_coefficients(const Reader& r, Law& law) {
    const FormInfo& f = info(law.form);
    std::vector<std::string> known;
    for (std::size_t i = 0; i < f.count; ++i) known.emplace_back(f.coefficients[i].name);
    for (const std::string& key : r.keys()) {
        if (std::find(known.begin(), known.end(), key) == known.end()) {
            r.fail(key, std::string("is no coefficient of the form ").append(f.name), name_hint(key, known));
        }
    }
    for (std::size_t i = 0; i < f.count; ++i) {
        law.c[i] = r.number(f.coefficients[i].name, range_of(f.coefficients[i].domain));
        if (f.coefficients[i].domain == Domain::above_e_start && !(law.c[i] > law.c[i - 1])) {
            r.fail(f.coefficients[i].name, std::string("must lie above ").append(f.coefficients[i - 1].name));
        }
    }
}

std::optional<AxisRange> interval(const Reader& r, std::string_view key) {
    if (!r.has(key)) return std::nullopt;
    const std::vector<double> ends = r.numbers(key, non_negative);
    if (ends.size() != 2 || !(ends[0] <= ends[1])) r.fail(key, "is not a lower and an upper end");
    return AxisRange{ends[0], ends[1]};
}

TrainingRange range_from(const Reader& r) {
    r.allow_only({"N", "D", "E", "G", "A", "S", "C"});
    return {interval(r, "N"), interval(r, "D"), interval(r, "E"), interval(r, "G"),
            interval(r, "A"), interval(r, "S"), interval(r, "C")};
}

void read_samples(const Reader& r, std::size_t parameters, Law& law) {
    const std::vector<double> all = r.numbers("samples", {-1e300, 1e300});
    if (all.empty() || all.size() % parameters != 0) {
        r.fail("samples",
               std::string("must hold rows of ").append(std::to_string(parameters)).append(" numbers"));
    }
    for (std::size_t i = 0; i < all.size(); i += parameters) {
        const auto row = all.begin() + static_cast<std::ptrdiff_t>(i);
        law.samples.emplace_back(row, row + static_cast<std::ptrdiff_t>(parameters));
    }
}

/// What the data allow, which a search draws from.
void read_fit(const Reader& r, Law& law) {
    r.allow_only({"parameters", "covariance", "samples", "spread"});
    const std::vector<std::string> names = parameter_names(law.form);
    if (r.texts("parameters") != names) {
        std::string hint;
        for (const std::string& n : names) hint.append(hint.empty() ? "they are: " : ", ").append(n);
        r.fail("parameters", "are not those of the form, in their order", hint);
    }
    const std::size_t n = names.size();
    law.spread = r.text_or("spread", "");
    if (r.has("samples")) read_samples(r, n, law);
    if (r.has("samples") && !r.has("covariance")) return;
    law.covariance = r.numbers("covariance", {-1e300, 1e300});
    if (law.covariance.size() != n * n) {
        r.fail("covariance",
               std::string("must hold ").append(std::to_string(n * n)).append(" numbers, row by row"));
    }
    for (std::size_t i = 0; i < n; ++i) {
        if (law.covariance[i * n + i] < 0) r.fail("covariance", "has a negative variance");
        for (std::size_t j = 0; j < i; ++j) {
            const double a = law.covariance[i * n + j];
            const double b = law.covariance[j * n + i];
            if (std::abs(a - b) > 1e-9 * (std::abs(a) + std::abs(b)))
                r.fail("covariance", "is not symmetric");
        }
    }
}

void append_text(std::string& s, std::string_view key, std::string_view value) {
    if (value.empty()) return;
    s.append(key).append(" = \"");
    for (const char c : value) {
        if (c == '"' || c == '\\') s += '\\';
        s += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
    s.append("\"\n");
}

/// TOML tells floats from integers by the point or exponent; both read as numbers here.
void append_number(std::string& s, std::string_view key, double value) {
    if (value != 0) s.append(key).append(" = ").append(shortest(value)).append("\n");
}

void append_interval(std::string& s, std::string_view key, const std::optional<AxisRange>& range) {
    if (!range) return;
    s.append(key)
        .append(" = [")
        .append(shortest(range->low))
        .append(", ")
        .append(shortest(range->high))
        .append("]\n");
}

void append_range(std::string& s, const TrainingRange& range) {
    if (range == TrainingRange{}) return;
    s.append("\n[range]\n");
    append_interval(s, "N", range.n);
    append_interval(s, "D", range.d);
    append_interval(s, "E", range.experts);
    append_interval(s, "G", range.granularity);
    append_interval(s, "A", range.active);
    append_interval(s, "S", range.shared);
    append_interval(s, "C", range.flop);
}

/// Six digits: a sample is one of many.
void append_samples(std::string& s, const Law& law) {
    if (law.samples.empty()) return;
    s.append("samples = [\n");
    for (const std::vector<double>& row : law.samples) {
        s.append("   ");
        for (const double x : row) s.append(" ").append(shortest(rounded(x, 6))).append(",");
        s.append("\n");
    }
    s.append("]\n");
}

void append_fit(std::string& s, const Law& law) {
    if (law.covariance.empty() && law.samples.empty()) return;
    const std::vector<std::string> names = parameter_names(law.form);
    s.append("\n[fit]\nparameters = [");
    for (std::size_t i = 0; i < names.size(); ++i) {
        s.append(i == 0 ? "\"" : ", \"").append(names[i]).append("\"");
    }
    s.append("]\n");
    append_text(s, "spread", law.spread);
    append_samples(s, law);
    if (law.covariance.empty()) return;
    s.append("covariance = [\n");
    for (std::size_t i = 0; i < names.size(); ++i) {
        s.append("   ");
        for (std::size_t j = 0; j < names.size(); ++j) {
            s.append(" ").append(shortest(law.covariance[i * names.size() + j])).append(",");
        }
        s.append("\n");
    }
    s.append("]\n");
}

}   // namespace

Law law_from_toml(const Document& document) {
    const Reader r(document);
    r.allow_only({"title",        "aliases",      "form",        "size",
                  "embeddings",   "experts",      "top_k",       "moe_every",
                  "active_share", "vocabulary",   "router_flop", "tokens_per_parameter",
                  "repetition",   "status",       "source",      "date",
                  "note",         "coefficients", "range",       "fit"});
    Law law;
    law.id = stem_of(document.file);
    law.title = r.text("title");
    law.form = form_from(r);
    law.size = size_from(r);
    law.embeddings = r.flag("embeddings");
    law.experts = r.number_or("experts", 0, {0, 1e6});
    law.top_k = r.number_or("top_k", 0, {0, 1e6});
    law.moe_every = static_cast<int>(r.integer_or("moe_every", 0, 0, 1000));
    law.active_share = r.number_or("active_share", 0, fraction);
    law.vocabulary = r.number_or("vocabulary", 0, {0, 1e9});
    law.router_flop = r.number_or("router_flop", 0, {0, 1e6});
    law.tokens_per_parameter = r.number_or("tokens_per_parameter", 0, {0, 1e12});
    law.repetition = r.number_or("repetition", 0, {0, 1e6});
    law.status = r.text("status");
    law.source = r.text("source");
    law.date = r.text_or("date", "");
    law.note = r.text_or("note", "");
    read_coefficients(r.table("coefficients"), law);
    if (r.has("range")) law.range = range_from(r.table("range"));
    if (r.has("fit")) read_fit(r.table("fit"), law);
    return law;
}

Law load_law(const DataStore& data, std::string_view name) {
    return law_from_toml(data.open(folder, name, "loss law"));
}

std::vector<std::string> law_names(const DataStore& data) { return data.names(folder); }

std::string toml_of(const Law& law) {
    std::string s("# SPDX-License-Identifier: Apache-2.0\n# ");
    s.append(info(law.form).formula).append("\n");
    append_text(s, "title", law.title);
    append_text(s, "form", info(law.form).name);
    append_text(s, "size", name_of(law.size));
    s.append("embeddings = ").append(law.embeddings ? "true" : "false").append("\n");
    append_number(s, "experts", law.experts);
    append_number(s, "top_k", law.top_k);
    if (law.moe_every > 0) s.append("moe_every = ").append(std::to_string(law.moe_every)).append("\n");
    append_number(s, "active_share", law.active_share);
    append_number(s, "vocabulary", law.vocabulary);
    append_number(s, "router_flop", law.router_flop);
    append_number(s, "tokens_per_parameter", law.tokens_per_parameter);
    append_number(s, "repetition", law.repetition);
    append_text(s, "status", law.status);
    append_text(s, "source", law.source);
    append_text(s, "date", law.date);
    append_text(s, "note", law.note);
    s.append("\n[coefficients]\n");
    const FormInfo& f = info(law.form);
    for (std::size_t i = 0; i < f.count; ++i) {
        s.append(f.coefficients[i].name).append(" = ").append(shortest(law.c[i])).append("\n");
    }
    append_range(s, law.range);
    append_fit(s, law);
    return s;
}

}   // namespace moecost
