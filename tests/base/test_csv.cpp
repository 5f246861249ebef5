// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "input_error.h"
#include "moecost/base/csv.h"

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

TEST_CASE("quoted fields keep their text whatever stands around them") {
    const CsvTable t("a,b,c\n\"x\"\"\",,\"\"\n\"\",\"p\nq\",r\n", "t.csv");
    REQUIRE(t.rows() == 2);
    CHECK(t.text(0, 0) == "x\"");
    CHECK(t.text(0, 1).empty());
    CHECK(t.text(0, 2).empty());
    CHECK(t.text(1, 1) == "p\nq");
    CHECK(t.text(1, 2) == "r");
    CHECK(t.where(1).line == 3);
}

TEST_CASE("rows, lines and texts beyond their limits are refused where they begin") {
    const auto read = [](const std::string& text) {
        return message_of([&] { (void)CsvTable(text, "t.csv"); });
    };
    CHECK(read(std::string("a\n1\n").append(max_csv_row_bytes + 1, 'x')) ==
          "t.csv:3: a row is longer than 1 MiB");
    CHECK(read(std::string("a\n\"").append(max_csv_row_bytes + 1, '\n')) ==
          "t.csv:2: a row is longer than 1 MiB");
    CHECK(read(std::string(max_csv_row_bytes + 1, ',')) == "t.csv:1: a row is longer than 1 MiB");
    std::string many("a\n");
    for (std::size_t row = 0; row <= max_csv_rows; ++row) many.append("1\n");
    CHECK(read(many) == "t.csv:1000002: more than 1,000,000 rows");
    CHECK(read(std::string(max_csv_bytes + 1, '\n')) == "t.csv: larger than 64 MiB");
}

TEST_CASE("a byte-order mark inside of the first field survives") {
    const CsvTable table("\xef\xbb\xbf\xef\xbb\xbfgpu,x\na,b\n", "t.csv");
    CHECK(table.header().front() == "\xef\xbb\xbfgpu");
    const CsvTable again(csv_field(table.header().front()) + ",x\na,b\n", "t.csv");
    CHECK(again.header() == table.header());
}
