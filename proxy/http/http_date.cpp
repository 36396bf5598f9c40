#include "http/http_date.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace larder::http {
namespace {

constexpr std::array<std::string_view, 7> days{"Sunday",   "Monday", "Tuesday", "Wednesday",
                                               "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

/// Reads the text from left to right. After the first mismatch all further reads fail.
class Reader {
public:
    explicit Reader(std::string_view text) : rest_(text) {}

    void literal(std::string_view expected) {
        if (!iequals(rest_.substr(0, expected.size()), expected)) return fail();
        rest_.remove_prefix(expected.size());
    }

    int number(std::size_t digits) {
        if (rest_.size() < digits) return fail(), 0;
        const auto value = parse_decimal(rest_.substr(0, digits));
        if (!value) return fail(), 0;
        rest_.remove_prefix(digits);
        return static_cast<int>(*value);
    }

    /// The day of the month in asctime, which may have a space as its first digit.
    int padded_number() {
        if (!rest_.starts_with(' ')) return number(2);
        rest_.remove_prefix(1);
        return number(1);
    }

    void day_name(std::size_t size_max) {
        for (std::string_view full_name : days) {
            const std::string_view name = full_name.substr(0, size_max);
            if (!iequals(rest_.substr(0, name.size()), name)) continue;
            rest_.remove_prefix(name.size());
            return;
        }
        fail();
    }

    unsigned month() {
        for (std::size_t i = 0; i < months.size(); ++i) {
            if (!iequals(rest_.substr(0, 3), months[i])) continue;
            rest_.remove_prefix(3);
            return static_cast<unsigned>(i) + 1;
        }
        fail();
        return 1;
    }

    void time_of_day() {
        hour = number(2);
        literal(":");
        minute = number(2);
        literal(":");
        second = number(2);
    }

    [[nodiscard]] std::optional<HttpTime> result() const {
        using namespace std::chrono;
        const year_month_day date{std::chrono::year(year), std::chrono::month(month_number),
                                  std::chrono::day(day)};
        const bool good =
            ok_ && rest_.empty() && date.ok() && hour < 24 && minute < 60 && second <= 60;
        if (!good) return std::nullopt;
        return sys_days(date) + hours(hour) + minutes(minute) +
               seconds(std::min(second, 59));  // 60: a leap second
    }

    int year = 0;
    unsigned month_number = 1;
    unsigned day = 1;
    int hour = 0;
    int minute = 0;
    int second = 0;

private:
    void fail() {
        ok_ = false;
        rest_ = {};
    }

    std::string_view rest_;
    bool ok_ = true;
};

// Sun, 06 Nov 1994 08:49:37 GMT
std::optional<HttpTime> parse_imf_fixdate(std::string_view text) {
    Reader read(text);
    read.day_name(3);
    read.literal(", ");
    read.day = static_cast<unsigned>(read.number(2));
    read.literal(" ");
    read.month_number = read.month();
    read.literal(" ");
    read.year = read.number(4);
    read.literal(" ");
    read.time_of_day();
    read.literal(" GMT");
    return read.result();
}

// The same. All answers of one second carry the same Date, so the last one is kept.
std::optional<HttpTime> parse_known_imf_fixdate(std::string_view text) {
    struct Known {
        std::array<char, http_date_size> text{};
        HttpTime time;
    };
    thread_local Known known;
    if (text == std::string_view(known.text.data(), known.text.size())) return known.time;
    const std::optional<HttpTime> time = parse_imf_fixdate(text);
    if (time && text.size() == known.text.size()) {
        std::copy(text.begin(), text.end(), known.text.begin());
        known.time = *time;
    }
    return time;
}

// Sun Nov  6 08:49:37 1994
std::optional<HttpTime> parse_asctime(std::string_view text) {
    Reader read(text);
    read.day_name(3);
    read.literal(" ");
    read.month_number = read.month();
    read.literal(" ");
    read.day = static_cast<unsigned>(read.padded_number());
    read.literal(" ");
    read.time_of_day();
    read.literal(" ");
    read.year = read.number(4);
    return read.result();
}

// Sunday, 06-Nov-94 08:49:37 GMT
std::optional<HttpTime> parse_rfc850(std::string_view text, WallTime now) {
    using namespace std::chrono;
    Reader read(text);
    read.day_name(9);
    read.literal(", ");
    read.day = static_cast<unsigned>(read.number(2));
    read.literal("-");
    read.month_number = read.month();
    read.literal("-");
    const int short_year = read.number(2);
    read.literal(" ");
    read.time_of_day();
    read.literal(" GMT");

    const int this_year = static_cast<int>(year_month_day(floor<std::chrono::days>(now)).year());
    read.year = this_year - this_year % 100 + short_year;
    if (read.year > this_year + 50) read.year -= 100;
    if (read.year <= this_year - 50) read.year += 100;
    return read.result();
}

char* write_two(char* at, unsigned value) {
    *at++ = static_cast<char>('0' + value / 10 % 10);
    *at++ = static_cast<char>('0' + value % 10);
    return at;
}

char* write_text(char* at, std::string_view text) {
    return std::copy(text.begin(), text.end(), at);
}

}  // namespace

std::optional<HttpTime> parse_http_date(std::string_view text, WallTime now) {
    if (text.size() < 24) return std::nullopt;
    if (text[3] == ',') return parse_known_imf_fixdate(text);
    if (text[3] == ' ') return parse_asctime(text);
    return parse_rfc850(text, now);
}

char* write_http_date(char* at, HttpTime time) {
    using namespace std::chrono;
    const auto midnight = floor<std::chrono::days>(time);
    const year_month_day date(midnight);
    const hh_mm_ss clock(time - midnight);
    const auto year = static_cast<unsigned>(static_cast<int>(date.year()));
    at = write_text(at, days[weekday(midnight).c_encoding()].substr(0, 3));
    at = write_text(at, ", ");
    at = write_two(at, static_cast<unsigned>(date.day()));
    *at++ = ' ';
    at = write_text(at, months[static_cast<unsigned>(date.month()) - 1]);
    *at++ = ' ';
    at = write_two(at, year / 100);
    at = write_two(at, year);
    *at++ = ' ';
    at = write_two(at, static_cast<unsigned>(clock.hours().count()));
    *at++ = ':';
    at = write_two(at, static_cast<unsigned>(clock.minutes().count()));
    *at++ = ':';
    at = write_two(at, static_cast<unsigned>(clock.seconds().count()));
    return write_text(at, " GMT");
}

std::string format_http_date(HttpTime time) {
    std::string out(http_date_size, ' ');
    write_http_date(out.data(), time);
    return out;
}

}  // namespace larder::http
