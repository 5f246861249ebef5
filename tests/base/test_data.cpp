// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <algorithm>

#include "input_error.h"
#include "moecost/base/data.h"
#include "scratch.h"

using namespace moecost;

namespace {
constexpr std::string_view folder = "hwmodels/accelerators";
}

TEST_CASE("embedded files are sorted by path") {
    const auto files = embedded_files();
    REQUIRE_FALSE(files.empty());
    CHECK(std::is_sorted(files.begin(), files.end(),
                         [](const auto& a, const auto& b) { return a.path < b.path; }));
}

TEST_CASE("names of a folder are the stems of its files, sorted") {
    const auto names = DataStore().names(folder);
    CHECK(std::is_sorted(names.begin(), names.end()));
    CHECK(std::find(names.begin(), names.end(), "h100_sxm") != names.end());
    CHECK(DataStore().names("hwmodels/accel").empty());   // a prefix of a folder is not that folder
    CHECK(DataStore().names("no/such/folder").empty());
}

TEST_CASE("a name is found in any spelling and by alias") {
    const DataStore data;
    const auto file = [&](std::string_view name) { return data.open(folder, name, "accelerator").file; };
    CHECK(file("h100_sxm") == "hwmodels/accelerators/h100_sxm.toml");
    CHECK(file("h100-sxm") == file("h100_sxm"));
    CHECK(file("H100-SXM") == file("h100_sxm"));
    CHECK(file("a100-80gb-sxm") == file("a100_sxm_80"));
    CHECK(file("GB200") == file("gb200_nvl72"));
}

TEST_CASE("an unknown name says what kind of thing it should be and what is near") {
    const DataStore data;
    const auto open = [&] { (void)data.open(folder, "h100_smx", "accelerator"); };
    CHECK(message_of(open) == "no accelerator is named 'h100_smx'");
    CHECK(hint_of(open) == "did you mean 'h100_sxm'?");
    CHECK(message_of([&] { (void)data.open(folder, "", "accelerator"); }) == "no accelerator is named ''");
}

TEST_CASE("a folder of the user's overrides and adds files") {
    const ScratchFolder scratch;
    scratch.write("hwmodels/accelerators/h100_sxm.toml", "name = \"mine\"\n");
    scratch.write("hwmodels/accelerators/new_one.toml", "aliases = [\"brand-new\"]\n");
    scratch.write("hwmodels/accelerators/notes.txt", "not data");
    const DataStore data(scratch.path.string());
    CHECK(Reader(data.open(folder, "h100_sxm", "accelerator")).text("name") == "mine");
    CHECK(data.open(folder, "brand_new", "accelerator").file.ends_with("new_one.toml"));
    CHECK(data.open(folder, "h200_sxm", "accelerator").file == "hwmodels/accelerators/h200_sxm.toml");
    const auto names = data.names(folder);
    CHECK(std::count(names.begin(), names.end(), "h100_sxm") == 1);
    CHECK(std::count(names.begin(), names.end(), "new_one") == 1);
    CHECK(std::count(names.begin(), names.end(), "notes") == 0);
    CHECK(names.size() == DataStore().names(folder).size() + 1);
}

TEST_CASE("a data folder that is none is refused") {
    CHECK(message_of([] { (void)DataStore("/no/such/folder"); }) ==
          "--data-dir: '/no/such/folder' is not a folder");
}

TEST_CASE("a name with a slash or an ending is a path") {
    CHECK(is_path("./x"));
    CHECK(is_path("x.toml"));
    CHECK(is_path("config.json"));
    CHECK_FALSE(is_path("h100_sxm"));
    const ScratchFolder scratch;
    const DataStore data;
    const std::string toml = scratch.write("x.toml", "a = 1\n");
    CHECK(data.open(folder, toml, "accelerator").file == toml);
    const std::string json = scratch.write("x.json", "{\"a\": 1}");
    CHECK(Reader(data.open(folder, json, "accelerator")).has("a"));
    CHECK(message_of([&] { (void)data.open(folder, "no/such.toml", "accelerator"); }) ==
          "no/such.toml: no such file");
    std::string folder_message = scratch.path.string();
    CHECK(message_of([&] { (void)data.open(folder, scratch.path.string(), "accelerator"); }) ==
          folder_message.append(": is a folder, not a file"));
}

TEST_CASE("the head of a file ends at its first table, plain or not") {
    const ScratchFolder folder;
    folder.write("things/plain.toml", "# a comment\nname = \"a b\"\ncount = 12\n\n[table]\nname = 1\n");
    folder.write("things/full.toml", "name = 'a b'   # quoted otherwise\n[[items]]\nx = 1\n");
    folder.write("things/bare.toml", "[table]\nname = 1\n");
    folder.write("things/broken.toml", "name = \n[table]\n");
    const DataStore data(folder.path.string());
    const Document plain = data.head("things", "plain");
    CHECK(Reader(plain).text("name") == "a b");
    CHECK(Reader(plain).integer("count", 0, 100) == 12);
    CHECK(Reader(plain).where("count").line == 3);
    CHECK(Reader(plain).where("count").column == 9);
    CHECK_FALSE(Reader(plain).has("table"));
    const Document full = data.head("things", "full");
    CHECK(Reader(full).text("name") == "a b");
    const Document none = data.head("things", "bare");
    CHECK_FALSE(Reader(none).has("name"));
    CHECK_THROWS_AS((void)data.head("things", "broken"), InputError);
}
