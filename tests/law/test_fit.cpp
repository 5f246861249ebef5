// SPDX-License-Identifier: Apache-2.0
#include "moecost/base/read_file.h"
#include "moecost/law/fit.h"

#include <doctest/doctest.h>

#include <chrono>
#include <cmath>
#include <filesystem>

#include "../base/input_error.h"
#include "laws.h"
#include "moecost/law/parameters.h"
#include "moecost/law/starts.h"
#include "synthetic_runs.h"

using namespace moecost;

namespace {

double coefficient_of(const Fit& fit, std::string_view name) {
    for (const FittedCoefficient& e : fit.estimates) {
        if (e.name == name) return e.value;
    }
    return std::nan("");
}

std::string shared_file(const char* name) {
    std::string path(MOECOST_SHARED);
    path.append("/loss/").append(name);
    return std::filesystem::exists(path) ? path : std::string();
}

TrainingRuns shared_runs(const std::string& path, LossForm form, const RunSelection& selection) {
    return read_runs(CsvTable(read_file(path), path), path, form, selection);
}

}   // namespace

TEST_CASE("exact losses of a dense law give its coefficients back") {
    const Law law = law_named("besiroglu2024");
    FitOptions o;
    o.bootstrap = 0;
    o.folds = 0;
    o.starts = 32;
    const Fit fit = fit_law(synthetic(law, 0), o);
    for (std::size_t i = 0; i < 5; ++i) CHECK(fit.law.c[i] == doctest::Approx(law.c[i]).epsilon(1e-4));
    CHECK(fit.rmsle < 1e-6);
    CHECK(fit.rank == 5);
    CHECK(fit.warnings.empty());
}

TEST_CASE("noisy losses give intervals that hold the true coefficients") {
    const Law law = law_named("besiroglu2024");
    FitOptions o;
    o.threads = 2;
    const Fit fit = fit_law(synthetic(law, 0.004), o);
    CHECK(fit.rmsle == doctest::Approx(0.004).epsilon(0.2));
    CHECK(fit.held_out == doctest::Approx(0.004).epsilon(0.25));
    for (std::size_t i = 0; i < 5; ++i) {
        const FittedCoefficient& e = fit.estimates[i];
        CAPTURE(e.name);
        CHECK(e.low < e.value);
        CHECK(e.value < e.high);
        CHECK(std::abs(e.value - law.c[i]) < 3 * e.standard_error);
    }
}

TEST_CASE("a law with experts is recovered from noisy losses") {
    const Law law = law_named("joint-moe");
    FitOptions o;
    o.form = LossForm::joint_moe;
    o.bootstrap = 0;
    o.folds = 0;
    o.delta = 1;
    o.threads = 2;
    const Fit fit = fit_law(synthetic(law, 0.002), o);
    CHECK(fit.rmsle == doctest::Approx(0.002).epsilon(0.1));
    CHECK(fit.rank == 11);
    for (const double e : {1.0, 8.0, 64.0}) {
        const Setting s{.n = 1e9, .d = 2e10, .experts = e};
        CHECK(*loss(fit.law, s) == doctest::Approx(*loss(law, s)).epsilon(1e-3));
    }
    CHECK(coefficient_of(fit, "E_start") == doctest::Approx(law.c[8]).epsilon(0.3));
}

TEST_CASE("every form predicts unseen settings after a fit to noisy losses of its law") {
    for (const char* name : {"kaplan2020", "kaplan2020_n", "kaplan2020_d", "krajewski2024", "abnar2025",
                             "zhao2025", "clark2022_rl_r", "yun2024_yp"}) {
        CAPTURE(std::string(name));
        const Law law = law_named(name);
        const Axes& axes = info(law.form).axes;
        TrainingRuns runs{"synthetic.csv", {}, {}};
        Draw draw(11);
        const auto random_setting = [&] {
            Setting s;
            s.n = std::exp(draw.between(std::log(1e8), std::log(1e10)));
            s.d = std::exp(draw.between(std::log(2e9), std::log(2e11)));
            if (axes.experts) s.experts = std::exp(draw.between(0, std::log(256)));
            if (axes.granularity) s.granularity = std::exp(draw.between(0, std::log(16)));
            if (axes.active) s.active = std::exp(draw.between(std::log(0.03), 0));
            if (axes.shared) s.shared = draw.between(0, 0.5);
            return s;
        };
        for (int i = 0; i < 300; ++i) {
            const Setting s = random_setting();
            Observation o{{std::log(s.n), std::log(s.d), std::max(s.experts, 1.0), 1, 1, s.shared}, 0};
            if (axes.granularity) o.at.granularity = s.granularity;
            if (axes.active) o.at.active = s.active;
            o.ln_loss = std::log(*loss(law, s)) + 0.003 * noise(draw);
            runs.rows.push_back(o);
        }
        FitOptions o;
        o.form = law.form;
        o.bootstrap = 0;
        o.delta = 1;
        o.threads = 2;
        const Fit fit = fit_law(runs, o);
        CHECK(fit.rmsle == doctest::Approx(0.003).epsilon(0.12));
        CHECK(fit.held_out == doctest::Approx(0.003).epsilon(0.2));
        for (int i = 0; i < 20; ++i) {
            const Setting s = random_setting();
            CHECK(*loss(fit.law, s) == doctest::Approx(*loss(law, s)).epsilon(0.005));
        }
    }
}

