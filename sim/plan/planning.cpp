// SPDX-License-Identifier: Apache-2.0
#include "moecost/plan/planning.h"

namespace moecost {

PlanningAssumptions load_planning_assumptions(const DataStore& data) {
    const Document document = data.open("hwmodels", "planning", "planning assumptions");
    const Reader r(document);
    r.allow_only({"schema", "date", "max_load", "max_load_source"});
    PlanningAssumptions p;
    p.max_load = r.number("max_load", {0.01, 1});
    return p;
}

}   // namespace moecost
