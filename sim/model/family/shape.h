// SPDX-License-Identifier: Apache-2.0
// The shape of a family member: hidden size, layers, heads and FFN width for a size. Inner header of the model room.
#pragma once

#include "moecost/model/family/family.h"

namespace moecost {

struct FamilyShape {
    int hidden = 0;
    int layers = 0;
    int heads = 0;
    int ffn_width = 0;   // f: of a dense FFN and, G experts together, of a full-size expert
    double size = 0;     // N, exact
};

/// Mixer of one layer.
[[nodiscard]] Mixer family_mixer(const Family& family, int hidden, int heads);
/// Of the layers of a hybrid that keep no cache.
[[nodiscard]] DeltaNet linear_mixer(const Family& family, int hidden);
/// Layers with experts: every moe_every-th after the leading dense ones; none when E = 1.
[[nodiscard]] int routed_layers(const Family& family, const FamilyRequest& request, int layers);
/// N of the narrowest and shallowest member that the search considers.
[[nodiscard]] double smallest_size(const Family& family, const FamilyRequest& request);

/// Of the shapes near enough to request.size (defaults filled in) the one that bends the family least, else the one whose
/// exact N is nearest. Rules are relaxed step by step until one comes near enough: how far h/l may be from that of the family, f/h from its ratio, and of what f/G is a multiple.
[[nodiscard]] Expected<FamilyShape> nearest_shape(const Family& family, const FamilyRequest& request);

}   // namespace moecost
