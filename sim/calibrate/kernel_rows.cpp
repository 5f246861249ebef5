// SPDX-License-Identifier: Apache-2.0
#include "moecost/calibrate/kernel_rows.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <optional>
#include <tuple>

#include "moecost/base/error.h"
#include "moecost/base/gzip.h"
#include "moecost/base/parallel.h"

namespace moecost {
namespace {

struct NumberColumn {
    std::string_view name;
    bool may_be_zero = false;   // and may be empty or missing: not applicable
};

/// Where the texts of a series stand; an empty name: the table has none.
struct TableSpec {
    std::string_view file;
    std::string_view dtype, cache, kernel, part;
    std::string_view latency;
    std::vector<NumberColumn> numbers;
};

const TableSpec& spec_of(KernelOp op) {
    static const TableSpec specs[] = {
        {"gemm", "dtype", "", "", "", "latency_us", {{"m"}, {"n"}, {"k"}}},
        {"moe",
         "dtype",
         "",
         "kernel",
         "distribution",
         "latency_us",
         {{"tokens"}, {"hidden"}, {"inter"}, {"top_k"}, {"experts"}, {"tp"}, {"ep"}}},
        {"attention_decode",
         "",
         "kv_dtype",
         "kernel",
         "",
         "latency_us",
         {{"batch"}, {"q_heads"}, {"kv_heads"}, {"head_dim"}, {"context"}, {"window", true}}},
        {"attention_prefill",
         "dtype",
         "kv_dtype",
         "kernel",
         "",
         "latency_us",
         {{"batch"}, {"q_heads"}, {"kv_heads"}, {"head_dim"}, {"isl"}, {"window", true}, {"prefix", true}}},
        {"mla_decode", "", "kv_dtype", "kernel", "scope", "latency_us", {{"batch"}, {"heads"}, {"context"}}},
        {"mla_prefill",
         "",
         "kv_dtype",
         "kernel",
         "scope",
         "latency_us",
         {{"batch"}, {"heads"}, {"isl"}, {"prefix", true}}},
        {"allreduce", "", "", "", "mode", "latency_us", {{"bytes"}, {"gpus"}}},
        {"deepep",
         "",
         "",
         "nodes",
         "mode",
         "dispatch_us",
         {{"hidden"}, {"top_k"}, {"experts"}, {"tokens"}, {"dispatch_sms", true}, {"combine_us"}}}};
    return specs[static_cast<std::size_t>(op)];
}

constexpr std::size_t op_count = 8;

/// Fields of one line, quotes taken off; a quoted field may hold commas.
void split(std::string_view line, const Location& where, std::vector<std::string_view>& fields) {
    fields.clear();
    if (line.ends_with('\r')) line.remove_suffix(1);
    while (true) {
        std::size_t end = 0;
        if (line.starts_with('"')) {
            const std::size_t close = line.find('"', 1);
            if (close == std::string_view::npos) throw InputError(where, {}, "quoted field is not closed");
            fields.push_back(line.substr(1, close - 1));
            end = line.find(',', close);
        } else {
            end = line.find(',');
            fields.push_back(line.substr(0, end));
        }
        if (end == std::string_view::npos) return;
        line.remove_prefix(end + 1);
    }
}

void for_each_line(const std::string& path, const BlockSink& sink) {
    LineSplitter lines(path, sink);
    read_text_blocks(path, [&](std::string_view block) { lines.push(block); });
    lines.finish();
}

struct SeriesTexts {
    std::string_view engine, dtype, cache, kernel, part;
    bool operator==(const SeriesTexts&) const = default;
};
using SeriesKey = std::array<std::string, 5>;

struct Column {
    std::string_view name;
    std::size_t at = std::string_view::npos;
    [[nodiscard]] bool exists() const { return at != std::string_view::npos; }
};

/// One table while it is read.
class TableReader {
  public:
    TableReader(KernelOp op, std::string path, const std::function<bool(const std::string&)>& accepts)
        : op_(op), spec_(spec_of(op)), path_(std::move(path)), accepts_(accepts) {}