TEST_CASE("the fit depends on the seed, never on the threads") {
    const TrainingRuns runs = synthetic(law_named("hoffmann2022"), 0.005);
    FitOptions o;
    o.starts = 16;
    o.bootstrap = 24;
    o.seed = 5;
    const std::string once = toml_of(fit_law(runs, o).law);
    o.threads = 3;
    CHECK(toml_of(fit_law(runs, o).law) == once);
}

TEST_CASE(
    "a fitted law reads back from its TOML with its resamples, or the covariance where there are none") {
    FitOptions o;
    o.starts = 16;
    o.bootstrap = 40;
    const Fit fit = fit_law(synthetic(law_named("hoffmann2022"), 0.005), o);
    const Law again = law_from_toml(parse_toml(toml_of(fit.law), "fitted.toml"));
    CHECK(again.c == fit.law.c);
    REQUIRE(again.samples.size() == 40);
    CHECK(again.covariance.empty());
    for (std::size_t i = 0; i < 5; ++i)
        CHECK(again.samples[7][i] == doctest::Approx(fit.law.samples[7][i]).epsilon(1e-5));
    const std::vector<Law> draws = draws_of(again, 20, 1);
    REQUIRE(draws.size() == 20);
    CHECK(parameters_of(draws[3].form, draws[3].c) == again.samples[6]);
    o.bootstrap = 0;
    const Fit plain = fit_law(synthetic(law_named("hoffmann2022"), 0.005), o);
    CHECK(law_from_toml(parse_toml(toml_of(plain.law), "plain.toml")).covariance.size() == 25);
    CHECK(*training_flop(again, {.n = 1e9, .d = 1e10}) == doctest::Approx(6e19));
}

TEST_CASE("samples of a law spread as its covariance says") {
    Law law = law_named("kaplan2020_n");
    law.covariance = {0.01, 0.006, 0.006, 0.04};
    Draw draw(3);
    const std::vector<double> centre = parameters_of(law.form, law.c);
    double squares[3] = {};
    constexpr int count = 4000;
    for (int i = 0; i < count; ++i) {
        const Law moved = sampled(law, {noise(draw), noise(draw)});
        const std::vector<double> p = parameters_of(law.form, moved.c);
        const double a = p[0] - centre[0];
        const double b = p[1] - centre[1];
        squares[0] += a * a / count;
        squares[1] += a * b / count;
        squares[2] += b * b / count;
    }
    CHECK(squares[0] == doctest::Approx(0.01).epsilon(0.1));
    CHECK(squares[1] == doctest::Approx(0.006).epsilon(0.15));
    CHECK(squares[2] == doctest::Approx(0.04).epsilon(0.1));
    law.covariance = {0, 0, 0, 0.04};
    CHECK(sampled(law, {1, 1}).c[0] == doctest::Approx(law.c[0]).epsilon(1e-12));
    law.covariance.clear();
    CHECK(sampled(law, {1, 1}).c == law.c);
}

