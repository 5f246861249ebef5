// SPDX-License-Identifier: Apache-2.0
#include "host/plan.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <string_view>

namespace microbench {
namespace {

struct Need {
    std::string_view table;
    std::size_t rows;   // 5 for each parameter, over the 0.8 that train, a margin for dropped ones
};
constexpr Need needs[] = {
    {"gemm", 64},       {"moe", 80},         {"attention_decode", 56}, {"attention_prefill", 48},
    {"mla_decode", 40}, {"mla_prefill", 48}, {"allreduce", 40}};
constexpr std::size_t rows_of_probes = 3;

using Point = std::vector<double>;

/// Logarithms of the shapes, each column scaled to 0..1.
std::vector<Point> points_of(const std::vector<const Case*>& cases) {
    std::vector<Point> points;
    for (const Case* c : cases) {
        Point p;
        for (const auto& [name, value] : c->shape) p.push_back(std::log1p(value));
        points.push_back(std::move(p));
    }
    for (std::size_t column = 0; column < points[0].size(); ++column) {
        const auto less = [column](const Point& a, const Point& b) { return a[column] < b[column]; };
        const auto [low, high] = std::minmax_element(points.begin(), points.end(), less);
        const double from = (*low)[column];
        const double span = (*high)[column] - from;
        for (Point& p : points) p[column] = span > 0 ? (p[column] - from) / span : 0;
    }
    return points;
}

double distance(const Point& a, const Point& b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
    return sum;
}

/// Farthest-point order from the first case on; equally far ones as they are listed.
std::vector<std::size_t> spread(const std::vector<const Case*>& cases) {
    const std::vector<Point> points = points_of(cases);
    std::vector<double> nearest(points.size(), std::numeric_limits<double>::max());
    std::vector<std::size_t> order;
    for (std::size_t next = 0; order.size() < points.size();) {
        order.push_back(next);
        nearest[next] = -1;   // taken
        for (std::size_t i = 0; i < points.size(); ++i)
            nearest[i] = std::min(nearest[i], nearest[i] < 0 ? -1 : distance(points[i], points[next]));
        next = static_cast<std::size_t>(std::max_element(nearest.begin(), nearest.end()) - nearest.begin());
    }
    return order;
}

/// 0: bfloat16 forms, 1: other forms, 2: probes, 3: what can wait.
int turn_of(const Case& c, bool main_kernel) {
    const bool even = c.distribution.empty() || c.distribution == "balanced";
    if (!main_kernel || !even || c.table == "gemm_tuned" || c.table == "clocks" || c.table == "overlap")
        return 3;
    if (!has_form(c.table)) return 2;
    const bool plain = std::ranges::none_of(c.labels, [](const auto& l) { return l.second == "fp8"; });
    return c.dtype == "bfloat16" && plain ? 0 : 1;
}

/// The work of a case without its kernel.
std::string work_of(const Case& c) {
    Case plain = c;
    plain.kernel.clear();
    return group_of(plain);
}

struct Key {
    int phase = 0;           // 0: up to what the group wants, 1: beyond
    int turn = 0;            // in phase 0
    std::size_t group = 0;   // in phase 0, as listed
    double share = 0;        // of what the group wants
    std::size_t listed = 0;
    [[nodiscard]] auto operator<=>(const Key&) const = default;
};

struct Group {
    std::size_t listed = 0;
    int turn = 0;
    std::vector<std::size_t> cases;
};

/// Where several kernels do the same work, the one with most cases is the one that matters and the others are there for
/// comparison; of equals the one that is listed first.
std::map<std::string, Group> groups_of(const std::vector<SelectedCase>& cases) {
    std::map<std::string, Group> groups;
    for (std::size_t i = 0; i < cases.size(); ++i) {
        const auto [it, is_new] = groups.try_emplace(group_of(cases[i].c));
        if (is_new) it->second.listed = groups.size();
        it->second.cases.push_back(i);
    }
    std::map<std::string, Group*> main;
    for (auto& [name, group] : groups) {
        Group*& best = main.try_emplace(work_of(cases[group.cases[0]].c), &group).first->second;
        const auto rank = [](const Group& g) { return std::pair(g.cases.size(), ~g.listed); };
        if (rank(group) > rank(*best)) best = &group;
    }
    for (auto& [name, group] : groups) {
        const Case& c = cases[group.cases[0]].c;
        group.turn = turn_of(c, main.at(work_of(c)) == &group);
    }
    return groups;
}

}   // namespace

std::size_t wanted_rows(const std::string& table) {
    for (const Need& need : needs) {
        if (need.table == table) return need.rows;
    }
    return rows_of_probes;
}

bool has_form(const std::string& table) {
    return std::ranges::any_of(needs, [&](const Need& need) { return need.table == table; });
}

std::string group_of(const Case& c) {
    std::string name = c.table;
    for (const std::string& part : {c.kernel, c.dtype, c.distribution}) {
        if (!part.empty()) name.append("/").append(part);
    }
    for (const auto& [column, text] : c.labels) {
        // The algorithm of an all-reduce changes with its size; one form holds both.
        if (column != "algorithm") name.append("/").append(column).append("=").append(text);
    }
    return name;
}

std::vector<SelectedCase> planned(std::vector<SelectedCase> cases) {
    std::vector<std::pair<Key, std::size_t>> keys(cases.size());
    for (const auto& [name, group] : groups_of(cases)) {
        std::vector<const Case*> members;
        for (const std::size_t i : group.cases) members.push_back(&cases[i].c);
        const std::vector<std::size_t> order = spread(members);
        const std::size_t wanted = wanted_rows(members[0]->table);
        for (std::size_t k = 0; k < order.size(); ++k) {
            const std::size_t i = group.cases[order[k]];
            const bool early = k < wanted && group.turn < 3;
            const double share = static_cast<double>(k) / static_cast<double>(wanted);
            keys[i] = {early ? Key{0, group.turn, group.listed, share, i} : Key{1, 0, 0, share, i}, i};
        }
    }
    std::ranges::sort(keys);
    std::vector<SelectedCase> result;
    for (const auto& [key, i] : keys) result.push_back(std::move(cases[i]));
    return result;
}

std::vector<Coverage> coverage(const std::vector<SelectedCase>& cases,
                               const std::function<bool(const Case&)>& finished) {
    std::vector<Coverage> all;
    for (const auto& [name, group] : groups_of(cases)) {
        const std::string& table = cases[group.cases[0]].c.table;
        if (!has_form(table)) continue;
        const auto rows =
            std::ranges::count_if(group.cases, [&](std::size_t i) { return finished(cases[i].c); });
        all.push_back(
            {name, static_cast<std::size_t>(rows), std::min(wanted_rows(table), group.cases.size())});
    }
    return all;
}

}   // namespace microbench
