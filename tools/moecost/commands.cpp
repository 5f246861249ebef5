// SPDX-License-Identifier: Apache-2.0
// The table of commands. A new command is one line here, its declaration in command.h and a file of its own.
#include <filesystem>
#include <iostream>
#include <iterator>

#include "command.h"
#include "list/models.h"
#include "moecost/base/gzip.h"
#include "moecost/estimate/inputs.h"

namespace moecost::cli {
namespace {

std::vector<Flag> no_flags() { return {}; }

constexpr Command table[] = {
    {"estimate", "what does this deployment deliver and cost?", "--model MODEL --gpu GPU[,GPU...] [options]",
     "moecost estimate --model mixtral-8x7b --gpu a100_sxm_80,h100_sxm --tp 2 --traffic chat", estimate_flags,
     run_estimate, ""},
    {"plan", "what should I rent for this load, within these objectives?",
     "--model MODEL --rate R [--gpu GPU[,GPU...]] [options]",
     "moecost plan --model gpt-oss-120b --gpu h200,b200 --rate 20 --isl 3000 --osl 800 --slo-ttft p95:2s "
     "--slo-tpot 40ms",
     plan_flags, run_plan, ""},
    {"design", "which MoE should I train, so that serving at equal loss is cheapest?",
     "--budget FLOP --equal-to E [options]", "moecost design --budget 1e23 --equal-to 1", design_flags,
     run_design, ""},
    {"sweep", "how do the answers move over a grid?", "GRID.toml [-o OUT.csv] [options]",
     "moecost sweep --example", sweep_flags, run_sweep, ""},
    {"merge", "the parts of a sweep over many machines, as one", "PART.csv... -o OUT.csv",
     "moecost merge part-*.csv -o all.csv", no_flags, run_merge, ""},
    {"diff", "in what do two deployments differ, and what explains it?", "A B [options]",
     "moecost diff gpu=h100_sxm,tp=4 gpu=b200_sxm,tp=2 --model mixtral-8x7b --rate 4", diff_flags, run_diff,
     "@model"},
    {"report", "what do these results look like, as a page for a browser?",
     "RESULT.json|ROWS.csv... [-o PAGE.html]",
     "moecost estimate --model mixtral-8x7b --gpu h100_sxm --tp 2 --format json | moecost report - -o "
     "page.html",
     report_flags, run_report, ""},
    {"params", "how large is this model, exactly?", "MODEL...|--family FAMILY --size N [options]",
     "moecost params mixtral-8x7b deepseek-v3", params_flags, run_params, "@model"},
    {"list", "which models, gpus, engines, prices, inputs, figures, ... are known?", "WHAT [GPU]",
     "moecost list gpus", list_flags, run_list, "@lists"},
    {"launch", "which commands start this deployment, and which one checks the answer?",
     "--model MODEL --gpu GPU [options]", "moecost launch --model deepseek-r1 --gpu h200_sxm --tp 8 --ep 8",
     launch_flags, run_launch, ""},
    {"import", "what is this model, server command or benchmark, in our own terms?",
     "hf CONFIG.json | cmd COMMAND|FILE | bench FILE... [options]",
     "moecost import cmd 'vllm serve Qwen/Qwen3-235B-A22B -tp 4'", import_flags, run_import, "hf|cmd|bench"},
    {"validate", "how far are the predictions from measurements?", "[FILE.csv|RESULT.json...] [options]",
     "moecost validate --only scenario=closed_loop", validate_flags, run_validate, ""},
    {"law", "what loss does a law give, what is its optimum, what size has equal loss?",
     "[LAW[+BRIDGE]] [options]", "moecost law ludziejewski2025 --n 1e9 --d 2e10 --experts 8 --equal-to 1",
     law_flags, run_law, "@laws"},
    {"fit", "which loss law do these training runs follow?", "RUNS.csv --law FORM [-o LAW.toml] [options]",
     "moecost fit runs.csv --law chinchilla -o ours.toml", fit_flags, run_fit, ""},
    {"calibrate", "which constants do these kernel timings give?",
     "--kernels DIR [--gpu NAME] --engine NAME -o GPU.toml",
     "moecost calibrate --kernels out --engine microbench -o my-gpu.toml", calibrate_flags, run_calibrate,
     ""},
    {"doctor", "what does this program know, and what of it is borrowed?", "", "moecost doctor", no_flags,
     run_doctor, ""},
    {"man", "the manual, in troff: of the program, a command or a topic", "[PAGE] | --folder DIR",
     "moecost man reading | man -l -", man_flags, run_man, "@pages"},
    {"completion", "completion of commands, options and values by the shell", "bash|zsh|fish",
     "source <(moecost completion bash)", no_flags, run_completion, "bash|zsh|fish"},
};

constexpr std::string_view common = "Common";
constexpr Flag format_flag{"format", "FORMAT", common,  "text, json or csv", 0,
                           {},       "text",   nullptr, "text|json|csv"};
constexpr Flag shared_flags[] = {
    {"output", "FILE", common, "write the answer to a file, all of it or nothing", 'o'},
    {"data-dir", "DIR", common,
     "folder of data files (hwmodels/, workloads/) that override the built-in ones"},
    {"quiet", "", common, "the answer alone: no breakdown, no assumptions, no warnings"},
    {"verbose", "", common, "more detail: every operation of a step"},
    {"no-color", "", common, "no colour on a terminal (as the variable NO_COLOR does)"},
    {"help", "", common, "this page", 'h'},
};

bool prints_one_format(const Command& command) {
    return command.run == run_man || command.run == run_completion || command.run == run_report;
}

}   // namespace

std::span<const Command> commands() { return table; }

const Command& command_named(std::string_view name) {
    std::vector<std::string> known;
    for (const Command& command : table) {
        if (command.name == name) return command;
        known.emplace_back(command.name);
    }
    std::string message("unknown command '");
    throw InputError({}, {}, message.append(name).append("'"), name_hint(name, known));
}

std::vector<Flag> all_flags(const Command& command) {
    std::vector<Flag> flags = command.flags();
    if (!prints_one_format(command)) flags.push_back(format_flag);
    flags.insert(flags.end(), std::begin(shared_flags), std::end(shared_flags));
    return flags;
}

std::vector<Flag> description_flags() {
    std::vector<Flag> flags;
    for (const Input& input : inputs()) {
        flags.push_back(
            Flag{input.key, input.argument, input.group, input.help, 0, input.aliases, input.usual, &input});
    }
    return flags;
}

std::string read_input(const std::string& path) {
    if (path == "-") return {std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>()};
    std::error_code ec;
    if (!std::filesystem::exists(path, ec)) throw InputError({path}, {}, "no such file");
    if (std::filesystem::is_directory(path, ec)) throw InputError({path}, {}, "is a folder, not a file");
    return read_text(path);
}

Document read_document(const std::string& path) { return parse_document(read_input(path), path); }

}   // namespace moecost::cli
