// SPDX-License-Identifier: Apache-2.0
#include "moecost/base/expected.h"

#include "moecost/base/format.h"

namespace moecost {

std::string to_text(const Infeasible& why) {
    std::string s(why.reason);
    if (!why.detail.empty()) s.append(": ").append(why.detail);
    if (why.quantity.empty()) return s;
    s.append(why.detail.empty() ? ": " : "; ").append(why.quantity);
    if (why.is_rule) {
        s.append(" ").append(shortest(why.needed)).append(", ").append(why.unit);
        return s.append(" ").append(shortest(why.available));
    }
    s.append(" needs ").append(significant(why.needed, 4));
    s.append(" ").append(why.unit).append(", ").append(significant(why.available, 4)).append(" available");
    s.append(" (short by ").append(significant(why.needed - why.available, 3)).append(" ").append(why.unit);
    return s.append(")");
}

}   // namespace moecost
