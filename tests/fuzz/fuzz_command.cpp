// SPDX-License-Identifier: Apache-2.0
// Any bytes as a script or a manifest that starts servers: inputs with texts, or one InputError.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "moecost/estimate/inputs.h"
#include "moecost/launch/sources.h"

namespace {

using namespace moecost;

void read_all(const std::vector<EngineRules>& engines, std::string_view text, const char* file) {
    try {
        for (const FoundCommand& found : find_commands(engines, text, file)) {
            static_cast<void>(settings_file_of(*found.at.rules, found.words));
            const Document* settings = found.settings ? &*found.settings : nullptr;
            const CommandReading reading = read_server(*found.at.rules, found.words, found.at, settings);
            for (const Input& input : inputs()) static_cast<void>(texts_of(reading.description, input));
        }
    } catch (const InputError&) {
        return;   // the expected answer to nonsense
    }
}

}   // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    static const DataStore store;
    static const std::vector<EngineRules> engines = launchable_engines(store);
    read_all(engines, text, "fuzz.sh");
    read_all(engines, text, "fuzz.yaml");
    return 0;
}
