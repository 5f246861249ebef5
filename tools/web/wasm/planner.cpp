// SPDX-License-Identifier: Apache-2.0
// What the page asks the library: questions and answers as JSON, in the words of the command line, and one fast way for
// pictures that are drawn while a slider moves. Every function returns text that lives until the next call.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>

#include "estimate/estimate.h"
#include "list/models.h"
#include "moecost/base/json_writer.h"
#include "moecost/base/read_file.h"
#include "plan/plan.h"

namespace moecost::cli {
namespace {

std::string said;   // by the last call

const char* say(std::string text) {
    said = std::move(text);
    return said.c_str();
}

std::string problem(std::string_view kind, std::string_view message, std::string_view hint) {
    JsonWriter json;
    json.begin_object();
    json.text("problem", kind);
    json.text("message", message);
    json.text("hint", hint);
    json.end_object();
    return json.str();
}

/// {"model": "...", "tp": "8"}: options and their texts; a switch is "true".
CommandLine line_of(const char* question) {
    const Document document = parse_json(question, "question");
    CommandLine line;
    for (const auto& [key, value] : std::get<Value::Table>(document.root.content)) {
        std::string name(key);
        std::replace(name.begin(), name.end(), '_', '-');
        line.settings.push_back({name, std::get<std::string>(value.content)});
    }
    return line;
}

template <class Ask>
const char* answered_by(Ask ask) {
    try {
        return say(ask());
    } catch (const InputError& e) {
        return say(problem("input", e.what(), e.hint()));
    } catch (const std::exception& e) {
        return say(problem("internal", e.what(), ""));
    }
}

void write_names(JsonWriter& json, std::string_view key, const std::vector<std::string>& names) {
    json.begin_array(key);
    for (const std::string& name : names) json.text({}, name);
    json.end_array();
}

void write_inputs(JsonWriter& json) {
    json.begin_array("inputs");
    for (const Input& input : inputs()) {
        json.begin_object();
        json.text("key", input.key);
        json.text("kind", name_of(input.kind));
        json.text("unit", unit_of(input.kind));
        json.text("range", range_text(input));
        json.number("low", input.range.low);
        json.number("high", input.range.high);
        json.text("usual", input.usual);
        json.text("group", input.group);
        json.text("help", input.help);
        json.text("choices", input.choices);
        json.end_object();
    }
    json.end_array();
}

void write_figures(JsonWriter& json) {
    json.begin_array("figures");
    for (const Figure& f : figures()) {
        json.begin_object();
        json.text("key", f.key);
        json.text("label", f.label);
        json.text("heading", f.heading);
        json.text("axis", f.axis);
        json.text("kind", name_of(f.kind));
        json.text("unit", unit_of(f.kind));
        json.text("group", name_of(f.group));
        json.text("scope", name_of(f.scope));
        json.flag("headline", f.headline);
        json.end_object();
    }
    json.end_array();
}

std::string tables() {
    const DataStore data;
    JsonWriter json;
    json.begin_object();
    json.text("version", MOECOST_VERSION);
    write_names(json, "models", data.names("workloads/models"));
    write_names(json, "gpus", data.names("hwmodels/accelerators"));
    write_names(json, "traffic", data.names("workloads/traffic"));
    write_names(json, "engines", engine_names(data));
    write_inputs(json);
    write_figures(json);
    json.end_object();
    return json.str();
}

/// A question that is drawn again and again: the scenario is described once.
struct Drawn {
    Description description;
    std::optional<Scenario> scenario;
    WeightBytes weights;
};
Drawn drawn;

}   // namespace
}   // namespace moecost::cli

extern "C" {

using namespace moecost;
using namespace moecost::cli;

const char* moecost_tables() { return answered_by(tables); }

/// A file that a person dropped, under the name that a question may use as its model.
int moecost_file(const char* name, const char* text) {
    std::FILE* file = std::fopen(name, "wb");
    if (file == nullptr) return 1;
    const std::size_t written = std::fwrite(text, 1, std::strlen(text), file);
    return std::fclose(file) == 0 && written == std::strlen(text) ? 0 : 1;
}

/// The document of `moecost estimate --format json`.
const char* moecost_estimate(const char* question) {
    return answered_by([&] { return estimate_json(comparison_for(DataStore(), line_of(question)).answers); });
}

/// Every figure as the command line writes it.
const char* moecost_shown(const char* question) {
    return answered_by([&] {
        const Comparison c = comparison_for(DataStore(), line_of(question));
        JsonWriter json;
        json.begin_object();
        for (const Figure& f : figures()) {
            if (c.answers.front().estimate) json.text(f.key, shown(f, c.answers.front().view()));
        }
        json.end_object();
        return json.str();
    });
}

/// The text of `moecost estimate`.
const char* moecost_text(const char* question) {
    return answered_by([&] {
        Invocation in;
        in.line = line_of(question);
        in.width = 80;
        const Answer answer = run_estimate(in);
        return answer.output.empty() ? answer.messages : answer.output;
    });
}

const char* moecost_csv(const char* question) {
    return answered_by([&] { return estimate_csv(comparison_for(DataStore(), line_of(question)).answers); });
}

const char* moecost_launch(const char* question) {
    return answered_by([&] {
        Invocation in;
        in.line = line_of(question);
        const Answer answer = run_launch(in);
        return answer.output.empty() ? answer.messages : answer.output;
    });
}

const char* moecost_plan(const char* question) {
    return answered_by([&] {
        Invocation in;
        in.line = line_of(question);
        in.format = Format::json;
        return run_plan(in).output;
    });
}

/// Sets what moecost_draw() varies. 0: it can be drawn.
int moecost_prepare(const char* question) {
    drawn = {};
    try {
        const Comparison c = comparison_for(DataStore(), line_of(question));
        if (c.answers.size() != 1 || !c.answers.front().scenario) return 1;
        drawn.description = c.answers.front().description;
        drawn.scenario = c.answers.front().scenario;
        drawn.weights = weights_of(*drawn.scenario);
        return 0;
    } catch (const std::exception&) {
        return 2;
    }
}

/// Evaluates the prepared question with one input at `count` values; `figures` names keys, separated by blanks.
/// out[i * figures + j]; not-a-number where it cannot run.
int moecost_draw(const char* key, const double* values, int count, const char* wanted, double* out) {
    const Input* input = input_named(key);
    if (!drawn.scenario || input == nullptr) return 1;
    std::vector<const Figure*> figures;
    for (std::string_view rest(wanted); !rest.empty();) {
        const std::size_t end = std::min(rest.find(' '), rest.size());
        figures.push_back(figure_named(rest.substr(0, end)));
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    Description d = drawn.description;
    for (int i = 0; i < count; ++i) {
        for (std::size_t j = 0; j < figures.size(); ++j) *(out + j) = std::nan("");
        set_number(d, *input, values[i]);
        Scenario& s = *drawn.scenario;
        if (!apply_numbers(d, s)) {
            const Expected<Estimate> e = evaluate(s, drawn.weights);
            const View view{&d, &s, e ? &*e : nullptr, nullptr};
            for (std::size_t j = 0; e && j < figures.size(); ++j)
                if (figures[j] != nullptr && figures[j]->number != nullptr) out[j] = figures[j]->number(view);
        }
        out += figures.size();
    }
    return 0;
}
}
