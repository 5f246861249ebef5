// SPDX-License-Identifier: Apache-2.0
// What the flags of a command say about quantities: equations between products and numbers, and words that may be meant.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "moecost/base/value.h"
#include "moecost/launch/read_command.h"

namespace moecost {

/// product of `factors` + add = number, read from `word`. A factor "/x" is x on the other side.
struct Equation {
    std::string subject;   // the input the flag is about
    std::vector<std::string> factors;
    double number = 0;
    std::string word;
};

class Facts {
  public:
    explicit Facts(const EngineRules& rules) : rules_(rules) {}

    /// What one row says when its word (or key) stands there with this value; null: without a value.
    void read(const EngineFlag& row, const std::string& word, const Value* value, bool off);
    /// `beside` switches that stand in the command.
    void see(const std::string& word) { seen_.push_back(word); }
    void finish(CommandReading& reading);

  private:
    void read_product(const EngineFlag& row, const std::string& word, const Value& value);
    void read_template(const EngineFlag& row, const std::string& word, const Value& value);
    void read_word(const EngineFlag& row, const std::string& word, const Value& value);
    void match(const Value& pattern, const Value& value, const EngineFlag& row, const std::string& word);
    void imply(const EngineFlag& row, const std::string& word);
    void set_text(const std::string& name, const std::string& text) { texts_[name] = text; }
    void add_equation(Equation equation);
    void replace_alone();
    void add_implied();
    void narrow();
    void solve();
    bool solve_once();
    [[nodiscard]] bool about(std::string_view name) const;
    void set_known(const std::string& name, double value, const std::string& word);
    void describe(CommandReading& reading);

    struct Alone {
        std::string subject, beside, alone;
    };
    const EngineRules& rules_;
    std::vector<std::string> seen_;
    std::vector<Equation> equations_, implied_;
    std::vector<Alone> alone_;
    std::map<std::string, double> known_;
    std::map<std::string, std::string> texts_;
    std::map<std::string, std::string> words_;   // the flag a quantity was read from
    std::map<std::string, std::vector<std::string>> choices_, refinements_;
    std::vector<std::string> notes_;
};

/// "130k" is 130,000, "1K" 1024: lower case letters count thousands, capitals powers of 1024.
[[nodiscard]] std::optional<double> engine_number(std::string_view text);
/// A scalar as it is written.
[[nodiscard]] std::string text_of(const Value& value);

}   // namespace moecost