    void read() {
        for_each_line(path_, [this](std::string_view line) {
            ++line_;
            if (line_ == 1 && line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);
            if (line.empty() || line == "\r") return;
            split(line, where(), fields_);
            if (header_.empty())
                read_header();
            else
                read_row();
        });
        if (header_.empty()) throw InputError({path_}, {}, "empty: a header row is needed");
    }

    std::map<SeriesKey, KernelSeries> series;
    std::map<std::pair<std::string, std::string>, std::size_t> present;
    std::set<std::string> accepted;

  private:
    [[nodiscard]] Location where() const { return {path_, line_}; }

    Column column(std::string_view name, bool needed) const {
        if (name.empty()) return {};
        const auto it = std::find(header_.begin(), header_.end(), name);
        if (it != header_.end()) return {name, static_cast<std::size_t>(it - header_.begin())};
        if (needed) throw InputError({path_, line_}, name, "column is missing", needed_columns());
        return {};
    }

    [[nodiscard]] std::string needed_columns() const {
        std::string s("needed: gpu, engine");
        for (const std::string_view text : {spec_.dtype, spec_.cache, spec_.kernel, spec_.part}) {
            if (!text.empty() && text != "scope") s.append(", ").append(text);
        }
        for (const NumberColumn& n : spec_.numbers) {
            if (!n.may_be_zero) s.append(", ").append(n.name);
        }
        return s.append(", ").append(spec_.latency);
    }

    void read_header() {
        header_.assign(fields_.begin(), fields_.end());
        gpu_ = column("gpu", true);
        engine_ = column("engine", true);
        version_ = column("engine_version", false);
        suspect_ = column("suspect", false);
        dtype_ = column(spec_.dtype, true);
        cache_ = column(spec_.cache, true);
        kernel_ = column(spec_.kernel, true);
        part_ = column(spec_.part, spec_.part != "scope");
        for (const NumberColumn& n : spec_.numbers) numbers_.push_back(column(n.name, !n.may_be_zero));
        latency_ = column(spec_.latency, true);
    }

    [[nodiscard]] std::string_view text(const Column& c) const {
        return c.exists() ? fields_[c.at] : std::string_view();
    }

    [[nodiscard]] double number(const Column& c, bool may_be_zero) const {
        const std::string_view field = text(c);
        if (field.empty() && may_be_zero) return 0;
        double value = 0;
        const auto r = std::from_chars(field.data(), field.data() + field.size(), value);
        const bool whole = r.ec == std::errc{} && r.ptr == field.data() + field.size();
        if (whole && std::isfinite(value) && (value > 0 || (may_be_zero && value == 0))) return value;
        std::string message("'");
        throw InputError(where(), c.name, message.append(field).append("' is not a positive number"));
    }

    /// Whether the gpu of this row is wanted; asked once for each name.
    bool wanted() {
        const std::string_view gpu = text(gpu_);
        if (!last_present_ || last_present_->first.first != gpu ||
            last_present_->first.second != text(engine_)) {
            const std::string name(gpu);
            last_present_ = &*present.try_emplace({name, std::string(text(engine_))}, 0).first;
            last_wanted_ = !accepts_ || accepts_(name);
            if (last_wanted_) accepted.insert(name);
        }
        ++last_present_->second;
        return last_wanted_;
    }

    KernelSeries& series_of_row() {
        const SeriesTexts texts{text(engine_), text(dtype_), text(cache_), text(kernel_), text(part_)};
        if (last_series_ != nullptr && texts.engine == last_series_->engine &&
            texts.dtype == last_series_->dtype && texts.cache == last_series_->cache &&
            texts.kernel == last_series_->kernel && texts.part == last_series_->part) {
            return *last_series_;
        }
        const SeriesKey key{std::string(texts.engine), std::string(texts.dtype), std::string(texts.cache),
                            std::string(texts.kernel), std::string(texts.part)};
        const auto [it, is_new] = series.try_emplace(key);
        if (is_new) it->second = {op_, key[0], {}, key[1], key[2], key[3], key[4], {}, {}};
        last_series_ = &it->second;
        return *last_series_;
    }

