// SPDX-License-Identifier: Apache-2.0
// What a page in a browser can not do, though the commands that it shares know of it: write files, unpack them, replay traces.
#include "moecost/base/error.h"
#include "moecost/base/file.h"
#include "moecost/traffic/trace_file.h"

namespace moecost {
namespace {

[[noreturn]] void not_here(const std::string& path) {
    throw InputError({path}, {}, "files are not read or written by the page", "the command line reads them");
}

}   // namespace

struct TextFile::Pieces {};
TextFile::TextFile(const std::string& path) { not_here(path); }
TextFile::TextFile(TextFile&&) noexcept = default;
TextFile& TextFile::operator=(TextFile&&) noexcept = default;
TextFile::~TextFile() = default;

std::string read_text(const std::string& path, std::uint64_t) { not_here(path); }
void write_file(const std::string& path, std::string_view) { not_here(path); }
TraceSummary summarise_trace(const std::string& path) { not_here(path); }
Traffic traffic_of(const TraceSummary&, const std::string& path) { not_here(path); }
TraceFile::TraceFile(const std::string& path, const Options& options)
    : path_(path), options_(options), file_(path), cache_(0), reader_(path, [](const TraceRow&) {}) {}
bool TraceFile::next(TracedRequest&) { return false; }

}   // namespace moecost
