// SPDX-License-Identifier: Apache-2.0
#include "command_line.h"

#include <algorithm>
#include <boost/program_options.hpp>
#include <map>
#include <sstream>

#include "moecost/base/error.h"

namespace moecost::cli {
namespace {

namespace po = boost::program_options;

constexpr unsigned usual_length = 100;

void add(po::options_description& part, const Flag& flag) {
    std::string name(flag.key);
    if (flag.letter != 0) name.append(",").append(1, flag.letter);
    const std::string help = help_of(flag);
    if (flag.argument.empty()) {
        part.add_options()(name.c_str(), help.c_str());
    } else {
        auto* value = po::value<std::string>();
        value->value_name(std::string(flag.argument));
        part.add_options()(name.c_str(), value, help.c_str());
    }
}

/// One boost description for each group, in the order the groups first appear.
po::options_description described(std::span<const Flag> flags, unsigned line_length = usual_length) {
    std::vector<std::string_view> groups;
    for (const Flag& flag : flags) {
        if (std::find(groups.begin(), groups.end(), flag.group) == groups.end()) groups.push_back(flag.group);
    }
    po::options_description all("", line_length, line_length / 2);
    for (const std::string_view group : groups) {
        po::options_description part(std::string(group), line_length, line_length / 2);
        for (const Flag& flag : flags) {
            if (flag.group == group) add(part, flag);
        }
        all.add(part);
    }
    return all;
}

/// Aliases as options of their own; what each name stands for.
std::map<std::string, std::string> add_aliases(po::options_description& all, std::span<const Flag> flags) {
    std::map<std::string, std::string> key_of;
    for (const Flag& flag : flags) key_of.emplace(flag.key, flag.key);
    for (const Flag& flag : flags) {
        for (const std::string_view alias : flag.aliases) {
            if (alias.empty() || !key_of.emplace(alias, flag.key).second) continue;
            Flag other = flag;
            other.key = alias;
            other.letter = 0;
            add(all, other);
        }
    }
    return key_of;
}

[[noreturn]] void refuse_unknown(std::string_view name, std::span<const Flag> flags) {
    std::string given(name);
    given.erase(0, given.find_first_not_of('-'));
    std::vector<std::string> known;
    for (const Flag& flag : flags) known.emplace_back(flag.key);
    const std::string_view near = nearest_name(given, known);
    std::string hint;
    if (near.empty())
        hint = "--help lists the options";
    else
        hint.append("did you mean '--").append(near).append("'?");
    throw InputError({std::string(name)}, {}, "unknown option", hint);
}

}   // namespace

CommandLine parse_command_line(std::span<const Flag> flags, const std::vector<std::string>& arguments) {
    po::options_description description = described(flags);
    std::map<std::string, std::string> key_of = add_aliases(description, flags);
    // Abbreviated names are refused: a script must not change its meaning when an option is added.
    constexpr int style = po::command_line_style::unix_style & ~po::command_line_style::allow_guessing;
    CommandLine result;
    try {
        const auto parsed = po::command_line_parser(arguments).options(description).style(style).run();
        for (const auto& option : parsed.options) {
            const std::string text = option.value.empty() ? std::string() : option.value.front();
            if (option.string_key.empty())
                result.positional.push_back(text);
            else
                result.settings.push_back(Setting{key_of.at(option.string_key), text});
        }
    } catch (const po::unknown_option& e) {
        refuse_unknown(e.get_option_name(), flags);
    } catch (const po::error& e) {
        throw InputError({"command line"}, {}, e.what(), "--help lists the options");
    }
    return result;
}

std::string help_of(const Flag& flag) {
    std::string help(flag.help);
    const bool told = help.find("(default:") != std::string::npos;   // a command with a default of its own
    if (!flag.usual.empty() && !told) help.append(" (default: ").append(flag.usual).append(")");
    return help;
}

std::string options_help(std::span<const Flag> flags, std::size_t width) {
    std::ostringstream out;
    out << described(flags, static_cast<unsigned>(width));
    std::string page = out.str();   // whose wrapped lines end in blanks
    for (std::size_t at = page.find(" \n"); at != std::string::npos; at = page.find(" \n")) page.erase(at, 1);
    return page;
}

}   // namespace moecost::cli
