// SPDX-License-Identifier: Apache-2.0
#include "moecost/base/shell_words.h"

#include <algorithm>

namespace moecost {
namespace {

class Lexer {
  public:
    Lexer(std::string_view text, const std::string& file) : text_(text), file_(file) {}

    std::vector<ShellCommand> commands() {
        while (at_ < text_.size()) step();
        end_command();
        return std::move(commands_);
    }

  private:
    [[noreturn]] void fail(int line, const char* message) const {
        throw InputError({file_, file_.empty() ? 0 : line, 0}, {}, message);
    }
    [[nodiscard]] char peek(std::size_t ahead = 0) const {
        return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\n';
    }
    void step() {
        const char c = peek();
        if (c == '\n' || c == ';' || c == '|' || c == '(' || c == ')')
            end_command();
        else if (c == '&' && peek(1) != '>')
            end_command();
        else if (c == ' ' || c == '\t' || c == '\r')
            end_word();
        else if (c == '#' && !in_word_)
            return skip_line();
        else if (c == '$' && peek(1) == '(')
            return substitution();
        else if (c == '>' || c == '<' || c == '&')
            return redirection();
        else
            return part_of_word();
        if (c == '\n') ++line_;
        ++at_;
    }
    void skip_line() {
        while (at_ < text_.size() && text_[at_] != '\n') ++at_;
    }
    /// The operator with the number before it; its target is the next word.
    void redirection() {
        if (in_word_ && word_.find_first_not_of("0123456789") == std::string::npos) {
            word_.clear();
            in_word_ = false;
        }
        end_word();
        while (peek() == '>' || peek() == '<' || peek() == '&') ++at_;
        target_ = true;
    }
    /// $(...) is part of the word, as it is written.
    void substitution() {
        begin_word();
        const int start = line_;
        int open = 0;
        do {
            if (at_ >= text_.size()) fail(start, "'$(' is not closed");
            if (peek() == '(') ++open;
            if (peek() == ')') --open;
            append(text_.substr(at_++, 1));
        } while (open > 0 || text_[at_ - 1] == '$');
    }
    void begin_word() {
        if (!in_word_ && current_.words.empty()) current_.line = line_;
        in_word_ = true;
    }
    void part_of_word() {
        const char c = peek();
        if (c == '\\' && peek(1) == '\n') {
            at_ += 2;
            ++line_;
            return;
        }
        begin_word();
        if (c == '\'') return single_quoted();
        if (c == '"') return double_quoted();
        if (c == '\\') ++at_;
        word_ += peek();
        ++at_;
    }
    void single_quoted() {
        const std::size_t end = text_.find('\'', at_ + 1);
        if (end == std::string_view::npos) fail(line_, "a single quote is not closed");
        append(text_.substr(at_ + 1, end - at_ - 1));
        at_ = end + 1;
    }
    void double_quoted() {
        const int start = line_;
        for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_) {
            const bool escape =
                text_[at_] == '\\' && std::string_view("\"\\$`\n").find(peek(1)) != std::string_view::npos;
            if (escape) ++at_;
            if (escape && text_[at_] == '\n')
                ++line_;
            else
                append(text_.substr(at_, 1));
        }
        if (at_ >= text_.size()) fail(start, "a double quote is not closed");
        ++at_;
    }
    void append(std::string_view part) {
        line_ += static_cast<int>(std::count(part.begin(), part.end(), '\n'));
        word_.append(part);
    }
    void end_word() {
        if (in_word_ && !target_) current_.words.push_back(word_);
        if (in_word_) target_ = false;
        word_.clear();
        in_word_ = false;
    }
    void end_command() {
        end_word();
        if (!current_.words.empty()) commands_.push_back(std::move(current_));
        current_ = {};
        target_ = false;
    }

    std::string_view text_;
    std::string file_;
    std::size_t at_ = 0;
    int line_ = 1;
    std::string word_;
    bool in_word_ = false;
    bool target_ = false;   // the next word is where a redirection goes
    ShellCommand current_;
    std::vector<ShellCommand> commands_;
};

}   // namespace

std::vector<ShellCommand> shell_commands(std::string_view text, const std::string& file) {
    return Lexer(text, file).commands();
}

std::string shell_quoted(std::string_view word) {
    constexpr std::string_view plain =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./,:=+%@";
    if (!word.empty() && word.find_first_not_of(plain) == std::string_view::npos) return std::string(word);
    std::string s("'");
    for (const char c : word) s.append(c == '\'' ? std::string("'\\''") : std::string(1, c));
    return s.append("'");
}

std::string shell_line(const std::vector<std::string>& words) {
    std::string s;
    for (const std::string& word : words) s.append(s.empty() ? "" : " ").append(shell_quoted(word));
    return s;
}

}   // namespace moecost
