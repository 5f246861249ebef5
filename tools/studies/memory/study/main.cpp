// SPDX-License-Identifier: Apache-2.0
// study_memory LOGS.csv OUT.csv: every usable log beside the prediction, and the errors by group on standard output.
#include <cstdio>
#include <iostream>
#include <map>

#include "memory/memory_logs.h"
#include "moecost/base/format.h"

namespace {

using memory_logs::Comparison;

std::string cell(const std::optional<double>& value, int digits) {
    return value ? moecost::fixed(*value, digits) : std::string();
}

void add_pair(std::string& line, const std::optional<double>& logged, const std::optional<double>& predicted,
              int digits) {
    line.append(",").append(cell(logged, digits)).append(",").append(cell(predicted, digits));
}

std::string csv_of(const std::vector<Comparison>& rows) {
    std::string s(
        "id,engine,version,model,gpu,laboratory,suspect,weights_logged_gib,weights_gib,activation_logged_gib,"
        "activation_gib,other_logged_gib,other_gib,cache_logged_gib,cache_gib,tokens_logged,tokens\n");
    for (const Comparison& c : rows) {
        s.append(c.id).append(",").append(c.engine).append(",").append(c.version).append(",").append(c.model);
        s.append(",").append(c.gpu).append(c.laboratory ? ",1" : ",0").append(c.suspect ? ",1" : ",0");
        add_pair(s, c.logged.weights, c.predicted.weights, 2);
        add_pair(s, c.logged.activation, c.predicted.activation, 2);
        add_pair(s, c.logged.other, c.predicted.other, 2);
        add_pair(s, c.logged.cache, c.predicted.cache, 2);
        add_pair(s, c.logged.tokens, c.predicted.tokens, 0);
        s.append("\n");
    }
    return s;
}

template <class Keep>
void print(const char* group, const std::vector<Comparison>& rows, Keep keep) {
    using memory_logs::Figures;
    constexpr std::pair<const char*, memory_logs::Figure> figures[] = {
        {"weights", &Figures::weights}, {"cache", &Figures::cache}, {"tokens", &Figures::tokens}};
    for (const auto& [name, figure] : figures) {
        const auto e = memory_logs::summarise(memory_logs::errors_of(rows, figure, keep));
        if (e.rows == 0) continue;
        std::printf("%-34s %-8s %4zu rows  median %6.2f %%  p90 %6.2f %%  worst %7.2f %%\n", group, name,
                    e.rows, 100 * e.median, 100 * e.p90, 100 * e.worst);
    }
}

}   // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        std::cerr << "usage: study_memory LOGS.csv OUT.csv\n";
        return 2;
    }
    const moecost::CsvTable table(moecost::read_file(argv[1]), argv[1]);
    std::vector<Comparison> rows;
    std::map<std::string, int> skipped;
    for (std::size_t i = 0; i < table.rows(); ++i) {
        auto result = memory_logs::compare(moecost::DataStore(), table, i);
        if (auto* why = std::get_if<std::string>(&result))
            ++skipped[*why];
        else
            rows.push_back(std::move(std::get<Comparison>(result)));
    }
    moecost::write_file(argv[2], csv_of(rows));
    std::printf("%zu of %zu rows compared\n", rows.size(), table.rows());
    for (const auto& [why, n] : skipped) std::printf("  %3d left out: %s\n", n, why.c_str());
    print("all", rows, [](const Comparison&) { return true; });
    print("nothing inferred about the row", rows, [](const Comparison& c) { return !c.suspect; });
    print("the laboratory of the constants", rows, [](const Comparison& c) { return c.laboratory; });
    print("everyone else", rows, [](const Comparison& c) { return !c.laboratory; });
    for (const char* engine : {"vllm", "sglang", "trtllm"})
        print(engine, rows, [&](const Comparison& c) { return c.engine == engine; });
    return 0;
}