TEST_CASE("what the data do not identify is named") {
    TrainingRuns runs = synthetic(law_named("yun2024_yp"), 0.001);
    // One number of tokens alone: C, gamma and F can not be told apart.
    const double d = runs.rows.front().at.ln_d;
    std::erase_if(runs.rows, [&](const Observation& o) { return o.at.ln_d != d; });
    FitOptions o;
    o.form = LossForm::yun;
    o.bootstrap = 0;
    o.folds = 0;
    const Fit fit = fit_law(runs, o);
    CHECK(fit.rank < fit.parameters);
    REQUIRE(!fit.warnings.empty());
    CHECK(fit.warnings.front().find("the data do not identify") == 0);
    CHECK(fit.warnings.front().find("gamma") != std::string::npos);
    for (const FittedCoefficient& e : fit.estimates) {
        if (!e.identified) CHECK_FALSE(e.interval());
    }

    // Losses without saturation: E_max runs away.
    Law endless = law_named("clark2022_s_base");
    endless.c[5] = 1e9;
    TrainingRuns more = synthetic(endless, 0);
    o.form = LossForm::clark;
    std::string text;
    for (const std::string& w : fit_law(more, o).warnings) text.append(w).append("\n");
    CHECK(text.find("E_max") != std::string::npos);
}

TEST_CASE("the Chinchilla points give the coefficients of Besiroglu et al. within one standard error") {
    const std::string path = shared_file("chinchilla_svg_extracted.csv");
    if (path.empty()) {
        MESSAGE("skipped: the points are not here");
        return;
    }
    RunSelection selection;
    selection.columns = {{"N", "params_N"}, {"D", "tokens_D"}};
    selection.filters = {{"excluded_outlier", {"0"}}};
    FitOptions o;
    o.threads = 2;
    const auto start = std::chrono::steady_clock::now();
    const Fit fit = fit_law(shared_runs(path, o.form, selection), o);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    const Law published = law_named("besiroglu2024");
    const double errors[] = {0.03, 124.58, 1293.23, 0.02, 0.02};
    for (std::size_t i = 0; i < 5; ++i) {
        MESSAGE(fit.estimates[i].name << " " << fit.law.c[i] << " off by "
                                      << (fit.law.c[i] - published.c[i]) / errors[i]
                                      << " standard errors, own " << fit.estimates[i].standard_error);
        CHECK(std::abs(fit.law.c[i] - published.c[i]) < errors[i]);
    }
    CHECK(fit.rows == 240);
    CHECK(fit.cost == doctest::Approx(1.0182740e-3).epsilon(1e-4));
    CHECK(fit.rmsle == doctest::Approx(0.007550).epsilon(0.01));
    MESSAGE("cost " << fit.cost << ", RMSLE " << fit.rmsle << ", held out " << fit.held_out << ", "
                    << seconds.count() << " s");
}

TEST_CASE("the runs of Clark et al. are fitted as well as by the reference fits") {
    const std::string path = shared_file("routing_final.csv");
    if (path.empty()) {
        MESSAGE("skipped: the runs are not here");
        return;
    }
    struct Case {
        const char* router;
        double clark;
        double eq4;
    };
    const Case cases[] = {
        {"S-Base", 0.00743, 0.00316}, {"RL-R", 0.00744, 0.00286}, {"Hash", 0.00687, 0.00262}};
    FitOptions o;
    o.bootstrap = 0;
    o.folds = 0;
    o.delta = 1;   // least squares, as those fits
    o.threads = 2;
    for (const Case& c : cases) {
        CAPTURE(std::string(c.router));
        RunSelection selection;
        selection.columns = {{"N", "N_dense"}, {"D", "tokens_D"}, {"loss", "loss_validation"}};
        selection.filters = {{"routing_frequency", {"0.5"}},
                             {"k", {"1"}},
                             {"flop_increase", {"1"}},
                             {"router_type", {c.router, "Dense"}}};
        o.form = LossForm::yun;
        const Fit eq4 = fit_law(shared_runs(path, o.form, selection), o);
        selection.filters.push_back({"seed", {"42"}});
        o.form = LossForm::clark;
        const TrainingRuns runs = shared_runs(path, o.form, selection);
        const Fit clark = fit_law(runs, o);
        MESSAGE(std::string(c.router) << ": Clark form " << clark.rows << " rows, RMSLE " << clark.rmsle
                                      << " (reference " << c.clark << "); Eq. 4 " << eq4.rows
                                      << " rows, RMSLE " << eq4.rmsle << " (reference " << c.eq4 << ")");
        CHECK(clark.rmsle < 1.05 * c.clark);
        CHECK(eq4.rmsle < 1.05 * c.eq4);
    }
}

