// SPDX-License-Identifier: Apache-2.0
// The house keeps its rooms: includes run downhill only, laws know no file formats, heavy libraries stay in one file.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

struct SourceFile {
    std::string path;   // below the source folder
    std::vector<std::string> lines;
    std::vector<std::string> includes;   // as written, brackets included
};

std::vector<SourceFile> sources_below(const std::string& folder) {
    std::vector<SourceFile> files;
    const fs::path root(MOECOST_SOURCE);
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
        const std::string extension = entry.path().extension().string();
        if (extension != ".h" && extension != ".cpp") continue;
        SourceFile file{fs::relative(entry.path(), root).generic_string(), {}, {}};
        std::ifstream in(entry.path());
        for (std::string line; std::getline(in, line);) {
            if (line.starts_with("#include ")) file.includes.push_back(line.substr(9));
            file.lines.push_back(line);
        }
        files.push_back(std::move(file));
    }
    REQUIRE_FALSE(files.empty());
    return files;
}

/// "ops" of sim/ops/step.h, "" of sim/moecost.h.
std::string room_of(const std::string& path) {
    const std::string below = path.substr(4);
    const std::size_t slash = below.find('/');
    return slash == std::string::npos ? std::string() : below.substr(0, slash);
}

/// Rooms that a room may see besides itself; "" stands for the files at the top of sim/ (moecost.h, description.h).
const std::map<std::string, std::set<std::string>> visible = {
    {"base", {}},
    {"model", {"base"}},
    {"hardware", {"base"}},
    {"traffic", {"base"}},
    {"law", {"base"}},
    {"ops", {"base", "model", "hardware", "traffic"}},
    {"timing", {"base", "model", "hardware", "traffic", "ops"}},
    {"serving", {"base", "model", "hardware", "traffic", "ops", "timing"}},
    {"cost", {"base", "model", "hardware", "traffic", "ops", "timing", "serving"}},
    {"", {"base", "model", "hardware", "traffic", "ops", "timing", "serving", "cost"}},
    {"search", {"", "base", "model", "hardware", "traffic", "ops", "timing", "serving", "cost", "law"}},
    {"calibrate", {"", "base", "model", "hardware", "traffic", "ops", "timing", "serving", "cost"}},
};

bool is_quoted(const std::string& include) { return include.starts_with('"'); }

std::string unquoted(const std::string& include) {
    return include.substr(1, include.find_last_of("\">") - 1);
}

}   // namespace

TEST_CASE("includes run downhill") {
    for (const SourceFile& file : sources_below("sim")) {
        const std::string room = room_of(file.path);
        REQUIRE_MESSAGE(visible.count(room) == 1, file.path << " stands in a room that is not on the plan");
        for (const std::string& include : file.includes) {
            if (!is_quoted(include)) continue;
            const std::string target = room_of(std::string("sim/").append(unquoted(include)));
            const bool allowed = target == room || visible.at(room).count(target) == 1;
            CHECK_MESSAGE(allowed, file.path << " includes " << include);
        }
    }
}

TEST_CASE("every quoted include names a file by its path below sim") {
    for (const SourceFile& file : sources_below("sim")) {
        for (const std::string& include : file.includes) {
            if (!is_quoted(include)) continue;
            CHECK_MESSAGE(fs::exists(fs::path(MOECOST_SOURCE) / "sim" / unquoted(include)),
                          file.path << " " << include);
        }
    }
}

TEST_CASE("rooms with laws read no files and print nothing") {
    const std::set<std::string> laws{"ops", "timing", "serving", "cost"};
    const std::set<std::string> refused{"<iostream>",      "<fstream>",       "<sstream>",
                                        "<cstdio>",        "<toml++/toml.h>", "\"base/value.h\"",
                                        "\"base/data.h\"", "\"base/csv.h\"",  "\"base/json_writer.h\""};
    for (const SourceFile& file : sources_below("sim")) {
        if (laws.count(room_of(file.path)) == 0) continue;
        for (const std::string& include : file.includes) {
            CHECK_MESSAGE(refused.count(include) == 0, file.path << " includes " << include);
        }
    }
}

TEST_CASE("the library never prints and never exits") {
    for (const SourceFile& file : sources_below("sim")) {
        for (const std::string& line : file.lines) {
            const bool prints =
                line.find("std::cout") != std::string::npos || line.find("std::cerr") != std::string::npos ||
                line.find("printf(") != std::string::npos || line.find("std::exit") != std::string::npos;
            const bool comment = line.starts_with("//");
            CHECK_MESSAGE((comment || !prints), file.path << ": " << line);
        }
    }
}

TEST_CASE("heavy libraries stand behind one file each, linear algebra behind one of each room") {
    std::map<std::string, std::set<std::string>> users;
    for (const char* folder : {"sim", "tools"}) {
        for (const SourceFile& file : sources_below(folder)) {
            for (const std::string& include : file.includes) {
                for (const char* library : {"<toml++", "<boost/", "<rapidjson/", "<Eigen/", "<zlib"}) {
                    if (!include.starts_with(library)) continue;
                    const bool by_room = std::string(library) == "<Eigen/";
                    const std::string room = by_room ? fs::path(file.path).parent_path().string() : "";
                    users[std::string(library).append(" ").append(room)].insert(file.path);
                }
            }
        }
    }
    for (const auto& [library, files] : users) {
        std::string names;
        for (const std::string& file : files) names.append(" ").append(file);
        CHECK_MESSAGE(files.size() == 1, library << ":" << names);
    }
}

TEST_CASE("every source file names its licence and is one idea long") {
    for (const char* folder : {"sim", "tools"}) {
        for (const SourceFile& file : sources_below(folder)) {
            REQUIRE_FALSE(file.lines.empty());
            CHECK_MESSAGE(file.lines[0] == "// SPDX-License-Identifier: Apache-2.0", file.path);
            CHECK_MESSAGE(file.lines.size() <= 500, file.path << " has " << file.lines.size() << " lines");
        }
    }
}
