// SPDX-License-Identifier: Apache-2.0
// The process in front of a prefill and a decode pool that sends a prompt to a worker of each: its command and settings
// file, from the table [router] of the engine rules.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "moecost/base/data.h"
#include "moecost/estimate/scenario.h"
#include "moecost/launch/server.h"

namespace moecost {

/// {host} and {port} are those of a worker in the texts about workers, the router's own elsewhere; {ranks}: data-parallel
/// ranks of a worker on a node, {file}: the settings file.
struct RouterRules {
    std::vector<std::string> command;           // how it starts
    std::vector<std::string> prefill, decode;   // words for each worker; empty: they stand in the settings
    std::vector<std::string> words;             // after those
    std::vector<std::string> with_ranks;   // where workers of both pools have the same ranks, more than one
    std::string package;                   // what is to be installed besides the engine; empty: nothing
    std::string note;                      // what the workers need besides; empty: nothing
    int port = 0;
    // Keys of the settings file; empty: it has none.
    std::string host_key, port_key, prefill_key, decode_key, count_key, urls_key, url;
    std::vector<std::pair<std::string, std::string>> fixed;   // keys that are always so
    [[nodiscard]] bool known() const { return !command.empty(); }
};
/// InputError names the line and key that are wrong. Not known(): the engine's file has no such table.
[[nodiscard]] RouterRules load_router_rules(const DataStore& data, std::string_view engine);

struct Router {
    std::vector<std::string> words;
    Value settings;   // a table; empty: none
    int port = 0;
    std::string package, note;   // as its rules say
    [[nodiscard]] bool has_settings() const { return std::holds_alternative<Value::Table>(settings.content); }
};
/// Addresses of workers are PREFILL_1, DECODE_1, ...: the first node of each.
[[nodiscard]] Router router_of(const RouterRules& rules, const Scenario& scenario,
                               const std::vector<LaunchChoices>& pools, const std::string& settings_file);
/// Its settings file and command as a script.
[[nodiscard]] std::string script_of(const Router& router, const std::string& settings_file);

/// How the routers of all engines start: no servers, though some begin with the word of one.
[[nodiscard]] std::vector<std::vector<std::string>> router_starts(const DataStore& data);

}   // namespace moecost
