// SPDX-License-Identifier: Apache-2.0
#include "moecost/model/architecture_toml.h"

#include <algorithm>
#include <span>

#include "moecost/base/data.h"
#include "moecost/base/format.h"
#include "moecost/model/architecture_fields.h"
#include "moecost/model/tensors.h"

namespace moecost {
namespace {

/// The place of a name in a list, or an InputError with the nearest one.
std::size_t index_of(const Reader& reader, std::string_view key, std::span<const std::string_view> names) {
    const std::string found = reader.text(key);
    const auto it = std::find(names.begin(), names.end(), found);
    if (it != names.end()) return static_cast<std::size_t>(it - names.begin());
    const std::vector<std::string> known(names.begin(), names.end());
    reader.fail(key, std::string("unknown value '").append(found).append("'"), name_hint(found, known));
}

/// Fails on every key of the table that is not among `known`.
void allow_only(const Reader& reader, const std::vector<std::string>& known) {
    for (const std::string& key : reader.keys()) {
        if (std::find(known.begin(), known.end(), key) != known.end()) continue;
        reader.fail(key, "unknown key", name_hint(key, known));
    }
}

/// Archive that fills fields from a table and remembers the keys it knows.
class FieldReader {
  public:
    explicit FieldReader(const Reader& reader, std::vector<std::string> known = {})
        : reader_(reader), known_(std::move(known)) {}

    void required(std::string_view key, int& x, int max) {
        known_.emplace_back(key);
        x = static_cast<int>(reader_.integer(key, 1, max));
    }
    void optional(std::string_view key, int& x, int max, int fallback = 0) {
        known_.emplace_back(key);
        x = static_cast<int>(reader_.integer_or(key, fallback, 0, max));
    }
    void flag(std::string_view key, bool& x, bool fallback = false) {
        known_.emplace_back(key);
        x = reader_.flag_or(key, fallback);
    }
    template <class Enum, std::size_t N>
    void choice(std::string_view key, Enum& x, const std::array<std::string_view, N>& names) {
        known_.emplace_back(key);
        x = reader_.has(key) ? static_cast<Enum>(index_of(reader_, key, names)) : Enum{};
    }
    void head_dims(int& qk, int& v) {
        if (reader_.has("qk_dim") || reader_.has("v_dim")) {
            required("qk_dim", qk, max_width);
            required("v_dim", v, max_width);
        } else {
            required("head_dim", qk, max_width);
            v = qk;
        }
    }
    void indexer(std::optional<SparseIndexer>& x) {
        known_.emplace_back("indexer");
        if (!reader_.has("indexer")) return;
        FieldReader inner(reader_.table("indexer"));
        fields(inner, x.emplace());
        inner.finish();
    }
    void finish() const { allow_only(reader_, known_); }

