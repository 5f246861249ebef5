// SPDX-License-Identifier: Apache-2.0
#include "host/replay.h"

#include <cmath>
#include <filesystem>
#include <map>
#include <memory>
#include <numbers>
#include <optional>

#include "host/device_file.h"
#include "host/results.h"
#include "host/tables.h"
#include "moecost/base/csv.h"
#include "moecost/base/gzip.h"

namespace microbench {
namespace {

struct Recorded {
    moecost::CsvTable table;
    std::map<std::string, std::size_t> rows;
};

/// Tables are read when the first case asks for them. Shared by the copies of the back end's functions.
struct Folder {
    std::string path;
    std::map<std::string, std::optional<Recorded>> tables;
    double seconds = 0;   // sum of what was replayed: the clock of this back end
};

const std::optional<Recorded>& table_of(Folder& folder, const Case& c) {
    const auto known = folder.tables.find(c.table);
    if (known != folder.tables.end()) return known->second;
    std::optional<Recorded> recorded;
    std::string path = std::string(folder.path).append("/").append(c.table).append(".csv");
    std::error_code ec;
    if (!std::filesystem::exists(path, ec)) path.append(".gz");
    if (std::filesystem::exists(path, ec)) {
        moecost::CsvTable table(moecost::read_text(path), path);
        auto rows = rows_by_key(table, identity_columns(c));
        recorded.emplace(Recorded{std::move(table), std::move(rows)});
    }
    return folder.tables[c.table] = std::move(recorded);
}

double number_or(const moecost::CsvTable& table, std::size_t row, std::string_view column, double fallback) {
    const auto index = table.find_column(column);
    return index ? table.number(row, *index).value_or(fallback) : fallback;
}

Opened open_row(const std::shared_ptr<Folder>& folder, const Case& c) {
    const auto& recorded = table_of(*folder, c);
    if (!recorded) throw SkipCase{std::string("no table ").append(c.table).append(".csv to replay")};
    const auto found = recorded->rows.find(key_of(c));
    if (found == recorded->rows.end()) throw SkipCase{"no recorded row"};
    const moecost::CsvTable& table = recorded->table;
    const std::size_t row = found->second;
    const double median = table.number(row, table.column("latency_us")).value_or(0);
    const double p10 = number_or(table, row, "p10_us", median);
    const double p90 = number_or(table, row, "p90_us", median);
    const double mhz = number_or(table, row, "sm_mhz", 0);
    const double watts = number_or(table, row, "power_w", 0);
    Opened opened;
    opened.error = number_or(table, row, "error", 0);
    opened.reference = "the recorded run";
    opened.warm = table.text(row, table.column("code")).find('L') != std::string_view::npos;
    opened.sample = [=, i = 0]() mutable {
        const double time = recorded_sample(p10, median, p90, i++);
        folder->seconds += time * 1e-6;
        return Sample{time, mhz, watts};
    };
    return opened;
}

}   // namespace

double recorded_sample(double p10, double median, double p90, int i) {
    double whole = 0;
    const double u = std::modf(0.5 + i * (std::numbers::phi - 1), &whole);
    const double slope = u < 0.5 ? (median - p10) / 0.4 : (p90 - median) / 0.4;
    return median + (u - 0.5) * slope;
}

Backend replay_backend(const std::string& path) {
    Backend backend;
    backend.name = "replay";
    read_device_json(std::string(path).append("/device.json"), backend);
    const auto folder = std::make_shared<Folder>();
    folder->path = path;
    backend.clock = [folder] { return folder->seconds; };
    backend.open = [folder](const Bench&, const Case& c) { return open_row(folder, c); };
    return backend;
}

}   // namespace microbench
