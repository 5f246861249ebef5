// SPDX-License-Identifier: Apache-2.0
// The numbers behind the pictures, one CSV each, in the manner of figures 1 to 6 of the paper.
#include <charconv>
#include <cmath>

#include "moecost/base/file.h"
#include "moecost/base/format.h"
#include "moecost/law/optimum.h"
#include "study.h"

namespace moecost::yun2024 {
namespace {

/// Six significant digits without trailing zeros.
std::string compact(double v) {
    const std::string digits = significant(v, 6);
    double rounded = v;
    std::from_chars(digits.data(), digits.data() + digits.size(), rounded);
    return shortest(rounded);
}

/// Rows of numbers under a header; not-a-number is an empty field.
class Rows {
  public:
    explicit Rows(std::string_view header) { text_.append(header).append("\n"); }
    void add(std::initializer_list<double> values) {
        bool first = true;
        for (const double v : values) {
            text_.append(first ? "" : ",").append(std::isnan(v) ? "" : compact(v));
            first = false;
        }
        text_.append("\n");
    }
    void save(const std::string& folder, const std::string& name) const {
        write_file(folder + "/" + name, text_);
    }

  private:
    std::string text_;
};

double value_or_nan(const Expected<double>& x) { return x ? *x : std::nan(""); }

/// Loss against E at the sizes of Table 1, 2.5 and 20 B tokens.
void loss_by_experts(const std::string& folder, const Case& c) {
    Rows rows("n,d,experts,loss");
    for (const double n : {81395712.0, 184647680.0, 289406976.0, 679477248.0}) {
        for (const double d : {2.5e9, 20e9}) {
            for (const double e : {1.0, 2.0, 4.0, 8.0, 16.0, 32.0})
                rows.add({n, d, e, value_or_nan(loss(c.law, {.n = n, .d = d, .experts = e}))});
        }
    }
    rows.save(folder, "loss_by_experts.csv");
}

/// Serving cost against N, with the GPUs it takes.
void cost_by_size(const std::string& folder, const World& w) {
    const PaperServer& s = w.servers.front();
    Rows rows("experts,n,gpu_s_per_mtok,gpus,requests");
    for (const int e : expert_counts) {
        for (double n = 1e8; n < 2e10; n *= 1.03) {
            const auto r = paper_serving(s, n, e);
            if (r) rows.add({double(e), n, 1e6 * r->gpu_seconds, double(r->gpus), r->requests});
        }
    }
    rows.save(folder, "cost_by_size.csv");
}

void size_by_cost(const std::string& folder, const Case& c) {
    Rows rows("experts,gpu_s_per_mtok,n");
    for (const int e : expert_counts) {
        for (double limit = 20; limit < 2000; limit *= 1.06) {
            const auto n = largest_size_at_cost(c.cost, e, limit * 1e-6, least_size, most_size);
            if (n && *n < most_size) rows.add({double(e), limit, *n});
        }
    }
    rows.save(folder, "size_by_cost.csv");
}

void loss_optimal_models(const std::string& folder, const Case& c, const std::string& end) {
    Rows rows("experts,budget,n,loss,gpu_s_per_mtok");
    for (const int e : expert_counts) {
        for (double b = 1e20; b < 1.01e22; b *= std::pow(10, 0.1)) {
            PaperQuestion q;
            q.budget = b;
            const auto m = loss_optimal_model(c.law, c.cost, q, e);
            if (m) rows.add({double(e), b, m->n, m->loss, 1e6 * m->cost});
        }
    }
    rows.save(folder, "loss_optimal" + end + ".csv");
}

/// One budget, sizes from 8 % of the loss-optimal one up to it.
void over_trained(const std::string& folder, const Case& c) {
    Rows rows("experts,share_of_optimal,n,loss,gpu_s_per_mtok");
    for (const int e : expert_counts) {
        const double experts = e;
        const auto best = loss_optimal(c.law, figure_budget, {.experts = experts});
        for (int i = 50; i >= 0; --i) {
            const double share = std::exp(std::log(0.08) * i / 50);
            const double n = best->n * share;
            const auto l = loss(c.law, {.n = n, .d = best->d / share, .experts = experts});
            const auto cost = c.cost(n, experts);
            if (l && cost) rows.add({experts, share, n, *l, 1e6 * *cost});
        }
    }
    rows.save(folder, "over_trained.csv");
}

void bounded(const std::string& folder, const Answers& a, const std::string& end) {
    Rows rows("budget,base,experts,cost_share,size_share,active_share,loss_gain,size_at_cost,active_at_cost");
    for (const AtBudget& at : a.printed) {
        for (const int base : {1, 4}) {
            const PaperModel& b = at.optimal.at(base);
            for (const int e : {4, 8, 16, 32}) {
                if (e <= base) continue;
                const PaperModel& one = at.at_loss.at(base).at(e);
                const PaperModel& two = at.at_cost.at(base).at(e);
                const double active = active_share(e) / active_share(base);
                rows.add({at.budget, double(base), double(e), one.cost / b.cost, one.n / b.n,
                          active * one.n / b.n, b.loss - two.loss, two.n / b.n, active * two.n / b.n});
            }
        }
    }
    rows.save(folder, "bounded" + end + ".csv");
}

/// What experts add to the cost of the dense model of the same N, in every case.
void cost_by_experts(const std::string& folder, const std::vector<Case>& cases) {
    std::string text("case,experts,cost_over_dense\n");
    for (const Case& c : cases) {
        const auto dense = c.cost(kappa_size, 1);
        for (const int e : expert_counts) {
            const auto cost = c.cost(kappa_size, e);
            if (!dense || !cost) continue;
            text.append(c.id).append(",").append(std::to_string(e)).append(",");
            text.append(compact(*cost / *dense)).append("\n");
        }
    }
    write_file(folder + "/cost_by_experts.csv", text);
}

}   // namespace

void write_figures(const std::string& folder, const World& world, const std::vector<Case>& cases) {
    const Case& c = cases.front();
    loss_by_experts(folder, c);
    cost_by_size(folder, world);
    size_by_cost(folder, c);
    over_trained(folder, c);
    // What the engine decides: that of early 2024 and that of today, under both laws.
    for (const Case& engine : cases) {
        if (!engine.id.starts_with("engine-")) continue;
        const std::string end = engine.id.substr(std::string_view("engine").size());
        loss_optimal_models(folder, engine, end);
        bounded(folder, answer(engine), end);
    }
    cost_by_experts(folder, cases);
}

}   // namespace moecost::yun2024
