// SPDX-License-Identifier: Apache-2.0
// A result that may be infeasible. Infeasible is an answer, not an error: a search meets millions of them, so what it
// needs on the way is static text and numbers; the texts for a person are filled in where one asks.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace moecost {

/// Why there is no answer: the reason (static text), what was needed and what is there, in `unit`.
struct Infeasible {
    std::string_view reason;
    std::string_view quantity;
    std::string_view unit;
    double needed = 0;
    double available = 0;
    bool is_rule =
        false;   // needed and available are two numbers that do not go together, not an amount and its limit
    std::string detail{};   // what the static texts cannot say: names, what would be allowed
    std::string fix{};      // options that would make it run, such as "--tp 4"; empty: none is known

    bool operator==(const Infeasible&) const = default;
};

/// One line for a person: reason, needed, available, shortfall.
std::string to_text(const Infeasible& why);

/// The wrong one of the two throws std::bad_variant_access: a mistake of the program, not of its input.
template <class T>
class Expected {
  public:
    /// A value made where it stays, to be filled in.
    explicit Expected(std::in_place_t) {}
    Expected(T value) : content_(std::move(value)) {}   // NOLINT: implicit by design
    Expected(Infeasible reason) : content_(reason) {}   // NOLINT: implicit by design
    explicit operator bool() const { return content_.index() == 0; }
    [[nodiscard]] const T& operator*() const { return std::get<0>(content_); }
    [[nodiscard]] const T* operator->() const { return &std::get<0>(content_); }
    [[nodiscard]] T& operator*() { return std::get<0>(content_); }
    [[nodiscard]] T* operator->() { return &std::get<0>(content_); }
    [[nodiscard]] const Infeasible& error() const { return std::get<1>(content_); }

  private:
    std::variant<T, Infeasible> content_;
};

}   // namespace moecost
