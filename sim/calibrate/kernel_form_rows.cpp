// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdint>
#include <numeric>
#include <tuple>

#include "moecost/calibrate/kernel_form.h"
#include "moecost/ops/mixer_operations.h"
#include "moecost/ops/routing.h"

namespace moecost {
namespace {

/// MLA tables were timed with the head sizes of DeepSeek-V3.
constexpr double mla_rank = 512;
constexpr double mla_rope = 64;
constexpr double mla_qk = 192;
constexpr double mla_v = 128;

constexpr double eager_floor = 40e-6;   // an MLA table that is nowhere faster was timed from the host

using Weights = std::array<std::int64_t, 8>;   // of the columns in the hash that holds shapes out

Weights hash_weights(KernelOp op) {
    switch (op) {
        case KernelOp::gemm:
            return {0, 100003, 1};
        case KernelOp::moe:
            return {13, 7, 0, 0, 0, 17, 31};
        case KernelOp::decode_attention:
        case KernelOp::prefill_attention:
            return {5, 7, 3, 0, 1};
        case KernelOp::mla_decode:
        case KernelOp::mla_prefill:
            return {5, 7, 1};
        case KernelOp::all_reduce:
            return {0, 1};
        case KernelOp::all_to_all:
            return {7, 13, 31, 17};
    }
    return {};
}

bool is_held_out(KernelOp op, const KernelRow& row) {
    const Weights weights = hash_weights(op);
    // 128 elements of bf16 are 256 bytes
    std::int64_t hash = op == KernelOp::all_reduce ? static_cast<std::int64_t>(row.at[0]) / 256 : 0;
    for (std::size_t i = 0; i < weights.size(); ++i)
        hash += weights[i] * static_cast<std::int64_t>(row.at[i]);
    return hash % 5 == 0;
}

OpShape gemm_of(const KernelForm& f, const KernelRow& row) {
    return Gemm{row.at[0], row.at[1], row.at[2], f.format};
}

/// Rows of an even distribution touch min(T k, E) experts; skewed ones are those of the rank with the largest load.
OpShape experts_of(const KernelForm& f, const KernelRow& row, bool balanced) {
    const auto [tokens, hidden, inter, top_k, experts, tp, ep] =
        std::tuple(row.at[0], row.at[1], row.at[2], row.at[3], row.at[4], row.at[5], row.at[6]);
    constexpr double skew = 1;   // of the power laws that the tables are made with
    RankLoad load{std::max(std::min(tokens * top_k, experts) / ep, 1.0), tokens * top_k / ep};
    if (!balanced) load = busiest_rank(experts, top_k, tokens, ep, skew);
    return ExpertFfn{tokens, hidden, inter / tp, top_k, load.distinct, load.rows, 3, f.format};
}

/// 0: none. A window beyond any context is one that a table may hold.
int window_of(double column) { return static_cast<int>(std::min(column, 1e9)); }

OpShape decode_of(const KernelForm& f, const KernelRow& row) {
    const double visible = visible_context(row.at[4], window_of(row.at[5]), false);
    return DecodeAttention{row.at[0], row.at[1], row.at[2], row.at[3], row.at[3], visible, f.format, 1};
}

OpShape prefill_of(const KernelForm& f, const KernelRow& row) {
    const double batch = row.at[0];
    const double prompt = row.at[4];
    const int window = window_of(row.at[5]);
    const double prefix = row.at[6];
    const double seen = visible_context(prefix, window, false);
    const Bytes prior{batch * seen * row.at[2] * 2 * row.at[3] * bytes_per_element(f.format)};
    return PrefillAttention{
        batch * prompt, row.at[1], row.at[2], row.at[3], row.at[3], mean_keys(prompt, prefix, window, false),
        prompt,         batch,     f.format,  false,     prior};
}

OpShape mla_decode_of(const KernelForm& f, const KernelRow& row) {
    return MlaDecode{row.at[0], row.at[1], row.at[2], mla_rank, mla_rope, f.format, 1};
}

OpShape mla_prefill_of(const KernelForm& f, const KernelRow& row) {
    const double batch = row.at[0];
    const double prompt = row.at[2];
    return PrefillAttention{batch * prompt, row.at[1], row.at[1], mla_qk, mla_v, (prompt + 1) / 2,
                            prompt,         batch,     f.format,  true,   {}};
}

OpShape exchange_of(const KernelForm& f, const KernelRow& row) {
    const double reached = ranks_reached(row.at[2], row.at[1], f.ranks);
    return ExpertAllToAll{row.at[3], row.at[0], row.at[1],
                          f.ranks,   reached,   f.mode == AllToAllMode::low_latency};
}

OpShape operation_of(const KernelForm& f, const KernelSeries& series, const KernelRow& row) {
    switch (f.op) {
        case KernelOp::gemm:
            return gemm_of(f, row);
        case KernelOp::moe:
            return experts_of(f, row, series.part == "balanced");
        case KernelOp::decode_attention:
            return decode_of(f, row);
        case KernelOp::prefill_attention:
            return prefill_of(f, row);
        case KernelOp::mla_decode:
            return mla_decode_of(f, row);
        case KernelOp::mla_prefill:
            return mla_prefill_of(f, row);
        case KernelOp::all_reduce:
            return AllReduce{Bytes{row.at[0]}, row.at[1]};
        case KernelOp::all_to_all:
            return exchange_of(f, row);
    }
    return {};
}

/// Why a row of its own is outside the form; null: it is inside.
const char* outside(const KernelForm& f, const KernelSeries& s, const KernelRow& row, const OpShape& shape) {
    switch (f.op) {
        case KernelOp::gemm:
            if (row.at[1] < 256 || row.at[2] < 256) return "n or k below 256";
            return row.at[0] > 16384 ? "m above 16384" : nullptr;
        case KernelOp::moe: {
            if (row.at[1] == 2688 || row.at[3] == 22 || s.kernel.find("nongated") != std::string::npos)
                return "experts without a gate";
            const auto& op = std::get<ExpertFfn>(shape);
            const Work w = work(op);
            const double bytes = w.weights.value() / f.cluster.gpu.memory_bandwidth.value();
            const double flop = 6 * op.hidden * op.width * op.rows / f.cluster.gpu.peak_of(f.unit).value();
            return row.seconds < 0.97 * std::max(bytes, flop) ? "faster than its roofline" : nullptr;
        }
        case KernelOp::decode_attention:
            if (row.at[4] < 64) return "context below 64";
            return row.at[3] < 64 ? "heads below 64" : nullptr;
        case KernelOp::prefill_attention:
            if (row.at[4] < 64) return "prompt below 64";
            return row.at[3] < 64 ? "heads below 64" : nullptr;
        case KernelOp::mla_decode:
            if (!s.part.empty() && s.part != "kernel") return "no isolated kernel";
            return row.at[2] < 64 ? "context below 64" : nullptr;
        case KernelOp::mla_prefill:
            if (!s.part.empty() && s.part != "kernel") return "no isolated kernel";
            if (row.at[3] > 0) return "cached prefix";
            return row.at[2] < 64 ? "prompt below 64" : nullptr;
        case KernelOp::all_reduce:
            return s.part == "eager" ? "timed from the host" : nullptr;
        case KernelOp::all_to_all:
            return nullptr;
    }
    return nullptr;
}

/// Marks what only the other rows of the series tell: outliers, slower variants, eager timing.
class Neighbours {
  public:
    Neighbours(const KernelForm& form, const std::vector<KernelRow>& rows)
        : rows_(rows), reasons_(rows.size(), nullptr) {
        const bool variants = form.op == KernelOp::gemm || form.op == KernelOp::all_reduce ||
                              (form.op == KernelOp::all_to_all && form.mode == AllToAllMode::normal);
        if (variants) mark_slower_variants();
        if (form.op == KernelOp::gemm) mark_slower_than_larger_m();
        if (form.op == KernelOp::mla_decode || form.op == KernelOp::mla_prefill) mark_eager();
    }
    [[nodiscard]] const std::vector<const char*>& reasons() const { return reasons_; }

