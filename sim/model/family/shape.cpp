// SPDX-License-Identifier: Apache-2.0
#include "moecost/model/family/shape.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "moecost/model/tensors.h"

namespace moecost {
namespace {

/// How far a member may be from the shape of its family.
struct Leeway {
    double aspect;        // h/l within this factor of hidden_per_layer
    double ffn;           // f/h within this share of ffn_ratio
    bool nearest;         // of the widths f allowed, only the nearest to the ratio
    int narrower;         // expert widths are a multiple of width_multiple over this
    double near_enough;   // of N: no further rule is relaxed
};
constexpr Leeway steps[] = {{1.25, 0.06, false, 1, 0.01}, {1.5, 0.06, true, 1, 0.01},
                            {1.5, 0.06, false, 1, 0.01},  {2.0, 0.12, false, 1, 0.01},
                            {2.0, 0.25, false, 1, 0.01},  {2.5, 0.35, false, 1, 0.01},
                            {2.5, 0.35, false, 2, 0.01},  {3.0, 0.35, false, 4, 0.01}};
constexpr double too_far = 0.1;      // of N: no member at all
constexpr double size_weight = 10;   // among shapes near enough, 1 % of N off is as bad as 10 % of h/l
constexpr int finest_step = 64;      // hidden sizes in steps of at least 1/64 of themselves

double elements(const std::vector<Tensor>& tensors) {
    double sum = 0;
    for (const Tensor& t : tensors) sum += t.elements() * t.copies;
    return sum;
}

/// Exact parameters of one layer of width h as a line in f: fixed + per_width f.
struct LayerSize {
    double fixed = 0;
    double per_width = 0;
    [[nodiscard]] double with(double ffn_width) const { return fixed + per_width * ffn_width; }
};

/// Mean over the layers of a hybrid, whose number is a multiple of attention_every.
LayerSize layer_size(const Family& f, int hidden, int heads) {
    const double norms = 2.0 * hidden;
    double mixer = elements(mixer_tensors(family_mixer(f, hidden, heads), hidden));
    if (f.attention_every > 1) {
        const double linear = elements(mixer_tensors(linear_mixer(f, hidden), hidden));
        mixer = (mixer + (f.attention_every - 1) * linear) / f.attention_every;
    }
    return {mixer + norms, elements(ffn_tensors(DenseFfn{1, f.matrices}, hidden))};
}

/// The multiple that query heads of MHA must be: that of the family where hidden sizes have room for it, in steps of at
/// most 1/8 of themselves; half of it, a quarter, ... below.
int head_multiple_at(const Family& f, int hidden) {
    int multiple = f.head_multiple;
    while (multiple > 1 && 8 * multiple * f.hidden_per_head > hidden) multiple /= 2;
    return multiple;
}

/// Query heads of a hidden size. MHA: h / hidden_per_head, or 0 where that is not their multiple; grouped and latent
/// attention project from any h, so their heads are rounded.
int heads_of(const Family& f, int hidden) {
    const double exact = hidden / f.hidden_per_head;
    const bool multi_head = f.kv_rank == 0 && f.kv_heads == 0;
    if (!multi_head) {
        return std::max(1, static_cast<int>(std::lround(exact / f.head_multiple))) * f.head_multiple;
    }
    const int heads = static_cast<int>(std::lround(exact));
    return std::abs(exact - heads) < 1e-9 && heads % head_multiple_at(f, hidden) == 0 ? heads : 0;
}

/// N of the family at a hidden size, with all ratios as the family has them.
double typical_size(const Family& f, double hidden) {
    const int h = std::max(f.hidden_multiple, static_cast<int>(std::lround(hidden)));
    const int heads =
        std::max(1, static_cast<int>(std::lround(h / f.hidden_per_head / f.head_multiple))) * f.head_multiple;
    return h / f.hidden_per_layer * layer_size(f, h, heads).with(f.ffn_ratio * h);
}

/// The hidden size at which the family has N; sizes grow with about its cube.
double typical_hidden(const Family& f, double size) {
    double hidden = std::cbrt(size * f.hidden_per_layer / 12);
    for (int i = 0; i < 6; ++i) {
        hidden = std::clamp(hidden * std::cbrt(size / typical_size(f, hidden)), 1.0, double{max_width});
    }
    return hidden;
}

/// The search for one request: the best shape so far. Of shapes near enough to the size, the one nearest to the ratios
/// of the family too: a loss law knows nothing of depth and width, so neighbouring sizes must not differ in them.
struct Search {
    const Family& family;
    const FamilyRequest& request;
    FamilyShape best{};
    double distance = std::numeric_limits<double>::infinity();     // of the best from N
    double distortion = std::numeric_limits<double>::infinity();   // of the best, size and ratios together

    [[nodiscard]] bool better(double off, double bent, double near_enough) const {
        const bool near = off <= near_enough;
        if (near != (distance <= near_enough)) return near;
        return near ? bent < distortion : off < distance;
    }

