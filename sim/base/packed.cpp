// SPDX-License-Identifier: Apache-2.0
#include "moecost/base/packed.h"

#include <bit>
#include <cstring>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace moecost {
namespace {

static_assert(std::endian::native == std::endian::little);

/// Seven bits a byte, the lowest first; the eighth says that more follow.
void put_count(std::string& out, std::uint64_t n) {
    for (; n >= 0x80; n >>= 7) out += static_cast<char>(n | 0x80);
    out += static_cast<char>(n);
}

template <class T>
void put_bits(std::string& out, T x) {
    char bytes[sizeof x];
    std::memcpy(bytes, &x, sizeof x);
    out.append(bytes, sizeof x);
}

void put_text(std::string& out, std::string_view text) {
    put_count(out, text.size());
    out += text;
}

void put(std::string& out, const Value& value) {
    out += static_cast<char>(value.content.index());
    put_count(out, static_cast<std::uint64_t>(value.line));
    put_count(out, static_cast<std::uint64_t>(value.column));
    std::visit(
        [&](const auto& x) {
            using T = std::decay_t<decltype(x)>;
            if constexpr (std::is_arithmetic_v<T>) {
                put_bits(out, x);
            } else if constexpr (std::is_same_v<T, std::string>) {
                put_text(out, x);
            } else if constexpr (std::is_same_v<T, Value::Array>) {
                put_count(out, x.size());
                for (const Value& item : x) put(out, item);
            } else if constexpr (std::is_same_v<T, Value::Table>) {
                put_count(out, x.size());
                for (const auto& [key, item] : x) put_text(out, key), put(out, item);
            }
        },
        value.content);
}

class Unpacker {
  public:
    explicit Unpacker(std::string_view bytes) : rest_(bytes) {}

    Value value() {
        const auto kind = static_cast<unsigned char>(take(1)[0]);
        Value v;
        v.line = static_cast<int>(count());
        v.column = static_cast<int>(count());
        switch (kind) {
            case 0:
                break;
            case 1:
                v.content = bits<bool>();
                break;
            case 2:
                v.content = bits<std::int64_t>();
                break;
            case 3:
                v.content = bits<double>();
                break;
            case 4:
                v.content = std::string(text());
                break;
            case 5:
                v.content = array();
                break;
            case 6:
                v.content = table();
                break;
            default:
                throw std::out_of_range("packed document: no such kind");
        }
        return v;
    }

  private:
    std::string_view take(std::size_t n) {
        if (n > rest_.size()) throw std::out_of_range("packed document: too short");
        const std::string_view taken = rest_.substr(0, n);
        rest_.remove_prefix(n);
        return taken;
    }

    std::uint64_t count() {
        std::uint64_t n = 0;
        for (unsigned shift = 0; shift < 64; shift += 7) {
            const auto byte = static_cast<unsigned char>(take(1)[0]);
            n |= std::uint64_t{byte & 0x7FU} << shift;
            if (byte < 0x80) break;
        }
        return n;
    }

    /// A count of things of at least one byte each: what is left bounds it, and so the memory.
    std::size_t size() {
        const std::uint64_t n = count();
        if (n > rest_.size()) throw std::out_of_range("packed document: too short");
        return static_cast<std::size_t>(n);
    }

    template <class T>
    T bits() {
        T x{};
        std::memcpy(&x, take(sizeof x).data(), sizeof x);
        return x;
    }

    std::string_view text() { return take(size()); }

    Value::Array array() {
        Value::Array items(size());
        for (Value& item : items) item = value();
        return items;
    }

    Value::Table table() {
        Value::Table entries(size());
        for (auto& [key, item] : entries) {
            key = text();
            item = value();
        }
        return entries;
    }

    std::string_view rest_;
};

}   // namespace

std::string pack(const Document& document) {
    std::string out;
    put(out, document.root);
    return out;
}

Document unpack(std::string_view bytes, std::string file) {
    return {std::move(file), Unpacker(bytes).value()};
}

}   // namespace moecost
