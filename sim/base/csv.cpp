// SPDX-License-Identifier: Apache-2.0
#include "moecost/base/csv.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <new>

namespace moecost {
namespace {

/// Splits CSV text into records; the callback receives the fields and the line the record starts on.
template <class Sink>
void for_each_record(std::string_view text, const std::string& file, Sink sink) {
    std::vector<std::string> fields;
    int line = 1;
    std::size_t i = 0;
    while (i < text.size()) {
        const int start = line;
        fields.clear();
        bool more = true;
        while (more) {
            std::string field;
            if (i < text.size() && text[i] == '"') {
                for (++i;; ++i) {
                    if (i >= text.size()) throw InputError({file, start}, {}, "quoted field is not closed");
                    if (text[i] == '\n') ++line;
                    if (text[i] != '"')
                        field += text[i];
                    else if (i + 1 < text.size() && text[i + 1] == '"')
                        field += text[i++];
                    else
                        break;
                }
                ++i;
            } else {
                while (i < text.size() && text[i] != ',' && text[i] != '\n') field += text[i++];
                if (!field.empty() && field.back() == '\r') field.pop_back();
            }
            if (i < text.size() && text[i] == '\r') ++i;
            more = i < text.size() && text[i] == ',';
            if (!more && i < text.size() && text[i] != '\n') {
                throw InputError({file, line}, {}, "text after the closing quote of a field");
            }
            ++i;
            fields.push_back(std::move(field));
        }
        ++line;
        if (fields.size() > 1 || !fields[0].empty()) sink(fields, start);
    }
}

}   // namespace

CsvTable::CsvTable(std::string_view text, std::string file) : file_(std::move(file)) {
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    for_each_record(text, file_, [this](std::vector<std::string>& record, int line) {
        if (header_.empty()) {
            header_ = std::move(record);
            return;
        }
        if (record.size() != header_.size()) {
            std::string message = std::to_string(record.size());
            message.append(" fields where the header has ").append(std::to_string(header_.size()));
            throw InputError({file_, line}, {}, message);
        }
        lines_.push_back(line);
        std::move(record.begin(), record.end(), std::back_inserter(fields_));
    });
    if (header_.empty()) throw InputError({file_}, {}, "empty: a header row is needed");
}

std::optional<std::size_t> CsvTable::find_column(std::string_view name) const {
    const auto it = std::find(header_.begin(), header_.end(), name);
    if (it == header_.end()) return std::nullopt;
    return static_cast<std::size_t>(it - header_.begin());
}

std::size_t CsvTable::column(std::string_view name) const {
    if (const auto c = find_column(name)) return *c;
    throw InputError({file_, 1}, name, "column is missing", name_hint(name, header_));
}

std::string_view CsvTable::text(std::size_t row, std::size_t column) const {
    return fields_[row * header_.size() + column];
}

std::optional<double> CsvTable::number(std::size_t row, std::size_t column) const {
    const std::string_view field = text(row, column);
    if (field.empty()) return std::nullopt;
    double value = 0;
    const auto r = std::from_chars(field.data(), field.data() + field.size(), value);
    if (r.ec != std::errc{} || r.ptr != field.data() + field.size() || !std::isfinite(value)) {
        fail(row, column, std::string("'").append(field).append("' is not a number"));
    }
    return value;
}

Location CsvTable::where(std::size_t row) const { return {file_, lines_[row]}; }

void CsvTable::fail(std::size_t row, std::size_t column, std::string_view message) const {
    throw InputError(where(row), header_[column], message);
}

void read_blocks(const std::string& path, const std::function<void(std::string_view)>& sink) {
    std::error_code ec;
    if (std::filesystem::is_directory(path, ec)) throw SystemError(std::string(path).append(": is a folder"));
    const std::unique_ptr<gzFile_s, decltype(&gzclose)> file(gzopen(path.c_str(), "rb"),
                                                             &gzclose);   // plain files pass unchanged
    if (file == nullptr) throw SystemError(std::string(path).append(": ").append(std::strerror(errno)));
    std::array<char, 1 << 16> buffer{};
    int n = 0;
    while ((n = gzread(file.get(), buffer.data(), static_cast<unsigned>(buffer.size()))) > 0) {
        sink({buffer.data(), static_cast<std::size_t>(n)});
    }
    // A gzip file that ends too early reads as a short one; its error is only set.
    int code = Z_OK;
    gzerror(file.get(), &code);
    if (n < 0 || code != Z_OK) throw SystemError(std::string(path).append(": damaged gzip data"));
}

std::string read_file(const std::string& path) {
    std::string content;
    read_blocks(path, [&](std::string_view block) {
        content.append(block);
        if (content.size() > (std::size_t{1} << 30)) {
            throw SystemError(std::string(path).append(": larger than 1 GiB"));
        }
    });
    return content;
}

void write_file(const std::string& path, std::string_view content) {
    std::error_code kind;
    const bool replaceable =   // a device or pipe is written to; renaming onto it would destroy it
        !std::filesystem::exists(path, kind) || std::filesystem::is_regular_file(path, kind);
    const std::string part = replaceable ? std::string(path).append(".part") : path;
    {
        std::ofstream out(part, std::ios::binary);
        out.write(content.data(), static_cast<std::streamsize>(content.size()));
        out.flush();
        if (!out) {
            std::string message(path);
            message.append(": cannot write: ").append(std::strerror(errno));
            if (replaceable) std::remove(part.c_str());
            throw SystemError(message);
        }
    }
    if (!replaceable) return;
    std::error_code ec;
    std::filesystem::rename(part, path, ec);
    if (ec) {
        std::remove(part.c_str());
        throw SystemError(std::string(path).append(": ").append(ec.message()));
    }
}

std::string gzip_member(std::string_view text) {
    constexpr int gzip_format = 15 + 16;   // largest window, gzip header
    constexpr int fast = 3;                // rows are formatted faster than better levels compress
    z_stream stream{};
    if (deflateInit2(&stream, fast, Z_DEFLATED, gzip_format, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        throw std::bad_alloc();
    std::string member(deflateBound(&stream, static_cast<uLong>(text.size())), '\0');
    stream.next_in =
        reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));   // zlib's interface is older than const
    stream.avail_in = static_cast<uInt>(text.size());
    stream.next_out = reinterpret_cast<Bytef*>(member.data());
    stream.avail_out = static_cast<uInt>(member.size());
    deflate(&stream, Z_FINISH);
    member.resize(stream.total_out);
    deflateEnd(&stream);
    return member;
}

std::string csv_field(std::string_view text) {
    if (text.find_first_of(",\"\n\r") == std::string_view::npos) return std::string(text);
    std::string s = "\"";
    for (const char c : text) {
        if (c == '"') s += '"';
        s += c;
    }
    return s += '"';
}

}   // namespace moecost
