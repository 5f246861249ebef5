// SPDX-License-Identifier: Apache-2.0
// Replays corpus files through a fuzz target without libFuzzer: every file below the folders given, then, after
// --mutations N, N inputs made of them by bits, bytes, numbers, cuts and splices, the same on every machine.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using Corpus = std::vector<std::string>;
constexpr std::size_t longest = 16384;

void run(const std::string& bytes) {
    static_cast<void>(
        LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()));
}

class Mutator {
  public:
    explicit Mutator(const Corpus& corpus) : corpus_(corpus) {}

    std::string next() {
        std::string s = corpus_[below(corpus_.size())];
        for (std::size_t i = 0, n = 1 + below(6); i < n; ++i) change(s);
        if (s.size() > longest) s.resize(longest);
        return s;
    }

  private:
    std::size_t below(std::size_t n) { return n == 0 ? 0 : static_cast<std::size_t>(random_() % n); }
    std::size_t place(const std::string& s) { return below(s.size() + 1); }

    void change(std::string& s) {
        const std::size_t at = place(s);
        const std::size_t length = 1 + below(24);
        switch (below(7)) {
            case 0:
                if (at < s.size()) s[at] = static_cast<char>(s[at] ^ (1 << below(8)));
                break;
            case 1:
                s.insert(at, 1, static_cast<char>(below(256)));
                break;
            case 2:
                if (at < s.size()) s.erase(at, length);
                break;
            case 3:
                if (at < s.size()) s.insert(place(s), s.substr(at, length));
                break;
            case 4:
                change_number(s, at);
                break;
            case 5: {
                const std::string& other = corpus_[below(corpus_.size())];
                if (!other.empty()) s.insert(at, other.substr(below(other.size()), 4 * length));
                break;
            }
            default:
                s.insert(at, 1, std::string_view("{}[]\"':,=.#-\n\t &*|>\\0").at(below(21)));
        }
    }

    /// The next number behind a place becomes one at an end of a range.
    void change_number(std::string& s, std::size_t from) {
        constexpr std::array<const char*, 14> ends{"0",
                                                   "-1",
                                                   "1",
                                                   "1e308",
                                                   "-1e-308",
                                                   "9223372036854775807",
                                                   "18446744073709551616",
                                                   "1e19",
                                                   "0.5",
                                                   "1e-9",
                                                   "nan",
                                                   "2147483648",
                                                   "65537",
                                                   "1000000000001"};
        const std::size_t start = s.find_first_of("0123456789", from);
        if (start == std::string::npos) return;
        const std::size_t end = s.find_first_not_of("0123456789.eE+-", start);
        s.replace(start, std::min(end, s.size()) - start, ends[below(ends.size())]);
    }

    const Corpus& corpus_;
    std::mt19937_64 random_{20261130};
};

Corpus read_corpus(const std::vector<std::string>& folders) {
    Corpus corpus;
    std::vector<std::filesystem::path> paths;
    for (const std::string& folder : folders) {
        for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
            if (entry.is_regular_file()) paths.push_back(entry.path());
    }
    std::sort(paths.begin(), paths.end());   // folders have no order of their own
    for (const auto& path : paths) {
        std::ifstream in(path, std::ios::binary);
        corpus.emplace_back((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    }
    return corpus;
}

}   // namespace

int main(int argc, char** argv) {
    long mutations = 0;
    std::vector<std::string> folders;
    for (int i = 1; i < argc; ++i) {
        if (std::string(argv[i]) == "--mutations" && i + 1 < argc)
            mutations = std::atol(argv[++i]);
        else
            folders.emplace_back(argv[i]);
    }
    const Corpus corpus = read_corpus(folders);
    if (corpus.empty()) return 1;
    for (const std::string& bytes : corpus) run(bytes);
    Mutator mutator(corpus);
    for (long i = 0; i < mutations; ++i) run(mutator.next());
    std::cout << corpus.size() << " files replayed, " << mutations << " mutations of them\n";
    return 0;
}
