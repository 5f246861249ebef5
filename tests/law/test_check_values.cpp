// SPDX-License-Identifier: Apache-2.0
// Every row of the reference table: closed forms to 1e-9, numerically found quantities to 1e-6, relative.
#include <doctest/doctest.h>

#include <charconv>
#include <map>

#include "laws.h"
#include "moecost/base/csv.h"
#include "moecost/base/file.h"
#include "moecost/law/optimum.h"

using namespace moecost;

namespace {

using Inputs = std::map<std::string, double, std::less<>>;

/// "N=2e+10;L=L(70e9,1.4e12)=1.92084603": the number after the last '=' of each part.
Inputs inputs_of(std::string_view text) {
    Inputs inputs;
    while (!text.empty()) {
        const std::size_t end = text.find(';');
        const std::string_view part = text.substr(0, end);
        double value = 0;
        const std::string_view number = part.substr(part.rfind('=') + 1);
        std::from_chars(number.data(), number.data() + number.size(), value);
        inputs[std::string(part.substr(0, part.find('=')))] = value;
        text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    }
    return inputs;
}

std::string law_of(std::string_view row) {
    const std::map<std::string_view, std::string> ours = {
        {"krajewski2024_moe", "krajewski2024"},    {"tian2025_log2G_log10C", "tian2025"},
        {"kaplan2020_joint_table2", "kaplan2020"}, {"kaplan2020_LN", "kaplan2020_n"},
        {"kaplan2020_LD", "kaplan2020_d"},         {"sardana2024_rounded", "hoffmann2022_rounded"},
        {"sardana2024_precise", "hoffmann2022"},   {"sardana2024_alldata", "sardana2024"},
        {"muennighoff2023_c4", "muennighoff2023"},
    };
    const auto it = ours.find(row);
    return it == ours.end() ? std::string(row) : it->second;
}

Setting setting_of(const Law& law, const Inputs& in) {
    const auto get = [&](std::string_view key) {
        const auto it = in.find(key);
        return it == in.end() ? 0.0 : it->second;
    };
    Setting s{.n = get("N") + get("N_act"), .d = get("D"), .experts = get("E"), .granularity = get("G")};
    if (law.form == LossForm::abnar) s.active = 1 - get("S");
    if (law.form == LossForm::zhao) {
        s.active = get("N_a") / s.n;
        s.shared = get("S");
    }
    return s;
}

/// L(70e9, 1.4e12) of a dense law, L(1e9, 2e10, 8) of the joint law: the targets are named, not rounded.
double target_of(const Law& law) {
    if (law.form == LossForm::joint_moe) return *loss(law, {.n = 1e9, .d = 2e10, .experts = 8});
    return *loss(law, {.n = 70e9, .d = 1.4e12});
}

Expected<double> size_of(const Expected<Allocation>& a) { return a ? Expected<double>(a->n) : a.error(); }
Expected<double> tokens_of(const Expected<Allocation>& a) { return a ? Expected<double>(a->d) : a.error(); }
Expected<double> loss_of(const Expected<Allocation>& a) { return a ? Expected<double>(a->loss) : a.error(); }

Expected<double> lifetime_size(const Law& law, const Inputs& in) {
    const double n = in.at("N_chinchilla");
    const double target = *loss(law, {.n = n, .d = *tokens_for_optimal_size(law, {.n = n})});
    return size_of(lifetime_optimal(law, {}, target, in.at("D_inf")));
}

Expected<double> computed(const Law& law, std::string_view quantity, const Inputs& in) {
    const Setting s = setting_of(law, in);
    if (quantity == "L") return loss(law, s);
    if (quantity == "EL") return efficiency_leverage(law, in.at("A"), in.at("G"), in.at("C"));
    if (quantity == "N_eff") return size_for_loss(law, {.experts = 1}, *loss(law, s));
    if (quantity == "N_iso") return size_for_loss(law, s, target_of(law));
    if (quantity == "D_iso") return tokens_for_loss(law, s, target_of(law));
    if (quantity == "N_act_opt") return size_of(loss_optimal(law, in.at("F"), s));
    if (quantity == "N_overtrained") {
        const auto best = loss_optimal(law, in.at("C"), {.experts = 4});
        return size_of(overtrained(law, in.at("C"), s, best->loss));
    }
    if (in.count("N_chinchilla") == 1) return lifetime_size(law, in);
    if (quantity == "N_opt") return size_of(loss_optimal(law, in.at("C"), s));
    if (quantity == "D_opt") return tokens_of(loss_optimal(law, in.at("C"), s));
    if (quantity == "L_opt") return loss_of(loss_optimal(law, in.at("C"), s));
    return Infeasible{"unknown quantity", {}, {}, 0, 0};
}

double tolerance(const Law& law, std::string_view quantity, std::string_view row) {
    const bool searched = quantity == "N_overtrained" || quantity == "N_iso" || quantity == "D_iso";
    const bool optimum = quantity == "N_opt" && (law.form == LossForm::yun || row.starts_with("sardana"));
    return searched || optimum ? 1e-6 : 1e-9;
}

}   // namespace

TEST_CASE("every law reproduces the reference values") {
    const std::string file = std::string(MOECOST_TEST_DATA).append("/law/fixtures/check_values.csv");
    const std::string text = read_file(file);
    const CsvTable table(std::string_view(text).substr(text.find('\n') + 1),
                         file);   // without the line of the source
    REQUIRE(table.rows() == 275);
    double worst_closed = 0;
    double worst_found = 0;
    for (std::size_t row = 0; row < table.rows(); ++row) {
        const std::string_view name = table.text(row, 0);
        const std::string_view quantity = table.text(row, 1);
        const Law law = law_named(law_of(name));
        const auto value = computed(law, quantity, inputs_of(table.text(row, 2)));
        CAPTURE(std::string(name));
        CAPTURE(std::string(quantity));
        CAPTURE(std::string(table.text(row, 2)));
        REQUIRE(bool(value));
        const double expected = *table.number(row, 3);
        const double error = std::abs(*value / expected - 1);
        const double allowed = tolerance(law, quantity, name);
        CHECK(error <= allowed);
        (allowed > 1e-8 ? worst_found : worst_closed) =
            std::max(error, allowed > 1e-8 ? worst_found : worst_closed);
    }
    MESSAGE("worst relative error: closed forms " << worst_closed << ", found ones " << worst_found);
}
