// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <zlib.h>

#include "input_error.h"
#include "moecost/base/csv.h"
#include "scratch.h"

using namespace moecost;

TEST_CASE("fields by row and column name") {
    const CsvTable t("gpu,m,us\nh100,1,2.5\nb200,16,\n", "t.csv");
    REQUIRE(t.rows() == 2);
    CHECK(t.text(0, t.column("gpu")) == "h100");
    CHECK(t.number(0, t.column("us")) == 2.5);
    CHECK_FALSE(t.number(1, t.column("us")).has_value());
    CHECK_FALSE(t.find_column("none").has_value());
    CHECK(t.where(1).line == 3);
}

TEST_CASE("quotes, commas and newlines inside fields; CRLF; no final newline; byte-order mark") {
    const CsvTable t(
        "\xEF\xBB\xBF"
        "a,b\r\n\"x, \"\"y\"\"\r\nz\",2\r\nlast,3",
        "t.csv");
    REQUIRE(t.rows() == 2);
    CHECK(t.header()[0] == "a");
    CHECK(t.text(0, 0) == "x, \"y\"\r\nz");
    CHECK(t.text(0, 1) == "2");
    CHECK(t.text(1, 0) == "last");
    CHECK(t.where(1).line == 4);   // the quoted field spans two lines
}

TEST_CASE("blank lines are skipped and empty fields kept") {
    const CsvTable t("a,b\n\n1,\n\n,2\n", "t.csv");
    REQUIRE(t.rows() == 2);
    CHECK(t.text(0, 1).empty());
    CHECK(t.text(1, 0).empty());
}

TEST_CASE("a header alone is a table without rows") { CHECK(CsvTable("a,b\n", "t.csv").rows() == 0); }

TEST_CASE("what is wrong with a table is said in one line with its place") {
    const auto read = [](const char* text) { return message_of([&] { (void)CsvTable(text, "t.csv"); }); };
    CHECK(read("a,b\n1\n") == "t.csv:2: 1 fields where the header has 2");
    CHECK(read("a,b\n1,2\n1,2,3\n") == "t.csv:3: 3 fields where the header has 2");
    CHECK(read("a,b\n\"1,2\n") == "t.csv:2: quoted field is not closed");
    CHECK(read("a,b\n\"1\"x,2\n") == "t.csv:2: text after the closing quote of a field");
    CHECK(read("") == "t.csv: empty: a header row is needed");
    CHECK(read("\n\n") == "t.csv: empty: a header row is needed");
}

TEST_CASE("a field that is no number fails with its column") {
    for (const char* bad : {"nan", "inf", "1e999", "1 ", "0x10", "ten"}) {
        std::string text("latency_us\n");
        const CsvTable t(text.append(bad).append("\n"), "t.csv");
        std::string expected("t.csv:2: key 'latency_us': '");
        CHECK(message_of([&] { (void)t.number(0, 0); }) == expected.append(bad).append("' is not a number"));
    }
    CHECK(CsvTable("x\n-1.5e3\n", "t.csv").number(0, 0) == -1500);
}

TEST_CASE("a missing column names the nearest") {
    const CsvTable t("gpu,latency_us\n", "t.csv");
    CHECK(message_of([&] { (void)t.column("latency"); }) == "t.csv:1: key 'latency': column is missing");
    CHECK(hint_of([&] { (void)t.column("latency_u"); }) == "did you mean 'latency_us'?");
}

TEST_CASE("files are read plain or gunzipped") {
    const ScratchFolder scratch;
    const std::string content = "a,b\n1,2\n";
    CHECK(read_file(scratch.write("plain.csv", content)) == content);
    CHECK(read_file(scratch.write("empty.csv", "")).empty());
    const std::string gz = (scratch.path / "t.csv.gz").string();
    std::string large;
    for (int i = 0; i < 200000; ++i) large.append(std::to_string(i * 7919 % 10007)).append(",");
    gzFile file = gzopen(gz.c_str(), "wb");
    gzwrite(file, large.data(), static_cast<unsigned>(large.size()));
    gzclose(file);
    CHECK(read_file(gz) == large);

    std::ifstream in(gz, std::ios::binary);
    const std::string packed((std::istreambuf_iterator<char>(in)), {});
    for (const std::size_t keep : {packed.size() / 2, packed.size() - 4}) {
        CAPTURE(keep);
        CHECK_THROWS_AS((void)read_file(scratch.write("cut.csv.gz", packed.substr(0, keep))), SystemError);
    }
    std::string damaged = packed;
    damaged[damaged.size() / 2] = static_cast<char>(damaged[damaged.size() / 2] ^ 0x55);
    CHECK_THROWS_AS((void)read_file(scratch.write("bad.csv.gz", damaged)), SystemError);
}

TEST_CASE("a missing file or a folder is the machine's failure") {
    const ScratchFolder scratch;
    CHECK_THROWS_AS((void)read_file((scratch.path / "none").string()), SystemError);
    CHECK_THROWS_AS((void)read_file(scratch.path.string()), SystemError);
}

TEST_CASE("a written file replaces the old one whole and leaves nothing beside it") {
    const ScratchFolder scratch;
    const std::string path = (scratch.path / "out.csv").string();
    write_file(path, "first, and longer");
    write_file(path, std::string_view("sec\0nd", 6));
    CHECK(read_file(path) == std::string("sec\0nd", 6));
    int files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(scratch.path))
        files += entry.exists() ? 1 : 0;
    CHECK(files == 1);
}

TEST_CASE("a file that cannot be written leaves nothing behind") {
    const ScratchFolder scratch;
    CHECK_THROWS_AS(write_file((scratch.path / "no/such/folder/x").string(), "x"), SystemError);
    std::filesystem::create_directories(scratch.path / "taken" / "full");
    CHECK_THROWS_AS(write_file((scratch.path / "taken").string(), "x"), SystemError);
    CHECK_FALSE(std::filesystem::exists(scratch.path / "taken.part"));
}

TEST_CASE("output to a device goes into it and does not replace it") {
    const ScratchFolder scratch;
    const std::filesystem::path link = scratch.path / "out";
    std::filesystem::create_symlink("/dev/null", link);
    write_file(link.string(), "text");
    CHECK(std::filesystem::is_symlink(link));
    CHECK_FALSE(std::filesystem::exists(scratch.path / "out.part"));
}

TEST_CASE("a field is quoted only when it must be, and reads back") {
    CHECK(csv_field("plain") == "plain");
    CHECK(csv_field("a,b") == "\"a,b\"");
    CHECK(csv_field("say \"x\"") == "\"say \"\"x\"\"\"");
    for (const std::string field : {"a,b", "x\ny", "\"", "", "tail\r"}) {
        std::string text("f,g\n");
        const CsvTable t(text.append(csv_field(field)).append(",1\n"), "t.csv");
        CHECK(t.text(0, 0) == field);
    }
}
