// SPDX-License-Identifier: Apache-2.0
#include "moecost/base/content_hash.h"

#include <bit>
#include <cstring>

namespace moecost {
namespace {

constexpr std::uint64_t odd = 0xd6e8feb86659fd93ULL;

std::uint64_t mixed(std::uint64_t state, std::uint64_t word) { return std::rotl(state ^ word, 29) * odd; }

}   // namespace

void ContentHash::add(std::string_view bytes) {
    length_ += bytes.size();
    std::size_t at = 0;
    while (pending_bytes_ > 0 && at < bytes.size()) {
        pending_ |= std::uint64_t{static_cast<unsigned char>(bytes[at++])} << (8 * pending_bytes_);
        if (++pending_bytes_ < 8) continue;
        state_ = mixed(state_, pending_);
        pending_ = pending_bytes_ = 0;
    }
    for (; at + 8 <= bytes.size(); at += 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes.data() + at, 8);   // little-endian, as every machine this runs on
        state_ = mixed(state_, word);
    }
    for (; at < bytes.size(); ++at) {
        pending_ |= std::uint64_t{static_cast<unsigned char>(bytes[at])} << (8 * pending_bytes_++);
    }
}

std::uint64_t ContentHash::value() const {
    std::uint64_t h = mixed(mixed(state_, pending_), length_);
    h ^= h >> 32;
    h *= odd;
    return h ^ (h >> 29);
}

std::string ContentHash::text() const { return hexadecimal(value()); }

std::string hexadecimal(std::uint64_t value) {
    std::string s(16, '0');
    for (std::size_t i = 16; i-- > 0; value >>= 4) s[i] = "0123456789abcdef"[value & 15];
    return s;
}

}   // namespace moecost
