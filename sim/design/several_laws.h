// SPDX-License-Identifier: Apache-2.0
// One question under several loss laws: which design wins under each, what each winner costs where another law is true, and
// which design is never far from the best. Nobody knows the law; the loss that is asked for is that of each law's own base,
// so losses of different laws are never compared.
#pragma once

#include <string>
#include <vector>

#include "moecost/design/design.h"

namespace moecost {

/// A law as one holds it to be true: everything that depends on it.
struct LawView {
    std::string name;   // "besiroglu2024+tian2025"
    LossBasis basis;
    TokenBound tokens;
};

/// A design under one law.
struct UnderLaw {
    bool possible = false;
    // Of the objective: over that of the best design under this law, less one; nats above it where the loss is minimised.
    double regret = HUGE_VAL;
    DesignPoint point;    // possible
    std::string missed;   // else: the constraint that it misses
    double times = 0;     // and by how much, as a multiple of what is allowed; 0: not known
};

/// A design: an architecture and where it is served; how long it is trained each law says for itself.
struct RobustDesign {
    std::size_t law = 0;     // whose search built it
    std::size_t model = 0;   // in that answer
    std::vector<UnderLaw> under;
    double worst = HUGE_VAL;         // largest regret
    std::size_t impossible_in = 0;   // laws under which it misses a constraint
};

struct LawsAnswer {
    bool stopped = false;
    std::vector<LawView> views;
    std::vector<DesignAnswer> answers;   // one for each law
    std::vector<RobustDesign> winners;   // of each law, under every law
    RobustDesign minimax;                // possible under most laws, then the least worst regret
    std::vector<DesignCombination> combinations;
    unsigned draws = 0;   // of each law that states a spread; laws without one count as many times
    std::vector<std::vector<unsigned>> wins;   // [law][combination]
};

/// Every law's own search, then all designs under all laws. `space.basis` and `goal.tokens` are those of the views.
[[nodiscard]] Expected<LawsAnswer> design_under_laws(DesignSpace space, DesignGoal goal,
                                                     std::vector<LawView> views, const TableOptions& options);

}   // namespace moecost
