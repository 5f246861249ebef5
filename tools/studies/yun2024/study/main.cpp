// SPDX-License-Identifier: Apache-2.0
// Yun et al. 2024 (arXiv 2404.02852) claim by claim: study_yun2024 FOLDER writes the CSVs of the pictures and the tables.
#include <cstdio>
#include <exception>

#include "study.h"

int main(int count, char** arguments) {
    if (count != 2) {
        std::fputs("usage: study_yun2024 FOLDER\n", stderr);
        return 2;
    }
    try {
        using namespace moecost::yun2024;
        World world = read_world();
        const auto cases = make_cases(world);
        write_figures(arguments[1], world, cases);
        write_tables(arguments[1], world, cases);
    } catch (const std::exception& e) {
        std::fprintf(stderr, "study_yun2024: %s\n", e.what());
        return 1;
    }
    return 0;
}
