// SPDX-License-Identifier: Apache-2.0
#include "moecost/model/architecture_toml.h"

#include <algorithm>
#include <span>

#include "moecost/model/architecture_fields.h"

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
        std::visit([&writer](auto& kind) { fields(writer, kind); }, group.kind);
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

}   // namespace

Architecture architecture_from_toml(const Document& document) {
    const Reader reader(document);
    Architecture a;
    FieldReader archive(reader, {"name", "aliases", "source", "notes", "mixer", "ffn", "mtp", "precision"});
    fields(archive, a);
    archive.finish();
    a.name = reader.text("name");
    a.source = reader.text_or("source", "");
    if (reader.has("notes")) a.notes = reader.texts("notes");
    if (reader.has("aliases")) static_cast<void>(reader.texts("aliases"));
    a.mixers = read_groups<MixerGroup>(reader, "mixer", mixer_names);
    a.ffns = read_groups<FfnGroup>(reader, "ffn", ffn_names);
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
    if (!architecture.notes.empty()) writer.line("notes", list(architecture.notes));
    Architecture copy = architecture;
    fields(writer, copy);
    write_groups(out, "mixer", architecture.mixers, mixer_names);
    write_groups(out, "ffn", architecture.ffns, ffn_names);
    write_mtp(out, architecture.mtp);
    write_precision(out, architecture.precision);
    return out;
}

}   // namespace moecost
