// SPDX-License-Identifier: Apache-2.0
#include "moecost/launch/facts.h"

#include <algorithm>
#include <cmath>

#include "moecost/base/format.h"
#include "moecost/base/written_number.h"
#include "moecost/base/yaml.h"
#include "moecost/base/yaml_scalar.h"
#include "moecost/estimate/inputs.h"
#include "moecost/launch/quantities.h"

namespace moecost {
namespace {

[[noreturn]] void wrong(const std::string& word, std::string_view text, std::string_view allowed) {
    std::string message("'");
    throw InputError({word}, {}, message.append(text).append("' is not ").append(allowed));
}

bool is_placeholder(const Value& v) {
    const auto* t = std::get_if<Value::Table>(&v.content);
    return t != nullptr && t->size() == 1 &&
           std::holds_alternative<std::monostate>(t->front().second.content) &&
           subject_named(t->front().first) != nullptr;
}

const Value* entry_of(const Value& table, std::string_view key) {
    const auto* t = std::get_if<Value::Table>(&table.content);
    if (t == nullptr) return nullptr;
    for (const auto& [name, value] : *t) {
        if (name == key) return &value;
    }
    return nullptr;
}

bool is_table(const Value& v) { return std::holds_alternative<Value::Table>(v.content); }

/// A text that is JSON, as a table; anything else as it is.
Value opened(const Value& v, const std::string& word) {
    const auto* text = std::get_if<std::string>(&v.content);
    if (text == nullptr || !text->starts_with('{')) return v;
    return yaml::flow_value(*text, {word});
}

/// How many entries of the pattern the value has.
std::size_t likeness(const Value& pattern, const Value& value) {
    if (!is_table(pattern)) return text_of(pattern) == text_of(value) ? 1 : 0;
    std::size_t same = 0;
    for (const auto& [key, part] : std::get<Value::Table>(pattern.content)) {
        const Value* other = entry_of(value, key);
        if (other != nullptr && text_of(*other) == text_of(part)) ++same;
    }
    return same;
}

std::string known_words(const EngineFlag& row) {
    std::string s("a word we know: ");
    for (const auto& [ours, engine] : row.values) s.append(engine).append(", ");
    for (const auto& [engine, ours] : row.reads) s.append(engine).append(", ");
    return s.substr(0, s.size() - 2);
}

}   // namespace

std::optional<double> engine_number(std::string_view text) {
    if (const auto plain = plain_number(text)) return plain;
    if (text.empty()) return std::nullopt;
    constexpr std::string_view decimal = "kmgt";
    constexpr std::string_view binary = "KMGT";
    const auto value = plain_number(text.substr(0, text.size() - 1));
    if (!value) return std::nullopt;
    if (const std::size_t i = decimal.find(text.back()); i != std::string_view::npos)
        return *value * std::pow(1000.0, double(i + 1));
    if (const std::size_t i = binary.find(text.back()); i != std::string_view::npos)
        return *value * std::pow(1024.0, double(i + 1));
    return std::nullopt;
}

std::string text_of(const Value& value) {
    if (const auto* s = std::get_if<std::string>(&value.content)) return *s;
    if (const auto* i = std::get_if<std::int64_t>(&value.content)) return std::to_string(*i);
    if (const auto* d = std::get_if<double>(&value.content)) return shortest(*d);
    if (const auto* b = std::get_if<bool>(&value.content)) return *b ? "true" : "false";
    return std::holds_alternative<std::monostate>(value.content) ? "null" : "{...}";
}

void Facts::add_equation(Equation e) {
    std::erase_if(equations_,
                  [&](const Equation& old) { return old.word == e.word && old.factors == e.factors; });
    equations_.push_back(std::move(e));
}

void Facts::imply(const EngineFlag& row, const std::string& word) {
    for (const auto& [name, factors] : row.implies) {
        Equation e{name, {name}, 1, word};
        for (const std::string& factor : factors) {
            if (const auto number = plain_number(factor))
                e.number *= *number;
            else
                e.factors.push_back(std::string("/").append(factor));
        }
        implied_.push_back(std::move(e));
    }
}

void Facts::read(const EngineFlag& row, const std::string& word, const Value* value, bool off) {
    see(row.flag);
    if (row.is_switch() || off) {
        const bool on = !off && (value == nullptr || text_of(*value) != "false");
        if (off && !row.is_switch()) return set_known(row.input, 0, word);
        if (on) imply(row, word);
        const FlagSubject* subject = subject_named(row.input);
        if (subject != nullptr && subject->kind == SubjectKind::toggle)
            set_known(row.input, on ? 1 : 0, word);
        return;
    }
    if (value == nullptr) throw InputError({word}, {}, "wants a value, and none follows");
    if (!row.value.empty()) return read_product(row, word, *value);
    if (!row.text.empty()) return read_template(row, word, *value);
    read_word(row, word, *value);
}

void Facts::read_product(const EngineFlag& row, const std::string& word, const Value& value) {
    const std::string text = text_of(value);
    const FlagSubject* subject = subject_named(row.input);
    if (subject == nullptr || subject->kind == SubjectKind::text) return set_text(row.input, text);
    const auto number = engine_number(text);
    if (!number && (text == "auto" || text == "null" || text == "None")) return;
    if (!number) wrong(word, text, "a number");
    if (*number < 0) {   // the engine's way to say "off" or "choose"
        notes_.push_back(std::string(word).append(" ").append(text).append(": left to the engine"));
        return;
    }
    Equation e{row.input, {}, *number - row.add, word};
    for (const std::string& name : row.value) {
        if (const auto factor = plain_number(name))
            e.number /= *factor;
        else
            e.factors.push_back(name);
    }
    if (!row.beside.empty()) alone_.push_back({row.input, row.beside, row.alone});
    add_equation(std::move(e));
}

void Facts::match(const Value& pattern, const Value& value, const EngineFlag& row, const std::string& word) {
    for (const auto& [key, part] : std::get<Value::Table>(pattern.content)) {
        const Value* found = entry_of(value, key);
        if (is_placeholder(part)) {
            if (found == nullptr) throw InputError({word}, key, "is missing");
            const auto number = engine_number(text_of(*found));
            if (!number) wrong(word, text_of(*found), std::string("a number of ").append(key));
            add_equation({row.input, {std::get<Value::Table>(part.content).front().first}, *number, word});
        } else if (found != nullptr && text_of(*found) != text_of(part)) {
            notes_.push_back(std::string(word)
                                 .append(": ")
                                 .append(key)
                                 .append(" ")
                                 .append(text_of(*found))
                                 .append(" is read as ")
                                 .append(text_of(part)));
        }
    }
    for (const auto& [key, part] : std::get<Value::Table>(value.content)) {
        if (entry_of(pattern, key) == nullptr)
            notes_.push_back(std::string(word)
                                 .append(": ")
                                 .append(key)
                                 .append(" ")
                                 .append(text_of(part))
                                 .append(" is not known to an estimate"));
    }
}

void Facts::read_template(const EngineFlag& row, const std::string& word, const Value& given) {
    const Value value = opened(given, word);
    if (row.text.starts_with("{\"")) {
        if (!is_table(value)) wrong(word, text_of(value), "a JSON object");
        return match(yaml::flow_value(row.text, {}), value, row, word);
    }
    const std::string text = text_of(value);
    const std::size_t open = row.text.find('{');
    if (open != std::string::npos) return set_text(row.input, text);
    if (text != row.text)
        notes_.push_back(std::string(word).append(" ").append(text).append(" is read as ").append(row.text));
}

void Facts::read_word(const EngineFlag& row, const std::string& word, const Value& given) {
    const Value value = opened(given, word);
    std::vector<std::string> ours;
    std::size_t best = 1;
    for (const auto& [mine, engine] : row.values) {
        const Value pattern = opened(yaml_text(engine), word);
        const std::size_t same = likeness(pattern, value);
        if (is_table(pattern) != is_table(value) || same < best) continue;
        if (same > best) ours.clear();
        best = same;
        ours.push_back(mine);
    }
    for (const auto& [engine, mine] : row.reads) {
        if (!ours.empty() || engine != text_of(value)) continue;
        ours.push_back(mine);
        notes_.push_back(std::string(word).append(" ").append(engine).append(" is read as ").append(mine));
    }
    if (ours.empty() && row.refines) return;
    if (is_table(value) && ours.size() != 1) {
        notes_.push_back(std::string(word).append(": says neither of ").append(known_words(row)));
        return;
    }
    if (ours.empty()) wrong(word, text_of(value), known_words(row));
    words_[row.input] = word;
    (row.refines ? refinements_ : choices_)[row.input] = ours;
    const bool usual = !row.values.empty() && ours.front() == row.values.front().first;
    if (!usual) imply(row, word);
    if (is_table(value)) {
        const Value* connector = entry_of(value, "kv_connector");
        if (connector != nullptr) set_text("transfer", text_of(*connector));
    }
}

void Facts::replace_alone() {
    for (const Alone& a : alone_) {
        if (std::find(seen_.begin(), seen_.end(), a.beside) != seen_.end()) continue;
        for (Equation& e : equations_) {
            if (e.subject != a.subject) continue;
            e.subject = a.alone;
            std::replace(e.factors.begin(), e.factors.end(), a.subject, a.alone);
        }
    }
}

void Facts::narrow() {
    for (auto& [name, choices] : choices_) {
        const auto it = refinements_.find(name);
        if (it == refinements_.end()) continue;
        std::erase_if(choices, [&, &choices = choices](const std::string& c) {
            return choices.size() > 1 &&
                   std::find(it->second.begin(), it->second.end(), c) == it->second.end();
        });
    }
}

bool Facts::about(std::string_view name) const {
    return std::any_of(equations_.begin(), equations_.end(), [&](const Equation& e) {
        return std::find(e.factors.begin(), e.factors.end(), name) != e.factors.end() && e.subject == name;
    });
}

void Facts::set_known(const std::string& name, double value, const std::string& word) {
    const auto [it, fresh] = known_.emplace(name, value);
    if (fresh)
        words_[name] = word;
    else if (it->second != value && words_[name] != word)
        notes_.push_back(
            std::string(word).append(" contradicts ").append(words_[name]).append(" about ").append(name));
    else if (words_[name] == word)
        it->second = value;
}

/// Solves one equation that lacks one factor; false: there is none. A factor "/x" stands on the other side.
bool Facts::solve_once() {
    for (auto e = equations_.begin(); e != equations_.end(); ++e) {
        const auto unknown = [&](const std::string& factor) {
            return known_.count(factor.starts_with('/') ? factor.substr(1) : factor) == 0;
        };
        const bool all_known = std::none_of(e->factors.begin(), e->factors.end(), unknown);
        std::vector<std::string> open;
        double number = e->number;
        for (const std::string& factor : e->factors) {
            if (unknown(factor) || (all_known && factor == e->subject))
                open.push_back(factor);
            else if (factor.starts_with('/'))
                number *= known_[factor.substr(1)];
            else
                number /= known_[factor];
        }
        if (open.size() != 1 || open.front().starts_with('/')) continue;
        const FlagSubject* subject = subject_named(open.front());
        const bool whole = subject != nullptr && subject->kind == SubjectKind::whole;
        if (whole && number != std::floor(number)) {
            std::string product;
            for (const std::string& factor : e->factors)
                if (factor != open.front()) product.append(product.empty() ? "" : " x ").append(factor);
            wrong(e->word, shortest(e->number),
                  product.empty() ? std::string("a whole number")
                                  : std::string("a multiple of ").append(product));
        }
        if (open.front() == "chunk") number = std::floor(number);   // the engine divides without remainder
        set_known(open.front(), number, e->word);
        equations_.erase(e);
        return true;
    }
    return false;
}

void Facts::solve() {
    while (solve_once()) {
    }
    for (const char* degree : {"pp", "attention_dp", "tp", "ep"}) {
        if (known_.count(degree) == 0 && !about(degree)) known_[degree] = 1;
        while (solve_once()) {
        }
    }
    const auto experts = known_.find("expert_tp");
    if (experts != known_.end() && !words_.count("ep") && experts->second > 0)
        known_["ep"] = std::max(1.0, known_["tp"] * known_["attention_dp"] / experts->second);
}

void Facts::describe(CommandReading& r) {
    Description& d = r.description;
    for (const FlagSubject& subject : flag_subjects()) {
        const std::string name(subject.name);
        const std::string where = words_.count(name) ? words_[name] : name;
        const auto number = known_.find(name);
        const auto choice = choices_.find(name);
        const auto text = texts_.find(name);
        std::string value;
        if (number != known_.end()) value = shortest(number->second);
        if (choice != choices_.end()) value = choice->second.front();
        if (text != texts_.end()) value = text->second;
        if (value.empty()) continue;
        if (name == "model")
            r.checkpoint = value;
        else if (name == "kv" && value == "model")
            r.released_cache = true;
        else if (!subject.input.empty())
            set_input(d, *input_named(subject.input), value, {where});
        else {
            if (number != known_.end() && subject.high > 0 &&
                (number->second < subject.low || number->second > subject.high))
                wrong(where, value,
                      std::string("in ")
                          .append(shortest(subject.low))
                          .append("..")
                          .append(shortest(subject.high)));
            if (subject.kind == SubjectKind::toggle) value = number->second != 0 ? "true" : "false";
            r.others.emplace_back(name, value);
        }
    }
}

/// What a switch implies wins over what another flag says of the same quantity.
void Facts::add_implied() {
    for (Equation& e : implied_) {
        std::erase_if(equations_, [&](const Equation& old) {
            return old.factors.size() == 1 && old.factors.front() == e.subject;
        });
        equations_.push_back(std::move(e));
    }
}

void Facts::finish(CommandReading& r) {
    replace_alone();
    add_implied();
    narrow();
    solve();
    describe(r);
    r.notes.insert(r.notes.end(), notes_.begin(), notes_.end());
}

}   // namespace moecost
