// SPDX-License-Identifier: Apache-2.0
// Gzip (RFC 1952) in memory. Files may be plain or packed wherever a table is read: the first bytes tell.
#pragma once

#include <memory>

#include "moecost/base/read_file.h"

namespace moecost {

/// The text of a file in pieces, unpacked where it is gzip (members one after another are one text). Limits and
/// errors as read_file_blocks; `limit` bounds the unpacked text. SystemError for damaged data.
void read_text_blocks(const std::string& path, const BlockSink& sink, std::uint64_t limit = max_stream_bytes);
[[nodiscard]] std::string read_text(const std::string& path, std::uint64_t limit = max_input_bytes);

/// The same text, in pieces that the caller cuts: for what must stop in the middle. Limits and errors as above.
class TextFile {
  public:
    explicit TextFile(const std::string& path);
    TextFile(TextFile&&) noexcept;
    TextFile& operator=(TextFile&&) noexcept;
    ~TextFile();
    /// The next bytes, at most 64 KiB, valid until the next call; empty at the end.
    [[nodiscard]] std::string_view next();

  private:
    struct Pieces;
    std::unique_ptr<Pieces> pieces_;
};

/// The text as one gzip member, without time or name: members written one after another are one gzip file.
[[nodiscard]] std::string gzip_member(std::string_view text);

}   // namespace moecost
