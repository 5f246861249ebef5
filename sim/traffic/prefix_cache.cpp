// SPDX-License-Identifier: Apache-2.0
#include "moecost/traffic/prefix_cache.h"

namespace moecost {

void PrefixCache::touch(std::uint64_t block) {
    const auto known = where_.find(block);
    if (known == where_.end()) {
        where_.emplace(block, order_.insert(order_.end(), block));
    } else {
        order_.splice(order_.end(), order_, known->second);
    }
}

std::size_t PrefixCache::hit(std::span<const std::uint64_t> blocks) {
    std::size_t present = 0;
    while (present < blocks.size() && where_.count(blocks[present]) == 1) ++present;
    for (std::size_t i = blocks.size(); i-- > 0;) touch(blocks[i]);
    while (capacity_ > 0 && where_.size() > capacity_) {
        where_.erase(order_.front());
        order_.pop_front();
    }
    return present;
}

}   // namespace moecost
