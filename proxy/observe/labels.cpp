#include "observe/labels.hpp"

#include <array>

namespace larder::observe {
namespace {

template <class Enum>
using Words = std::array<std::string_view, static_cast<std::size_t>(Enum::count_)>;

constexpr std::array<std::string_view, method_class_count> methods{
    "GET",     "HEAD",  "POST",     "PUT",    "PATCH",  "DELETE", "OPTIONS", "TRACE",
    "CONNECT", "QUERY", "PROPFIND", "REPORT", "SEARCH", "PRI",    "other"};
constexpr Words<ShadowResult> shadow_results{"match", "mismatch", "miss"};
constexpr Words<AuditResult> audit_results{"same", "different", "failed"};
constexpr Words<PurgeSource> purge_sources{"write",  "purge",  "api",
                                           "stream", "fastly", "cloudflare"};
constexpr Words<OriginFailure> origin_failures{"resolve", "connect",          "connect-timeout",
                                               "tls",     "response-timeout", "idle-timeout",
                                               "closed",  "malformed"};
constexpr Words<RedisOperation> redis_operations{"read", "lease", "fill", "purge", "wait"};
constexpr Words<RedisFailure> redis_failures{
    "connect",        "connect-timeout", "resolve", "tls",       "closed",          "timeout",
    "protocol",       "overload",        "oom",     "misconf",   "noreplicas",      "readonly",
    "loading",        "masterdown",      "noperm",  "wrongpass", "noauth",          "max-clients",
    "protected-mode", "database",        "busy",    "cluster",   "unknown-command", "wrong-type",
    "other-data",     "sentinel",        "reply"};

}  // namespace

std::string_view method_word(std::size_t method_class) { return methods[method_class]; }
std::string_view to_word(ShadowResult result) {
    return shadow_results[static_cast<std::size_t>(result)];
}
std::string_view to_word(AuditResult result) {
    return audit_results[static_cast<std::size_t>(result)];
}
std::string_view to_word(PurgeSource source) {
    return purge_sources[static_cast<std::size_t>(source)];
}
std::string_view to_word(OriginFailure failure) {
    return origin_failures[static_cast<std::size_t>(failure)];
}
std::string_view to_word(RedisOperation operation) {
    return redis_operations[static_cast<std::size_t>(operation)];
}
std::string_view to_word(RedisFailure failure) {
    return redis_failures[static_cast<std::size_t>(failure)];
}

}  // namespace larder::observe
