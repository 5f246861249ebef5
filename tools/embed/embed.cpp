// SPDX-License-Identifier: Apache-2.0
// moecost_embed ROOT LIST OUT: writes OUT, C++ with the text and, for TOML, the packed values of every file named in
// LIST (paths below ROOT, one a line). A file that is no TOML stops the build with its line.
#include <exception>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include "moecost/base/packed.h"

namespace {

std::string bytes_of(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) throw std::runtime_error(path + ": cannot read");
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

void write_array(std::ostream& out, const std::string& name, const std::string& bytes) {
    out << "const unsigned char " << name << "[] = {";
    for (const char c : bytes) out << static_cast<int>(static_cast<unsigned char>(c)) << ',';
    out << "0};\n";
}

void write_view(std::ostream& out, const std::string& name) {
    out << "{reinterpret_cast<const char*>(" << name << "), sizeof " << name << " - 1}";
}

void write_all(std::ostream& out, const std::string& root, const std::vector<std::string>& files) {
    out << "// Generated: data files compiled into the program.\n#include \"moecost/base/data.h\"\nnamespace "
           "{\n";
    for (std::size_t n = 0; n < files.size(); ++n) {
        const std::string text = bytes_of(root + "/" + files[n]);
        write_array(out, "text_" + std::to_string(n), text);
        const bool toml = files[n].ends_with(".toml");
        write_array(out, "packed_" + std::to_string(n),
                    toml ? pack(moecost::parse_toml(text, files[n])) : std::string());
    }
    out << "}\nnamespace moecost {\nstatic const EmbeddedFile files[] = {\n";
    for (std::size_t n = 0; n < files.size(); ++n) {
        out << "    {\"" << files[n] << "\", ";
        write_view(out, "text_" + std::to_string(n));
        out << ", ";
        write_view(out, "packed_" + std::to_string(n));
        out << "},\n";
    }
    out << "};\nstd::span<const EmbeddedFile> embedded_files() { return files; }\n}\n";
}

void embed(const std::string& root, const std::string& list, const std::string& target) {
    std::ifstream names(list);
    std::vector<std::string> files;
    for (std::string line; std::getline(names, line);) files.push_back(line);
    std::ofstream out(target, std::ios::binary);
    write_all(out, root, files);
    if (!out.flush()) throw std::runtime_error(target + ": cannot write");
}

}   // namespace

int main(int argc, char** argv) {
    if (argc != 4) {
        std::cerr << "usage: moecost_embed ROOT LIST OUT\n";
        return 2;
    }
    try {
        embed(argv[1], argv[2], argv[3]);
        return 0;
    } catch (const std::exception& e) {
        std::cerr << e.what() << '\n';
        return 1;
    }
}
