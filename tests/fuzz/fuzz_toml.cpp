// SPDX-License-Identifier: Apache-2.0
// Any bytes as a model file or as a family: an architecture that is written and read back alike, members that are
// possible models, or one InputError.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "moecost/model/architecture_toml.h"
#include "moecost/model/cache.h"
#include "moecost/model/counts.h"
#include "moecost/model/family/family.h"

namespace {

using namespace moecost;

void read_model(const Document& document) {
    const Architecture a = architecture_from_toml(document);
    check(a);
    if (!(count(a).total > 0)) std::abort();
    const std::string written = architecture_to_toml(a);
    const Architecture b = architecture_from_toml(parse_toml(written, "written.toml"));
    // Control characters in texts become blanks, so texts are compared after one more round.
    if (architecture_to_toml(b) != written) std::abort();
}

void read_family(const Document& document) {
    const Family family = family_from_toml(document);
    for (const FamilyRequest& r : {FamilyRequest{7e9}, FamilyRequest{1e8, 1}, FamilyRequest{1e12, 512, 0, 16},
                                   FamilyRequest{3e15, 2, 2, 1, 0}, FamilyRequest{2e6, 64, 64, 64, 4000}}) {
        const auto member = member_of(family, r);
        if (!member) continue;
        check(member->architecture);
        if (!(std::abs(member->deviation) <= 0.1) || !(member->total >= member->dense_equivalent * 0.99))
            std::abort();
    }
}

}   // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    for (const auto read : {read_model, read_family}) {
        try {
            read(parse_toml(text, "fuzz.toml"));
        } catch (const InputError&) {
            continue;   // the expected answer to nonsense
        }
    }
    return 0;
}
