// SPDX-License-Identifier: Apache-2.0
#include "moecost/sweep/manifest.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "moecost/base/content_hash.h"
#include "moecost/base/file.h"
#include "moecost/base/json_writer.h"

namespace moecost {
namespace {

constexpr std::string_view schema = "moecost.sweep/2";

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
        for (const std::string& file : data.files()) {
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
    json.number("frontier_bytes", static_cast<double>(m.frontier_bytes));
    json.text("frontier_content", m.frontier_content);
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

namespace {

std::uint64_t sum(const std::vector<Tally>& tallies) {
    std::uint64_t points = 0;
    for (const Tally& t : tallies) points += t.points;
    return points;
}

/// Numbers that no sweep writes: edited, or damaged.
void check_counts(const Reader& r, const Manifest& m) {
    if (m.shard.index < 1 || m.shard.index > m.shard.count) r.fail("shard", "is not in 1..shards");
    if (m.points > m.grid_points) r.fail("points", "are more than grid_points");
    if (m.rows + sum(m.filtered) + sum(m.constrained) + sum(m.infeasible) != m.points)
        r.fail("rows", "and the points that gave none are not all points");
    if (m.header_bytes > m.bytes) r.fail("header_bytes", "is more than bytes");
    if (m.objectives.size() > max_objectives) r.fail("objectives", "are more than 4");
    if (m.frontier.size() > m.rows) r.fail("frontier", "has more members than there are rows");
    if (m.objectives.empty() && !m.frontier.empty()) r.fail("frontier", "has members without objectives");
}

FrontierMember member_of(const std::string& path, const Value& item, const Manifest& m) {
    const Document wrapped{path, Value{Value::Table{{"frontier", item}}, item.line, item.column}};
    const Reader r(wrapped);
    const std::vector<double> numbers = r.numbers("frontier", {});
    if (numbers.size() != m.objectives.size() + 1)
        r.fail("frontier", "a member has the wrong number of values");
    const bool is_point = numbers[0] >= 0 && numbers[0] < static_cast<double>(m.grid_points) &&
                          numbers[0] == std::floor(numbers[0]);
    if (!is_point) r.fail("frontier", "a member is no point of the grid");
    FrontierMember member;
    member.point = static_cast<std::uint64_t>(numbers[0]);
    std::copy(numbers.begin() + 1, numbers.end(), member.values.begin());
    return member;
}

}   // namespace

Manifest manifest_of(const Document& document) {
    const Reader r(document);
    if (r.text("schema") != schema) r.fail("schema", "is no manifest of a sweep that this program can read");
    Manifest m;
    m.identity = {r.text("grid"), r.text("data"), r.text("version"), r.text("format")};
    m.grid_points = whole(r, "grid_points");
    m.shard = {whole(r, "shard"), whole(r, "shards")};
    m.points = whole(r, "points");
    m.rows = whole(r, "rows");
    m.filtered = read_tallies(r, "filtered");
    m.constrained = read_tallies(r, "constrained");
    m.infeasible = read_tallies(r, "infeasible");
    m.frontier_only = r.flag("frontier_only");
    m.header_bytes = whole(r, "header_bytes");
    m.bytes = whole(r, "bytes");
    m.content = r.text("content");
    m.frontier_bytes = whole(r, "frontier_bytes");
    m.frontier_content = r.text("frontier_content");
    m.objectives = r.texts("objectives");
    if (m.objectives.size() > max_objectives) r.fail("objectives", "are more than 4");
    const Value* frontier = r.raw("frontier");
    const auto* members = frontier == nullptr ? nullptr : std::get_if<Value::Array>(&frontier->content);
    if (members == nullptr) r.fail("frontier", "expected a list");
    for (const Value& item : *members) m.frontier.push_back(member_of(document.file, item, m));
    check_counts(r, m);
    return m;
}

Manifest read_manifest(const std::string& path) {
    std::error_code ec;
    if (!std::filesystem::exists(path, ec)) {
        throw InputError({path}, {}, "no such file",
                         "a finished sweep writes it beside its rows; --resume finishes one");
    }
    return manifest_of(parse_json(read_file(path), path));
}

void read_sealed(const std::string& path, std::uint64_t bytes, const std::string& content,
                 const BlockSink& sink) {
    std::error_code ec;
    if (!std::filesystem::exists(path, ec)) throw InputError({path}, {}, "no such file");
    ContentHash hash;
    std::uint64_t read = 0;
    read_file_blocks(path, [&](std::string_view block) {
        hash.add(block);
        read += block.size();
        sink(block);
    });
    if (read != bytes) {
        std::string message = std::to_string(read);
        message.append(" bytes where its manifest says ").append(std::to_string(bytes));
        throw InputError({path}, {}, message, "the file was truncated or is still being copied");
    }
    if (hash.text() != content) throw InputError({path}, {}, "differs from what its manifest says");
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

void check_writable(const OutputPaths& paths) {
    for (const std::string& path : {paths.rows, paths.manifest, paths.frontier}) {
        std::error_code ec;
        const auto status = std::filesystem::status(path, ec);
        if (ec == std::errc::filename_too_long)
            throw SystemError(std::string(path).append(": ").append(ec.message()));
        if (std::filesystem::is_directory(status))
            throw SystemError(std::string(path).append(": is a folder"));
    }
}

RowStyle style_of_path(const std::string& path) {
    RowStyle style;
    std::string_view rest = path;
    style.gzip = rest.ends_with(".gz");
    if (style.gzip) rest.remove_suffix(3);
    if (rest.ends_with(".jsonl")) {
        style.format = RowFormat::jsonl;
    } else if (rest.ends_with(".json")) {
        throw InputError({"--output"}, {}, "rows are JSON lines, one object each, and no JSON document",
                         "-o OUT.jsonl; jq reads it as it is");
    } else if (!rest.ends_with(".csv") && !rest.starts_with("/dev/")) {
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
