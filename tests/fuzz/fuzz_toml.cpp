// SPDX-License-Identifier: Apache-2.0
// Any bytes as a model file: an architecture that is written and read back alike, or one InputError.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "model/architecture_toml.h"
#include "model/cache.h"
#include "model/counts.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    try {
        const moecost::Document document = moecost::parse_toml(text, "fuzz.toml");
        const moecost::Architecture a = moecost::architecture_from_toml(document);
        moecost::check(a);
        if (!(moecost::count(a).total > 0)) std::abort();
        const std::string written = moecost::architecture_to_toml(a);
        const moecost::Architecture b =
            moecost::architecture_from_toml(moecost::parse_toml(written, "written.toml"));
        // Control characters in texts become blanks, so texts are compared after one more round.
        if (moecost::architecture_to_toml(b) != written) std::abort();
    } catch (const moecost::InputError&) {
        return 0;   // the expected answer to nonsense
    }
    return 0;
}
