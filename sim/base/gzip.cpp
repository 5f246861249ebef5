// SPDX-License-Identifier: Apache-2.0
#include "moecost/base/gzip.h"

#include <zlib.h>

#include <array>
#include <new>
#include <optional>

namespace moecost {
namespace {

constexpr int gzip_format = 15 + 16;   // largest window, gzip header
constexpr std::string_view magic("\x1f\x8b", 2);

/// zlib's interface is older than const.
Bytef* input_of(std::string_view text) { return reinterpret_cast<Bytef*>(const_cast<char*>(text.data())); }

/// Unpacks what is pushed into it, member after member. Zeros after the last member are padding, as gzip reads it.
class Unpacker {
  public:
    Unpacker(const std::string& path, const BlockSink& sink, std::uint64_t limit)
        : path_(path), sink_(sink), limit_(limit) {
        if (inflateInit2(&stream_, gzip_format) != Z_OK) throw std::bad_alloc();
    }
    ~Unpacker() { inflateEnd(&stream_); }
    Unpacker(const Unpacker&) = delete;
    Unpacker& operator=(const Unpacker&) = delete;

    void push(std::string_view packed) {
        while (!packed.empty()) {
            if (between_) {
                const std::size_t next = packed.find_first_not_of('\0');
                if (next == std::string_view::npos) return;
                packed.remove_prefix(next);
                inflateReset(&stream_);
                between_ = false;
            }
            inflate_some(packed);
        }
    }
    void finish() const {
        if (!between_) damaged();
    }

  private:
    [[noreturn]] void damaged() const { throw SystemError(std::string(path_).append(": damaged gzip data")); }
    void inflate_some(std::string_view& packed) {
        stream_.next_in = input_of(packed);
        stream_.avail_in = static_cast<uInt>(packed.size());
        stream_.next_out = reinterpret_cast<Bytef*>(buffer_.data());
        stream_.avail_out = static_cast<uInt>(buffer_.size());
        const int code = inflate(&stream_, Z_NO_FLUSH);
        if (code == Z_MEM_ERROR) throw std::bad_alloc();
        if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR) damaged();
        packed.remove_prefix(packed.size() - stream_.avail_in);
        const std::size_t unpacked = buffer_.size() - stream_.avail_out;
        bytes_ += unpacked;
        if (bytes_ > limit_) fail_too_large(path_, limit_);
        if (unpacked > 0) sink_({buffer_.data(), unpacked});
        between_ = code == Z_STREAM_END;
        // A full buffer may hide more: ask again with the rest of the input, even when that is empty.
        if (packed.empty() && !between_ && stream_.avail_out == 0) drain();
    }
    void drain() {
        std::string_view nothing("");
        inflate_some(nothing);
    }

    const std::string& path_;
    const BlockSink& sink_;
    std::uint64_t limit_;
    std::uint64_t bytes_ = 0;
    bool between_ = false;   // members
    z_stream stream_{};
    std::array<char, 1 << 16> buffer_{};
};

}   // namespace

void read_text_blocks(const std::string& path, const BlockSink& sink, std::uint64_t limit) {
    std::optional<Unpacker> unpacker;
    std::string start;   // until there are two bytes, it is not known what the file is
    bool plain = false;
    std::uint64_t bytes = 0;
    const auto pass = [&](std::string_view block) {
        bytes += block.size();
        if (plain && bytes > limit) fail_too_large(path, limit);
        if (plain)
            sink(block);
        else
            unpacker->push(block);
    };
    read_file_blocks(path, [&](std::string_view block) {
        if (plain || unpacker) return pass(block);
        start.append(block);
        if (start.size() < magic.size()) return;
        plain = !start.starts_with(magic);
        if (!plain) unpacker.emplace(path, sink, limit);
        pass(start);
        start = {};
    });
    if (unpacker) unpacker->finish();
    if (!start.empty()) sink(start);
}

/// A packed piece may unpack to a thousand times its size: pieces are small.
struct TextFile::Pieces {
    explicit Pieces(const std::string& name) : path(name), file(name) {}
    std::string path;
    InputFile file;
    std::array<char, 1 << 12> packed{};
    std::string ready;
    BlockSink sink = [this](std::string_view block) { ready.append(block); };
    std::optional<Unpacker> unpacker;
    bool started = false, ended = false;
};

TextFile::TextFile(const std::string& path) : pieces_(std::make_unique<Pieces>(path)) {}
TextFile::TextFile(TextFile&&) noexcept = default;
TextFile& TextFile::operator=(TextFile&&) noexcept = default;
TextFile::~TextFile() = default;

std::string_view TextFile::next() {
    Pieces& p = *pieces_;
    p.ready.clear();
    while (p.ready.empty() && !p.ended) {
        const std::size_t n = p.file.read(p.packed);
        const std::string_view block(p.packed.data(), n);
        if (!p.started && block.starts_with(magic)) p.unpacker.emplace(p.path, p.sink, max_stream_bytes);
        p.started = true;
        p.ended = n < p.packed.size();
        p.unpacker ? p.unpacker->push(block) : p.sink(block);
        if (p.ended && p.unpacker) p.unpacker->finish();
    }
    return p.ready;
}

std::string read_text(const std::string& path, std::uint64_t limit) {
    std::string content;
    read_text_blocks(
        path, [&](std::string_view block) { content.append(block); }, limit);
    return content;
}

std::string gzip_member(std::string_view text) {
    constexpr int fast = 3;   // rows are formatted faster than better levels compress
    z_stream stream{};
    if (deflateInit2(&stream, fast, Z_DEFLATED, gzip_format, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        throw std::bad_alloc();
    std::string member(deflateBound(&stream, static_cast<uLong>(text.size())), '\0');
    stream.next_in = input_of(text);
    stream.avail_in = static_cast<uInt>(text.size());
    stream.next_out = reinterpret_cast<Bytef*>(member.data());
    stream.avail_out = static_cast<uInt>(member.size());
    deflate(&stream, Z_FINISH);
    member.resize(stream.total_out);
    deflateEnd(&stream);
    return member;
}

}   // namespace moecost
