// SPDX-License-Identifier: Apache-2.0
#include "moecost/calibrate/serving/effect_fit.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

namespace moecost {
namespace {

constexpr std::size_t wide_kinds = 4;   // engine_gpu, model, engine_model, group

auto key_of(const ServedNames& n) {
    return std::tie(n.engine, n.gpu, n.model, n.attention, n.experts, n.version);
}
struct LessNames {
    bool operator()(const ServedNames& a, const ServedNames& b) const { return key_of(a) < key_of(b); }
};

/// A mean with its variance, of `points` points.
struct Mean {
    double value = 0;
    double variance = 0;
    double points = 0;
};

/// Means that spread about a common one by `spread`: that one.
Mean pooled(const std::vector<Mean>& parts, double spread) {
    double weight = 0;
    Mean m;
    for (const Mean& p : parts) {
        const double w = 1 / (p.variance + spread * spread);
        weight += w;
        m.value += w * p.value;
        m.points += p.points;
    }
    m.value /= weight;
    m.variance = 1 / weight;
    return m;
}

struct Version {
    ServedNames names;
    std::vector<Mean> curves;
    Mean mean;
};
struct Group {
    ServedNames names;
    std::vector<Version> versions;
    Mean mean;
};

/// A release that is off by far more than releases are says little of its group: its variance grows with the fourth
/// power of what it is beyond `most_spreads`.
constexpr double most_spreads = 2.5;
void doubt_outliers(Group& g, const PooledSpread& s) {
    const double version = s.of[static_cast<std::size_t>(EffectKind::version)];
    double wide = 0;
    for (std::size_t k = 0; k < wide_kinds; ++k) wide += s.of[k] * s.of[k];
    std::vector<Mean> means;
    for (const Version& v : g.versions) means.push_back(v.mean);
    for (int round = 0; round < 10; ++round) {
        // The group shrunk by all that is known of it beforehand: about zero.
        const Mean all = pooled(means, version);
        const double centre = all.value * wide / (wide + all.variance);
        for (std::size_t i = 0; i < means.size(); ++i) {
            const Mean& own = g.versions[i].mean;
            const double usual = own.variance + version * version;
            const double z = std::abs(own.value - centre) / std::sqrt(usual);
            const double doubt = std::pow(std::max(z / most_spreads, 1.0), 4);
            means[i].variance = usual * doubt - version * version;
        }
    }
    g.mean = pooled(means, version);
}

std::vector<Group> grouped(const std::vector<PooledPoint>& points, const PooledSpread& s) {
    std::map<ServedNames, std::map<ServedNames, std::map<std::string, std::vector<double>>, LessNames>,
             LessNames>
        tree;
    for (const PooledPoint& p : points)
        tree[level_of(EffectKind::group, p.names)][p.names][p.curve].push_back(p.y);
    std::vector<Group> groups;
    for (const auto& [group, versions] : tree) {
        Group g{group, {}, {}};
        for (const auto& [version, curves] : versions) {
            Version v{version, {}, {}};
            for (const auto& [name, values] : curves) {
                const auto n = static_cast<double>(values.size());
                double sum = 0;
                for (const double y : values) sum += y;
                v.curves.push_back({sum / n, s.point * s.point / n, n});
            }
            v.mean = pooled(v.curves, s.curve);
            g.versions.push_back(std::move(v));
        }
        doubt_outliers(g, s);
        groups.push_back(std::move(g));
    }
    return groups;
}

/// Inverse of a small symmetric positive matrix, by Gauss and Jordan.
std::vector<double> inverse(std::vector<double> a, std::size_t n) {
    std::vector<double> b(n * n);
    for (std::size_t i = 0; i < n; ++i) b[i * n + i] = 1;
    for (std::size_t k = 0; k < n; ++k) {
        const double pivot = 1 / a[k * n + k];
        for (std::size_t j = 0; j < n; ++j) {
            a[k * n + j] *= pivot;
            b[k * n + j] *= pivot;
        }
        for (std::size_t i = 0; i < n; ++i) {
            const double f = a[i * n + k];
            if (i == k || f == 0) continue;
            for (std::size_t j = 0; j < n; ++j) {
                a[i * n + j] -= f * a[k * n + j];
                b[i * n + j] -= f * b[k * n + j];
            }
        }
    }
    return b;
}

/// Levels of the wide kinds and their prediction.
struct Wide {
    std::vector<std::pair<EffectKind, ServedNames>> levels;
    std::vector<std::array<std::size_t, wide_kinds>> of_group;
    std::vector<double> value, covariance;
};

Wide solve(const std::vector<Group>& groups, const PooledSpread& s) {
    Wide w;
    std::array<std::map<ServedNames, std::size_t, LessNames>, wide_kinds> index;
    for (const Group& g : groups) {
        std::array<std::size_t, wide_kinds> at{};
        for (std::size_t k = 0; k < wide_kinds; ++k) {
            const auto kind = static_cast<EffectKind>(k);
            const ServedNames level = level_of(kind, g.names);
            const auto [it, fresh] = index[k].try_emplace(level, w.levels.size());
            if (fresh) w.levels.emplace_back(kind, level);
            at[k] = it->second;
        }
        w.of_group.push_back(at);
    }
    const std::size_t n = w.levels.size();
    std::vector<double> a(n * n), b(n);
    for (std::size_t i = 0; i < n; ++i) {
        const double sd = s.of[static_cast<std::size_t>(w.levels[i].first)];
        a[i * n + i] = 1 / (sd * sd);
    }
    for (std::size_t g = 0; g < groups.size(); ++g) {
        const double weight = 1 / groups[g].mean.variance;
        for (const std::size_t i : w.of_group[g]) {
            b[i] += weight * groups[g].mean.value;
            for (const std::size_t j : w.of_group[g]) a[i * n + j] += weight;
        }
    }
    w.covariance = inverse(std::move(a), n);
    w.value.resize(n);
    for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = 0; j < n; ++j) w.value[i] += w.covariance[i * n + j] * b[j];
    return w;
}

/// Pooled variance of parts about their means, less what the parts themselves scatter.
class Within {
  public:
    void add(const std::vector<Mean>& parts) {
        if (parts.size() < 2) return;
        const auto n = static_cast<double>(parts.size());
        double mean = 0, own = 0;
        for (const Mean& p : parts) {
            mean += p.value / n;
            own += p.variance / n;
        }
        for (const Mean& p : parts) squares_ += (p.value - mean) * (p.value - mean);
        excess_ += (n - 1) * own;
        freedom_ += n - 1;
    }
    [[nodiscard]] double sd(double least) const {
        if (freedom_ == 0) return least;
        return std::max(std::sqrt(std::max((squares_ - excess_) / freedom_, 0.0)), least);
    }

