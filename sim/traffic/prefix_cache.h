// SPDX-License-Identifier: Apache-2.0
// A cache of prompt blocks, least recently used first to go: how much of a prompt has been seen before.
#pragma once

#include <cstdint>
#include <list>
#include <span>
#include <unordered_map>

namespace moecost {

/// Blocks are named by hashes of the prompt up to and including them, so equal names mean equal prefixes.
class PrefixCache {
  public:
    /// `capacity` blocks; 0 holds every block.
    explicit PrefixCache(std::size_t capacity) : capacity_(capacity) {}

    /// Leading blocks of the prompt that are present. Then all its blocks become the most recent, the last one first, so
    /// that the head of a prompt outlives its tail, and the least recent beyond the capacity go. Outputs are not kept.
    std::size_t hit(std::span<const std::uint64_t> blocks);
    [[nodiscard]] std::size_t size() const { return where_.size(); }

  private:
    void touch(std::uint64_t block);
    std::size_t capacity_;
    std::list<std::uint64_t> order_;   // least recent first
    std::unordered_map<std::uint64_t, std::list<std::uint64_t>::iterator> where_;
};

}   // namespace moecost
