// SPDX-License-Identifier: Apache-2.0
// HACKING.md tells the truth where a machine can check it: every path it names exists.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

namespace {

namespace fs = std::filesystem;

/// Pieces of text between backticks that look like paths of the repository.
std::set<std::string> paths_named(const std::string& text) {
    std::set<std::string> paths;
    for (std::size_t at = text.find('`'); at != std::string::npos; at = text.find('`', at + 1)) {
        const std::size_t end = text.find('`', at + 1);
        if (end == std::string::npos) break;
        std::string word = text.substr(at + 1, end - at - 1);
        word = word.substr(0, word.find(' '));
        const bool below = word.starts_with("sim/") || word.starts_with("tools/") ||
                           word.starts_with("tests/") || word.starts_with("hwmodels/") ||
                           word.starts_with("workloads/") || word.starts_with("results/");
        if (below) paths.insert(word);
        at = end;
    }
    return paths;
}

}   // namespace

TEST_CASE("every path that HACKING.md names exists") {
    std::ifstream in(fs::path(MOECOST_SOURCE) / "HACKING.md");
    std::stringstream text;
    text << in.rdbuf();
    const std::set<std::string> paths = paths_named(text.str());
    CHECK(paths.size() > 20);
    for (const std::string& path : paths) CHECK_MESSAGE(fs::exists(fs::path(MOECOST_SOURCE) / path), path);
}