    void read_row() {
        if (fields_.size() != header_.size()) {
            std::string message = std::to_string(fields_.size());
            message.append(" fields where the header has ").append(std::to_string(header_.size()));
            throw InputError(where(), {}, message);
        }
        if (!wanted()) return;
        KernelSeries& s = series_of_row();
        const std::string_view version = text(version_);
        if (s.version.find(version) == std::string::npos) {
            s.version.append(s.version.empty() ? "" : "/").append(version);
        }
        if (text(suspect_) == "1") {
            ++s.dropped["marked suspect"];
            return;
        }
        KernelRow row;
        for (std::size_t i = 0; i < numbers_.size(); ++i)
            row.at[i] = number(numbers_[i], spec_.numbers[i].may_be_zero);
        row.seconds = number(latency_, false) * 1e-6;
        s.rows.push_back(row);
    }

    KernelOp op_;
    const TableSpec& spec_;
    std::string path_;
    const std::function<bool(const std::string&)>& accepts_;
    int line_ = 0;
    std::vector<std::string> header_;
    std::vector<std::string_view> fields_;
    Column gpu_, engine_, version_, suspect_, dtype_, cache_, kernel_, part_, latency_;
    std::vector<Column> numbers_;
    std::pair<const std::pair<std::string, std::string>, std::size_t>* last_present_ = nullptr;
    bool last_wanted_ = false;
    KernelSeries* last_series_ = nullptr;
};

std::optional<std::string> file_of(const std::string& folder, KernelOp op) {
    std::optional<std::string> found;
    for (const std::string_view ending : {".csv", ".csv.gz"}) {
        std::string path(folder);
        path.append("/").append(name_of(op)).append(ending);
        std::error_code ec;
        if (!std::filesystem::is_regular_file(path, ec)) continue;
        if (found)
            throw InputError({path}, {}, std::string("stands beside ").append(*found), "one table of a kind");
        found = std::move(path);
    }
    return found;
}

void require_one_gpu(const std::string& folder, const std::set<std::string>& gpus) {
    if (gpus.size() < 2) return;
    std::string message("rows of ");
    message.append(std::to_string(gpus.size())).append(" accelerators: ");
    for (const std::string& gpu : gpus) message.append(gpu == *gpus.begin() ? "" : ", ").append(gpu);
    throw InputError({folder}, {}, message, "choose one with --gpu NAME");
}

}   // namespace

std::string_view name_of(KernelOp op) { return spec_of(op).file; }

std::vector<std::string_view> number_columns(KernelOp op) {
    std::vector<std::string_view> names;
    for (const NumberColumn& n : spec_of(op).numbers) names.push_back(n.name);
    return names;
}

Measurements read_measurements(const std::string& folder,
                               const std::function<bool(const std::string&)>& accepts, unsigned threads) {
    std::error_code ec;
    if (!std::filesystem::is_directory(folder, ec)) throw InputError({folder}, {}, "no such folder");
    Measurements m;
    std::vector<TableReader> readers;
    for (std::size_t i = 0; i < op_count; ++i) {
        const auto op = static_cast<KernelOp>(i);
        if (auto path = file_of(folder, op))
            readers.emplace_back(op, std::move(*path), accepts);
        else
            m.missing.emplace_back(name_of(op));
    }
    if (readers.empty()) {
        throw InputError({folder}, {}, "holds no kernel timing table",
                         "tables: gemm.csv or gemm.csv.gz, moe, attention_decode, attention_prefill, "
                         "mla_decode, mla_prefill, allreduce, deepep");
    }
    for_each_index(readers.size(), threads, [&](std::size_t i) {
        try {
            readers[i].read();
        } catch (const SystemError& e) {   // the file is there: what it holds is wrong
            throw InputError({}, {}, e.what());
        }
    });
    std::set<std::string> gpus;
    for (TableReader& reader : readers) {
        gpus.insert(reader.accepted.begin(), reader.accepted.end());
        for (const auto& [who, count] : reader.present) m.present[who] += count;
        for (auto& [key, series] : reader.series) m.series.push_back(std::move(series));
    }
    require_one_gpu(folder, gpus);
    if (!gpus.empty()) m.gpu = *gpus.begin();
    return m;
}

}   // namespace moecost