    void try_layers(const FamilyShape& shape, double layer, int layers, const Leeway& leeway) {
        const double aspect = shape.hidden / (family.hidden_per_layer * layers);
        if (aspect > leeway.aspect || aspect * leeway.aspect < 1) return;
        const double size = layers * layer + shape.hidden;   // and the last norm
        const double off = std::abs(size / request.size - 1);
        const double ratio = shape.ffn_width / (family.ffn_ratio * shape.hidden);
        const double bent = size_weight * off + std::abs(std::log(aspect)) + std::abs(std::log(ratio));
        if (!better(off, bent, leeway.near_enough)) return;
        distance = off;
        distortion = bent;
        best = shape;
        best.layers = layers;
        best.size = size;
    }

    void try_width(FamilyShape shape, const LayerSize& layer, double width, const Leeway& leeway) {
        if (width > max_width) return;
        shape.ffn_width = static_cast<int>(width);
        const double each = layer.with(width);
        const int every = std::lcm(family.moe_every, family.attention_every);
        const double below = std::floor((request.size - shape.hidden) / (each * every)) * every;
        for (const double layers : {below, below + every}) {
            if (layers < 2.0 * every || layers > max_layers) continue;
            const int whole = static_cast<int>(layers);
            if (request.experts > 1 && routed_layers(family, request, whole) == 0) continue;
            try_layers(shape, each, whole, leeway);
        }
    }

    void try_hidden(int hidden, const Leeway& leeway) {
        FamilyShape shape{hidden, 0, heads_of(family, hidden)};
        if (shape.heads == 0) return;
        const double ratio_width = family.ffn_ratio * hidden;
        const double step =
            static_cast<double>(std::max(1, family.width_multiple / leeway.narrower)) * request.granularity;
        const double narrowest = static_cast<double>(family.width_multiple) * request.granularity;
        const double nearest = std::max(1.0, std::round(ratio_width / step));
        const LayerSize layer = layer_size(family, hidden, shape.heads);
        const double reach = leeway.nearest ? 0 : std::floor(leeway.ffn * ratio_width / step);
        const double most = std::min(reach, 8.0);
        for (double i = -most; i <= most; ++i) {
            const double width = (nearest + i) * step;
            if (width < narrowest || std::abs(width / ratio_width - 1) > leeway.ffn) continue;
            try_width(shape, layer, width, leeway);
        }
    }

    void try_all(double typical, const Leeway& leeway) {
        int step = family.hidden_multiple;
        while (step * finest_step < typical) step *= 2;
        const double reach = std::cbrt(leeway.aspect);
        const int from = std::max(1, static_cast<int>(std::ceil(typical / reach / step)));
        const int to = static_cast<int>(std::min(typical * reach, double{max_width}) / step);
        for (int i = from; i <= to; ++i) try_hidden(i * step, leeway);
    }
};

}   // namespace

Mixer family_mixer(const Family& f, int hidden, int heads) {
    if (f.kv_rank > 0) {
        LatentAttention a;
        a.heads = heads;
        a.q_rank = hidden > f.q_rank_above ? f.q_rank : 0;
        a.kv_rank = f.kv_rank;
        a.rope_dim = f.rope_dim;
        a.nope_dim = f.nope_dim;
        a.v_dim = f.v_dim;
        return a;
    }
    GroupedAttention a;
    a.query_heads = heads;
    a.kv_heads = f.kv_heads > 0 ? f.kv_heads : heads;
    a.qk_dim = a.v_dim = f.head_dim;
    a.qk_norm = f.qk_norm;
    a.gate = f.gate;
    return a;
}

DeltaNet linear_mixer(const Family& f, int hidden) {
    DeltaNet d;
    const double heads = hidden / f.hidden_per_value_head / f.head_multiple;
    d.value_heads = std::max(1, static_cast<int>(std::lround(heads))) * f.head_multiple;
    d.key_heads = d.value_heads / f.value_heads_per_key;
    d.key_dim = f.linear_key_dim;
    d.value_dim = f.linear_value_dim;
    d.conv_kernel = f.linear_conv;
    return d;
}

int routed_layers(const Family& f, const FamilyRequest& r, int layers) {
    if (r.experts <= 1) return 0;
    const int most = std::max(1, layers / f.layers_per_dense);
    return (layers - std::min(f.dense_layers, most)) / f.moe_every;
}

double smallest_size(const Family& f, const FamilyRequest& r) {
    const int heads = heads_of(f, f.hidden_multiple);
    const LayerSize layer = layer_size(f, f.hidden_multiple, std::max(1, heads));
    return 2.0 * std::lcm(f.moe_every, f.attention_every) *
           layer.with(static_cast<double>(f.width_multiple) * r.granularity);
}

Expected<FamilyShape> nearest_shape(const Family& family, const FamilyRequest& request) {
    const double typical = typical_hidden(family, request.size);
    Search search{family, request};
    for (const Leeway& leeway : steps) {
        search.try_all(typical, leeway);
        if (search.distance <= leeway.near_enough) break;
    }
    if (search.distance <= too_far) return search.best;
    const double width = family.ffn_ratio * typical / request.granularity;
    if (width < family.width_multiple) {
        return Infeasible{"an expert would be narrower than engines shard", "expert width", "columns",
                          static_cast<double>(family.width_multiple), width};
    }
    return Infeasible{"no member is near the size", "parameters", "parameters", request.size,
                      search.best.size};
}

}   // namespace moecost
