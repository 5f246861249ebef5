// SPDX-License-Identifier: Apache-2.0
// The manual: every page renders, every figure stands in it, and the arithmetic of the worked example adds up.
#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "moecost/estimate/figures.h"
#include "program.h"

using namespace moecost;

namespace {

/// What follows the last '=' of a line as a number.
double after_equals(const std::string& line) { return std::stod(line.substr(line.rfind('=') + 1)); }

/// Troff without its escapes.
std::string plain(std::string text) {
    for (std::size_t at = text.find("\\-"); at != std::string::npos; at = text.find("\\-")) text.erase(at, 1);
    return text;
}

}   // namespace

TEST_CASE("the arithmetic of the worked example gives the figures that stand beside it") {
    std::istringstream page(plain(run_program("man reading").out));
    std::string line, key;
    double said = 0, sum = 0;
    std::size_t checked = 0;
    bool in_sum = false;
    for (; std::getline(page, line);) {
        if (line.starts_with(".B ") && line.find(" = ") != std::string::npos) {
            key = line.substr(3, line.find(" = ") - 3);
            said = after_equals(line);
        } else if (line.starts_with("= ")) {
            in_sum = true;
            if (line.find_first_of("*/(", 2) == std::string::npos &&
                line.find(" - ") == std::string::npos)   // the last line
                sum = after_equals(line);
        } else if (line == ".fi" && in_sum) {
            CAPTURE(key);
            CHECK(sum == doctest::Approx(said).epsilon(2e-3));
            in_sum = false;
            ++checked;
        }
    }
    CHECK(checked >= 12);
}

TEST_CASE("every page of the manual renders without a warning, and one page says what every figure means") {
    const ScratchFolder scratch;
    const std::string folder = (scratch.path / "pages").string();
    REQUIRE(run_program("man --folder '" + folder + "'").status == 0);
    const std::string figures_page = plain(read_file(folder + "/moecost-figures.7"));
    for (const Figure& figure : figures())
        CHECK(figures_page.find(".B " + std::string(figure.key)) != std::string::npos);
    std::size_t pages = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        const std::string page = entry.path().string();
        CAPTURE(page);
        ++pages;
        if (std::system("command -v man >/dev/null 2>&1 && command -v groff >/dev/null 2>&1") != 0) {
            MESSAGE("skipped: man or groff is not installed");
            continue;
        }
        const std::string out = (scratch.path / "warnings").string();
        CHECK(std::system(
                  ("MANWIDTH=100 man --warnings -l '" + page + "' 2>'" + out + "' | grep -q NAME").c_str()) ==
              0);
        CHECK(read_file(out).find("warning") == std::string::npos);
    }
    CHECK(pages == 23);
}

TEST_CASE("a page that is none is named") {
    const Run run = run_program("man estimat");
    CHECK(run.status == 2);
    CHECK(run.err.find("did you mean 'estimate'?") != std::string::npos);
}
