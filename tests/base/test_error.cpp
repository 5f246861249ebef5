// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "moecost/base/error.h"
#include "moecost/base/near_names.h"

using namespace moecost;

namespace {
const std::vector<std::string> names{"h100_sxm", "h200_sxm", "b200_sxm"};
}

TEST_CASE("a message names the place, the key and the finding") {
    CHECK(std::string(InputError({"m.toml", 3, 7}, "experts", "0 is not in 1..65536").what()) ==
          "m.toml:3:7: key 'experts': 0 is not in 1..65536");
    CHECK(std::string(InputError({"m.toml"}, {}, "no such file").what()) == "m.toml: no such file");
    CHECK(std::string(InputError({"m.toml", 3}, {}, "bad").what()) == "m.toml:3: bad");
    CHECK(std::string(InputError({}, {}, "bad").what()) == "bad");
}

TEST_CASE("whatever the input held, message and hint are one line each") {
    const InputError e({"a\nb", 1, 1}, "k\x1b[31m", "x\ty\r\n\x7f", "did you\nmean");
    for (const std::string& s : {std::string(e.what()), e.hint()}) {
        for (const char c : s) {
            CHECK(static_cast<unsigned char>(c) >= 0x20);
            CHECK(c != 0x7f);
        }
    }
}

TEST_CASE("the nearest name is found within a third of its length") {
    CHECK(nearest_name("h100_smx", names) == "h100_sxm");
    CHECK(nearest_name("h20_sxm", names) == "h200_sxm");
    CHECK(nearest_name("h100_sxm", names) == "h100_sxm");
    CHECK(nearest_name("tpu", names).empty());
    CHECK(nearest_name("", names).empty());
    CHECK(nearest_name("x", {}).empty());
}

TEST_CASE("a very long name or candidate is not compared") {
    CHECK(nearest_name(std::string(1000000, 'h'), names).empty());
    const std::vector<std::string> long_names{std::string(50000000, 'x'), "h100"};
    CHECK(nearest_name("h10", long_names) == "h100");
}

TEST_CASE("a name that is a part of others, or holds one, brings those") {
    CHECK(name_hint("h1000", names) == "near names: h100_sxm");
    CHECK(name_hint("8xH100", names) == "near names: h100_sxm");
    CHECK(name_hint("sxm", names) == "near names: h100_sxm, h200_sxm, b200_sxm");
    CHECK(names_hint("h100_smx", names, "moecost list gpus") ==
          "did you mean h100_sxm? all names: moecost list gpus");
    CHECK(names_hint("tpu", names, "moecost list gpus") == "all names: moecost list gpus");
    CHECK(related_names("h10", std::vector<std::string>{std::string(50000000, 'h')}).empty());
}

TEST_CASE("a hint asks for the nearest name or lists what there is") {
    CHECK(name_hint("h100_smx", names) == "did you mean 'h100_sxm'?");
    CHECK(name_hint("tpu", names) == "one of: h100_sxm, h200_sxm, b200_sxm");
    CHECK(name_hint("x", {}).empty());
    std::vector<std::string> many;
    for (int i = 0; i < 20; ++i) many.push_back(std::string("candidate").append(std::to_string(i)));
    const std::string hint = name_hint("zzz", many);
    CHECK(hint.find("candidate11") != std::string::npos);
    CHECK(hint.find("candidate12") == std::string::npos);
    CHECK(hint.ends_with(", ..."));
}
