// SPDX-License-Identifier: Apache-2.0
// What the C++ library of emscripten 3.1.6 (Debian 12) lacks of C++20, put before every file of the page: bit_cast,
// numbers of floating point to and from text (by the Debian packages fast_float and fmt), and a thread that is never
// started: the page has one. A library that has them needs no such file; then it is empty.
#pragma once
#if defined(__EMSCRIPTEN__) && _LIBCPP_VERSION < 16000

#include <charconv>
#include <cstring>
#include <utility>

namespace std {   // NOLINT: what the standard puts there

template <class To, class From>
To bit_cast(const From& from) noexcept {
    static_assert(sizeof(To) == sizeof(From));
    To to;
    std::memcpy(&to, &from, sizeof(to));
    return to;
}

from_chars_result from_chars(const char* first, const char* last, double& value);
to_chars_result to_chars(char* first, char* last, double value, chars_format format, int precision);
/// The shortest digits that read back, in fixed or scientific form, whichever is shorter; fixed where both are equal.
to_chars_result to_chars(char* first, char* last, double value);

class jthread {
  public:
    template <class Work>
    explicit jthread(Work&& work) {
        std::forward<Work>(work)();
    }
};

}   // namespace std
#endif
