// SPDX-License-Identifier: Apache-2.0
#include "completion.h"

#include <algorithm>
#include <exception>

#include "command.h"
#include "list/list.h"
#include "man/man.h"
#include "moecost/base/dtype.h"
#include "moecost/estimate/figures.h"
#include "moecost/estimate/inputs.h"
#include "moecost/hardware/accelerator_parameters.h"
#include "moecost/hardware/price.h"
#include "moecost/hardware/profile/profile.h"
#include "moecost/law/law_toml.h"
#include "moecost/model/architecture_toml.h"
#include "moecost/model/library.h"
#include "option_values.h"

namespace moecost::cli {
namespace {

/// A thing by its name and by the names that are offered only where the first does not fit what was typed.
struct Known {
    std::string name;
    std::vector<std::string> others{};
};

struct Offer {
    std::vector<Known> known;
    bool files = false;
    bool folders = false;
};

/// The line so far.
struct Line {
    const Command* command = nullptr;
    std::vector<std::string> before;   // finished words after the command, "=" left out
    std::string word;                  // at the cursor
    DataStore data;

    /// The value of the last `--key VALUE`; empty: none.
    [[nodiscard]] std::string value_of(std::string_view key) const {
        for (std::size_t i = before.size(); i-- > 1;) {
            if (before[i - 1] == std::string("--").append(key)) return before[i];
        }
        return {};
    }
};

char folded(char c) {
    if (c >= 'A' && c <= 'Z') return static_cast<char>(c - 'A' + 'a');
    return c == '_' ? '-' : c;
}

/// Case and '_' against '-' do not matter, as in the names of data files.
bool begins(std::string_view name, std::string_view typed) {
    return name.size() >= typed.size() && std::equal(typed.begin(), typed.end(), name.begin(),
                                                     [](char a, char b) { return folded(a) == folded(b); });
}

void add_names(Offer& offer, const std::vector<std::string>& names) {
    for (const std::string& name : names) offer.known.push_back({name});
}

void add_words(Offer& offer, std::string_view choices) {
    while (!choices.empty()) {
        const std::size_t end = std::min(choices.find('|'), choices.size());
        offer.known.push_back({std::string(choices.substr(0, end))});
        choices.remove_prefix(std::min(end + 1, choices.size()));
    }
}

void add_folder(Offer& offer, const DataStore& data, std::string_view folder) {
    for (const std::string& name : data.names(folder)) {
        offer.known.push_back({name});
        const Document head = data.head(folder, name);
        const Reader r(head);
        if (r.has("aliases")) offer.known.back().others = r.texts("aliases");
    }
}

void add_engines(Offer& offer, const DataStore& data) {
    std::vector<std::string> profiles;
    for (const ProfileName& p : profile_names(data)) profiles.push_back(p.file);
    add_names(offer, engine_names(data));
    for (std::string& profile : profiles) offer.known.push_back({{}, {std::move(profile)}});
}

/// The bases at which a price of these accelerators is known; of all where none is named.
void add_prices(Offer& offer, const Line& line) {
    std::vector<std::string> bases;
    const std::string gpu = line.value_of("gpu");
    for (const std::string& id : gpu.empty() ? line.data.names("hwmodels/prices") : split(gpu)) {
        const std::string known = gpu.empty() ? id : load_accelerator(line.data, id).id;
        for (const Price& p : prices_of(line.data, known)) bases.push_back(p.basis);
    }
    std::sort(bases.begin(), bases.end());
    bases.erase(std::unique(bases.begin(), bases.end()), bases.end());
    add_names(offer, bases);
}

/// Fields of the model on the line.
void add_edits(Offer& offer, const Line& line) {
    const std::string model = line.value_of("model");
    if (model.empty()) return;
    for (const std::string& key : edit_keys(load_model(line.data, model))) {
        offer.known.push_back({std::string(key).append("=")});
    }
}

void add_input(Offer& offer, const Line& line, const Input& input) {
    offer.files = offer.files || input.argument.find("FILE") != std::string_view::npos;
    if (input.kind == InputKind::edit) return add_edits(offer, line);
    if (input.kind == InputKind::money) return add_prices(offer, line);
    if (input.kind == InputKind::word) return add_words(offer, input.choices);
    if (input.kind == InputKind::format) {
        for (const DTypeInfo& type : dtype_table) offer.known.push_back({std::string(type.name)});
        return;
    }
    if (input.kind != InputKind::name) return;
    if (input.key == "engine") return add_engines(offer, line.data);
    add_folder(offer, line.data, folder_of(input));
}

void add_columns(Offer& offer) {
    add_names(offer, input_keys());
    add_names(offer, figure_names());
    for (const GpuFigure& f : gpu_figures()) offer.known.push_back({std::string("gpu.").append(f.name)});
}

/// What Flag::values says.
void add_values(Offer& offer, const Line& line, std::string_view values) {
    if (!values.starts_with('@')) return add_words(offer, values);
    const std::string_view list = values.substr(1);
    if (list == "laws") return add_names(offer, law_names(line.data));
    if (list == "pages") return add_names(offer, page_names());
    if (list == "lists") return add_names(offer, list_names());
    if (list == "figures") return add_names(offer, result_figures());
    if (list == "columns") return add_columns(offer);
    if (const Input* input = input_named(list)) add_input(offer, line, *input);
}

/// "6nd|8nd" is a choice, "NAME|FILE" stands for something.
bool spells_words(std::string_view argument) {
    return argument.find('|') != std::string_view::npos &&
           std::none_of(argument.begin(), argument.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

Offer values_of(const Line& line, const Flag& flag) {
    Offer offer;
    offer.files = flag.argument.find("FILE") != std::string_view::npos ||
                  flag.argument.find(".toml") != std::string_view::npos;
    offer.folders = flag.argument == "DIR";
    if (!flag.values.empty())
        add_values(offer, line, flag.values);
    else if (flag.input != nullptr)
        add_input(offer, line, *flag.input);
    else if (spells_words(flag.argument))
        add_words(offer, flag.argument);
    return offer;
}

/// The option that waits for its value at the cursor.
const Flag* waiting(const std::vector<Flag>& flags, std::string_view word) {
    const auto is = [&](const Flag& f) {
        if (word.size() == 2 && word[0] == '-' && f.letter != 0) return word[1] == f.letter;
        if (!word.starts_with("--")) return false;
        const auto same = [&](std::string_view name) { return !name.empty() && name == word.substr(2); };
        return same(f.key) || std::any_of(f.aliases.begin(), f.aliases.end(), same);
    };
    const auto it = std::find_if(flags.begin(), flags.end(), is);
    return it != flags.end() && !it->argument.empty() ? &*it : nullptr;
}

std::size_t operands_before(const Line& line, const std::vector<Flag>& flags) {
    std::size_t n = 0;
    for (std::size_t i = 0; i < line.before.size(); ++i) {
        const bool value = i > 0 && waiting(flags, line.before[i - 1]) != nullptr;
        if (!line.before[i].starts_with('-') && !value) ++n;
    }
    return n;
}

Offer options_of(const std::vector<Flag>& flags) {
    Offer offer;
    for (const Flag& flag : flags) {
        offer.known.push_back({std::string("--").append(flag.key)});
        for (const std::string_view alias : flag.aliases) {
            if (!alias.empty()) offer.known.back().others.push_back(std::string("--").append(alias));
        }
    }
    return offer;
}

Offer operands_of(const Line& line, const std::vector<Flag>& flags) {
    Offer offer;
    const std::size_t n = operands_before(line, flags);
    const bool many = line.command->usage.find("...") != std::string_view::npos;
    if (n == 0 || many) add_values(offer, line, line.command->operands);
    if (n == 1 && line.command->name == "list" && line.before[0] == "prices") add_values(offer, line, "@gpu");
    for (const std::string_view ending : {".csv", ".toml", ".json"}) {
        offer.files = offer.files || line.command->usage.find(ending) != std::string_view::npos;
    }
    if (line.command->operands == "hf" && n == 0) offer.files = false;
    if (offer.known.empty() && !offer.files) return options_of(flags);
    return offer;
}

/// Names that begin as typed; the other names of a thing where its first does not.
std::vector<std::string> matching(const Offer& offer, std::string_view typed) {
    std::vector<std::string> found;
    for (const Known& k : offer.known) {
        if (!k.name.empty() && begins(k.name, typed)) {
            found.push_back(k.name);
            continue;
        }
        if (typed.empty()) continue;
        for (const std::string& other : k.others) {
            if (begins(other, typed)) found.push_back(other);
        }
    }
    return found;
}

std::string lines_of(const Offer& offer, std::string_view before, std::string_view typed) {
    std::string s;
    for (const std::string& name : matching(offer, typed)) s.append(before).append(name).append("\n");
    if (offer.files) s.append(":files\n");
    if (offer.folders) s.append(":folders\n");
    return s;
}

/// Values may be joined by commas: the last one is completed. Paths are not looked for behind a comma.
std::string values_at(const Line& line, const Flag& flag, std::string before, std::string_view typed) {
    Offer offer = values_of(line, flag);
    const std::size_t comma = typed.rfind(',');
    if (comma != std::string_view::npos) {
        before.append(typed.substr(0, comma + 1));
        typed.remove_prefix(comma + 1);
        offer.files = false;
    }
    return lines_of(offer, before, typed);
}

Offer commands_offer() {
    Offer offer;
    for (const Command& command : commands()) offer.known.push_back({std::string(command.name)});
    add_names(offer, {"--help", "--version"});
    return offer;
}

std::string completed(const Line& line) {
    const std::vector<Flag> flags = all_flags(*line.command);
    const Flag* flag = line.before.empty() ? nullptr : waiting(flags, line.before.back());
    if (flag != nullptr) return values_at(line, *flag, {}, line.word);
    const std::size_t equals = line.word.find('=');
    if (line.word.starts_with("--") && equals != std::string::npos) {
        flag = waiting(flags, std::string_view(line.word).substr(0, equals));
        if (flag == nullptr) return {};
        return values_at(line, *flag, line.word.substr(0, equals + 1),
                         std::string_view(line.word).substr(equals + 1));
    }
    if (line.word.starts_with('-')) return lines_of(options_of(flags), {}, line.word);
    return lines_of(operands_of(line, flags), {}, line.word);
}

/// Some shells split --gpu=h100 at the sign.
Line line_of(const std::vector<std::string>& words) {
    Line line;
    line.command = &command_named(words[0]);
    for (std::size_t i = 1; i + 1 < words.size(); ++i) {
        if (words[i] != "=") line.before.push_back(words[i]);
    }
    if (words.back() != "=") line.word = words.back();
    line.data = DataStore(line.value_of("data-dir"));
    return line;
}

constexpr std::string_view bash_script = R"(# bash completion of moecost: source <(moecost completion bash)
_moecost() {
    local line word="${COMP_WORDS[COMP_CWORD]}"
    [ "$word" = "=" ] && word=""
    COMPREPLY=()
    while IFS= read -r line; do
        case $line in
            :files | :folders)
                local kind=-f path
                [ "$line" = :folders ] && kind=-d
                compopt -o filenames 2>/dev/null
                while IFS= read -r path; do COMPREPLY+=("$path"); done < <(compgen "$kind" -- "$word")
                ;;
            *=)
                compopt -o nospace 2>/dev/null
                COMPREPLY+=("$line")
                ;;
            *) COMPREPLY+=("$line") ;;
        esac
    done < <("${COMP_WORDS[0]}" complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _moecost moecost
)";

constexpr std::string_view zsh_script = R"(#compdef moecost
# zsh completion of moecost: source <(moecost completion zsh), after compinit
_moecost() {
    local line
    local -a found
    while IFS= read -r line; do
        case $line in
            :files) _files ;;
            :folders) _files -/ ;;
            *) found+=("$line") ;;
        esac
    done < <("${words[1]}" complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)
    (( $#found )) && compadd -M 'm:{a-zA-Z_-}={A-Za-z-_}' -- "${(@)found}"
}
compdef _moecost moecost
)";

