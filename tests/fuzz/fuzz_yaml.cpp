// SPDX-License-Identifier: Apache-2.0
// Any bytes as YAML: documents that are written and read again alike, or one InputError.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "moecost/base/yaml.h"

namespace {

using namespace moecost;

void check_again(const Document& document) {
    const std::string written = to_yaml(document.root);
    const std::vector<Document> again = parse_yaml(written, "written.yaml");
    if (again.empty() ? !written.empty() : to_yaml(again.front().root) != written) std::abort();
}

}   // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    std::vector<Document> documents;
    try {
        documents = parse_yaml(text, "fuzz.yaml");
    } catch (const InputError&) {
        return 0;   // the expected answer to nonsense
    }
    for (const Document& document : documents) check_again(document);
    return 0;
}
