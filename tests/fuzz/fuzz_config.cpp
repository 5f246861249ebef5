// SPDX-License-Identifier: Apache-2.0
// Any bytes as a Hugging Face configuration: an architecture that can be counted and edited, or one
// InputError.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "moecost/model/architecture_toml.h"
#include "moecost/model/cache.h"
#include "moecost/model/counts.h"
#include "moecost/model/huggingface/huggingface.h"

namespace {

void edit(moecost::Architecture a, std::string_view key, std::string_view value) {
    try {
        moecost::apply_edit(a, key, value);
    } catch (const moecost::InputError&) {
        return;
    }
    moecost::check(a);
}

}   // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    try {
        const moecost::Document document = moecost::parse_json(text, "fuzz.json");
        const moecost::Architecture a = moecost::import_huggingface(document);
        moecost::check(a);
        if (!(moecost::count(a).total > 0)) std::abort();
        if (!(moecost::sequence_bytes(a, moecost::DType::fp8, 1e5, 8).value() >= 0)) std::abort();
        if (!(moecost::weight_bytes(a, a.precision).total().value() > 0)) std::abort();
        for (const std::string_view value : {"1", "7", "1000"}) {
            edit(a, "layers", value);
            edit(a, "experts", value);
            edit(a, "window", value);
        }
    } catch (const moecost::InputError&) {
        return 0;   // the expected answer to nonsense
    }
    return 0;
}
