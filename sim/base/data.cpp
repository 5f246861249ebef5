// SPDX-License-Identifier: Apache-2.0
#include "moecost/base/data.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <optional>
#include <utility>

#include "moecost/base/near_names.h"
#include "moecost/base/packed.h"
#include "moecost/base/read_file.h"

namespace moecost {
namespace {

/// Names compare without case, and '-' equals '_': h100-sxm is h100_sxm.
std::string normal_form(std::string_view name) {
    std::string s(name);
    for (char& c : s) {
        if (c == '-')
            c = '_';
        else if (c >= 'A' && c <= 'Z')
            c = static_cast<char>(c - 'A' + 'a');
    }
    return s;
}

std::string join(std::string_view folder, std::string_view stem) {
    std::string s(folder);
    return s.append("/").append(stem).append(".toml");
}

std::vector<std::string> aliases_of(const Document& document) {
    const Reader reader(document);
    return reader.has("aliases") ? reader.texts("aliases") : std::vector<std::string>();
}

bool has_alias(const Document& document, std::string_view wanted) {
    const std::vector<std::string> aliases = aliases_of(document);
    return std::any_of(aliases.begin(), aliases.end(),
                       [&](const auto& a) { return normal_form(a) == wanted; });
}

/// Lines of `key = "text"` or `key = 12`, comments aside, read without the whole of TOML: a run looks into the heads of
/// many files to open one. Nothing: some line says more.
std::optional<Document> read_plain_lines(std::string_view text, const std::string& file) {
    constexpr std::string_view bare = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    Document document{file, {Value::Table{}, 1, 1}};
    auto& table = std::get<Value::Table>(document.root.content);
    int number = 0;
    while (!text.empty()) {
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        ++number;
        if (line.empty() || line[0] == '#') continue;
        const std::size_t end = line.find_first_not_of(bare);
        if (end == 0 || end == std::string_view::npos || line.substr(end, 3) != " = ") return std::nullopt;
        const std::string_view rest = line.substr(end + 3);
        Value value{{}, number, static_cast<int>(end) + 4};
        std::int64_t integer = 0;
        const auto parsed = std::from_chars(rest.data(), rest.data() + rest.size(), integer);
        const std::size_t quote = rest.starts_with('"') ? rest.find('"', 1) : std::string_view::npos;
        if (quote != std::string_view::npos && quote + 1 == rest.size() &&
            rest.find('\\') == std::string_view::npos) {
            value.content = std::string(rest.substr(1, quote - 1));
        } else if (parsed.ec == std::errc{} && parsed.ptr == rest.data() + rest.size()) {
            value.content = integer;
        } else {
            return std::nullopt;
        }
        table.emplace_back(line.substr(0, end), std::move(value));
    }
    return document;
}

SystemError unreadable(const std::string& path, const std::error_code& ec) {
    return SystemError(std::string(path).append(": cannot read: ").append(ec.message()));
}

}   // namespace

bool is_path(std::string_view name) {
    return name.find('/') != std::string_view::npos || name.ends_with(".toml") || name.ends_with(".json");
}

bool same_file_name(std::string_view a, std::string_view b) { return normal_form(a) == normal_form(b); }

DataStore::DataStore(std::string directory) : directory_(std::move(directory)) {
    std::error_code ec;
    if (!directory_.empty() && !std::filesystem::is_directory(directory_, ec)) {
        throw InputError({"--data-dir"}, {}, std::string("'").append(directory_).append("' is not a folder"));
    }
}

std::vector<std::string> DataStore::names(std::string_view folder) const {
    std::vector<std::string> result;
    for (const EmbeddedFile& file : embedded_files()) {
        if (!file.path.starts_with(folder) || !file.path.ends_with(".toml")) continue;
        const std::string_view rest = file.path.substr(folder.size());
        if (rest.starts_with('/') && rest.find('/', 1) == std::string_view::npos) {
            result.emplace_back(rest.substr(1, rest.size() - 6));
        }
    }
    if (!directory_.empty()) {
        const std::string own = directory_ + "/" + std::string(folder);
        std::error_code ec;
        std::filesystem::directory_iterator entry(own, ec);
        if (ec && ec != std::errc::no_such_file_or_directory) throw unreadable(own, ec);
        for (; !ec && entry != std::filesystem::directory_iterator(); entry.increment(ec)) {
            if (entry->path().extension() != ".toml") continue;
            result.push_back(entry->path().stem().string());
            if (printable(result.back()) != result.back())
                throw InputError({entry->path().string()}, {}, "a name is one line of UTF-8");
        }
        if (ec && ec != std::errc::no_such_file_or_directory) throw unreadable(own, ec);
    }
    std::sort(result.begin(), result.end());
    result.erase(std::unique(result.begin(), result.end()), result.end());
    return result;
}

std::vector<std::string> DataStore::files() const {
    std::vector<std::string> result;
    if (directory_.empty()) return result;
    std::error_code ec;
    std::filesystem::recursive_directory_iterator entry(directory_, ec);
    for (; !ec && entry != std::filesystem::recursive_directory_iterator(); entry.increment(ec)) {
        if (entry->path().extension() == ".toml") result.push_back(entry->path().string());
    }
    if (ec) throw unreadable(directory_, ec);
    std::sort(result.begin(), result.end());
    return result;
}

/// A link may lead elsewhere in the folder, not out of it.
bool DataStore::is_inside(const std::string& file) const {
    std::error_code ec;
    const auto folder = std::filesystem::canonical(directory_, ec);
    if (ec) return false;
    const auto target = std::filesystem::canonical(file, ec);
    if (ec) throw unreadable(file, ec);
    return std::mismatch(folder.begin(), folder.end(), target.begin(), target.end()).first == folder.end();
}

DataStore::Source DataStore::source(std::string_view folder, std::string_view stem) const {
    const std::string path = join(folder, stem);
    if (!directory_.empty()) {
        const std::string file = directory_ + "/" + path;
        std::error_code ec;
        const auto status = std::filesystem::symlink_status(file, ec);
        if (ec && ec != std::errc::no_such_file_or_directory && ec != std::errc::not_a_directory)
            throw unreadable(file, ec);
        if (std::filesystem::exists(status)) {
            if (!is_inside(file)) throw InputError({file}, {}, "leads out of the folder of --data-dir");
            return {file, read_file(file), {}, {}};
        }
    }
    for (const EmbeddedFile& file : embedded_files()) {
        if (file.path == path) return {path, {}, file.text, file.packed};
    }
    throw SystemError(std::string("no data file ").append(path));
}

Document DataStore::load(std::string_view folder, std::string_view stem) const {
    const Source s = source(folder, stem);
    return s.packed.empty() ? parse_toml(s.text(), s.file) : unpack(s.packed, s.file);
}

Document DataStore::head(std::string_view folder, std::string_view stem) const {
    const Source s = source(folder, stem);
    const std::string_view text = s.text();
    if (text.starts_with('[')) return parse_toml({}, s.file);
    const std::size_t table = text.find("\n[");
    const std::string_view head = text.substr(0, table == std::string_view::npos ? table : table + 1);
    if (auto document = read_plain_lines(head, s.file)) return std::move(*document);
    return parse_toml(head, s.file);
}

Document DataStore::open(std::string_view folder, std::string_view name, std::string_view what) const {
    if (is_path(name)) {
        const std::string path(name);
        std::error_code ec;
        if (!std::filesystem::exists(path, ec)) throw InputError({path}, {}, "no such file");
        if (std::filesystem::is_directory(path, ec)) throw InputError({path}, {}, "is a folder, not a file");
        return parse_document(read_file(path), path);
    }
    const std::vector<std::string> known = names(folder);
    const std::string wanted = normal_form(name);
    for (const std::string& stem : known) {
        if (normal_form(stem) == wanted) return load(folder, stem);
    }
    std::vector<std::string> all = known;
    for (const std::string& stem : known) {
        Document document = load(folder, stem);
        if (has_alias(document, wanted)) return document;
        const std::vector<std::string> aliases = aliases_of(document);
        all.insert(all.end(), aliases.begin(), aliases.end());
    }
    std::string message("no ");
    message.append(what).append(" is named '").append(name).append("'");
    throw InputError({}, {}, message, name_hint(name, related_names(name, all).empty() ? known : all));
}

}   // namespace moecost
