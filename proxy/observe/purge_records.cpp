#include "observe/purge_records.hpp"

#include <spdlog/spdlog.h>

#include <array>

#include "base/text.hpp"
#include "observe/log_text.hpp"

namespace larder::observe {
namespace {

constexpr std::size_t names_max = 50;  ///< of one list
constexpr std::size_t name_bytes_max = 256;

std::array<std::vector<std::string>*, 6> lists_of(PurgeRecord& record) {
    return {&record.keys, &record.patterns, &record.tags,
            &record.urls, &record.hosts,    &record.prefixes};
}

void append_list(std::string& out, std::string_view label, const std::vector<std::string>& names) {
    if (names.empty()) return;
    out.append(" ").append(label).append("=[");
    bool first = true;
    for (const std::string& name : names) {
        if (!first) out += ", ";
        first = false;
        append_quoted(out, name);
    }
    out += ']';
}

void append_text(std::string& out, std::string_view label, const std::string& value) {
    if (value.empty()) return;
    out.append(" ").append(label).append("=");
    append_quoted(out, value);
}

}  // namespace

void bound(PurgeRecord& record) {
    for (std::vector<std::string>* names : lists_of(record)) {
        if (names->size() > names_max) {
            record.left_out += names->size() - names_max;
            names->resize(names_max);
        }
        for (std::string& name : *names)
            if (name.size() > name_bytes_max) name = name.substr(0, name_bytes_max) + "...";
    }
}

std::string to_line(const PurgeRecord& record) {
    std::string out = "purge source=";
    out += to_word(record.source);
    append_text(out, "who", record.who);
    append_text(out, "token", record.token);
    append_text(out, "route", record.route);
    append_list(out, "keys", record.keys);
    append_list(out, "patterns", record.patterns);
    append_list(out, "tags", record.tags);
    append_list(out, "urls", record.urls);
    append_list(out, "hosts", record.hosts);
    append_list(out, "prefixes", record.prefixes);
    if (record.everything) out += " everything=true";
    if (record.left_out > 0) {
        out += " left_out=";
        append_decimal(out, static_cast<std::int64_t>(record.left_out));
    }
    if (record.repeat) out += " repeat=true";
    out.append(" soft=").append(record.soft ? "true" : "false");
    const auto microseconds =
        std::chrono::duration_cast<std::chrono::microseconds>(record.duration).count();
    out += fmt::format(" milliseconds={}.{:03}", microseconds / 1000, microseconds % 1000);
    out.append(" acknowledged=").append(record.acknowledged ? "true" : "false");
    return out;
}

void PurgeRecords::add(PurgeRecord record) {
    bound(record);
    const std::string line = to_line(record);
    spdlog::info(spdlog::string_view_t(line.data(), line.size()));
    auto kept = std::make_shared<const PurgeRecord>(std::move(record));
    const std::scoped_lock lock(mutex_);
    records_.push_front(std::move(kept));
    if (records_.size() > kept_max) records_.pop_back();
}

std::vector<std::shared_ptr<const PurgeRecord>> PurgeRecords::all() const {
    const std::scoped_lock lock(mutex_);
    return {records_.begin(), records_.end()};
}

}  // namespace larder::observe
