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

/// The floors of the house, ground floor first: a room sees those of lower floors. law stands on base alone.
const std::vector<std::set<std::string>> floors = {
    {"base"},
    {"model", "hardware", "traffic", "law"},
    {"ops"},
    {"timing"},
    {"serving", "training"},
    {"cost"},
    {"estimate"},
    {"launch", "plan", "sweep", "measured"},
    {"design", "validate", "calibrate"},
    {""},   // sim/moecost.h
};

std::size_t floor_of(const std::string& room) {
    for (std::size_t i = 0; i < floors.size(); ++i) {
        if (floors[i].count(room) == 1) return i;
    }
    FAIL("the room '" << room << "' is not on the plan");
    return 0;
}

bool sees(const std::string& room, const std::string& other) {
    if (room == other) return true;
    if (other == "law" && room != "design") return false;
    return floor_of(other) < floor_of(room);
}

bool is_quoted(const std::string& include) { return include.starts_with('"'); }

std::string unquoted(const std::string& include) {
    return include.substr(1, include.find_last_of("\">") - 1);
}

const std::string prefix("moecost/");

/// "ops" of "moecost/ops/step.h".
std::string room_included(const std::string& include) {
    return room_of(std::string("sim/").append(unquoted(include).substr(prefix.size())));
}

}   // namespace

TEST_CASE("includes run downhill") {
    for (const SourceFile& file : sources_below("sim")) {
        for (const std::string& include : file.includes) {
            if (!is_quoted(include)) continue;
            CHECK_MESSAGE(sees(room_of(file.path), room_included(include)),
                          file.path << " includes " << include);
        }
    }
}

TEST_CASE("every quoted include of sim names a file by the path it is installed under") {
    for (const SourceFile& file : sources_below("sim")) {
        for (const std::string& include : file.includes) {
            if (!is_quoted(include)) continue;
            const std::string path = unquoted(include);
            const bool there = path.starts_with(prefix) &&
                               fs::exists(fs::path(MOECOST_SOURCE) / "sim" / path.substr(prefix.size()));
            CHECK_MESSAGE(there, file.path << " " << include);
        }
    }
}

TEST_CASE("rooms with laws read no files and print nothing") {
    const std::set<std::string> laws{"ops", "timing", "serving", "cost"};
    const std::set<std::string> refused{"<iostream>",
                                        "<fstream>",
                                        "<sstream>",
                                        "<cstdio>",
                                        "<toml++/toml.h>",
                                        "\"moecost/base/value.h\"",
                                        "\"moecost/base/data.h\"",
                                        "\"moecost/base/csv.h\"",
                                        "\"moecost/base/file.h\"",
                                        "\"moecost/base/gzip.h\"",
                                        "\"moecost/base/json_writer.h\""};
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

TEST_CASE("heavy libraries stand behind one file each") {
    std::map<std::string, std::set<std::string>> users;
    for (const char* folder : {"sim", "tools"}) {
        for (const SourceFile& file : sources_below(folder)) {
            for (const std::string& include : file.includes) {
                for (const char* library : {"<toml++", "<boost/", "<rapidjson/", "<Eigen/", "<zlib"}) {
                    if (include.starts_with(library)) users[library].insert(file.path);
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

TEST_CASE("the library talks to the operating system in one file") {
    const std::set<std::string> system{"<fcntl.h>", "<unistd.h>", "<sys/file.h>", "<sys/stat.h>",
                                       "<sys/mman.h>"};
    for (const SourceFile& file : sources_below("sim")) {
        for (const std::string& include : file.includes) {
            const bool apart = system.count(include) == 1 && file.path != "sim/base/file.cpp";
            CHECK_MESSAGE(!apart, file.path << " includes " << include);
        }
    }
}

// The core compiles to WebAssembly and into a Python module, and its caller decides about threads.
TEST_CASE("files of the core, and what they include, know no threads, POSIX, Eigen or zlib") {
    const std::vector<std::string> refused{
        "<thread>", "<mutex>",     "<shared_mutex>", "<condition_variable>",
        "<future>", "<semaphore>", "<latch>",        "<barrier>",
        "<unistd",  "<fcntl",      "<sys/",          "<pthread",
        "<dirent",  "<poll",       "<spawn",         "<csignal",
        "<signal",  "<dlfcn",      "<Eigen/",        "<zlib"};
    std::map<std::string, const SourceFile*> by_path;
    const std::vector<SourceFile> files = sources_below("sim");
    for (const SourceFile& file : files) by_path[file.path] = &file;
    std::vector<std::string> open;
    std::ifstream core(MOECOST_CORE);
    for (std::string path; std::getline(core, path);) {
        open.push_back(fs::relative(path, MOECOST_SOURCE).generic_string());
    }
    REQUIRE(open.size() > 50);
    std::set<std::string> seen(open.begin(), open.end());
    while (!open.empty()) {
        const std::string path = open.back();
        open.pop_back();
        REQUIRE_MESSAGE(by_path.count(path) == 1, path);
        for (const std::string& include : by_path[path]->includes) {
            if (is_quoted(include)) {
                const std::string next = std::string("sim/").append(unquoted(include).substr(prefix.size()));
                if (seen.insert(next).second) open.push_back(next);
                continue;
            }
            const bool bad = std::any_of(refused.begin(), refused.end(),
                                         [&](const std::string& r) { return include.starts_with(r); });
            CHECK_MESSAGE(!bad, path << " includes " << include);
        }
    }
}

TEST_CASE("every source file names its licence and is one idea long") {
    for (const char* folder : {"sim", "tools", "tests"}) {
        for (const SourceFile& file : sources_below(folder)) {
            REQUIRE_FALSE(file.lines.empty());
            CHECK_MESSAGE(file.lines[0] == "// SPDX-License-Identifier: Apache-2.0", file.path);
            CHECK_MESSAGE(file.lines.size() <= 400, file.path << " has " << file.lines.size() << " lines");
        }
    }
}