namespace {

/// Every checkpoint from step 50,000 on of a router and of the dense runs, D = 2^19 tokens a step.
TrainingRuns checkpoints(const std::string& finals, const std::string& curves, std::string_view router) {
    const CsvTable runs(read_file(finals), finals);
    const CsvTable losses(read_file(curves), curves);
    const auto text = [&](std::size_t row, std::string_view name) {
        return runs.text(row, runs.column(name));
    };
    std::map<std::string, Observation, std::less<>> by_id;
    for (std::size_t i = 0; i < runs.rows(); ++i) {
        const bool wanted = text(i, "router_type") == router || text(i, "router_type") == "Dense";
        const bool usual =
            text(i, "routing_frequency") == "0.5" && text(i, "k") == "1" && text(i, "flop_increase") == "1";
        if (!wanted || !usual) continue;
        const double n = *runs.number(i, runs.column("N_dense"));
        const double e = *runs.number(i, runs.column("E"));
        by_id[std::string(text(i, "hyper_id"))] = Observation{{std::log(n), 0, e, 1, 1, 0}, 0};
    }
    TrainingRuns result{curves, {}, {}};
    result.range.experts = AxisRange{1, 512};
    for (std::size_t i = 0; i < losses.rows(); ++i) {
        const double step = *losses.number(i, losses.column("step"));
        const auto run = by_id.find(losses.text(i, losses.column("hyper_id")));
        if (run == by_id.end() || step < 50000) continue;
        Observation o = run->second;
        o.at.ln_d = std::log(524288 * step);
        o.ln_loss = std::log(*losses.number(i, losses.column("loss_validation")));
        result.rows.push_back(o);
    }
    return result;
}

}   // namespace

TEST_CASE("the checkpoints of Clark et al. are fitted as well as by the reference fits") {
    const std::string finals = shared_file("routing_final.csv");
    const std::string curves = shared_file("routing_curves.csv");
    if (finals.empty() || curves.empty()) {
        MESSAGE("skipped: the runs are not here");
        return;
    }
    struct Case {
        const char* router;
        LossForm form;
        std::size_t rows;
        double rmsle;
    };
    const Case cases[] = {{"S-Base", LossForm::yun, 1281, 0.00633},
                          {"RL-R", LossForm::yun, 1300, 0.00616},
                          {"Hash", LossForm::yun, 1238, 0.00598},
                          {"S-Base", LossForm::joint_moe, 1281, 0.00529}};
    FitOptions o;
    o.bootstrap = 0;
    o.folds = 0;
    o.threads = 2;
    o.starts = 4;   // enough here, and a build with sanitizers is a hundred times slower
    for (const Case& c : cases) {
        o.form = c.form;
        const auto start = std::chrono::steady_clock::now();
        const Fit fit = fit_law(checkpoints(finals, curves, c.router), o);
        const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
        MESSAGE(std::string(c.router)
                << " " << std::string(info(c.form).name) << ": " << fit.rows << " rows, RMSLE " << fit.rmsle
                << " (reference " << c.rmsle << "), " << seconds.count() << " s");
        CHECK(fit.rows == c.rows);
        CHECK(fit.rmsle < 1.05 * c.rmsle);
    }
}

TEST_CASE("bad data are refused by file, line and column") {
    const auto failure = [](std::string_view text, LossForm form = LossForm::chinchilla) {
        return message_of([&] {
            const TrainingRuns runs = read_runs(CsvTable(text, "runs.csv"), "runs.csv", form, {});
            FitOptions o;
            o.form = form;
            (void)fit_law(runs, o);
        });
    };
    CHECK(failure("N,D\n1e9,1e10\n").find("loss") != std::string::npos);
    CHECK(failure("N,D,loss\n1e9,1e10,nan\n").find("runs.csv:2") == 0);
    CHECK(failure("N,D,loss\n1e9,1e10,\n").find("is empty") != std::string::npos);
    CHECK(failure("N,D,loss\n1e9,1e10,-2\n").find("must be positive") != std::string::npos);
    CHECK(failure("N,D,E,loss\n1e9,1e10,0,2\n", LossForm::clark).find("must be at least 1") !=
          std::string::npos);
    CHECK(failure("N,D,loss\n1e9,1e10,2.5\n").find("holds 1 rows; the form chinchilla needs at least 6") !=
          std::string::npos);
    CHECK(failure("N,D,loss\n").find("holds no rows") != std::string::npos);
}
