// SPDX-License-Identifier: Apache-2.0
#include "moecost/hardware/drafting.h"

#include <algorithm>
#include <cmath>

namespace moecost {
namespace {

AcceptanceLaw acceptance_law(const Reader& r, bool measured) {
    constexpr Range share{0, 1};
    return {r.number("acceptance", share), r.number_or("decay", 1, {0, 2}), r.number_or("growth", 0, share),
            measured};
}

DraftCost draft_cost(const Reader& r) {
    r.allow_only({"name", "verification", "prompt_factor", "host_per_sequence_us", "source"});
    return {r.number("verification", {0, 10}), r.number("prompt_factor", {0.1, 10}),
            Seconds{1e-6 * r.number("host_per_sequence_us", {0, 1e4})}};
}

}   // namespace

double AcceptanceLaw::at(double output_tokens) const {
    const double more = std::clamp(std::log(std::max(output_tokens, 1.0) / 1024) / std::log(8.0), 0.0, 1.0);
    return std::min(acceptance + growth * more, 1.0);
}

DraftLaw load_draft_law(const DataStore& data, std::string_view model, std::string_view engine) {
    const Document document = data.open("hwmodels", "drafting", "table of drafted tokens");
    const Reader r(document);
    r.allow_only({"schema", "date", "curve", "other", "random_text", "engine"});
    DraftLaw law{acceptance_law(r.table("other"), false), acceptance_law(r.table("random_text"), false), {}};
    for (const Reader& curve : r.tables("curve")) {
        curve.allow_only({"models", "method", "acceptance", "decay", "worst", "source"});
        const std::vector<std::string> models = curve.texts("models");
        if (std::find(models.begin(), models.end(), model) != models.end())
            law.text = acceptance_law(curve, true);
    }
    for (const Reader& own : r.tables("engine"))
        if (own.text("name") == engine) law.cost = draft_cost(own);
    return law;
}

}   // namespace moecost
