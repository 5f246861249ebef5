// SPDX-License-Identifier: Apache-2.0
#include "moecost/hardware/power_law.h"

namespace moecost {

PowerLaw load_power_law(const DataStore& data) {
    const Document document = data.open("hwmodels", "power", "table of power");
    const Reader r(document);
    r.allow_only({"schema", "date", "tensor_cores", "memory", "source"});
    return {r.number("tensor_cores", fraction), r.number("memory", fraction)};
}

}   // namespace moecost
