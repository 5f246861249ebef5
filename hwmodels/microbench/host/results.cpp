// SPDX-License-Identifier: Apache-2.0
#include "host/results.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <sstream>

#include "moecost/base/error.h"
#include "moecost/base/file.h"

namespace microbench {
namespace {

[[noreturn]] void fail(const std::string& path, std::string_view what, int error) {
    std::string message = path;
    message.append(": ").append(what).append(": ").append(std::strerror(error));
    throw moecost::SystemError(message);
}

}   // namespace

Results::Results(std::string folder) : folder_(std::move(folder)) {
    std::error_code ec;
    std::filesystem::create_directories(folder_, ec);
    if (ec) fail(folder_, "cannot create the folder", ec.value());
    if (!std::filesystem::exists(unfinished_path(), ec)) return;
    std::istringstream lines(moecost::read_file(unfinished_path()));
    for (std::string name; std::getline(lines, name);) ++unfinished_[name];
}

std::string Results::unfinished_path() const { return std::string(folder_).append("/unfinished.txt"); }

void Results::begin(const Case& c) { append_whole(unfinished_path(), c.name().append("\n")); }

void Results::end() {
    std::string text;
    for (const auto& [name, times] : unfinished_) {
        for (std::size_t i = 0; i < times; ++i) text.append(name).append("\n");
    }
    std::error_code ec;
    if (text.empty()) {
        std::filesystem::remove(unfinished_path(), ec);
    } else {
        std::filesystem::resize_file(unfinished_path(), text.size(),
                                     ec);   // the line of this case was the last
    }
}

std::size_t Results::times_unfinished(const Case& c) const {
    const auto known = unfinished_.find(c.name());
    return known == unfinished_.end() ? 0 : known->second;
}

std::string Results::path_of(const std::string& table) const {
    return std::string(folder_).append("/").append(table).append(".csv");
}

const std::set<std::string>& Results::keys_of(const Case& c) {
    const auto known = keys_.find(c.table);
    if (known != keys_.end()) return known->second;
    const std::string path = path_of(c.table);
    drop_incomplete_line(path);
    std::set<std::string> keys;
    std::error_code ec;
    if (std::filesystem::exists(path, ec) && std::filesystem::file_size(path, ec) > 0) {
        const moecost::CsvTable table(moecost::read_file(path), path);
        for (const auto& [key, row] : rows_by_key(table, identity_columns(c))) keys.insert(key);
    }
    return keys_[c.table] = std::move(keys);
}

bool Results::finished(const Case& c) { return keys_of(c).count(key_of(c)) == 1; }

void Results::append(const Case& c, const std::string& row) {
    (void)keys_of(c);
    const std::string path = path_of(c.table);
    std::error_code ec;
    std::string text;
    if (!std::filesystem::exists(path, ec) || std::filesystem::file_size(path, ec) == 0) {
        text.append(header_of(c)).append("\n");
    }
    append_whole(path, text.append(row).append("\n"));
    keys_[c.table].insert(key_of(c));
}

void drop_incomplete_line(const std::string& path) {
    std::error_code ec;
    if (!std::filesystem::exists(path, ec)) return;
    const std::string content = moecost::read_file(path);
    if (content.empty() || content.back() == '\n') return;
    const std::size_t newline = content.find_last_of('\n');
    std::filesystem::resize_file(path, newline == std::string::npos ? 0 : newline + 1, ec);
    if (ec) fail(path, "cannot cut off its incomplete last line", ec.value());
}

void append_whole(const std::string& path, const std::string& text) {
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (file < 0) fail(path, "cannot open", errno);
    struct stat before {};
    if (::fstat(file, &before) != 0) {
        const int error = errno;
        ::close(file);
        fail(path, "cannot read its size", error);
    }
    const ssize_t written = ::write(file, text.data(), text.size());
    const bool whole = written == static_cast<ssize_t>(text.size());
    const int error = written < 0 ? errno : ENOSPC;   // a short write to a file: no space is left
    if (!whole &&
        ::ftruncate(file, before.st_size) != 0) { /* drop_incomplete_line repairs it in the next run */
    }
    const bool closed = ::close(file) == 0;   // some file systems report a full disk only here
    if (!whole) fail(path, "cannot write", error);
    if (!closed) fail(path, "cannot write", errno);
}

std::map<std::string, std::size_t> rows_by_key(const moecost::CsvTable& table,
                                               const std::vector<std::string>& identity) {
    std::vector<std::size_t> columns;
    for (const std::string& column : identity) columns.push_back(table.column(column));
    std::map<std::string, std::size_t> rows;
    for (std::size_t row = 0; row < table.rows(); ++row) {
        std::vector<std::string> fields;
        for (const std::size_t column : columns) fields.emplace_back(table.text(row, column));
        rows.emplace(key_of_row(identity, fields), row);
    }
    return rows;
}

}   // namespace microbench
