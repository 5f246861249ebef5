// SPDX-License-Identifier: Apache-2.0
#include "host/plan.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <set>
#include <string_view>
#include <tuple>

namespace microbench {
namespace {

struct Need {
    std::string_view table;
    std::size_t
        rows;   // of a fit: 5 per parameter over 0.8 that train, and a margin for rows that are dropped
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

/// 0: probes, 1: bfloat16 forms, 2: other forms, 3: what can wait.
int turn_of(const Case& c, bool first_kernel) {
    const bool even = c.distribution.empty() || c.distribution == "balanced";
    if (!first_kernel || !even || c.table == "gemm_tuned" || c.table == "clocks" || c.table == "overlap")
        return 3;
    if (!has_form(c.table)) return 0;
    const bool plain = std::ranges::none_of(c.labels, [](const auto& l) { return l.second == "fp8"; });
    return c.dtype == "bfloat16" && plain ? 1 : 2;
}

/// The work of a case without its kernel: the kernel that is listed first for it is the better one.
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

std::map<std::string, Group> groups_of(const std::vector<SelectedCase>& cases) {
    std::map<std::string, Group> groups;
    std::map<std::string, std::string> first_kernel;
    for (std::size_t i = 0; i < cases.size(); ++i) {
        const Case& c = cases[i].c;
        const std::string& kernel = first_kernel.try_emplace(work_of(c), c.kernel).first->second;
        const auto [it, is_new] = groups.try_emplace(group_of(c));
        if (is_new) it->second = {groups.size(), turn_of(c, kernel == c.kernel), {}};
        it->second.cases.push_back(i);
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
        all.push_back({name, static_cast<std::size_t>(rows), wanted_rows(table)});
    }
    return all;
}

}   // namespace microbench
