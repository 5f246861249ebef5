// SPDX-License-Identifier: Apache-2.0
// Any bytes as lines of a journal, as they stand and under a seal that fits: what is read as a block is written and
// read again alike.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "moecost/sweep/journal.h"

namespace {

using namespace moecost;

void read_line(JournalText& text, std::string_view line) {
    JournalBlock block;
    if (text.read(line, block) != JournalText::Line::block) return;
    JournalText writer;
    JournalText reader;
    const std::string lines = writer.write(block);
    JournalBlock again;
    std::size_t at = 0;
    for (std::size_t end = lines.find('\n'); end != std::string::npos; end = lines.find('\n', at)) {
        std::string_view written = std::string_view(lines).substr(at, end - at);
        if (!unseal(written)) std::abort();
        if (reader.read(written, again) == JournalText::Line::broken) std::abort();
        at = end + 1;
    }
    if (again.end != block.end || again.content != block.content || !(again.counts == block.counts) ||
        again.candidates != block.candidates)
        std::abort();
}

}   // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view rest(reinterpret_cast<const char*>(data), size);
    JournalText text;
    while (!rest.empty()) {
        const std::size_t end = rest.find('\n');
        std::string_view line = rest.substr(0, end);
        rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
        std::string_view opened = line;
        if (unseal(opened)) line = opened;
        std::string closed = sealed(std::string(line));
        std::string_view whole(closed);
        whole.remove_suffix(1);
        if (!unseal(whole) || whole != line) std::abort();
        read_line(text, line);
    }
    return 0;
}
