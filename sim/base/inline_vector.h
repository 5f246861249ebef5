// SPDX-License-Identifier: Apache-2.0
// A list that keeps its first items inside itself: building a short one asks for no memory. Longer ones move to the heap.
#pragma once

#include <cstddef>
#include <cstring>
#include <new>
#include <type_traits>

namespace moecost {

/// Of items that are plain values. Neither copied nor moved: it is scratch space of its owner.
template <class T, std::size_t N>
class InlineVector {
    static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);

  public:
    InlineVector() = default;
    InlineVector(const InlineVector&) = delete;
    InlineVector& operator=(const InlineVector&) = delete;
    ~InlineVector() { delete[] heap_; }

    void push_back(T item) {   // a copy: the item may lie in the list that grows
        if (size_ == capacity_) grow();
        new (items_ + size_++) T(item);
    }
    void clear() { size_ = 0; }
    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] bool empty() const { return size_ == 0; }
    [[nodiscard]] T* begin() { return items_; }
    [[nodiscard]] T* end() { return items_ + size_; }
    [[nodiscard]] const T* begin() const { return items_; }
    [[nodiscard]] const T* end() const { return items_ + size_; }
    T& operator[](std::size_t i) { return items_[i]; }
    const T& operator[](std::size_t i) const { return items_[i]; }

  private:
    struct Block {
        alignas(T) std::byte bytes[sizeof(T)];
    };
    void grow() {
        auto* larger = new Block[2 * capacity_];
        std::memcpy(larger, items_, size_ * sizeof(T));
        delete[] heap_;
        heap_ = larger;
        items_ = reinterpret_cast<T*>(larger);
        capacity_ *= 2;
    }

    Block inside_[N];   // left as it is until an item is put there
    T* items_ = reinterpret_cast<T*>(inside_);
    std::size_t size_ = 0;
    std::size_t capacity_ = N;
    Block* heap_ = nullptr;
};

}   // namespace moecost