constexpr std::string_view fish_script = R"(# fish completion of moecost: moecost completion fish | source
function __moecost_complete
    set -l words (commandline -opc) (commandline -ct)
    for line in ($words[1] complete -- $words[2..-1] 2>/dev/null)
        switch $line
            case ':files'
                __fish_complete_path (commandline -ct)
            case ':folders'
                __fish_complete_directories (commandline -ct)
            case '*'
                echo $line
        end
    end
end
complete -c moecost -f -a '(__moecost_complete)'
)";

}   // namespace

std::string completions(const std::vector<std::string>& words) {
    try {
        if (words.empty()) return {};
        if (words.size() == 1) return lines_of(commands_offer(), {}, words[0]);
        if (words[0] == "help")
            return words.size() == 2 ? lines_of(commands_offer(), {}, words[1]) : std::string();
        return completed(line_of(words));
    } catch (const std::exception&) {
        return {};   // half a line: the command itself will tell what is wrong with it
    }
}

Answer run_completion(const Invocation& invocation) {
    const auto& given = invocation.line.positional;
    const std::string shell = given.size() == 1 ? given[0] : std::string();
    if (shell == "bash") return {std::string(bash_script), {}, answered};
    if (shell == "zsh") return {std::string(zsh_script), {}, answered};
    if (shell == "fish") return {std::string(fish_script), {}, answered};
    throw InputError({}, {}, "completion is written for one shell", "moecost completion bash, zsh or fish");
}

}   // namespace moecost::cli