  private:
    /// Row indices by (n, k), larger m first.
    void mark_slower_than_larger_m() {
        std::vector<std::size_t> order(rows_.size());
        std::iota(order.begin(), order.end(), std::size_t{0});
        const auto key = [&](std::size_t i) {
            return std::tuple(rows_[i].at[1], rows_[i].at[2], -rows_[i].at[0], rows_[i].seconds, i);
        };
        std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return key(a) < key(b); });
        double least = 0;
        for (std::size_t j = 0; j < order.size(); ++j) {
            const KernelRow& row = rows_[order[j]];
            const bool same =
                j > 0 && rows_[order[j - 1]].at[1] == row.at[1] && rows_[order[j - 1]].at[2] == row.at[2];
            least = same ? std::min(least, row.seconds) : row.seconds;
            if (row.seconds > 1.3 * least) reasons_[order[j]] = "30 % slower than a larger m";
        }
    }

    /// Libraries, algorithms or numbers of multiprocessors among which an engine would take the fastest.
    void mark_slower_variants() {
        using Shape = std::tuple<double, double, double, double>;
        const auto shape = [](const KernelRow& r) { return Shape(r.at[0], r.at[1], r.at[2], r.at[3]); };
        std::map<Shape, std::size_t> best;
        for (std::size_t i = 0; i < rows_.size(); ++i) {
            const auto [it, is_new] = best.try_emplace(shape(rows_[i]), i);
            if (!is_new && rows_[i].seconds < rows_[it->second].seconds) it->second = i;
        }
        for (std::size_t i = 0; i < rows_.size(); ++i) {
            if (best.at(shape(rows_[i])) != i) reasons_[i] = "not the fastest variant of its shape";
        }
    }

