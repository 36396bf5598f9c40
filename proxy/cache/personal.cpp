#include "cache/personal.hpp"

#include <algorithm>
#include <cstdint>

namespace larder::cache {
namespace {

using http::Field;
using http::FieldId;

// Whether the key holds every cookie of the request, each once: the origin may read the other one
// of a repeated cookie. A cookie that is not plainly `name=value` is never covered, because an
// origin may read it as it likes.
class CookieCoverage {
public:
    explicit CookieCoverage(const KeyCoverage& coverage) : covered_(coverage.cookies) {}

    bool covers(std::string_view line) {
        while (!line.empty()) {
            const std::size_t end = std::min(line.find(';'), line.size());
            const std::string_view cookie = trim_ows(line.substr(0, end));
            line.remove_prefix(std::min(end + 1, line.size()));
            const std::size_t equals = cookie.find('=');
            if (!cookie.empty() &&
                (equals == std::string_view::npos || !covers_name(cookie.substr(0, equals))))
                return false;
        }
        return true;
    }

private:
    bool covers_name(std::string_view name) {
        if (!covered_) return false;
        const auto found = std::find(covered_->begin(), covered_->end(), name);
        const auto index = static_cast<std::size_t>(found - covered_->begin());
        if (found == covered_->end() || index >= 64 || (seen_ >> index & 1) != 0) return false;
        seen_ |= std::uint64_t{1} << index;
        return true;
    }

    const std::vector<std::string>* covered_;
    std::uint64_t seen_ = 0;
};

}  // namespace

Detail personal(const http::RequestHead& request, const settings::Route& rule,
                const KeyCoverage& coverage) {
    const bool checks_authorization = !rule.ignore.authorization && !coverage.has_authorization;
    const bool checks_cookies = !rule.ignore.cookie && !coverage.has_cookie_header;
    CookieCoverage cookies(coverage);
    Detail found = Detail::none;
    for (const Field& line : request.fields) {
        if (line.id == FieldId::cookie && checks_cookies && !cookies.covers(line.value))
            return Detail::cookie;
        const bool authorizes = line.id == FieldId::authorization && checks_authorization;
        if (authorizes || (coverage.credentials && coverage.credentials->has(line.name)))
            found = Detail::authorization;
    }
    return found;
}

}  // namespace larder::cache
