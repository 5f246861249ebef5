// SPDX-License-Identifier: Apache-2.0
// A 64-bit fingerprint of bytes, to tell files and inputs apart (not against malice). Independent of how the bytes are
// cut into calls.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace moecost {

/// Eight bytes at a time: state = rotate(state ^ word) * odd constant; the end mixes in the rest and the length.
class ContentHash {
  public:
    void add(std::string_view bytes);
    [[nodiscard]] std::uint64_t value() const;
    /// Sixteen hexadecimal digits.
    [[nodiscard]] std::string text() const;

  private:
    std::uint64_t state_ = 0x9e3779b97f4a7c15ULL;
    std::uint64_t pending_ = 0;   // bytes that do not fill a word yet
    unsigned pending_bytes_ = 0;
    std::uint64_t length_ = 0;
};

[[nodiscard]] std::string hexadecimal(std::uint64_t value);

}   // namespace moecost