    void mark_eager() {
        const bool eager = std::all_of(rows_.begin(), rows_.end(),
                                       [](const KernelRow& r) { return r.seconds > eager_floor; });
        if (eager) std::fill(reasons_.begin(), reasons_.end(), "timed from the host: none below 40 us");
    }

    const std::vector<KernelRow>& rows_;
    std::vector<const char*> reasons_;
};

}   // namespace

void Ranges::include(KernelOp op, const KernelRow& row) {
    const std::vector<std::string_view> names = number_columns(op);
    for (std::size_t i = 0; i < names.size(); ++i) {
        FitRange& r =
            by_name.try_emplace(std::string(names[i]), FitRange{row.at[i], row.at[i]}).first->second;
        r.low = std::min(r.low, row.at[i]);
        r.high = std::max(r.high, row.at[i]);
    }
}

FitRange Ranges::of(std::string_view name) const {
    const auto it = by_name.find(std::string(name));
    return it == by_name.end() ? FitRange{} : it->second;
}

FormRows rows_of(const KernelForm& form, const KernelSeries& series) {
    FormRows result;
    result.dropped = series.dropped;
    std::vector<KernelRow> inside;
    for (const KernelRow& row : series.rows) {
        if (const char* reason = outside(form, series, row, operation_of(form, series, row)))
            ++result.dropped[reason];
        else
            inside.push_back(row);
    }
    // The order of the file leaves no trace.
    std::sort(inside.begin(), inside.end(), [](const KernelRow& a, const KernelRow& b) {
        return std::tie(a.at, a.seconds) < std::tie(b.at, b.seconds);
    });
    const std::vector<const char*> reasons = Neighbours(form, inside).reasons();
    for (std::size_t i = 0; i < inside.size(); ++i) {
        if (reasons[i] != nullptr) {
            ++result.dropped[reasons[i]];
            continue;
        }
        const KernelRow& row = inside[i];
        result.operations.push_back(operation_of(form, series, row));
        result.seconds.push_back(form.combine ? row.at[5] * 1e-6 : row.seconds);
        result.held_out.push_back(is_held_out(form.op, row));
        result.ranges.include(form.op, row);
    }
    return result;
}

}   // namespace moecost