  private:
    Reader reader_;
    std::vector<std::string> known_;
};

Mixer kind_of_index(const Mixer*, std::size_t index) { return mixer_of_index(index); }
Ffn kind_of_index(const Ffn*, std::size_t index) { return ffn_of_index(index); }

template <class Group>
Group read_group(const Reader& reader, std::span<const std::string_view> names) {
    Group group;
    group.kind = kind_of_index(&group.kind, index_of(reader, "kind", names));
    FieldReader archive(reader, {"kind"});
    archive.required("count", group.count, max_layers);
    archive.optional("norms", group.norms, 100, 1);
    archive.flag("beside", group.beside);
    std::visit([&archive](auto& kind) { fields(archive, kind); }, group.kind);
    archive.finish();
    if (const std::string problem = problem_of(group.kind); !problem.empty()) reader.fail({}, problem);
    return group;
}

template <class Group>
std::vector<Group> read_groups(const Reader& reader, std::string_view key,
                               std::span<const std::string_view> names) {
    std::vector<Group> groups;
    if (!reader.has(key)) return groups;
    for (const Reader& table : reader.tables(key)) groups.push_back(read_group<Group>(table, names));
    return groups;
}

std::vector<LookupTable> read_tables(const Reader& reader) {
    std::vector<LookupTable> tables;
    if (!reader.has("table")) return tables;
    for (const Reader& r : reader.tables("table")) {
        r.allow_only({"name", "rows", "width", "on_host"});
        tables.push_back({r.text("name"), r.integer("rows", 1, max_rows),
                          static_cast<int>(r.integer("width", 1, max_width)), r.flag_or("on_host", false)});
    }
    return tables;
}

std::vector<Tower> read_towers(const Reader& reader) {
    std::vector<Tower> towers;
    if (!reader.has("tower")) return towers;
    for (const Reader& r : reader.tables("tower")) {
        r.allow_only({"name", "parameters"});
        towers.push_back({r.text("name"), r.integer("parameters", 1, max_tower)});
    }
    return towers;
}

/// Component names of [[mixed]] as they stand in the table of components.
std::vector<MixedFormat> read_mixed(const Reader& reader) {
    std::vector<MixedFormat> mixed;
    if (!reader.has("mixed")) return mixed;
    std::array<std::string_view, component_count> names;
    for (int i = 0; i < component_count; ++i)
        names[static_cast<std::size_t>(i)] = name_of(static_cast<Component>(i));
    for (const Reader& r : reader.tables("mixed")) {
        r.allow_only({"component", "bytes"});
        mixed.push_back(
            {static_cast<int>(index_of(r, "component", names)), r.number("bytes", Range{-1e15, 1e15})});
    }
    return mixed;
}

MtpModules read_mtp(const Reader& reader) {
    MtpModules mtp;
    FieldReader archive(reader, {"mixer", "ffn"});
    fields(archive, mtp);
    archive.finish();
    mtp.mixers = read_groups<MixerGroup>(reader, "mixer", mixer_names);
    mtp.ffns = read_groups<FfnGroup>(reader, "ffn", ffn_names);
    return mtp;
}

DType read_format(const Reader& reader, std::string_view key) {
    const std::string name = reader.text(key);
    if (const auto type = dtype_named(name)) return *type;
    std::vector<std::string> known;
    known.reserve(dtype_table.size());
    for (const DTypeInfo& i : dtype_table) known.emplace_back(i.name);
    reader.fail(key, std::string("unknown number format '").append(name).append("'"), name_hint(name, known));
}

struct FormatField {
    std::string_view key;
    DType Precision::*field;
};
constexpr FormatField format_fields[] = {
    {"attention", &Precision::attention},
    {"dense_ffn", &Precision::dense_ffn},
    {"shared_experts", &Precision::shared_experts},
    {"routed_experts", &Precision::routed_experts},
    {"embeddings", &Precision::embeddings},
    {"head", &Precision::head},
    {"kv_cache", &Precision::kv_cache},
};

Precision read_precision(const Reader& reader) {
    Precision precision;
    std::vector<std::string> known{"output_projection"};
    for (const FormatField& f : format_fields) {
        known.emplace_back(f.key);
        if (reader.has(f.key)) precision.*f.field = read_format(reader, f.key);
    }
    if (reader.has("output_projection"))
        precision.output_projection = read_format(reader, "output_projection");
    allow_only(reader, known);
    return precision;
}

/// A text in quotes with the escapes TOML needs.
std::string quoted(std::string_view text) {
    std::string s("\"");
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            s += '\\';
            s += c;
        } else {
            s +=
                static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;   // control characters as blanks
        }
    }
    return s += '"';
}

/// Archive that writes `key = value` lines, or one inline table, and leaves out what an absent key means.
class FieldWriter {
  public:
    explicit FieldWriter(std::string& out, std::string_view separator = "\n")
        : out_(out), separator_(separator) {}

    void line(std::string_view key, std::string_view value) {
        if (!first_ && separator_ != "\n") out_.append(separator_);
        first_ = false;
        out_.append(key).append(" = ").append(value);
        if (separator_ == "\n") out_.append(separator_);
    }
    void required(std::string_view key, int& x, int) { line(key, std::to_string(x)); }
    void optional(std::string_view key, int& x, int, int fallback = 0) {
        if (x != fallback) line(key, std::to_string(x));
    }
    void flag(std::string_view key, bool& x, bool fallback = false) {
        if (x != fallback) line(key, x ? "true" : "false");
    }
    template <class Enum, std::size_t N>
    void choice(std::string_view key, Enum& x, const std::array<std::string_view, N>& names) {
        if (x != Enum{}) line(key, quoted(names[static_cast<std::size_t>(x)]));
    }
    void head_dims(int& qk, int& v) {
        if (qk == v) return line("head_dim", std::to_string(qk));
        line("qk_dim", std::to_string(qk));
        line("v_dim", std::to_string(v));
    }
    void indexer(std::optional<SparseIndexer>& x) {
        if (!x) return;
        std::string inner("{ ");
        FieldWriter writer(inner, ", ");
        fields(writer, *x);
        line("indexer", inner.append(" }"));
    }

  private:
    std::string& out_;
    std::string_view separator_;
    bool first_ = true;
};

template <class Group>
void write_groups(std::string& out, std::string_view header, std::vector<Group> groups,
                  std::span<const std::string_view> names) {
    for (Group& group : groups) {
        out.append("\n[[").append(header).append("]]\n");
        FieldWriter writer(out);
        writer.line("kind", quoted(names[group.kind.index()]));
        writer.line("count", std::to_string(group.count));
        writer.optional("norms", group.norms, 100, 1);
        writer.flag("beside", group.beside);
        std::visit([&writer](auto& kind) { fields(writer, kind); }, group.kind);
    }
}

