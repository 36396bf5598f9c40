#include "store/compressor.hpp"

#include <brotli/encode.h>
#include <spdlog/spdlog.h>
#include <zlib.h>
#include <zstd.h>

#include <exception>
#include <optional>

#include "cache/coded_form.hpp"

namespace larder::store {
namespace {

constexpr std::size_t jobs_max = 256;
constexpr std::size_t saving_worth_percent = 10;
// Made once and served many times, but not at any price: a thread of its own shares the cores.
constexpr int zstd_level = 9;
constexpr int brotli_quality = 5;
constexpr int brotli_window = 22;
constexpr int gzip_level = 6;

std::optional<std::string> zstd_of(std::string_view body) {
    std::string out(ZSTD_compressBound(body.size()), '\0');
    const std::size_t size =
        ZSTD_compress(out.data(), out.size(), body.data(), body.size(), zstd_level);
    if (ZSTD_isError(size)) return std::nullopt;
    out.resize(size);
    return out;
}

std::optional<std::string> brotli_of(std::string_view body) {
    std::string out(BrotliEncoderMaxCompressedSize(body.size()), '\0');
    std::size_t size = out.size();
    const auto* in = reinterpret_cast<const std::uint8_t*>(body.data());
    auto* to = reinterpret_cast<std::uint8_t*>(out.data());
    if (!BrotliEncoderCompress(brotli_quality, brotli_window, BROTLI_MODE_TEXT, body.size(), in,
                               &size, to))
        return std::nullopt;
    out.resize(size);
    return out;
}

std::optional<std::string> gzip_of(std::string_view body) {
    constexpr int gzip_window = 15 + 16;
    constexpr int memory_level = 8;
    z_stream stream{};
    if (deflateInit2(&stream, gzip_level, Z_DEFLATED, gzip_window, memory_level,
                     Z_DEFAULT_STRATEGY) != Z_OK)
        return std::nullopt;
    std::string out(deflateBound(&stream, body.size()), '\0');
    std::string in(body);  // zlib takes no pointer to const
    stream.next_in = reinterpret_cast<Bytef*>(in.data());
    stream.avail_in = static_cast<uInt>(in.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    const bool done = deflate(&stream, Z_FINISH) == Z_STREAM_END;
    out.resize(stream.total_out);
    deflateEnd(&stream);
    if (!done) return std::nullopt;
    return out;
}

std::optional<std::string> body_in(settings::Coding coding, std::string_view body) {
    switch (coding) {
        case settings::Coding::zstd:
            return zstd_of(body);
        case settings::Coding::br:
            return brotli_of(body);
        case settings::Coding::gzip:
            return gzip_of(body);
    }
    return std::nullopt;
}

}  // namespace

Compressor::Compressor(MemoryStore& store) : store_(store) {
    thread_ = std::thread([this] { run(); });
}

Compressor::~Compressor() {
    {
        const std::scoped_lock lock(mutex_);
        stopped_ = true;
        signal_.notify_one();
    }
    thread_.join();
}

void Compressor::add(std::string_view key, cache::Stored entry,
                     std::vector<settings::Coding> codings) {
    const std::scoped_lock lock(mutex_);
    if (jobs_.size() >= jobs_max) return;
    jobs_.push_back({std::string(key), std::move(entry), std::move(codings)});
    signal_.notify_one();
}

void Compressor::run() {
    while (true) {
        std::unique_lock lock(mutex_);
        signal_.wait(lock, [this] { return stopped_ || !jobs_.empty(); });
        if (stopped_) return;
        const Job job = std::move(jobs_.front());
        jobs_.pop_front();
        lock.unlock();
        try {
            compress(job);
        } catch (const std::exception& error) {
            // The entry stays as it is.
            spdlog::error("compressing a stored response failed: {}", error.what());
        }
    }
}

void Compressor::compress(const Job& job) {
    const std::size_t size = job.entry->body().size();
    std::vector<cache::Stored> forms;
    for (const settings::Coding coding : job.codings) {
        std::optional<std::string> body = body_in(coding, job.entry->body());
        if (!body || body->size() > size - size * saving_worth_percent / 100) continue;
        body->shrink_to_fit();
        forms.push_back(cache::coded_form(*job.entry, coding, *std::move(body)));
    }
    if (forms.empty()) return;
    static_cast<void>(
        store_.replace(job.key, *job.entry, cache::with_coded_forms(*job.entry, std::move(forms))));
}

}  // namespace larder::store
