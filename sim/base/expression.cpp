// SPDX-License-Identifier: Apache-2.0
#include "moecost/base/expression.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace moecost {
namespace {

using Operation = Expression::Operation;

constexpr std::size_t max_stack = 64;
constexpr int max_nesting = 50;

/// A name may stand for a number or for a flag, which is known only to whoever fills the slots.
enum class Kind { number, truth, either };

struct Symbol {
    std::string_view text;
    Operation operation;
};
constexpr std::array<Symbol, 6> comparisons{{{"==", Operation::equal},
                                             {"!=", Operation::not_equal},
                                             {"<=", Operation::less_equal},
                                             {">=", Operation::greater_equal},
                                             {"<", Operation::less},
                                             {">", Operation::greater}}};
constexpr std::array<Symbol, 2> sums{{{"+", Operation::add}, {"-", Operation::subtract}}};
constexpr std::array<Symbol, 3> products{
    {{"*", Operation::multiply}, {"/", Operation::divide}, {"%", Operation::remainder}}};

bool starts_name(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool continues_name(char c) { return starts_name(c) || is_digit(c) || c == '.'; }

class Parser {
  public:
    Parser(std::string_view text, const Location& where, const NameTable& names)
        : text_(text), where_(where), names_(names) {}

    std::vector<Expression::Step> parse() {
        const Kind kind = condition();
        skip_space();
        if (at_ < text_.size()) unexpected();
        if (kind == Kind::number) fail(0, "is a number, not a condition", "compare it, such as ... == 0");
        return std::move(steps_);
    }

  private:
    Kind condition() {
        if (++nesting_ > max_nesting) fail(at_, "nested too deeply");
        Kind kind = conjunction();
        while (word("or")) {
            require_truth(kind);
            require_truth(conjunction());
            kind = push(Operation::logical_or);
        }
        --nesting_;
        return kind;
    }
    Kind conjunction() {
        Kind kind = negation();
        while (word("and")) {
            require_truth(kind);
            require_truth(negation());
            kind = push(Operation::logical_and);
        }
        return kind;
    }
    Kind negation() {
        if (!word("not")) return comparison();
        if (++nesting_ > max_nesting) fail(at_, "nested too deeply");
        require_truth(negation());
        --nesting_;
        return push(Operation::logical_not);
    }
    Kind comparison() {
        const Kind left = sum();
        const Symbol* symbol = operator_of(comparisons);
        if (symbol == nullptr) return left;
        require_number(left);
        require_number(sum());
        push(symbol->operation);
        const std::size_t end = at_;
        if (operator_of(comparisons) != nullptr) {
            fail(end, "comparisons cannot follow one another", "join them with 'and'");
        }
        return Kind::truth;
    }
    Kind sum() {
        return chain(sums, [this] { return product(); });
    }
    Kind product() {
        return chain(products, [this] { return sign(); });
    }
    template <std::size_t N, class Operand>
    Kind chain(const std::array<Symbol, N>& symbols, Operand operand) {
        Kind kind = operand();
        while (const Symbol* symbol = operator_of(symbols)) {
            require_number(kind);
            require_number(operand());
            push(symbol->operation);
            kind = Kind::number;
        }
        return kind;
    }
    Kind sign() {
        skip_space();
        if (at_ < text_.size() && text_[at_] == '-') {
            if (++nesting_ > max_nesting) fail(at_, "nested too deeply");
            ++at_;
            require_number(sign());
            --nesting_;
            push(Operation::negate);
            return Kind::number;
        }
        return operand();
    }
    Kind operand() {
        skip_space();
        if (at_ >= text_.size()) fail(at_, "ends where a number, a name or '(' is expected");
        const char c = text_[at_];
        if (c == '(') {
            const std::size_t open = at_++;
            const Kind kind = condition();
            skip_space();
            if (at_ >= text_.size() || text_[at_] != ')') fail(open, "this '(' is not closed");
            ++at_;
            return kind;
        }
        if (is_digit(c) || c == '.') return number();
        if (starts_name(c)) return name();
        unexpected();
    }
    Kind number() {
        double value = 0;
        const auto r = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
        if (r.ec != std::errc{}) fail(at_, "is not a number that can be used");
        const auto end = static_cast<std::size_t>(r.ptr - text_.data());
        if (end < text_.size() && starts_name(text_[end])) {
            fail(end, "a unit or name follows a number", "times are in seconds, sizes as their names say");
        }
        at_ = end;
        grow();
        steps_.push_back({Operation::constant, 0, value});
        return Kind::number;
    }
    Kind name() {
        const std::size_t start = at_;
        while (at_ < text_.size() && continues_name(text_[at_])) ++at_;
        const std::string_view found = text_.substr(start, at_ - start);
        const std::ptrdiff_t slot = names_.slot(found);
        if (slot < 0) {
            std::string message("unknown name '");
            fail(start, message.append(found.substr(0, 60)).append("'"), name_hint(found, names_.known()));
        }
        grow();
        steps_.push_back({Operation::variable, static_cast<std::uint32_t>(slot), 0});
        return Kind::either;
    }

    Kind push(Operation operation) {
        const bool unary = operation == Operation::negate || operation == Operation::logical_not;
        if (!unary) --depth_;
        steps_.push_back({operation, 0, 0});
        return Kind::truth;
    }
    void grow() {
        if (++depth_ > max_stack) fail(at_, "too long: more than 64 values wait for their operators");
    }
    void require_truth(Kind kind) const {
        if (kind == Kind::number) fail(at_, "a number stands where a condition is expected before here");
    }
    void require_number(Kind kind) const {
        if (kind == Kind::truth) fail(at_, "a condition stands where a number is expected before here");
    }
    void skip_space() {
        while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
    }
    bool word(std::string_view expected) {
        skip_space();
        if (!text_.substr(at_).starts_with(expected)) return false;
        const std::size_t end = at_ + expected.size();
        if (end < text_.size() && continues_name(text_[end])) return false;
        at_ = end;
        return true;
    }
    template <std::size_t N>
    const Symbol* operator_of(const std::array<Symbol, N>& symbols) {
        skip_space();
        for (const Symbol& symbol : symbols) {
            if (!text_.substr(at_).starts_with(symbol.text)) continue;
            at_ += symbol.text.size();
            return &symbol;
        }
        return nullptr;
    }
    [[noreturn]] void unexpected() const {
        const std::string_view rest = text_.substr(at_);
        const bool foreign = rest.starts_with("&&") || rest.starts_with("||") || rest.starts_with('!');
        std::string message("unexpected '");
        fail(at_, message.append(rest.substr(0, 12)).append("'"),
             foreign                 ? "write and, or, not"
             : rest.starts_with('=') ? "equality is =="
                                     : "");
    }
    [[noreturn]] void fail(std::size_t offset, std::string_view message, std::string hint = {}) const {
        Location place = where_;
        place.column += place.column > 0 ? static_cast<int>(offset) + 1 : 0;   // behind the quote of the text
        std::string full("'");
        full.append(text_.substr(0, 120))
            .append("', column ")
            .append(std::to_string(offset + 1))
            .append(": ");
        throw InputError(place, {}, full.append(message), std::move(hint));
    }

    std::string_view text_;
    Location where_;
    const NameTable& names_;
    std::vector<Expression::Step> steps_;
    std::size_t at_ = 0;
    std::size_t depth_ = 0;
    int nesting_ = 0;
};

double apply(Operation operation, double a, double b) {
    switch (operation) {
        case Operation::add:
            return a + b;
        case Operation::subtract:
            return a - b;
        case Operation::multiply:
            return a * b;
        case Operation::divide:
            return a / b;
        case Operation::remainder:
            return std::fmod(a, b);
        case Operation::equal:
            return a == b ? 1 : 0;
        case Operation::not_equal:
            return a < b || a > b ? 1 : 0;
        case Operation::less:
            return a < b ? 1 : 0;
        case Operation::less_equal:
            return a <= b ? 1 : 0;
        case Operation::greater:
            return a > b ? 1 : 0;
        case Operation::greater_equal:
            return a >= b ? 1 : 0;
        case Operation::logical_and:
            return a != 0 && b != 0 ? 1 : 0;
        default:
            return a != 0 || b != 0 ? 1 : 0;
    }
}

}   // namespace

double Expression::value(std::span<const double> values) const {
    std::array<double, max_stack> stack;   // NOLINT: written before it is read
    std::size_t top = 0;
    for (const Step& step : steps) {
        switch (step.operation) {
            case Operation::constant:
                stack[top++] = step.constant;
                break;
            case Operation::variable:
                stack[top++] = values[step.variable];
                break;
            case Operation::negate:
                stack[top - 1] = -stack[top - 1];
                break;
            case Operation::logical_not:
                stack[top - 1] = stack[top - 1] != 0 ? 0 : 1;
                break;
            default:
                --top;
                stack[top - 1] = apply(step.operation, stack[top - 1], stack[top]);
        }
    }
    return stack[0];
}

std::vector<std::size_t> Expression::slots() const {
    std::vector<std::size_t> result;
    for (const Step& step : steps) {
        if (step.operation == Operation::variable) result.push_back(step.variable);
    }
    std::sort(result.begin(), result.end());
    result.erase(std::unique(result.begin(), result.end()), result.end());
    return result;
}

Expression compile_condition(std::string_view text, const Location& where, const NameTable& names) {
    Expression expression;
    expression.text = text;
    expression.steps = Parser(text, where, names).parse();
    return expression;
}

}   // namespace moecost
