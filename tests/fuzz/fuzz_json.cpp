// SPDX-License-Identifier: Apache-2.0
// Any bytes as JSON: a document or one InputError, nothing else.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "moecost/base/value.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    try {
        const moecost::Document document = moecost::parse_json(text, "fuzz.json");
        for (const std::string& key : moecost::Reader(document).keys()) {
            static_cast<void>(moecost::Reader(document).where(key));
        }
    } catch (const moecost::InputError&) {
        return 0;   // the expected answer to nonsense
    }
    return 0;
}