  private:
    double squares_ = 0, excess_ = 0, freedom_ = 0;
};

constexpr double least_sd = 0.005;
/// A kind of a dozen levels tells its spread badly: so many more levels of the usual one count as seen.
constexpr double known_levels = 4, known_sd = 0.04;

double point_spread(const std::vector<PooledPoint>& points) {
    std::map<std::string, std::vector<Mean>> curves;
    for (const PooledPoint& p : points) curves[p.curve].push_back({p.y, 0, 1});
    Within w;
    for (const auto& [name, parts] : curves) w.add(parts);
    return w.sd(least_sd);
}

}   // namespace

PooledSpread pooled_spread(std::vector<PooledPoint> points, double cut) {
    for (PooledPoint& p : points) p.y = std::clamp(p.y, -cut, cut);
    PooledSpread s;
    s.of.fill(0.05);
    s.point = point_spread(points);
    Within curves;
    for (const Group& g : grouped(points, s))
        for (const Version& v : g.versions) curves.add(v.curves);
    s.curve = curves.sd(least_sd);
    Within versions;
    for (const Group& g : grouped(points, s)) {
        std::vector<Mean> means;
        for (const Version& v : g.versions) means.push_back(v.mean);
        versions.add(means);
    }
    s.of[static_cast<std::size_t>(EffectKind::version)] = versions.sd(least_sd);
    const std::vector<Group> groups = grouped(points, s);
    for (int round = 0; round < 200; ++round) {
        const Wide w = solve(groups, s);
        std::array<double, wide_kinds> squares{}, levels{};
        const std::size_t n = w.levels.size();
        for (std::size_t i = 0; i < n; ++i) {
            const auto k = static_cast<std::size_t>(w.levels[i].first);
            squares[k] += w.value[i] * w.value[i] + w.covariance[i * n + i];
            levels[k] += 1;
        }
        for (std::size_t k = 0; k < wide_kinds; ++k)
            s.of[k] =
                std::sqrt((squares[k] + known_levels * known_sd * known_sd) / (levels[k] + known_levels));
    }
    return s;
}

std::vector<Effect> pooled_effects(const std::vector<PooledPoint>& points, const PooledSpread& spread) {
    std::vector<Effect> effects;
    if (points.empty()) return effects;
    const std::vector<Group> groups = grouped(points, spread);
    const Wide w = solve(groups, spread);
    const std::size_t n = w.levels.size();
    std::vector<double> counts(n);
    for (std::size_t g = 0; g < groups.size(); ++g)
        for (const std::size_t i : w.of_group[g]) counts[i] += groups[g].mean.points;
    for (std::size_t i = 0; i < n; ++i)
        effects.push_back({w.levels[i].first, w.levels[i].second, w.value[i],
                           std::sqrt(w.covariance[i * n + i]), counts[i]});
    const double sv = spread.of[static_cast<std::size_t>(EffectKind::version)];
    for (std::size_t g = 0; g < groups.size(); ++g) {
        double sum = 0, variance = 0;
        for (const std::size_t i : w.of_group[g]) {
            sum += w.value[i];
            for (const std::size_t j : w.of_group[g]) variance += w.covariance[i * n + j];
        }
        effects[w.of_group[g].back()].sd = std::sqrt(variance);
        for (const Version& v : groups[g].versions) {
            if (v.names.version.empty()) continue;
            const double share = sv * sv / (sv * sv + v.mean.variance);
            effects.push_back({EffectKind::version, v.names, share * (v.mean.value - sum),
                               std::sqrt((1 - share) * ((1 - share) * variance + sv * sv)), v.mean.points});
        }
    }
    return effects;
}

}   // namespace moecost
