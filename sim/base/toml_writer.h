// SPDX-License-Identifier: Apache-2.0
// Writes TOML line by line: `key = value`, tables and arrays of tables, numbers in shortest round-trip form.
#pragma once

#include <string>
#include <string_view>

#include "moecost/base/format.h"

namespace moecost {

class TomlWriter {
  public:
    /// `prefix` stands before every table name: "profile." writes [profile.serving].
    explicit TomlWriter(std::string prefix = {}) : prefix_(std::move(prefix)) {}

    void comment(std::string_view text) { out_.append("# ").append(text).append("\n"); }
    void table(std::string_view name) { header("\n[", name, "]\n"); }
    void item(std::string_view name) { header("\n[[", name, "]]\n"); }

    void text(std::string_view key, std::string_view value) { line(key, quoted(value)); }
    void number(std::string_view key, double value) { line(key, shortest(value)); }
    void pair(std::string_view key, double low, double high) {
        line(key, std::string("[").append(shortest(low)).append(", ").append(shortest(high)).append("]"));
    }
    /// Left out where there is nothing to say.
    void optional_text(std::string_view key, std::string_view value) {
        if (!value.empty()) text(key, value);
    }
    void optional_number(std::string_view key, double value) {
        if (value != 0) number(key, value);
    }
    [[nodiscard]] const std::string& str() const { return out_; }

  private:
    static std::string quoted(std::string_view text) {
        std::string s("\"");
        for (const char c : text) {
            if (c == '"' || c == '\\') s += '\\';
            s +=
                static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;   // control characters as blanks
        }
        return s += '"';
    }
    void header(std::string_view open, std::string_view name, std::string_view close) {
        out_.append(open).append(prefix_).append(name).append(close);
    }
    void line(std::string_view key, std::string_view value) {
        out_.append(key).append(" = ").append(value).append("\n");
    }
    std::string prefix_;
    std::string out_;
};

}   // namespace moecost
