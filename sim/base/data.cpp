// SPDX-License-Identifier: Apache-2.0
#include "moecost/base/data.h"

#include <algorithm>
#include <filesystem>

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

bool has_alias(const Document& document, std::string_view wanted) {
    const Reader reader(document);
    if (!reader.has("aliases")) return false;
    const auto aliases = reader.texts("aliases");
    return std::any_of(aliases.begin(), aliases.end(),
                       [&](const auto& a) { return normal_form(a) == wanted; });
}

}   // namespace

bool is_path(std::string_view name) {
    return name.find('/') != std::string_view::npos || name.ends_with(".toml") || name.ends_with(".json");
}

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
        std::error_code ec;
        for (const auto& entry :
             std::filesystem::directory_iterator(directory_ + "/" + std::string(folder), ec)) {
            if (entry.path().extension() == ".toml") result.push_back(entry.path().stem().string());
        }
    }
    std::sort(result.begin(), result.end());
    result.erase(std::unique(result.begin(), result.end()), result.end());
    return result;
}

DataStore::Source DataStore::source(std::string_view folder, std::string_view stem) const {
    const std::string path = join(folder, stem);
    if (!directory_.empty()) {
        const std::string file = directory_ + "/" + path;
        if (std::filesystem::exists(file)) return {file, read_file(file), {}};
    }
    for (const EmbeddedFile& file : embedded_files()) {
        if (file.path == path) return {path, {}, file.text};
    }
    throw SystemError(std::string("no data file ").append(path));
}

Document DataStore::load(std::string_view folder, std::string_view stem) const {
    const Source s = source(folder, stem);
    return parse_toml(s.text(), s.file);
}

Document DataStore::head(std::string_view folder, std::string_view stem) const {
    const Source s = source(folder, stem);
    const std::string_view text = s.text();
    if (text.starts_with('[')) return parse_toml({}, s.file);
    const std::size_t table = text.find("\n[");
    return parse_toml(text.substr(0, table == std::string_view::npos ? table : table + 1), s.file);
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
    for (const std::string& stem : known) {
        Document document = load(folder, stem);
        if (has_alias(document, wanted)) return document;
    }
    std::string message("no ");
    message.append(what).append(" is named '").append(name).append("'");
    throw InputError({}, {}, message, name_hint(name, known));
}

}   // namespace moecost
