// SPDX-License-Identifier: Apache-2.0
// Any bytes as the manifest of a sweep: one that is written and read again alike, or one InputError.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "moecost/sweep/manifest.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace moecost;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    try {
        const Manifest m = manifest_of(parse_json(text, "fuzz.json"));
        const std::string written = manifest_json(m);
        if (manifest_json(manifest_of(parse_json(written, "written.json"))) != written) std::abort();
    } catch (const InputError&) {
        return 0;   // the expected answer to nonsense
    }
    return 0;
}
