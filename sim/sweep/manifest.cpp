// SPDX-License-Identifier: Apache-2.0
#include "moecost/sweep/manifest.h"

#include <algorithm>
#include <filesystem>

#include "moecost/base/content_hash.h"
#include "moecost/base/file.h"
#include "moecost/base/json_writer.h"

namespace moecost {
namespace {

constexpr std::string_view schema = "moecost.sweep/1";

void write_tallies(JsonWriter& json, std::string_view name, const std::vector<Tally>& tallies) {
    json.begin_array(name);
    for (const Tally& t : tallies) {
        json.begin_object();
        json.text("what", t.what);
        json.number("points", static_cast<double>(t.points));
        json.end_object();
    }
    json.end_array();
}

std::vector<Tally> read_tallies(const Reader& r, std::string_view name) {
    std::vector<Tally> result;
    for (const Reader& t : r.tables(name)) {
        result.push_back(
            {t.text("what"), static_cast<std::uint64_t>(t.integer("points", 0, 1'000'000'000'000))});
    }
    return result;
}

std::uint64_t whole(const Reader& r, std::string_view key) {
    return static_cast<std::uint64_t>(r.integer(key, 0, 9'000'000'000'000'000));
}

void add_file(ContentHash& hash, const std::string& path) {
    std::error_code ec;
    if (!std::filesystem::is_regular_file(path, ec)) return;
    hash.add(read_file(path));
}

/// Values of a grid that are paths to files: their content belongs to the inputs.
std::vector<std::string> files_named(const Grid& grid) {
    const Description& base = grid.base;
    std::vector<std::string> names{base.model,   base.family, base.gpu,
                                   base.cluster, base.engine, base.traffic};
    for (const Axis& axis : grid.axes) {
        for (const AxisColumn& column : axis.columns) {
            if (column.kind == AxisKind::name)
                names.insert(names.end(), column.texts.begin(), column.texts.end());
        }
    }
    std::erase_if(names, [](const std::string& name) { return !is_path(name); });
    return names;
}

std::string data_fingerprint(const DataStore& data, const Grid& grid) {
    ContentHash hash;
    for (const EmbeddedFile& file : embedded_files()) {
        hash.add(file.path);
        hash.add(file.text);
    }
    if (!data.directory().empty()) {
        std::vector<std::string> files;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(data.directory())) {
            if (entry.path().extension() == ".toml") files.push_back(entry.path().string());
        }
        std::sort(files.begin(), files.end());
        for (const std::string& file : files) {
            hash.add(file.substr(data.directory().size()));
            add_file(hash, file);
        }
    }
    for (const std::string& file : files_named(grid)) add_file(hash, file);
    return hash.text();
}

}   // namespace

std::uint64_t first_block(const Shard& shard, std::uint64_t blocks) {
    const std::uint64_t before = shard.index - 1;
    return blocks / shard.count * before + std::min(before, blocks % shard.count);
}

std::string manifest_json(const Manifest& m) {
    JsonWriter json;
    json.begin_object();
    json.text("schema", schema);
    json.text("version", m.identity.version);
    json.text("grid", m.identity.grid);
    json.text("data", m.identity.data);
    json.text("format", m.identity.format);
    json.number("grid_points", static_cast<double>(m.grid_points));
    json.number("shard", static_cast<double>(m.shard.index));
    json.number("shards", static_cast<double>(m.shard.count));
    json.number("points", static_cast<double>(m.points));
    json.number("rows", static_cast<double>(m.rows));
    write_tallies(json, "filtered", m.filtered);
    write_tallies(json, "constrained", m.constrained);
    write_tallies(json, "infeasible", m.infeasible);
    json.flag("frontier_only", m.frontier_only);
    json.number("header_bytes", static_cast<double>(m.header_bytes));
    json.number("bytes", static_cast<double>(m.bytes));
    json.text("content", m.content);
    json.begin_array("objectives");
    for (const std::string& objective : m.objectives) json.text({}, objective);
    json.end_array();
    json.begin_array("frontier");   // for each member its number and its objectives as minimised
    for (const FrontierMember& member : m.frontier) {
        json.begin_array();
        json.number({}, static_cast<double>(member.point));
        for (std::size_t i = 0; i < m.objectives.size(); ++i) json.number({}, member.values[i]);
        json.end_array();
    }
    json.end_array();
    json.end_object();
    return json.str();
}

Manifest read_manifest(const std::string& path) {
    std::error_code ec;
    if (!std::filesystem::exists(path, ec)) {
        throw InputError({path}, {}, "no such file",
                         "a finished sweep writes it beside its rows; --resume finishes one");
    }
    const Document document = parse_json(read_file(path), path);
    const Reader r(document);
    if (r.text("schema") != schema) r.fail("schema", "is no manifest of a sweep that this program can read");
    Manifest m;
    m.identity = {r.text("grid"), r.text("data"), r.text("version"), r.text("format")};
    m.grid_points = whole(r, "grid_points");
    m.shard = {whole(r, "shard"), whole(r, "shards")};
    if (m.shard.index < 1 || m.shard.index > m.shard.count) r.fail("shard", "is not in 1..shards");
    m.points = whole(r, "points");
    m.rows = whole(r, "rows");
    m.filtered = read_tallies(r, "filtered");
    m.constrained = read_tallies(r, "constrained");
    m.infeasible = read_tallies(r, "infeasible");
    m.frontier_only = r.flag("frontier_only");
    m.header_bytes = whole(r, "header_bytes");
    m.bytes = whole(r, "bytes");
    m.content = r.text("content");
    m.objectives = r.texts("objectives");
    if (m.objectives.size() > max_objectives) r.fail("objectives", "are more than 4");
    const Value* frontier = r.raw("frontier");
    const auto* members = frontier == nullptr ? nullptr : std::get_if<Value::Array>(&frontier->content);
    if (members == nullptr) r.fail("frontier", "expected a list");
    for (const Value& item : *members) {
        const Document wrapped{path, Value{Value::Table{{"member", item}}, item.line, item.column}};
        const std::vector<double> numbers = Reader(wrapped).numbers("member", {});
        if (numbers.size() != m.objectives.size() + 1)
            r.fail("frontier", "a member has the wrong number of values");
        FrontierMember member;
        member.point = static_cast<std::uint64_t>(numbers[0]);
        std::copy(numbers.begin() + 1, numbers.end(), member.values.begin());
        m.frontier.push_back(member);
    }
    return m;
}

SweepIdentity identity_of(const DataStore& data, const Grid& grid, const RowStyle& style,
                          const std::string& version) {
    ContentHash hash;
    hash.add(hexadecimal(grid.hash));
    hash.add(style.keep_infeasible ? "keep" : "drop");
    hash.add(style.no_rows ? "frontier" : "rows");
    return {hash.text(), data_fingerprint(data, grid), version, format_name(style)};
}

OutputPaths::OutputPaths(const std::string& path)
    : rows(path), part(path), journal(path), manifest(path), frontier(path) {
    part.append(".part");
    journal.append(".journal");
    manifest.append(".manifest.json");
    if (frontier.ends_with(".gz")) frontier.resize(frontier.size() - 3);
    const std::string ending = frontier.ends_with(".jsonl") ? ".jsonl"
                               : frontier.ends_with(".csv") ? ".csv"
                                                            : "";
    frontier.resize(frontier.size() - ending.size());
    frontier.append(".frontier").append(ending.empty() ? ".csv" : ending);
}

RowStyle style_of_path(const std::string& path) {
    RowStyle style;
    std::string_view rest = path;
    style.gzip = rest.ends_with(".gz");
    if (style.gzip) rest.remove_suffix(3);
    if (rest.ends_with(".jsonl"))
        style.format = RowFormat::jsonl;
    else if (!rest.ends_with(".csv") && !rest.starts_with("/dev/")) {
        throw InputError({"--output"}, {}, std::string("'").append(path).append("' has no known ending"),
                         "one of: .csv, .csv.gz, .jsonl, .jsonl.gz");
    }
    return style;
}

std::string format_name(const RowStyle& style) {
    std::string name = style.format == RowFormat::csv ? "csv" : "jsonl";
    return style.gzip ? name.append(".gz") : name;
}

}   // namespace moecost