void write_tables(std::string& out, const Architecture& a) {
    for (const LookupTable& t : a.tables) {
        out.append("\n[[table]]\n");
        FieldWriter writer(out);
        bool on_host = t.on_host;
        writer.line("name", quoted(t.name));
        writer.line("rows", std::to_string(t.rows));
        writer.line("width", std::to_string(t.width));
        writer.flag("on_host", on_host);
    }
    for (const Tower& t : a.towers) {
        out.append("\n[[tower]]\n");
        FieldWriter writer(out);
        writer.line("name", quoted(t.name));
        writer.line("parameters", std::to_string(t.parameters));
    }
}

void write_mixed(std::string& out, const std::vector<MixedFormat>& mixed) {
    for (const MixedFormat& m : mixed) {
        out.append("\n[[mixed]]\n");
        FieldWriter writer(out);
        writer.line("component", quoted(name_of(static_cast<Component>(m.component))));
        writer.line("bytes", shortest(m.bytes));
    }
}

void write_mtp(std::string& out, MtpModules mtp) {
    if (mtp == MtpModules{}) return;
    out.append("\n[mtp]\n");
    FieldWriter writer(out);
    fields(writer, mtp);
    write_groups(out, "mtp.mixer", mtp.mixers, mixer_names);
    write_groups(out, "mtp.ffn", mtp.ffns, ffn_names);
}

void write_precision(std::string& out, const Precision& precision) {
    if (precision == Precision{}) return;
    out.append("\n[precision]\n");
    FieldWriter writer(out);
    for (const FormatField& f : format_fields) {
        if (precision.*f.field != DType::bf16) writer.line(f.key, quoted(info(precision.*f.field).name));
    }
    if (precision.output_projection)
        writer.line("output_projection", quoted(info(*precision.output_projection).name));
}

std::string list(const std::vector<std::string>& texts) {
    std::string s("[");
    for (const std::string& text : texts) s.append(s.size() > 1 ? ", " : "").append(quoted(text));
    return s.append("]");
}

/// Names belong to the library, not to the architecture: here they are only checked.
void check_names(const Reader& reader) {
    const auto aliases = reader.has("aliases") ? reader.texts("aliases") : std::vector<std::string>();
    if (!reader.has("positions")) return;
    const Reader positions = reader.table("positions");
    for (const std::string& name : positions.keys()) {
        static_cast<void>(positions.integer(name, 1, max_tokens));
        const bool known = std::any_of(aliases.begin(), aliases.end(),
                                       [&](const std::string& a) { return same_file_name(a, name); });
        if (!known) positions.fail(name, "is no alias of this file");
    }
}

}   // namespace

Architecture architecture_from_toml(const Document& document) {
    const Reader reader(document);
    Architecture a;
    FieldReader archive(reader, {"name", "aliases", "source", "licence", "released", "notes", "warnings",
                                 "mixer", "ffn", "table", "tower", "mixed", "mtp", "precision", "positions"});
    fields(archive, a);
    archive.finish();
    a.name = reader.text("name");
    a.source = reader.text_or("source", "");
    a.licence = reader.text_or("licence", "");
    a.released = reader.text_or("released", "");
    if (reader.has("notes")) a.notes = reader.texts("notes");
    if (reader.has("warnings")) a.warnings = reader.texts("warnings");
    check_names(reader);
    a.mixers = read_groups<MixerGroup>(reader, "mixer", mixer_names);
    a.ffns = read_groups<FfnGroup>(reader, "ffn", ffn_names);
    a.tables = read_tables(reader);
    a.towers = read_towers(reader);
    a.mixed = read_mixed(reader);
    if (reader.has("mtp")) a.mtp = read_mtp(reader.table("mtp"));
    if (reader.has("precision")) a.precision = read_precision(reader.table("precision"));
    if (const std::string problem = problem_of(a); !problem.empty()) reader.fail({}, problem);
    return a;
}

std::string architecture_to_toml(const Architecture& architecture, const std::vector<std::string>& aliases) {
    std::string out("# SPDX-License-Identifier: Apache-2.0\n");
    FieldWriter writer(out);
    writer.line("name", quoted(architecture.name));
    if (!aliases.empty()) writer.line("aliases", list(aliases));
    if (!architecture.source.empty()) writer.line("source", quoted(architecture.source));
    if (!architecture.licence.empty()) writer.line("licence", quoted(architecture.licence));
    if (!architecture.released.empty()) writer.line("released", quoted(architecture.released));
    if (!architecture.notes.empty()) writer.line("notes", list(architecture.notes));
    if (!architecture.warnings.empty()) writer.line("warnings", list(architecture.warnings));
    Architecture copy = architecture;
    fields(writer, copy);
    write_groups(out, "mixer", architecture.mixers, mixer_names);
    write_groups(out, "ffn", architecture.ffns, ffn_names);
    write_tables(out, architecture);
    write_mixed(out, architecture.mixed);
    write_mtp(out, architecture.mtp);
    write_precision(out, architecture.precision);
    return out;
}

}   // namespace moecost
